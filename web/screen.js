// What is before somebody's eyes: a conversation, an exercise beside it, somebody's values. Loads what is missing of it,
// and follows the topics that tell of it. No DOM.

import { Finder } from "./finding.js";
import { placeOf } from "./keys.js";
import { Topics } from "./topics.js";

const AGAIN = 2_000; // ms after something that did not work

/**
 * `ask(request)` resolves with the `ok` frame; `apply(event)`: one of a topic; `look()`: something is there that may be
 * acted upon; `measured(membershipId)`: this person's values may have changed in whatever way; `changed()`.
 */
export class Screen {
  open = null; // the key of the conversation
  #around = null; // a message of it that is looked for
  #exercise = null; // what is commented on: {organizationId, workoutId, movementId}
  #measured = null; // the membership from whose values the loads of its workout come, where they are another's
  #store;
  #loader;
  #comments;
  #body;
  #timers;
  #finder;
  #on;

  constructor({ store, loader, comments, body, timers, on }) {
    this.#store = store;
    this.#loader = loader;
    this.#comments = comments;
    this.#body = body;
    this.#timers = timers;
    this.#on = on;
    const found = () => {
      on.look();
      on.changed();
    };
    this.#finder = new Finder({ loader, store, on: { failed: () => this.lookLater(), changed: found } });
    this.topics = new Topics({
      ask: on.ask,
      apply: on.apply,
      load: (topic) => this.#load(topic),
      closed: (topic) => {
        if (topic.startsWith("metrics:")) this.#load(topic); // what may still be seen, or why not
        on.changed();
      },
    });
  }

  /** The conversation that is open, as far as it is known. */
  get conversation() {
    return this.#store.conversations.get(this.open);
  }

  show(key, around) {
    if (this.open !== key || this.#around !== around) this.#store.leavePast(this.open);
    this.#around = around;
    this.open = key;
  }

  toPresent(key) {
    this.#around = null;
    this.#store.leavePast(key);
  }

  /** What stands beside the conversation. False when that is nothing new. */
  beside({ exercise, measured }) {
    if (this.#exercise?.movementId === exercise?.movementId && this.#measured === measured) return false;
    this.#exercise = exercise;
    this.#measured = measured;
    return true;
  }

  /** Whether there is no such conversation, as far as one may know. */
  isMissing(key) {
    return this.#finder.isMissing(key);
  }

  /** What was not there may be there now. */
  forgetMissing() {
    this.#finder.forget();
  }

  /** Load and follow what is there to be seen. */
  look() {
    const { conversation } = this;
    if (!conversation || (conversation.isThread && !conversation.workout)) this.#finder.find(this.open);
    if (conversation) this.#loadFirst(conversation);
    this.follow();
  }

  lookLater() {
    this.#timers.later("look", AGAIN, () => this.#on.look());
  }

  /** The topics of what is on the screen. */
  follow() {
    const { workoutAssignmentId } = this.open ? placeOf(this.open) : {};
    const topics = new Set();
    if (workoutAssignmentId) topics.add(`thread:${workoutAssignmentId}`);
    if (this.#exercise) topics.add(`exercise:${this.#exercise.movementId}`);
    if (this.#measured) topics.add(`metrics:${this.#measured}`);
    if (this.#body.place) topics.add(`metrics:${this.#body.place.membershipId}`);
    this.topics.want([...topics]);
  }

  /** Load the next page of what is shown of a history, if there is one: older, or newer in a view of the past. */
  async loadMore(key, { newer = false } = {}) {
    const conversation = this.#store.conversations.get(key);
    if (!conversation || this.#loader.isLoading(key)) return;
    const { past } = conversation;
    if (newer ? !past?.newer : (past ?? conversation).older === null) return;
    const loading = past ? this.#loader.past(conversation, { newer }) : this.#loader.history(conversation);
    if (await loading) this.#on.look();
    else this.lookLater();
  }

  /** Somebody's values anew, until there is an answer. */
  async loadBody() {
    if (!(await this.#body.load())) this.#timers.later("body", AGAIN, () => this.loadBody());
  }

  async #loadFirst(conversation) {
    const around = this.#around;
    if (conversation.older === undefined) {
      await this.loadMore(conversation.key);
    } else if (around && !conversation.messages.has(around) && !conversation.past) {
      this.#around = null; // asked for once: who is not there is not found by asking again
      await this.#loader.around(conversation, around);
    }
  }

  /** A topic begins anew: what is on the screen of it is loaded once more. */
  async #load(topic) {
    const [kind, id] = topic.split(":");
    if (kind === "metrics") {
      this.#on.measured(id);
      if (this.#body.place?.membershipId === id) await this.loadBody();
    } else if (kind === "exercise") {
      if (this.#exercise?.movementId === id && !(await this.#comments.load(this.#exercise))) this.lookLater();
    } else {
      const { conversation } = this;
      if (conversation?.workoutAssignmentId !== id || conversation.older === undefined) return;
      await this.#loader.present(conversation);
      this.#on.look();
    }
  }
}
