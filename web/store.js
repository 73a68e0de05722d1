// What is known: organizations and their conversations. Everything comes in by id, in any order, twice or more.

import { Conversation } from "./conversation.js";
import { keyAt, threadKeyOf } from "./keys.js";
import { Messages } from "./messages.js";

/** `changed()` is called after every change. No DOM, no network. */
export class Store {
  organizations = new Map(); // id → {id, membershipId, role, unread, cursor, threadsCursor, assignmentsCursor, doubt}
  conversations = new Map(); // key → Conversation
  #messages = new Messages(this.organizations);
  #changed;

  constructor(changed = () => {}) {
    this.#changed = changed;
  }

  /** Begin anew from `GET /v1/sync`: histories are forgotten, since what was missed is not known. */
  reset(sync) {
    this.organizations.clear();
    this.conversations.clear();
    this.#messages.clear();
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
        assignmentsCursor: undefined,
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
      if (lastMessage) this.#messages.put(conversation, lastMessage);
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
      if (lastMessage) this.#messages.put(conversation, lastMessage);
      Object.assign(conversation, { unread: unreadCount, mine });
    }
    if (nextCursor !== undefined) organization.threadsCursor = nextCursor;
    this.#changed();
  }

  /** Workouts as they were assigned, also those under which nothing was said yet. */
  addAssignments(organizationId, items, nextCursor) {
    const organization = this.organizations.get(organizationId);
    if (!organization) return;
    for (const { workoutAssignmentId, title, ...workout } of items) {
      const conversation = this.#conversation({ organizationId, workoutAssignmentId });
      Object.assign(conversation, { name: title ?? workout.kind, listed: true, workout });
    }
    if (nextCursor !== undefined) organization.assignmentsCursor = nextCursor;
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
    for (const message of items) this.#messages.put(conversation, message);
    conversation.older = nextCursor;
    this.#changed();
  }

  /** The page around a message: a view of its own, until it joins on to the present. */
  beginPast(key, { items, nextCursor, previousCursor }) {
    const conversation = this.conversations.get(key);
    if (!conversation) return;
    conversation.past = new Conversation(conversation);
    conversation.past.older = nextCursor;
    this.#messages.putPast(conversation, items, previousCursor ?? null);
    this.#changed();
  }

  /** More of that view, towards its beginning or towards the present. */
  addPast(key, { items, nextCursor, previousCursor }, { newer }) {
    const conversation = this.conversations.get(key);
    if (!conversation?.past) return;
    if (!newer) conversation.past.older = nextCursor;
    this.#messages.putPast(conversation, items, newer ? (previousCursor ?? null) : conversation.past.newer);
    this.#changed();
  }

  leavePast(key) {
    const conversation = this.conversations.get(key);
    if (!conversation?.past) return;
    this.#messages.leavePast(conversation);
    this.#changed();
  }

  /** A message that may be known already: its own `ok`, or the answer to a question. */
  addMessage(message) {
    const conversation = this.conversationOf(message);
    if (conversation) this.#messages.put(conversation, message, { counts: true });
    this.#changed();
  }

  /** New links to a file. */
  renewLinks(messageId, fileId, links) {
    const message = this.message(messageId);
    if (!message) return;
    const attachments = message.attachments.map((file) => (file.id === fileId ? { ...file, ...links } : file));
    this.#messages.change(messageId, { attachments });
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
    if (conversation) this.#messages.markDelivered(conversation, upTo);
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
    return this.#messages.get(id);
  }

  isMine(message) {
    return this.#messages.isMine(message);
  }

  isToMe(message) {
    return this.#messages.isToMe(message);
  }

  #of(organizationId) {
    return [...this.conversations.values()].filter((conversation) => conversation.organizationId === organizationId);
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

  static #EVENTS = {
    "message.created": (store, message) => store.addMessage(message),
    "message.deleted": (store, { id, deletedAt }) => store.#messages.change(id, { deletedAt }),

    "message.edited": (store, message) => {
      if (!store.#messages.change(message.id, message) && message.createdAt) store.addMessage(message);
    },

    "message.erased": (store, { messageIds }) => {
      for (const id of messageIds) store.#messages.change(id, { erased: true });
    },

    "message.read": (store, data, organizationId) => {
      const { readerMembershipId, senderMembershipId, workoutAssignmentId, messageIds, readAt } = data;
      const byMe = store.organizations.get(organizationId)?.membershipId === readerMembershipId;
      const place = { organizationId, membershipId: senderMembershipId, workoutAssignmentId };
      const conversation = store.conversations.get(keyAt(place));
      for (const id of messageIds) {
        // Of a message that is not loaded, only the count is known.
        if (!store.#messages.change(id, { readAt }) && byMe && conversation) store.#messages.countOneLess(conversation);
      }
    },

    "history.trimmed": (store, { before }, organizationId) => {
      for (const conversation of store.#of(organizationId)) {
        store.#messages.drop(conversation, conversation.sorted.filter((message) => message.createdAt < before));
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
    this.#messages.drop(conversation, conversation.sorted);
    this.conversations.delete(conversation.key);
  }
}

function compare(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}
