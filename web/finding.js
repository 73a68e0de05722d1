// Looks for a conversation that is open and not in what is loaded: in the list, in the threads, among the people. No DOM.

import { placeOf } from "./keys.js";

/** `changed()` when something was found, or is known not to be there; `failed()` when there was no answer. */
export class Finder {
  #loader;
  #store;
  #on;
  #missing = new Set(); // keys of conversations that are not there
  #there = new Set(); // keys of threads that are, on whatever page of the workouts
  #busy = false;

  constructor({ loader, store, on }) {
    this.#loader = loader;
    this.#store = store;
    this.#on = on;
  }

  /** Whether there is no such conversation, as far as one may know. */
  isMissing(key) {
    return this.#missing.has(key);
  }

  /** What was not there may be there now. */
  forget() {
    this.#missing.clear();
    this.#there.clear();
  }

  /** One step: a page of a list, or a question. To be called again after `changed`. */
  async find(key) {
    if (!key || this.#busy || this.#missing.has(key)) return;
    const organization = this.#store.organizations.get(placeOf(key).organizationId);
    if (!organization) return;
    this.#busy = true;
    const found = await this.#look(organization, key).catch(() => false);
    this.#busy = false;
    if (found === null) this.#missing.add(key);
    if (found === false) this.#on.failed();
    else this.#on.changed();
  }

  /** True: something was loaded. Null: there is no such conversation. False: no answer. */
  async #look({ id, cursor, threadsCursor, assignmentsCursor }, key) {
    const { membershipId, workoutAssignmentId } = placeOf(key);
    if (workoutAssignmentId) {
      if (threadsCursor !== null) return this.#loader.moreThreads(id);
      if (!this.#there.has(key)) return this.#ask(id, key);
      if (assignmentsCursor) return this.#loader.moreAssignments(id);
      return this.#store.conversations.get(key)?.workout ? true : null;
    }
    if (cursor) return this.#loader.more(id);
    const member = await this.#loader.member(id, membershipId);
    if (member) this.#store.begin(id, member);
    return member ? true : null;
  }

  /** Once, before all pages are turned: whether there is such a thread at all. It may be newer than what is known. */
  async #ask(organizationId, key) {
    if (!(await this.#loader.isThere(placeOf(key)))) return null;
    this.#there.add(key);
    return this.#loader.assignments(organizationId);
  }
}
