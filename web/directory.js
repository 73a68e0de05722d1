// What is asked for when it is needed and kept for a while: people's names, workouts, what was found. No DOM.

const AGAIN = 30_000; // ms after which what could not be had is asked for again
const LOADS = 600_000; // ms for which loads are kept; each time that staff ask for them is written down

/** `changed()` is called when something that was asked for has come. */
export class Directory {
  #api;
  #changed;
  #names = new Map(); // organization id → Map of membership id → name, or a promise of it
  #workouts = new Map(); // workout id → {movements, problem, at}
  #loads = new Map(); // workout assignment id → {at, membershipId, isOld, failed, loads: Map}

  constructor({ api, changed }) {
    this.#api = api;
    this.#changed = changed;
  }

  /** Whom one may write to, by a part of the name. */
  find = async (organizationId, words) => {
    const { items } = await this.#api.members(organizationId, words);
    return items.filter((member) => member.status === "active");
  };

  /** Undefined until it is known, or when one may not know. */
  nameOf(organizationId, membershipId) {
    if (!membershipId) return undefined;
    if (!this.#names.has(organizationId)) {
      this.#names.set(organizationId, new Map());
      this.#loadNames(organizationId);
    }
    return this.#names.get(organizationId).get(membershipId);
  }

  /** `{movements, problem}`, both null until there is an answer. */
  workout(organizationId, workoutId) {
    if (!workoutId) return { movements: [], problem: null };
    const known = this.#workouts.get(workoutId);
    const stale = known?.problem && !known.problem.final && Date.now() - known.at > AGAIN;
    if (known && !stale) return known;
    const asked = { movements: null, problem: null, at: Date.now() };
    this.#workouts.set(workoutId, asked);
    this.#api
      .workout(organizationId, workoutId)
      .then(({ movements }) => Object.assign(asked, { movements }))
      .catch((problem) => Object.assign(asked, { problem }))
      .finally(() => this.#changed());
    return asked;
  }

  /** What an assigned workout comes to for its member, by movement: empty until it is known, and where nothing is. */
  loads(organizationId, { workoutAssignmentId, membershipId }) {
    const known = this.#loads.get(workoutAssignmentId);
    if (known && !known.isOld && Date.now() - known.at < (known.failed ? AGAIN : LOADS)) return known.loads;
    const asked = { at: Date.now(), membershipId, loads: known?.loads ?? new Map() };
    this.#loads.set(workoutAssignmentId, asked);
    this.#api
      .prescription(organizationId, workoutAssignmentId)
      .then(({ movements }) => {
        asked.loads = new Map(movements.filter(({ load }) => load).map(({ id, load }) => [id, load]));
      })
      .catch(() => {
        // The exercises say their percentages alone, which are right, and a later look asks again.
        Object.assign(asked, { failed: true, loads: new Map() });
        setTimeout(() => this.#changed(), AGAIN);
      })
      .finally(() => this.#changed());
    return asked.loads;
  }

  /** Values of these people have come or gone: what was worked out from them is asked for again when it is looked at. */
  measured(membershipIds) {
    const known = [...this.#loads.values()].filter((one) => membershipIds.includes(one.membershipId));
    for (const one of known) one.isOld = true;
    if (known.length) this.#changed();
  }

  /** Messages of these organizations with these words, newest first. */
  async search(organizationIds, words) {
    const pages = await Promise.all(organizationIds.map((id) => this.#api.search(id, words)));
    return pages
      .flatMap(({ items }) => items.map((item) => item.message ?? item))
      .sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
  }

  async #loadNames(organizationId) {
    const names = this.#names.get(organizationId);
    try {
      for (let cursor; cursor !== null; ) {
        const { items, nextCursor } = await this.#api.members(organizationId, "", cursor);
        for (const { membershipId, name } of items) names.set(membershipId, name);
        cursor = nextCursor;
      }
      this.#changed();
    } catch {
      setTimeout(() => this.#names.delete(organizationId), AGAIN); // the next look asks again
    }
  }
}
