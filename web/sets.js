// Sets of metrics as their owners write them: made, changed, removed, and those of a workout. No DOM.

const AGAIN = 30_000; // ms after which what could not be had is asked for again

/**
 * Nothing is shown before the server has said it: what is asked for either happens as a whole or raises `Problem`.
 * A set is `{id, name, owner, definitions}` as on the wire.
 */
export class Sets {
  #api;
  #definitions;
  #changed;
  #workouts = new Map(); // workout id → {sets, problem}

  constructor({ api, definitions, changed }) {
    this.#api = api;
    this.#definitions = definitions;
    this.#changed = changed;
  }

  /** Asked again after an answer that was lost, it is the same set: its id was chosen here. */
  async make(organizationId, { id, name, owner, definitions }) {
    try {
      await this.#api.makeSet(organizationId, { id, name, owner, definitions });
    } catch (problem) {
      if (problem.code !== "conflict") throw problem;
      await this.#api.changeSet(organizationId, id, { name, definitions });
    }
    await this.#renew(organizationId, owner);
  }

  /** `to`: what is to be another, `{name?, definitions?}`. */
  async change(organizationId, set, to) {
    await this.#api.changeSet(organizationId, set.id, to);
    await this.#renew(organizationId, set.owner);
  }

  /** One that is gone already is gone as well. */
  async remove(organizationId, set) {
    try {
      await this.#api.removeSet(organizationId, set.id);
    } catch (problem) {
      if (problem.code !== "not_found") throw problem;
    }
    await this.#renew(organizationId, set.owner);
  }

  /** A workout's own. `{sets, problem}`, both null until there is an answer. */
  ofWorkout(organizationId, workoutId) {
    if (!this.#workouts.has(workoutId)) {
      this.#workouts.set(workoutId, { sets: null, problem: null });
      this.#load(organizationId, workoutId);
    }
    return this.#workouts.get(workoutId);
  }

  async #load(organizationId, workoutId) {
    let known;
    try {
      await this.#definitions.load();
      const { items } = await this.#api.metricSets({ organizationId, workoutId });
      known = { sets: items.filter(({ owner }) => owner.workoutId === workoutId), problem: null };
    } catch (problem) {
      known = { sets: this.#workouts.get(workoutId)?.sets ?? null, problem };
      if (!problem.final) setTimeout(() => this.#load(organizationId, workoutId), AGAIN);
    }
    this.#workouts.set(workoutId, known);
    this.#changed();
  }

  /** What is shown of it is loaded anew; what has happened has happened, whether that works or not. */
  async #renew(organizationId, owner) {
    if (owner.workoutId) await this.#load(organizationId, owner.workoutId);
  }
}
