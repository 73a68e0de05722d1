// What is known: organizations, conversations, messages. Everything comes in by id, in any order, twice or more.

import { inOrder, merge } from "./merge.js";

/** The name of a conversation: an organization and the other person's membership in it. */
export function keyOf(organizationId, membershipId) {
  return `${organizationId}/${membershipId}`;
}

/** `changed()` is called after every change. No DOM, no network. */
export class Store {
  organizations = new Map(); // id → {id, membershipId, role, unread, cursor, doubt}
  conversations = new Map(); // key → Conversation
  #places = new Map(); // message id → conversation
  #changed;

  constructor(changed = () => {}) {
    this.#changed = changed;
  }

  /** Begin anew from `GET /v1/sync`: histories are forgotten, since what was missed is not known. */
  reset(sync) {
    this.organizations.clear();
    this.conversations.clear();
    this.#places.clear();
    this.mergeSync(sync);
  }

  /** Take in a sync of one organization, or of all. */
  mergeSync(sync) {
    for (const { organizationId, membershipId, role } of sync.memberships) {
      const known = this.organizations.get(organizationId) ?? { id: organizationId, unread: 0, cursor: null };
      this.organizations.set(organizationId, Object.assign(known, { membershipId, role }));
    }
    for (const { organizationId, conversations, unread } of sync.organizations) {
      const organization = this.organizations.get(organizationId);
      if (!organization) continue;
      this.addConversations(organizationId, conversations.items, conversations.nextCursor);
      organization.unread = unread;
    }
    this.#changed();
  }

  /** A page of the list. The server has counted what is unread, so its counts replace ours. */
  addConversations(organizationId, items, nextCursor) {
    const organization = this.organizations.get(organizationId);
    if (!organization) return;
    for (const item of items) {
      const conversation = this.#conversation(organizationId, item.membershipId);
      const { name, role, imageUrl, lastMessage, lastMessageAt, unreadCount } = item;
      Object.assign(conversation, { name, role, imageUrl, listed: true });
      if (lastMessageAt > conversation.since) conversation.since = lastMessageAt;
      if (lastMessage) this.#put(conversation, lastMessage);
      conversation.unread = unreadCount;
    }
    if (nextCursor !== undefined) organization.cursor = nextCursor;
    this.#changed();
  }

  /** A page of a history, newest first; `older` is where the next one begins, null at the beginning of all. */
  addHistory(key, { items, nextCursor }) {
    const conversation = this.conversations.get(key);
    if (!conversation) return;
    for (const message of items) this.#put(conversation, message);
    conversation.older = nextCursor;
    this.#changed();
  }

  /** A message that may be known already: its own `ok`, or the answer to a question. */
  addMessage(message) {
    const conversation = this.conversationOf(message);
    if (conversation) this.#put(conversation, message, { counts: true });
    this.#changed();
  }

  /** Apply an event of the stream. Kinds that are not known change nothing. */
  apply({ kind, organizationId, data }) {
    if (Object.hasOwn(Store.#EVENTS, kind)) Store.#EVENTS[kind](this, data, organizationId);
    this.#changed();
  }

  /** Counts as the server says them. */
  countUnread({ organizations }) {
    for (const organization of this.organizations.values()) organization.unread = 0;
    for (const { organizationId, count } of organizations) {
      const organization = this.organizations.get(organizationId);
      if (organization) organization.unread = count;
    }
    this.#changed();
  }

  /** Everything one's own in this conversation, up to this message, has reached a device. */
  markDelivered(key, upTo) {
    const conversation = this.conversations.get(key);
    const last = conversation?.messages.get(upTo);
    if (!last) return;
    for (const message of conversation.messages.values()) {
      if (this.isMine(message) && inOrder(message, last) <= 0) this.#put(conversation, { ...message, delivered: true });
    }
    this.#changed();
  }

  /** Organizations whose conversations do not add up to the count that was told. Each difference is named once. */
  takeDoubts() {
    const doubtful = [];
    for (const organization of this.organizations.values()) {
      const counted = this.list(organization.id).reduce((sum, { unread }) => sum + unread, 0);
      const difference = organization.unread - counted;
      const whole = organization.cursor === null;
      if (whole && difference && difference !== organization.doubt) doubtful.push(organization.id);
      organization.doubt = difference;
    }
    return doubtful;
  }

  get unread() {
    return [...this.organizations.values()].reduce((sum, organization) => sum + organization.unread, 0);
  }

  /** Conversations of an organization, the last active first. */
  list(organizationId) {
    return [...this.conversations.values()]
      .filter((conversation) => conversation.organizationId === organizationId)
      .sort((one, other) => (one.since < other.since ? 1 : one.since > other.since ? -1 : 0));
  }

  message(id) {
    return this.#places.get(id)?.messages.get(id);
  }

  isMine(message) {
    return this.organizations.get(message.organizationId)?.membershipId === message.senderMembershipId;
  }

  #isUnread(message) {
    return !this.isMine(message) && !message.readAt && !message.deletedAt;
  }

  /** Where a message belongs; made if it is not there. Null for what is not shown here. */
  conversationOf(message) {
    const mine = this.organizations.get(message.organizationId)?.membershipId;
    if (!mine || message.workoutAssignmentId) return null; // threads are another list
    const incoming = message.senderMembershipId !== mine;
    const other = incoming ? message.senderMembershipId : message.recipientMembershipId;
    const conversation = this.#conversation(message.organizationId, other);
    if (incoming && conversation.name === null && message.senderName) {
      Object.assign(conversation, { name: message.senderName, role: message.senderRole });
    }
    return conversation;
  }

  #conversation(organizationId, membershipId) {
    const key = keyOf(organizationId, membershipId);
    if (!this.conversations.has(key)) {
      this.conversations.set(key, new Conversation(organizationId, membershipId));
    }
    return this.conversations.get(key);
  }

  /** What turns from unread to read, or back, always counts; what is new counts only when an event brings it. */
  #put(conversation, message, { counts = false } = {}) {
    const before = conversation.messages.get(message.id);
    const after = merge(before, message);
    conversation.put(after);
    this.#places.set(message.id, conversation);
    if (before || counts) {
      this.#count(conversation, Number(this.#isUnread(after)) - Number(Boolean(before && this.#isUnread(before))));
    }
  }

  #count(conversation, change) {
    if (!change) return;
    const organization = this.organizations.get(conversation.organizationId);
    conversation.unread = Math.max(0, conversation.unread + change);
    organization.unread = Math.max(0, organization.unread + change);
  }

  /** Change a message; false when it is not loaded. */
  #change(id, fields) {
    const conversation = this.#places.get(id);
    if (conversation) this.#put(conversation, { ...conversation.messages.get(id), ...fields });
    return Boolean(conversation);
  }

  #countOneLess(key) {
    const conversation = this.conversations.get(key);
    if (conversation) this.#count(conversation, -1);
  }

  #drop(conversation, messages) {
    for (const { id } of messages) {
      conversation.drop(id);
      this.#places.delete(id);
    }
  }

  static #EVENTS = {
    "message.created": (store, message) => store.addMessage(message),
    "message.edited": (store, message) => store.addMessage(message),
    "message.deleted": (store, { id, deletedAt }) => store.#change(id, { deletedAt }),

    "message.erased": (store, { messageIds }) => {
      for (const id of messageIds) store.#change(id, { erased: true });
    },

    "message.read": (store, { readerMembershipId, senderMembershipId, messageIds, readAt }, organizationId) => {
      const byMe = store.organizations.get(organizationId)?.membershipId === readerMembershipId;
      for (const id of messageIds) {
        // Of a message that is not loaded, only the count is known.
        if (!store.#change(id, { readAt }) && byMe) store.#countOneLess(keyOf(organizationId, senderMembershipId));
      }
    },

    "history.trimmed": (store, { before }, organizationId) => {
      for (const conversation of store.list(organizationId)) {
        store.#drop(conversation, conversation.sorted.filter((message) => message.createdAt < before));
      }
    },

    "membership.ended": (store, _, organizationId) => {
      for (const conversation of store.list(organizationId)) {
        store.#drop(conversation, conversation.sorted);
        store.conversations.delete(conversation.key);
      }
      store.organizations.delete(organizationId);
    },
  };
}

class Conversation {
  listed = false; // whether the server has told of it, or only a message
  name = null;
  role = null;
  imageUrl = null;
  unread = 0;
  since = ""; // when something was last said
  older = undefined; // the cursor of the next page; undefined before the first, null at the beginning of all
  messages = new Map();
  #sorted = null;

  constructor(organizationId, membershipId) {
    this.key = keyOf(organizationId, membershipId);
    this.organizationId = organizationId;
    this.membershipId = membershipId;
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
