// Messages by their ids, wherever they stand, and how many are unread there. In any order, twice or more. No DOM.

import { inOrder, merge } from "./merge.js";

/** `organizations`: the store's, by id. Their counts, and those of conversations, follow what becomes of messages. */
export class Messages {
  #organizations;
  #places = new Map(); // message id → conversation

  constructor(organizations) {
    this.#organizations = organizations;
  }

  get(id) {
    return messageIn(this.#places.get(id), id);
  }

  isMine({ organizationId, senderMembershipId }) {
    return this.#organizations.get(organizationId)?.membershipId === senderMembershipId;
  }

  /** Addressed to oneself: what the badge counts, and what one may mark as read. */
  isToMe({ organizationId, recipientMembershipId }) {
    return this.#organizations.get(organizationId)?.membershipId === recipientMembershipId;
  }

  /** What turns from unread to read, or back, always counts; what is new counts only when an event brings it. */
  put(conversation, message, { counts = false } = {}) {
    const before = messageIn(conversation, message.id);
    const after = merge(before, message);
    if (conversation.past?.messages.has(message.id)) conversation.past.put(after);
    if (!before || conversation.messages.has(message.id)) conversation.put(after);
    this.#places.set(message.id, conversation);
    if (before || counts) {
      const change = Number(this.#isUnread(after)) - Number(Boolean(before && this.#isUnread(before)));
      this.#count(conversation, change, this.isToMe(after));
    }
  }

  /** Into the view of the past, which joins on to the present when there is nothing `newer`. */
  putPast(conversation, items, newer) {
    const { past } = conversation;
    for (const message of items) {
      past.put(merge(messageIn(conversation, message.id), message));
      this.#places.set(message.id, conversation);
    }
    past.newer = newer;
    if (newer === null) {
      for (const message of past.sorted) conversation.put(message);
      if (conversation.older !== null) conversation.older = past.older;
      conversation.past = null;
    }
  }

  leavePast(conversation) {
    for (const id of conversation.past.messages.keys()) if (!conversation.messages.has(id)) this.#places.delete(id);
    conversation.past = null;
  }

  /** Change a message; false when it is not loaded. */
  change(id, fields) {
    const conversation = this.#places.get(id);
    if (conversation) this.put(conversation, { ...messageIn(conversation, id), ...fields });
    return Boolean(conversation);
  }

  /** Everything one's own in this conversation, up to this message, has reached a device. */
  markDelivered(conversation, upTo) {
    const last = conversation.messages.get(upTo);
    if (!last) return;
    for (const message of conversation.messages.values()) {
      if (this.isMine(message) && inOrder(message, last) <= 0) this.put(conversation, { ...message, delivered: true });
    }
  }

  /** One that is not loaded was read. */
  countOneLess(conversation) {
    this.#count(conversation, -1, true);
  }

  drop(conversation, messages) {
    for (const { id } of messages) {
      conversation.drop(id);
      conversation.past?.drop(id);
      this.#places.delete(id);
    }
  }

  clear() {
    this.#places.clear();
  }

  #isUnread(message) {
    return !this.isMine(message) && !message.readAt && !message.deletedAt;
  }

  #count(conversation, change, toMe) {
    if (!change) return;
    const organization = this.#organizations.get(conversation.organizationId);
    conversation.unread = Math.max(0, conversation.unread + change);
    if (!toMe) return; // seen by watching only
    if (conversation.isThread) conversation.mine = Math.max(0, conversation.mine + change);
    organization.unread = Math.max(0, organization.unread + change);
  }
}

function messageIn(conversation, id) {
  return conversation?.messages.get(id) ?? conversation?.past?.messages.get(id);
}
