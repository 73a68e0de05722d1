// The REST door and the tokens of `coachwire dev`, for one person.

const PATIENCE = 10_000; // ms for an answer
const EARLY = 30_000; // ms before its end at which a token is not used any more

/** An answer that is no success. `status` is 0 when there was no answer at all. */
export class Problem extends Error {
  constructor(status, { code = "unreachable", detail, retryAfterMs } = {}) {
    super(detail ?? (status ? `The server answered ${status}.` : "The server cannot be reached."));
    Object.assign(this, { status, code, retryAfterMs });
  }

  /** Whether asking again would get the same answer. */
  get final() {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

/** Who one can be: `[{email, name, role, organization}]`. */
export function people() {
  return ask("/dev/people");
}

export class Api {
  #email;
  #token = null;

  constructor(email) {
    this.#email = email;
  }

  /** A new token. Raises `Problem`, a final one when there is no such person. */
  async freshToken() {
    const { token } = await ask("/dev/token", { method: "POST", body: JSON.stringify({ email: this.#email }) });
    this.#token = token;
    return token;
  }

  sync(organizationId) {
    return this.#get("/v1/sync", { organizationId });
  }

  conversations(organizationId, cursor) {
    return this.#get(`/v1/organizations/${organizationId}/conversations`, { cursor });
  }

  /** Newest first. */
  history(organizationId, membershipId, cursor) {
    return this.#get(`/v1/organizations/${organizationId}/conversations/${membershipId}`, { cursor });
  }

  message(organizationId, id) {
    return this.#get(`/v1/organizations/${organizationId}/messages/${id}`);
  }

  async #get(path, query = {}) {
    const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
    const address = asked.size ? `${path}?${asked}` : path;
    try {
      return await ask(address, { headers: { Authorization: `Bearer ${await this.#goodToken()}` } });
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      return ask(address, { headers: { Authorization: `Bearer ${await this.freshToken()}` } });
    }
  }

  async #goodToken() {
    return this.#token && expiry(this.#token) - EARLY > Date.now() ? this.#token : this.freshToken();
  }
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    throw new Problem(0);
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Problem(response.status, body ?? {});
  if (body === null) throw new Problem(0);
  return body.data;
}

/** When a token ends, in ms since 1970. */
function expiry(token) {
  const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(payload)).exp * 1000;
}
