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

  /** The first page of threads again. */
  threads(organizationId) {
    return this.#once(`threads ${organizationId}`, async () => {
      const { items, nextCursor } = await this.#api.threads(organizationId);
      const { threadsCursor } = this.#store.organizations.get(organizationId) ?? {};
      this.#store.addThreads(organizationId, items, threadsCursor === undefined ? nextCursor : undefined);
    });
  }

  /** The next page of threads. */
  moreThreads(organizationId) {
    return this.#once(`threads ${organizationId}`, async () => {
      const { threadsCursor } = this.#store.organizations.get(organizationId);
      const { items, nextCursor } = await this.#api.threads(organizationId, threadsCursor);
      this.#store.addThreads(organizationId, items, nextCursor);
    });
  }

  /** The latest workouts again, talked about or not. */
  assignments(organizationId) {
    return this.#once(`assignments ${organizationId}`, async () => {
      const { items, nextCursor } = await this.#api.assignments(organizationId);
      const { assignmentsCursor } = this.#store.organizations.get(organizationId) ?? {};
      this.#store.addAssignments(organizationId, items, assignmentsCursor === undefined ? nextCursor : undefined);
    });
  }

  /** The next page of workouts, of earlier days. */
  moreAssignments(organizationId) {
    return this.#once(`assignments ${organizationId}`, async () => {
      const { assignmentsCursor } = this.#store.organizations.get(organizationId);
      const { items, nextCursor } = await this.#api.assignments(organizationId, assignmentsCursor);
      this.#store.addAssignments(organizationId, items, nextCursor);
    });
  }

  /** What the list of workouts does not show yet: threads first, then workouts of earlier days. */
  async moreWorkouts(organizationId) {
    const { threadsCursor, assignmentsCursor } = this.#store.organizations.get(organizationId);
    const [threads, assignments] = await Promise.all([
      threadsCursor && this.moreThreads(organizationId),
      assignmentsCursor && this.moreAssignments(organizationId),
    ]);
    return threads !== false && assignments !== false;
  }

  /** Whether there is such a thread, as far as one may know. Raises `Problem` when there was no answer. */
  async isThere(place) {
    try {
      await this.#api.history(place, { limit: 1 });
      return true;
    } catch (problem) {
      if (problem.final) return false;
      throw problem;
    }
  }

  /** Somebody of the organization, looked for in the whole list. Null: nobody that one may see. */
  async member(organizationId, membershipId) {
    for (let cursor; ; ) {
      const { items, nextCursor } = await this.#api.members(organizationId, "", cursor);
      const found = items.find((member) => member.membershipId === membershipId);
      if (found || nextCursor === null) return found ?? null;
      cursor = nextCursor;
    }
  }

  /** The next older page of a history. */
  history(conversation) {
    return this.#page(conversation, conversation, { cursor: conversation.older }, (page) => {
      this.#store.addHistory(conversation.key, page);
    });
  }

  /** The newest page of a history again: what a topic that began afresh has not told. */
  present(conversation) {
    return this.#page(conversation, conversation, {}, (page) => {
      const { older } = conversation;
      this.#store.addHistory(conversation.key, older === undefined ? page : { ...page, nextCursor: older });
    });
  }

  /** The page in whose middle a message stands. */
  around(conversation, around) {
    return this.#page(conversation, conversation, { around }, (page) => {
      this.#store.beginPast(conversation.key, page);
    });
  }

  /** More of a view of the past, towards the present if `newer`. */
  past(conversation, { newer }) {
    const { past } = conversation;
    return this.#page(conversation, past, { cursor: newer ? past.newer : past.older }, (page) => {
      if (conversation.past === past) this.#store.addPast(conversation.key, page, { newer });
    });
  }

  #page(conversation, place, query, take) {
    return this.#once(conversation.key, async () => {
      const page = await this.#api.history(place, query);
      // A reset may have put another in its place meanwhile.
      if (this.#store.conversations.get(conversation.key) === conversation) take(page);
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
