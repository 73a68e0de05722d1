// The REST door and the tokens of `coachwire dev`, for one person.

const PATIENCE = 10_000; // ms for an answer
const EARLY = 30_000; // ms before its end at which a token is not used any more

/** An answer that is no success. `status` is 0 when there was no answer at all. */
export class Problem extends Error {
  constructor(status, { code = "unreachable", detail, retryAfterMs, errors } = {}) {
    const plain = status ? `The server answered ${status}.` : "The server cannot be reached.";
    super(errors?.[0]?.message ?? detail ?? plain);
    Object.assign(this, { status, code, retryAfterMs, field: errors?.[0]?.field ?? null });
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

  /** Newest first. `place`: as keys.js makes it; `query`: `cursor` or `around`. */
  history({ organizationId, membershipId, workoutAssignmentId }, query) {
    const path = workoutAssignmentId
      ? `workout-assignments/${workoutAssignmentId}/comments`
      : `conversations/${membershipId}`;
    return this.#get(`/v1/organizations/${organizationId}/${path}`, query);
  }

  message(organizationId, id) {
    return this.#get(`/v1/organizations/${organizationId}/messages/${id}`);
  }

  search(organizationId, q, cursor) {
    return this.#get(`/v1/organizations/${organizationId}/messages/search`, { q, cursor });
  }

  members(organizationId, search, cursor) {
    return this.#get(`/v1/organizations/${organizationId}/members`, { search, cursor });
  }

  threads(organizationId, cursor) {
    return this.#get(`/v1/organizations/${organizationId}/workout-threads`, { cursor });
  }

  assignments(organizationId, cursor) {
    return this.#get(`/v1/organizations/${organizationId}/workout-assignments`, { cursor });
  }

  workout(organizationId, id) {
    return this.#get(`/v1/organizations/${organizationId}/workouts/${id}`);
  }

  /** What was said on an exercise, oldest first; `exercise`: `{organizationId, workoutId, movementId}`. */
  comments({ organizationId, workoutId, movementId }, cursor) {
    const path = `/v1/organizations/${organizationId}/workouts/${workoutId}/movements/${movementId}/comments`;
    return this.#get(path, { cursor });
  }

  /** New links to a file of a message. */
  links(organizationId, attachmentId) {
    return this.#get(`/v1/organizations/${organizationId}/attachments/${attachmentId}/url`);
  }

  /** A place for a file: `{uploadId, uploadUrl, method, headers}`. */
  beginUpload(organizationId, file) {
    return this.#ask("POST", `/v1/organizations/${organizationId}/messages/upload-url`, file);
  }

  /** The bytes are there. `{state, reason?}`, as `upload` answers. */
  completeUpload(organizationId, uploadId) {
    return this.#ask("POST", `/v1/organizations/${organizationId}/uploads/${uploadId}/complete`);
  }

  upload(organizationId, uploadId) {
    return this.#get(`/v1/organizations/${organizationId}/uploads/${uploadId}`);
  }

  /** The whole catalogue; the browser keeps it, and asks by its ETag whether it has changed. */
  definitions(lang) {
    return this.#ask("GET", `/v1/metric-definitions?lang=${lang}`, undefined, { cache: "no-cache" });
  }

  /** Sets that come into question for a member, or for oneself at a workout. */
  metricSets({ organizationId, membershipId, workoutId }) {
    const query = { memberId: membershipId, workoutId, limit: 100 };
    return this.#get(`/v1/organizations/${organizationId}/metric-sets`, query);
  }

  makeSet(organizationId, { id, name, owner, definitions }) {
    return this.#ask("POST", `/v1/organizations/${organizationId}/metric-sets`, { id, name, owner, definitions });
  }

  changeSet(organizationId, setId, to) {
    return this.#ask("PATCH", `/v1/organizations/${organizationId}/metric-sets/${setId}`, to);
  }

  removeSet(organizationId, setId) {
    return this.#ask("DELETE", `/v1/organizations/${organizationId}/metric-sets/${setId}`);
  }

  /** The newest value of each definition of a set. */
  resolve({ organizationId, membershipId }, setId) {
    return this.#get(`/v1/organizations/${organizationId}/metric-sets/${setId}/resolve`, { memberId: membershipId });
  }

  /** A member's values, newest first; `query`: `definitionId`, `cursor`, `limit`. */
  values({ organizationId, membershipId }, query) {
    return this.#get(`/v1/organizations/${organizationId}/members/${membershipId}/metrics`, query);
  }

  recordValue({ organizationId, membershipId }, value) {
    return this.#ask("POST", `/v1/organizations/${organizationId}/members/${membershipId}/metrics`, value);
  }

  /** What one lets organizations see. */
  grants() {
    return this.#get("/v1/me/metric-grants", { limit: 100 });
  }

  giveGrant(grant) {
    return this.#ask("PUT", "/v1/me/metric-grants", grant);
  }

  withdrawGrant({ organizationId, definitionId }) {
    const asked = new URLSearchParams({ organizationId, ...(definitionId && { definitionId }) });
    return this.#ask("DELETE", `/v1/me/metric-grants?${asked}`);
  }

  prescription(organizationId, assignmentId) {
    return this.#get(`/v1/organizations/${organizationId}/workout-assignments/${assignmentId}/prescription`);
  }

  /** Make this device known; the answer says by which key a browser subscribes to notifications, if by any. */
  registerDevice(device, properties) {
    return this.#ask("PUT", `/v1/me/devices/${device}`, properties);
  }

  #get(path, query = {}) {
    const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
    return this.#ask("GET", asked.size ? `${path}?${asked}` : path);
  }

  async #ask(method, address, body, options = {}) {
    const send = async (token) =>
      ask(address, {
        ...options,
        method,
        headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) },
        body: body && JSON.stringify(body),
      });
    try {
      return await send(await this.#goodToken());
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      return send(await this.freshToken());
    }
  }

  async #goodToken() {
    return this.#token && expiry(this.#token) - EARLY > Date.now() ? this.#token : this.freshToken();
  }
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options, signal: AbortSignal.timeout(PATIENCE) });
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
