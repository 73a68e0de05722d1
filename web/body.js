// What is known of one person's values: sets with the newest of each, histories, and who else may see them. No DOM.

const SOON = 150; // ms in which events that ask for the same come together
const PAGE = 100;

/** `place`: `{organizationId, membershipId, own}`, one at a time; another one forgets what was known of the last. */
export class Body {
  place = null;
  problem = null; // why there is nothing to see
  sets = null; // [{id, name, owner, definitions, items: [{definitionId, value}]}], null before they are loaded
  others = []; // the newest values of what is in no set, as recorded
  chosen = null; // the definition whose history is shown
  history = null; // its values, oldest first, null before they are loaded
  older = null; // where the next page of it begins
  grants = null; // one's own, null before they are loaded
  #api;
  #definitions;
  #changed;
  #timer = null;
  #asked = 0; // loads so far: an answer to an earlier one comes too late
  #loading = 0; // loads on their way

  constructor({ api, definitions, changed }) {
    this.#api = api;
    this.#definitions = definitions;
    this.#changed = changed;
  }

  /** Look at this person, or at nobody. */
  open(place) {
    if (place?.membershipId === this.place?.membershipId) return;
    this.#asked += 1;
    Object.assign(this, { place, problem: null, sets: null, others: [], grants: null });
    this.choose(null);
  }

  /** The history of one definition. */
  choose(definitionId) {
    Object.assign(this, { chosen: definitionId, history: null, older: null });
    if (definitionId) this.#loadHistory();
    this.#changed();
  }

  /** All of it, anew. False when there was no answer, and asking again may bring one. */
  async load() {
    const { place } = this;
    if (!place) return true;
    const asked = ++this.#asked;
    this.#loading += 1;
    try {
      await this.#definitions.load();
      const listed = await this.#api.metricSets(place);
      const resolved = await Promise.all(listed.items.map((set) => this.#resolved(place, set)));
      const sets = resolved.filter(Boolean);
      const inSets = new Set(sets.flatMap(({ items }) => items.map(({ definitionId }) => definitionId)));
      const lately = await this.#api.values(place, { limit: PAGE });
      const grants = place.own ? (await this.#api.grants()).items : null;
      if (asked !== this.#asked) return true;
      Object.assign(this, { problem: null, sets, grants });
      this.others = newest(lately.items.filter(({ definitionId }) => !inSets.has(definitionId)));
      if (this.chosen) await this.#loadHistory();
      return true;
    } catch (problem) {
      if (asked === this.#asked) this.problem = problem;
      return Boolean(problem.final);
    } finally {
      this.#loading -= 1;
      this.#changed();
    }
  }

  /** The next page of the history. */
  async loadOlder() {
    if (this.older) await this.#loadHistory(this.older);
  }

  /** An event of this person's topic, or of one's own stream. */
  apply({ kind, data }) {
    if (!this.place) return;
    if (kind === "metric.erased") this.#drop(new Set(data.valueIds));
    if (kind === "metric.recorded") this.#put(data);
    if (this.#loading) this.#loadSoon(); // an answer on its way may not know of it
    this.#changed();
  }

  /** Let an organization see what was recorded elsewhere. Raises `Problem`. */
  async give(organizationId, definitionId) {
    await this.#api.giveGrant({ organizationId, ...(definitionId && { definitionId }) });
    await this.#loadGrants();
  }

  async withdraw({ organizationId, definitionId }) {
    await this.#api.withdrawGrant({ organizationId, definitionId });
    await this.#loadGrants();
  }

  async #loadGrants() {
    const { items } = await this.#api.grants();
    if (this.place?.own) this.grants = items;
    this.#changed();
  }

  /** Null when it was removed in between. */
  async #resolved(place, { id, name, owner, definitions }) {
    try {
      const { items } = await this.#api.resolve(place, id);
      return { id, name, owner, definitions, items };
    } catch (problem) {
      if (problem.code === "not_found") return null;
      throw problem;
    }
  }

  async #loadHistory(cursor) {
    const { place, chosen } = this;
    try {
      const page = await this.#api.values(place, { definitionId: chosen, cursor, limit: PAGE });
      if (place !== this.place || chosen !== this.chosen) return;
      const known = cursor ? this.history : [];
      this.history = inOrder([...page.items, ...known]);
      this.older = page.nextCursor;
    } catch (problem) {
      if (chosen === this.chosen && problem.final) this.history ??= [];
    } finally {
      this.#changed();
    }
  }

  #put(value) {
    if (value.definitionId === this.chosen && this.history) {
      this.history = inOrder([...this.history.filter(({ id }) => id !== value.id), value]);
    }
    let isInSet = false;
    for (const item of (this.sets ?? []).flatMap(({ items }) => items)) {
      if (item.definitionId !== value.definitionId) continue;
      isInSet = true;
      // In another unit than the definition's the server says what it is, exactly.
      if (value.unit !== this.#definitions.get(value.definitionId)?.unit) this.#loadSoon();
      else if (!item.value || item.value.recordedAt <= value.recordedAt) item.value = value;
    }
    if (!isInSet) this.others = newest([value, ...this.others]);
  }

  /** What is taken back is gone at once; what was below it is asked for. */
  #drop(ids) {
    const stays = (value) => !ids.has(value.id);
    this.history = this.history?.filter(stays) ?? null;
    this.others = this.others.filter(stays);
    for (const item of (this.sets ?? []).flatMap(({ items }) => items)) {
      if (item.value && !stays(item.value)) item.value = null;
    }
    this.#loadSoon();
  }

  #loadSoon() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.load();
    }, SOON);
  }
}

function inOrder(values) {
  return values.sort((one, other) => (one.recordedAt + one.id < other.recordedAt + other.id ? -1 : 1));
}

/** The newest value of each definition. */
function newest(values) {
  const found = new Map();
  for (const value of values) {
    const before = found.get(value.definitionId);
    if (!before || before.recordedAt <= value.recordedAt) found.set(value.definitionId, value);
  }
  return [...found.values()];
}
