// One conversation as far as it is known: who or what it is with, and its messages in their order. No DOM.

import { keyAt } from "./keys.js";
import { inOrder } from "./merge.js";

/** Direct messages have a `membershipId`, the talk under a workout a `workoutAssignmentId`. */
export class Conversation {
  listed = false; // whether the server has told of it, or only a message
  name = null; // the other person's; of a thread, the workout's title
  role = null;
  imageUrl = null;
  unread = 0;
  mine = 0; // of a thread: how many of the unread are addressed to oneself, as the badge counts
  workout = null; // of a thread: {membershipId, workoutId, date, published, kind}
  since = ""; // when something was last said
  older = undefined; // the cursor of the next page; undefined before the first, null at the beginning of all
  newer = null; // of a view of the past: the cursor towards the present
  past = null; // another view, around a message that was looked for: messages that do not join on to these
  messages = new Map();
  #sorted = null;

  constructor(place) {
    this.key = keyAt(place);
    this.organizationId = place.organizationId;
    this.membershipId = place.membershipId ?? null;
    this.workoutAssignmentId = place.workoutAssignmentId ?? null;
  }

  get isThread() {
    return this.workoutAssignmentId !== null;
  }

  put(message) {
    this.messages.set(message.id, message);
    this.#sorted = null;
    if (message.createdAt > this.since) this.since = message.createdAt;
  }

  drop(id) {
    this.messages.delete(id);
    this.#sorted = null;
  }

  /** Messages in their order, oldest first. */
  get sorted() {
    this.#sorted ??= [...this.messages.values()].sort(inOrder);
    return this.#sorted;
  }
}
