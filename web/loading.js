// Loads what the stream does not bring: the state to begin from, lists, pages of histories. No DOM.

import { fullJitter } from "./backoff.js";

/** Puts what it loads into the store, each thing once at a time. Answers false when there was no answer. */
export class Loader {
  #api;
  #store;
  #changed;
  #busy = new Map(); // what is being loaded → its promise

  constructor({ api, store, changed }) {
    this.#api = api;
    this.#store = store;
    this.#changed = changed;
  }

  isLoading(name) {
    return this.#busy.has(name);
  }

  /** The whole state; asks until there is an answer, or nobody `wants` it any more: null then. */
  sync(wants) {
    return insist(() => this.#api.sync(), wants);
  }

  /** One organization's state, merged into what is known. */
  organization(id) {
    return this.#once(id, async () => {
      const sync = await insist(() => this.#api.sync(id), () => true);
      if (sync) this.#store.mergeSync(sync);
    });
  }

  /** The first page of the list again: names and counts as the server has them. */
  list(organizationId) {
    return this.#once(organizationId, async () => {
      const { items } = await this.#api.conversations(organizationId);
      this.#store.addConversations(organizationId, items); // the rest of the list stays as it is
    });
  }

  /** The next page of the list. */
  more(organizationId) {
    return this.#once(organizationId, async () => {
      const { cursor } = this.#store.organizations.get(organizationId);
      const { items, nextCursor } = await this.#api.conversations(organizationId, cursor);
      this.#store.addConversations(organizationId, items, nextCursor);
    });
  }

  /** The next older page of a history. */
  history(conversation) {
    return this.#once(conversation.key, async () => {
      const { organizationId, membershipId, older } = conversation;
      const page = await this.#api.history(organizationId, membershipId, older);
      // A reset may have put another in its place meanwhile.
      if (this.#store.conversations.get(conversation.key) === conversation) {
        this.#store.addHistory(conversation.key, page);
      }
    });
  }

  async #once(name, load) {
    if (!this.#busy.has(name)) {
      this.#busy.set(name, load());
      this.#changed();
    }
    try {
      await this.#busy.get(name);
      return true;
    } catch {
      return false; // what still wants it asks again
    } finally {
      this.#busy.delete(name);
      this.#changed();
    }
  }
}

/** Ask until there is an answer. Null when it will never come, or nobody `wants` it any more. */
async function insist(ask, wants) {
  for (let attempt = 0; wants(); attempt++) {
    try {
      const answer = await ask();
      return wants() ? answer : null;
    } catch (problem) {
      if (problem.final) return null;
      await new Promise((resolve) => setTimeout(resolve, fullJitter(attempt)));
    }
  }
  return null;
}
