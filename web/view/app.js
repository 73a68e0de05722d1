// What a session looks like: builds what the panes show from the store, and turns what people do into calls.

import { placeOf } from "../keys.js";
import { formatRoute } from "../route.js";
import { Acts } from "./acts.js";
import { Chat } from "./chat.js";
import { Exercises, prescribed } from "./exercises.js";
import { Search } from "./found.js";
import { ConversationList } from "./list.js";
import { NotifyButton } from "./notify.js";
import { People } from "./people.js";
import { Lightbox } from "./pictures.js";
import { Status } from "./status.js";
import { dayOf } from "./time.js";
import { timeline } from "./timeline.js";

const COUNTDOWN = 1_000; // ms

/** `me`: `{email, name, rows}`, rows as in `GET /dev/people`. Render as often as you like. */
export class App {
  #root;
  #session;
  #outbox;
  #uploads;
  #me;
  #list;
  #chat;
  #exercises;
  #search;
  #status;
  #route = { chat: null, around: null, exercise: null };
  #tab = "messages";
  #onSide = false; // on a narrow screen: the workout is before the thread
  #announcer = document.getElementById("announcer");

  constructor({ root, session, outbox, uploads, directory, push, me, newId }) {
    this.#root = root;
    this.#session = session;
    this.#outbox = outbox;
    this.#uploads = uploads;
    this.#me = me;
    this.directory = directory;
    this.#status = new Status(document.getElementById("status"), () => session.start());
    const say = (words) => this.#status.note(words);
    const acts = new Acts({ session, outbox, uploads, newId, say, open: () => this.#route });
    const lightbox = new Lightbox(acts.renew);
    const people = new People({ find: directory.find, chosen: (...who) => this.#begin(...who) });
    this.#search = new Search({ find: (words) => this.#find(words), shown: (found) => this.#showFound(found) });
    this.#list = new ConversationList({
      me,
      search: this.#search.box,
      notify: new NotifyButton({ push, say }).element,
      on: {
        more: (organizationId) => this.#more(organizationId),
        begin: (organizationId) => people.open(organizationId),
        tab: (tab) => this.#showTab(tab),
      },
    });
    this.#list.element.append(this.#search.element);
    this.#chat = new Chat({
      back: formatRoute({ as: me.email }),
      on: {
        ...acts.ofChat(),
        show: (item, file) => lightbox.open(item, file),
        side: () => this.#showSide(true),
      },
    });
    this.#exercises = new Exercises(acts.ofExercise());
    this.#exercises.element.addEventListener("click", (event) => {
      if (event.target.closest(".back")) this.#showSide(false);
    });
    root.className = "app panes";
    root.replaceChildren(this.#list.element, this.#chat.element, this.#exercises.element);
    document.body.append(lightbox.element, people.element);
    setInterval(() => this.#renderStatus(), COUNTDOWN);
  }

  /** `route` as in route.js: the conversation to open, a message in it, an exercise; none: the list. */
  navigate(route) {
    if (route.chat !== this.#route.chat) {
      this.#onSide = Boolean(route.exercise);
      if (route.chat) this.#tab = placeOf(route.chat).workoutAssignmentId ? "workouts" : "messages";
    }
    this.#route = route;
    this.#session.open(route.chat, route.around);
    this.render();
  }

  /** Say to a screen reader what somebody has just said. */
  announce({ senderName, content }) {
    this.#announcer.textContent = `${senderName}: ${content ?? ""}`;
  }

  render() {
    const { store, loaded } = this.#session;
    const { chat } = this.#route;
    const side = chat && placeOf(chat).workoutAssignmentId ? this.#shownWorkout() : null;
    this.#session.beside(this.#exercise()); // as soon as its workout is known
    this.#root.dataset.pane = !chat ? "list" : side && this.#onSide ? "side" : "chat";
    this.#root.dataset.columns = side ? "three" : "two";
    this.#list.render({
      organizations: loaded ? this.#organizations() : null,
      open: chat,
      tab: this.#tab,
      counts: this.#counts(),
    });
    this.#chat.render(chat ? this.#shownChat() : null);
    this.#exercises.render(side);
    this.#renderStatus();
    document.title = `${store.unread ? `(${store.unread}) ` : ""}${this.#me.name} · Coachwire`;
  }

  #renderStatus() {
    const { connection, ready, sender } = this.#session;
    this.#status.render({ connection, ready, waiting: this.#outbox.waiting, paused: sender.paused });
  }

  #showTab(tab) {
    this.#tab = tab;
    this.#search.clear();
    if (tab === "workouts") for (const id of this.#session.store.organizations.keys()) this.#session.loader.assignments(id);
    this.render();
  }

  #showSide(onSide) {
    this.#onSide = onSide;
    this.render();
  }

  #showFound(found) {
    this.#list.element.classList.toggle("searching", found);
  }

  #more(organizationId) {
    const { loader } = this.#session;
    return this.#tab === "messages" ? loader.more(organizationId) : loader.moreThreads(organizationId);
  }

  #begin(organizationId, member) {
    this.#session.store.begin(organizationId, member);
    this.#go({ chat: `${organizationId}/${member.membershipId}` });
  }

  #go(route) {
    location.hash = formatRoute({ as: this.#me.email, ...route });
  }

  /** Messages with these words, of all organizations. */
  async #find(words) {
    const { store } = this.#session;
    const messages = await this.directory.search([...store.organizations.keys()], words);
    return messages.map((message) => {
      const conversation = store.conversationOf(message);
      return {
        message,
        by: store.isMine(message) ? "You" : message.senderName,
        place: this.#placeOf(conversation) ?? message.senderName,
        route: { as: this.#me.email, chat: conversation.key, around: message.id },
      };
    });
  }

  /** What stands above a message that was found; undefined when it is not known. */
  #placeOf(conversation) {
    const name = conversation.name ?? this.#nameOfMember(conversation);
    const whose = conversation.workout && this.#whose(conversation);
    return whose ? `\u2068${whose}\u2069 · ${name}` : name;
  }

  #counts() {
    const { store } = this.#session;
    const sum = (list) => list.reduce((total, { unread }) => total + unread, 0);
    const organizations = [...store.organizations.keys()];
    return {
      messages: sum(organizations.flatMap((id) => store.list(id))),
      workouts: sum(organizations.flatMap((id) => store.threads(id))),
    };
  }

  #organizations() {
    const { store, typists } = this.#session;
    const onMessages = this.#tab === "messages";
    return [...store.organizations.values()].map((organization) => {
      const list = onMessages ? store.list(organization.id) : store.threads(organization.id);
      return {
        id: organization.id,
        name: this.#nameOf(organization),
        unread: list.reduce((sum, { unread }) => sum + unread, 0),
        hasMore: (onMessages ? organization.cursor : organization.threadsCursor) != null,
        conversations: list.map((conversation) => ({
          conversation,
          last: this.#timeline(conversation).at(-1),
          typing: typists.has(conversation.key),
          online: this.#isOnline(conversation.key),
          about: conversation.workout ? dayOf(conversation.workout.date) : "",
          whose: conversation.isThread ? this.#whose(conversation) : "",
        })),
      };
    });
  }

  /** The list of people knows the names of organizations, the wire does not tell them yet. */
  #nameOf({ role }) {
    const rows = this.#me.rows.filter((row) => row.role === role);
    return rows.length === 1 ? rows[0].organization : `As ${role}`;
  }

  #nameOfMember({ organizationId, membershipId }) {
    return this.directory.nameOf(organizationId, membershipId);
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

  #shownChat() {
    const { store, loaded, typists } = this.#session;
    const key = this.#route.chat;
    const conversation = store.conversations.get(key);
    const sought = this.#route.around;
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
    };
  }

  /** The exercise that is open, as far as its workout is known. */
  #exercise() {
    const { chat, exercise: movementId } = this.#route;
    if (!chat || !movementId) return null;
    const workoutId = this.#session.store.conversations.get(chat)?.workout?.workoutId;
    return workoutId ? { organizationId: placeOf(chat).organizationId, workoutId, movementId } : null;
  }

  #shownWorkout() {
    const { chat, exercise } = this.#route;
    const conversation = this.#session.store.conversations.get(chat);
    const back = { as: this.#me.email, chat };
    if (!conversation?.workout) return { title: "", about: "", hint: "Loading…", back, movements: [], comments: null };
    const { organizationId, name, workout } = conversation;
    const { movements, problem } = this.directory.workout(organizationId, workout.workoutId);
    return {
      title: name,
      about: this.#about(conversation),
      hint: problem?.message ?? (movements ? (movements.length ? "" : "A workout without exercises.") : "Loading…"),
      back,
      movements: (movements ?? []).map((movement) => ({
        id: movement.id,
        name: movement.name,
        words: prescribed(movement.prescription),
        isOpen: movement.id === exercise,
        route: { ...back, exercise: movement.id === exercise ? null : movement.id },
      })),
      comments: exercise ? this.#shownComments(organizationId, exercise) : null,
    };
  }

  #shownComments(organizationId, movementId) {
    const mine = this.#session.store.organizations.get(organizationId)?.membershipId;
    return {
      movementId,
      ...this.#session.comments.show(movementId),
      isMine: (comment) => comment.authorMembershipId === mine,
    };
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
