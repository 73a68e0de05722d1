// The address after `#`: who one is, which conversation is open, and what of it. Pure.

const FIELDS = ["as", "chat", "around", "exercise", "body"];

/**
 * `as`: an email · `chat`: the key of a conversation · `around`: a message in it · `exercise`: a movement of its workout ·
 * `body`: the key of somebody whose values are open, in place of a conversation.
 * What is not there is null.
 */
export function parseRoute(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, "").replaceAll("+", "%2B"));
  const route = Object.fromEntries(FIELDS.map((name) => [name, fields.get(name) || null]));
  return { ...route, as: route.as?.trim().toLowerCase() || null };
}

export function formatRoute(route) {
  if (!route.as) return "#";
  const parts = FIELDS.filter((name) => route[name]).map((name) => `${name}=${encode(route[name])}`);
  return `#${parts.join("&")}`;
}

/** As `encodeURIComponent`, but what an address may hold stays readable. */
function encode(text) {
  return encodeURIComponent(text).replaceAll("%40", "@").replaceAll("%2F", "/").replaceAll("%3A", ":");
}
