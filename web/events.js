// What follows from an event, beyond what the store makes of it: what is loaded anew, and who is told. No DOM.

import { keyAt } from "./keys.js";

const RECOUNT = 500; // ms after something in a thread, until its counts are asked for

/**
 * `missing()`: what was not there may be there now; `heard(message)`: somebody else has said something;
 * `measured(membershipIds)`: what is known of these people's values holds no more.
 */
export class Events {
  #store;
  #loader;
  #body;
  #comments;
  #typists;
  #timers;
  #on;

  constructor({ store, loader, body, comments, typists, timers, on }) {
    this.#store = store;
    this.#loader = loader;
    this.#body = body;
    this.#comments = comments;
    this.#typists = typists;
    this.#timers = timers;
    this.#on = on;
  }

  /** One of one's own stream. */
  apply(event) {
    this.#store.apply(event);
    if (event.kind.startsWith("metric.")) this.#measuredMyself(event);
    if (event.kind === "message.created") this.#created(event);
    if (event.kind === "membership.changed" && event.data.reload) this.#loader.organization(event.organizationId);
    if (event.kind === "assignment.published") this.#published(event);
  }

  /** One of a topic; parties to a message have heard of it in their own stream as well. */
  applyTopic(event) {
    if (event.kind?.startsWith("comment.")) this.#comments.apply(event);
    if (event.kind?.startsWith("metric.")) this.#measured(event);
    const isNew = event.kind === "message.created" && !this.#store.message(event.data.id);
    this.#store.apply(event);
    if (isNew) this.#created(event);
  }

  /** Values follow the person, whichever organization they were recorded in. */
  #measuredMyself(event) {
    this.#on.measured([...this.#store.organizations.values()].map(({ membershipId }) => membershipId));
    if (this.#body.place?.own) this.#body.apply(event);
  }

  #measured(event) {
    const membershipId = event.topic.split(":")[1];
    this.#on.measured([membershipId]);
    if (this.#body.place?.membershipId === membershipId) this.#body.apply(event);
  }

  /** A workout that is there now: what was said under it before comes with its thread. */
  #published({ organizationId, data }) {
    this.#on.missing();
    this.#loader.threads(organizationId);
    this.#loader.assignments(organizationId);
    const conversation = this.#store.conversations.get(keyAt({ organizationId, ...data }));
    if (conversation?.workout && conversation.older !== undefined) this.#loader.present(conversation);
  }

  #created({ organizationId, data }) {
    const conversation = this.#store.conversationOf(data);
    if (conversation && this.#typists.has(conversation.key)) this.#typists.note(conversation.key, false);
    if (conversation?.isThread) {
      this.#timers.later(`recount ${organizationId}`, RECOUNT, () => this.#loader.threads(organizationId));
    } else if (conversation?.listed === false) {
      this.#loader.list(organizationId);
    }
    if (!this.#store.isMine(data)) this.#on.heard(data);
  }
}
