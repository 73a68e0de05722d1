// When to come back after a connection ended, and whether. Pure.

const BASE = 500; // ms
const CAP = 30_000; // ms

/** Milliseconds to wait before attempt 0, 1, 2 …: full jitter, so that many clients do not come as one. */
export function fullJitter(attempt, random = Math.random) {
  return random() * Math.min(CAP, BASE * 2 ** attempt);
}

/** Whether to come back by oneself. 1009 would only send the same frame again. */
export function comesBack(code) {
  return code < 4500 && code !== 1009;
}
