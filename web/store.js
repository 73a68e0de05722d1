// What is known: organizations, conversations, messages. Everything comes in by id, in any order, twice or more.

import { Conversation } from "./conversation.js";
import { keyAt, keyOf, threadKeyOf } from "./keys.js";
import { inOrder, merge } from "./merge.js";

/** `changed()` is called after every change. No DOM, no network. */
export class Store {
  organizations = new Map(); // id → {id, membershipId, role, unread, cursor, threadsCursor, doubt}
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
      const known = this.organizations.get(organizationId) ?? {
        id: organizationId,
        unread: 0,
        cursor: null,
        threadsCursor: undefined, // before the first page
      };
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
      const conversation = this.#conversation({ organizationId, membershipId: item.membershipId });
      const { name, role, imageUrl, lastMessage, lastMessageAt, unreadCount } = item;
      Object.assign(conversation, { name, role, imageUrl, listed: true });
      if (lastMessageAt > conversation.since) conversation.since = lastMessageAt;
      if (lastMessage) this.#put(conversation, lastMessage);
      conversation.unread = unreadCount;
    }
    if (nextCursor !== undefined) organization.cursor = nextCursor;
    this.#changed();
  }

  /** A page of the threads in which something was said, with the server's counts. */
  addThreads(organizationId, items, nextCursor) {
    const organization = this.organizations.get(organizationId);
    if (!organization) return;
    for (const { workoutAssignmentId, title, lastMessage, unreadCount, mine, ...workout } of items) {
      const conversation = this.#conversation({ organizationId, workoutAssignmentId });
      Object.assign(conversation, { name: title, listed: true, workout: { kind: "workout", ...workout } });
      if (lastMessage) this.#put(conversation, lastMessage);
      Object.assign(conversation, { unread: unreadCount, mine });
    }
    if (nextCursor !== undefined) organization.threadsCursor = nextCursor;
    this.#changed();
  }

  /** Workouts as they were assigned, also those under which nothing was said yet. */
  addAssignments(organizationId, items) {
    for (const { workoutAssignmentId, title, ...workout } of items) {
      const conversation = this.#conversation({ organizationId, workoutAssignmentId });
      Object.assign(conversation, { name: title ?? workout.kind, listed: true, workout });
    }
    this.#changed();
  }

  /** A conversation that may be about to begin. */
  begin(organizationId, { membershipId, name, role, imageUrl }) {
    const conversation = this.#conversation({ organizationId, membershipId });
    if (conversation.name === null) Object.assign(conversation, { name, role, imageUrl, listed: true });
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

  /** The page around a message: a view of its own, until it joins on to the present. */
  beginPast(key, { items, nextCursor, previousCursor }) {
    const conversation = this.conversations.get(key);
    if (!conversation) return;
    conversation.past = new Conversation(conversation);
    conversation.past.older = nextCursor;
    this.#addPast(conversation, items, previousCursor ?? null);
  }

  /** More of that view, towards its beginning or towards the present. */
  addPast(key, { items, nextCursor, previousCursor }, { newer }) {
    const conversation = this.conversations.get(key);
    if (!conversation?.past) return;
    if (!newer) conversation.past.older = nextCursor;
    this.#addPast(conversation, items, newer ? (previousCursor ?? null) : conversation.past.newer);
  }

  leavePast(key) {
    const conversation = this.conversations.get(key);
    if (!conversation?.past) return;
    for (const id of conversation.past.messages.keys()) if (!conversation.messages.has(id)) this.#places.delete(id);
    conversation.past = null;
    this.#changed();
  }

  /** A message that may be known already: its own `ok`, or the answer to a question. */
  addMessage(message) {
    const conversation = this.conversationOf(message);
    if (conversation) this.#put(conversation, message, { counts: true });
    this.#changed();
  }

  /** New links to a file. */
  renewLinks(messageId, fileId, links) {
    const message = this.message(messageId);
    if (!message) return;
    const attachments = message.attachments.map((file) => (file.id === fileId ? { ...file, ...links } : file));
    this.#change(messageId, { attachments });
    this.#changed();
  }

  /** Apply an event of the stream, or of a topic. Kinds that are not known change nothing. */
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

  /** Whoever watches a thread has seen it up to here. */
  markSeen(key, upTo) {
    const conversation = this.conversations.get(key);
    if (conversation?.isThread && conversation.sorted.at(-1)?.id === upTo) conversation.unread = 0;
    this.#changed();
  }

  /** Organizations whose conversations do not add up to the count that was told. Each difference is named once. */
  takeDoubts() {
    const doubtful = [];
    for (const organization of this.organizations.values()) {
      const direct = this.list(organization.id).reduce((sum, { unread }) => sum + unread, 0);
      const threads = this.threads(organization.id).reduce((sum, { mine }) => sum + mine, 0);
      const difference = organization.unread - direct - threads;
      const whole = organization.cursor === null && organization.threadsCursor === null;
      if (whole && difference && difference !== organization.doubt) doubtful.push(organization.id);
      organization.doubt = difference;
    }
    return doubtful;
  }

  get unread() {
    return [...this.organizations.values()].reduce((sum, organization) => sum + organization.unread, 0);
  }

  /** Direct messages of an organization, the last active first. */
  list(organizationId) {
    return this.#of(organizationId)
      .filter((conversation) => !conversation.isThread)
      .sort((one, other) => compare(other.since, one.since));
  }

  /** Workouts of an organization: those under which was talked, the last active first, then the others by day. */
  threads(organizationId) {
    return this.#of(organizationId)
      .filter((conversation) => conversation.isThread && conversation.workout?.kind === "workout")
      .sort(
        (one, other) => compare(other.since, one.since) || compare(other.workout.date, one.workout.date),
      );
  }

  message(id) {
    return messageIn(this.#places.get(id), id);
  }

  isMine(message) {
    return this.organizations.get(message.organizationId)?.membershipId === message.senderMembershipId;
  }

  /** Addressed to oneself: what the badge counts, and what one may mark as read. */
  isToMe(message) {
    return this.organizations.get(message.organizationId)?.membershipId === message.recipientMembershipId;
  }

  #of(organizationId) {
    return [...this.conversations.values()].filter((conversation) => conversation.organizationId === organizationId);
  }

  #isUnread(message) {
    return !this.isMine(message) && !message.readAt && !message.deletedAt;
  }

  /** Where a message belongs, whether that is known here or not. */
  keyOfMessage({ organizationId, workoutAssignmentId, senderMembershipId, recipientMembershipId }) {
    const mine = this.organizations.get(organizationId)?.membershipId;
    const membershipId = senderMembershipId === mine ? recipientMembershipId : senderMembershipId;
    return keyAt({ organizationId, membershipId, workoutAssignmentId });
  }

  /** Where a message belongs; made if it is not there. Null for what is not shown here. */
  conversationOf(message) {
    const { organizationId, workoutAssignmentId } = message;
    const mine = this.organizations.get(organizationId)?.membershipId;
    if (!mine) return null;
    if (workoutAssignmentId) return this.#conversation({ organizationId, workoutAssignmentId });
    const incoming = message.senderMembershipId !== mine;
    const other = incoming ? message.senderMembershipId : message.recipientMembershipId;
    const conversation = this.#conversation({ organizationId, membershipId: other });
    if (incoming && conversation.name === null && message.senderName) {
      Object.assign(conversation, { name: message.senderName, role: message.senderRole });
    }
    return conversation;
  }

  #conversation(place) {
    const key = keyAt(place);
    if (!this.conversations.has(key)) this.conversations.set(key, new Conversation(place));
    return this.conversations.get(key);
  }

  /** What turns from unread to read, or back, always counts; what is new counts only when an event brings it. */
  #put(conversation, message, { counts = false } = {}) {
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

  #addPast(conversation, items, newer) {
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
    this.#changed();
  }

  #count(conversation, change, toMe) {
    if (!change) return;
    const organization = this.organizations.get(conversation.organizationId);
    conversation.unread = Math.max(0, conversation.unread + change);
    if (!toMe) return; // seen by watching only
    if (conversation.isThread) conversation.mine = Math.max(0, conversation.mine + change);
    organization.unread = Math.max(0, organization.unread + change);
  }

  /** Change a message; false when it is not loaded. */
  #change(id, fields) {
    const conversation = this.#places.get(id);
    if (conversation) this.#put(conversation, { ...messageIn(conversation, id), ...fields });
    return Boolean(conversation);
  }

  #countOneLess(key) {
    const conversation = this.conversations.get(key);
    if (conversation) this.#count(conversation, -1, true);
  }

  #drop(conversation, messages) {
    for (const { id } of messages) {
      conversation.drop(id);
      conversation.past?.drop(id);
      this.#places.delete(id);
    }
  }

  static #EVENTS = {
    "message.created": (store, message) => store.addMessage(message),
    "message.deleted": (store, { id, deletedAt }) => store.#change(id, { deletedAt }),

    "message.edited": (store, message) => {
      if (!store.#change(message.id, message) && message.createdAt) store.addMessage(message);
    },

    "message.erased": (store, { messageIds }) => {
      for (const id of messageIds) store.#change(id, { erased: true });
    },

    "message.read": (store, data, organizationId) => {
      const { readerMembershipId, senderMembershipId, workoutAssignmentId, messageIds, readAt } = data;
      const byMe = store.organizations.get(organizationId)?.membershipId === readerMembershipId;
      const key = workoutAssignmentId
        ? threadKeyOf(organizationId, workoutAssignmentId)
        : keyOf(organizationId, senderMembershipId);
      for (const id of messageIds) {
        // Of a message that is not loaded, only the count is known.
        if (!store.#change(id, { readAt }) && byMe) store.#countOneLess(key);
      }
    },

    "history.trimmed": (store, { before }, organizationId) => {
      for (const conversation of store.#of(organizationId)) {
        store.#drop(conversation, conversation.sorted.filter((message) => message.createdAt < before));
      }
    },

    "assignment.removed": (store, { workoutAssignmentId }, organizationId) => {
      store.#forget(store.conversations.get(threadKeyOf(organizationId, workoutAssignmentId)));
    },

    "membership.ended": (store, _, organizationId) => {
      for (const conversation of store.#of(organizationId)) store.#forget(conversation);
      store.organizations.delete(organizationId);
    },
  };

  #forget(conversation) {
    if (!conversation) return;
    this.#drop(conversation, conversation.sorted);
    this.conversations.delete(conversation.key);
  }
}

function messageIn(conversation, id) {
  return conversation?.messages.get(id) ?? conversation?.past?.messages.get(id);
}

function compare(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}
