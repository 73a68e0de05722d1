// What the panes show, built from what is known: plain objects, as each pane wants them. No DOM.

import { placeOf } from "../keys.js";
import { formatRoute } from "../route.js";
import { prescribed } from "./exercises.js";
import { dayOf } from "./time.js";
import { timeline } from "./timeline.js";

const STAFF = new Set(["owner", "admin", "coach"]);

/** `me`: `{email, rows}`. `route`: as in route.js. */
export class Shown {
  #session;
  #outbox;
  #definitions;
  #sets;
  #directory;
  #me;

  constructor({ session, outbox, definitions, sets, directory, me }) {
    this.#session = session;
    this.#outbox = outbox;
    this.#definitions = definitions;
    this.#sets = sets;
    this.#directory = directory;
    this.#me = me;
  }

  /** For the list; `tab`: messages or workouts. */
  organizations(tab) {
    const { store, typists } = this.#session;
    const onMessages = tab === "messages";
    return [...store.organizations.values()].map((organization) => {
      const list = onMessages ? store.list(organization.id) : store.threads(organization.id);
      return {
        id: organization.id,
        name: this.nameOf(organization),
        unread: list.reduce((sum, { unread }) => sum + unread, 0),
        hasMore: Boolean(onMessages ? organization.cursor : (organization.threadsCursor ?? organization.assignmentsCursor)),
        conversations: list.map((conversation) => ({
          conversation,
          last: this.#timeline(present(conversation)).at(-1),
          typing: typists.has(conversation.key),
          online: this.#isOnline(conversation.key),
          about: conversation.workout ? dayOf(conversation.workout.date) : "",
          whose: conversation.isThread ? this.#whose(conversation) : "",
        })),
      };
    });
  }

  /** For the pane of a conversation. */
  chat({ chat: key, around: sought }) {
    const { store, loaded, typists } = this.#session;
    const conversation = store.conversations.get(key);
    if (!conversation || (conversation.isThread && !conversation.workout)) {
      const hint = loaded && this.#session.isMissing(key) ? "There is no such conversation." : "Loading…";
      return { key, name: "", about: "", items: [], hint, hasOlder: false, hasNewer: false, typing: "", online: false };
    }
    const { name, role, isThread, past } = conversation;
    const { older } = past ?? conversation;
    const items = this.#timeline(conversation);
    const beginning = items.length ? "" : "No messages yet. Say hello.";
    const typist = this.#nameOfMember({ ...conversation, membershipId: typists.who(key) }) ?? name;
    return {
      key,
      name: name ?? "…",
      about: isThread ? this.#about(conversation) : (role ?? ""),
      isThread,
      isDraft: isThread && !conversation.workout.published,
      items,
      hint: older === null ? beginning : "Loading…",
      hasOlder: typeof older === "string",
      hasNewer: past !== null,
      typing: typists.has(key) ? (isThread ? typist : name) : "",
      online: !isThread && this.#isOnline(key),
      sought,
      body: this.#bodyOf(conversation),
    };
  }

  /** Where a member's values are, for staff. */
  #bodyOf({ organizationId, key, role, isThread }) {
    const mine = this.#session.store.organizations.get(organizationId)?.role;
    return !isThread && role === "member" && STAFF.has(mine) ? formatRoute({ as: this.#me.email, body: key }) : null;
  }

  /** For the pane beside a thread. */
  workout({ chat, exercise }) {
    const conversation = this.#session.store.conversations.get(chat);
    const back = { as: this.#me.email, chat };
    if (!conversation?.workout) return { title: "", about: "", hint: "Loading…", back, movements: [], comments: null, sets: null };
    const { organizationId, name, workout } = conversation;
    const { movements, problem } = this.#directory.workout(organizationId, workout.workoutId);
    const loads = this.#loads(conversation);
    return {
      title: name,
      about: this.#about(conversation),
      hint: problem?.message ?? (movements ? (movements.length ? "" : "A workout without exercises.") : "Loading…"),
      back,
      movements: (movements ?? []).map((movement) => ({
        id: movement.id,
        name: movement.name,
        words: prescribed(movement.prescription, loads.get(movement.id)),
        isOpen: movement.id === exercise,
        route: { ...back, exercise: movement.id === exercise ? null : movement.id },
      })),
      comments: exercise ? this.#comments(organizationId, exercise) : null,
      sets: workout.workoutId ? this.#setsOf(organizationId, workout.workoutId) : null,
    };
  }

  #loads({ organizationId, workoutAssignmentId, workout }) {
    return this.#directory.loads(organizationId, { workoutAssignmentId, membershipId: workout.membershipId });
  }

  /** From whose values the loads of the open workout come; null: there are none, or they are one's own. */
  measured({ chat }) {
    const conversation = chat && this.#session.store.conversations.get(chat);
    if (!conversation?.workout || !this.#loads(conversation).size) return null;
    const { membershipId } = conversation.workout;
    const isMine = this.#session.store.organizations.get(conversation.organizationId)?.membershipId === membershipId;
    return isMine ? null : membershipId;
  }

  #setsOf(organizationId, workoutId) {
    const { sets, problem } = this.#sets.ofWorkout(organizationId, workoutId);
    const words = ({ definitions }) => definitions.map((id) => this.#definitions.get(id)?.name ?? "…").join(" · ");
    return {
      items: (sets ?? []).map((set) => ({ set, words: words(set) })),
      hint: problem ? problem.message : sets ? "" : "Loading…",
      mayWrite: Boolean(sets) && STAFF.has(this.#session.store.organizations.get(organizationId)?.role),
    };
  }

  #comments(organizationId, movementId) {
    const mine = this.#session.store.organizations.get(organizationId)?.membershipId;
    return {
      movementId,
      ...this.#session.comments.show(movementId),
      isMine: (comment) => comment.authorMembershipId === mine,
    };
  }

  /** The exercise that is open, as far as its workout is known. */
  exercise({ chat, exercise: movementId }) {
    if (!chat || !movementId) return null;
    const workoutId = this.workoutId({ chat });
    return workoutId ? { organizationId: placeOf(chat).organizationId, workoutId, movementId } : null;
  }

  /** Undefined when it is not known. */
  workoutId({ chat }) {
    return this.#session.store.conversations.get(chat)?.workout?.workoutId;
  }

  /** What is unread, by tab. */
  counts() {
    const { store } = this.#session;
    const sum = (list) => list.reduce((total, { unread }) => total + unread, 0);
    const organizations = [...store.organizations.keys()];
    return {
      messages: sum(organizations.flatMap((id) => store.list(id))),
      workouts: sum(organizations.flatMap((id) => store.threads(id))),
    };
  }

  /** For what a search has found. */
  found(messages) {
    const { store } = this.#session;
    return messages.map((message) => {
      const key = store.keyOfMessage(message);
      return {
        message,
        by: store.isMine(message) ? "You" : message.senderName,
        place: this.#nameOfPlace(key) ?? message.senderName,
        route: { as: this.#me.email, chat: key, around: message.id },
      };
    });
  }

  /** Undefined when it is not known. */
  #nameOfPlace(key) {
    const conversation = this.#session.store.conversations.get(key);
    const whose = conversation?.workout && this.#whose(conversation);
    const name = conversation?.name ?? this.#nameOfMember(placeOf(key));
    return whose ? `\u2068${whose}\u2069 · ${name}` : name;
  }

  /** The list of people knows the names of organizations, the wire does not tell them yet. */
  nameOf({ role }) {
    const rows = this.#me.rows.filter((row) => row.role === role);
    return rows.length === 1 ? rows[0].organization : `As ${role}`;
  }

  #nameOfMember({ organizationId, membershipId }) {
    return this.#directory.nameOf(organizationId, membershipId);
  }

  /** Whose workout it is, and of which day. A name stands by itself, whichever way it is written. */
  #about({ organizationId, workout }) {
    if (!workout) return "";
    const who = this.#whose({ organizationId, workout });
    return [who && `\u2068${who}\u2069`, dayOf(workout.date)].filter(Boolean).join(" · ");
  }

  /** Whose workout it is, if not one's own. */
  #whose({ organizationId, workout }) {
    const mine = this.#session.store.organizations.get(organizationId)?.membershipId === workout.membershipId;
    return (!mine && this.#nameOfMember({ organizationId, membershipId: workout.membershipId })) || "";
  }

  /** Without a connection nothing is known of others. */
  #isOnline(key) {
    return this.#session.ready && this.#session.online.has(key);
  }

  #timeline({ key, sorted, past, isThread }) {
    const { store, sender } = this.#session;
    return timeline({
      messages: past?.sorted ?? sorted,
      outbox: past ? [] : this.#outbox.of(key),
      sending: sender.sending,
      isThread,
      isMine: (message) => store.isMine(message),
    });
  }
}

/** Without the view of the past: a list shows what is last. */
function present({ key, sorted, isThread }) {
  return { key, sorted, isThread, past: null };
}
