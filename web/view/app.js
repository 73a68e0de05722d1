// What a session looks like: the panes, what is open in them, and what of it is before one's eyes.

import { placeOf } from "../keys.js";
import { formatRoute } from "../route.js";
import { Acts } from "./acts.js";
import { BodyPane } from "./body.js";
import { Chat } from "./chat.js";
import { Exercises } from "./exercises.js";
import { Search } from "./found.js";
import { ConversationList } from "./list.js";
import { NotifyButton } from "./notify.js";
import { People } from "./people.js";
import { Lightbox } from "./pictures.js";
import { SetEditor } from "./seteditor.js";
import { Shown } from "./shown.js";
import { Status } from "./status.js";

const COUNTDOWN = 1_000; // ms

/** `me`: `{email, name, rows}`, rows as in `GET /dev/people`. Render as often as you like. */
export class App {
  #root;
  #session;
  #outbox;
  #me;
  #directory;
  #shown;
  #list;
  #chat;
  #exercises;
  #body;
  #search;
  #status;
  #route = { chat: null, around: null, exercise: null, body: null };
  #tab = "messages";
  #onSide = false; // on a narrow screen: the workout is before the thread
  #announcer = document.getElementById("announcer");

  constructor({ root, session, outbox, uploads, drafts, values, definitions, sets, directory, push, me, newId }) {
    this.#root = root;
    this.#session = session;
    this.#outbox = outbox;
    this.#me = me;
    this.#directory = directory;
    this.#shown = new Shown({ session, outbox, definitions, sets, directory, me });
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
      drafts,
      on: {
        ...acts.ofChat(),
        show: (item, file) => lightbox.open(item, file),
        side: () => this.#showSide(true),
      },
    });
    const nameOf = (organization) => this.#shown.nameOf(organization);
    const editor = new SetEditor({ definitions, on: acts.ofSets(sets) });
    this.#body = new BodyPane({ session, values, definitions, directory, editor, me, newId, say, nameOf });
    this.#exercises = new Exercises({ ...acts.ofExercise(), sets: this.#workoutSets(editor) });
    this.#exercises.element.addEventListener("click", (event) => {
      if (event.target.closest(".back")) this.#showSide(false);
    });
    root.className = "app panes";
    root.replaceChildren(this.#list.element, this.#chat.element, this.#body.element, this.#exercises.element);
    document.body.append(lightbox.element, people.element, editor.element);
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

  /** Say something for a while. */
  note(words) {
    this.#status.note(words);
    this.#renderStatus();
  }

  /** Say to a screen reader what somebody has just said. */
  announce({ senderName, content }) {
    this.#announcer.textContent = `${senderName}: ${content ?? ""}`;
  }

  render() {
    const { store, loaded } = this.#session;
    const { chat } = this.#route;
    const side = chat && placeOf(chat).workoutAssignmentId ? this.#shown.workout(this.#route) : null;
    // As soon as its workout is known.
    this.#session.beside({ exercise: this.#shown.exercise(this.#route), measured: side && this.#shown.measured(this.#route) });
    const body = this.#body.render(this.#route.body);
    this.#chat.element.hidden = Boolean(body);
    this.#root.dataset.pane = body ? "body" : !chat ? "list" : side && this.#onSide ? "side" : "chat";
    this.#root.dataset.columns = side ? "three" : "two";
    this.#list.render({
      organizations: loaded ? this.#shown.organizations(this.#tab) : null,
      open: chat ?? this.#route.body,
      tab: this.#tab,
      counts: this.#shown.counts(),
      body: this.#body.home ? Boolean(body?.own) : null,
    });
    this.#chat.render(chat ? this.#shown.chat(this.#route) : null);
    this.#exercises.render(side);
    this.#renderStatus();
    document.title = `${store.unread ? `(${store.unread}) ` : ""}${this.#me.name} · Coachwire`;
  }

  #workoutSets(editor) {
    const within = () => placeOf(this.#route.chat).organizationId;
    return {
      change: (set) => editor.change(within(), set),
      make: () => editor.make(within(), { workoutId: this.#shown.workoutId(this.#route) }, "New set for this workout"),
    };
  }

  #renderStatus() {
    const { connection, ready, sender } = this.#session;
    this.#status.render({ connection, ready, waiting: this.#outbox.waiting, paused: sender.paused });
  }

  #showTab(tab) {
    if (tab === "body") {
      this.#go({ body: this.#body.home });
      return;
    }
    if (this.#route.body) this.#go({});
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
    return this.#tab === "messages" ? loader.more(organizationId) : loader.moreWorkouts(organizationId);
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
    return this.#shown.found(await this.#directory.search([...this.#session.store.organizations.keys()], words));
  }
}
