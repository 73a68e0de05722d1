// One person's session: binds the socket, the stream's positions, the store and the outbox. No DOM.

import { Body } from "./body.js";
import { Comments } from "./comments.js";
import { Connection, Disconnected } from "./connection.js";
import { Events } from "./events.js";
import { keyAt, keyOf, partyAt } from "./keys.js";
import { Loader } from "./loading.js";
import { Online } from "./online.js";
import { ownEvent } from "./own.js";
import { Reading } from "./reading.js";
import { Screen } from "./screen.js";
import { Sender } from "./sender.js";
import { Sending } from "./sending.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { Timers } from "./timers.js";
import { TypingTeller, Typists } from "./typing.js";

const ACK = 2_000; // ms; the server writes no more often
const GATHER = 200; // ms in which a list that is being loaded comes together
const AGREE = 1_000; // ms after a count, in which the events that belong to it come

/**
 * `changed()` is called after anything that may be seen has changed, `heard(message)` when somebody says something,
 * `measured(membershipIds)` when what is known of these people's values holds no more.
 */
export class Session {
  loaded = false; // there is something to show
  ready = false; // connected, and what is shown is the present
  #api;
  #device;
  #changed;
  #events;
  #stream = new Stream();
  #connections = 0; // welcomes so far
  #unread = null; // the welcome's count, for when the replay is over
  #foreground = true;
  #acked = null;
  #screen;
  #timers = new Timers();

  constructor({ url, api, outbox, uploads, values, definitions, device, changed, heard, measured, Socket }) {
    this.#api = api;
    this.#device = device;
    this.#changed = changed;
    this.store = new Store(changed);
    this.loader = new Loader({ api, store: this.store, changed });
    const ask = (request) => this.#request(request);
    const sending = new Sending({ ask, api, store: this.store, outbox, uploads });
    this.sender = new Sender({ outbox, send: (item) => sending.send(item), ready: () => this.ready, changed });
    this.typists = new Typists(changed);
    this.online = new Online({ ask, changed });
    this.typing = new TypingTeller((to, active) => this.connection.send({ type: "typing", ...addressed(to), active }));
    this.comments = new Comments({ api, changed });
    this.body = new Body({ api, definitions, changed });
    const record = ({ organizationId, membershipId, ...value }) => recorded(api, { organizationId, membershipId }, value);
    this.recorder = new Sender({ outbox: values, send: record, ready: () => this.ready, changed });
    this.#screen = new Screen({
      store: this.store,
      loader: this.loader,
      comments: this.comments,
      body: this.body,
      timers: this.#timers,
      on: {
        ask,
        changed,
        apply: (event) => {
          this.#events.applyTopic(event);
          this.look();
        },
        look: () => this.look(),
        measured: (membershipId) => measured([membershipId]),
      },
    });
    this.topics = this.#screen.topics;
    this.#events = new Events({
      store: this.store,
      loader: this.loader,
      body: this.body,
      comments: this.comments,
      typists: this.typists,
      timers: this.#timers,
      on: { measured, missing: () => this.#screen.forgetMissing(), heard: (message) => this.ready && heard(message) },
    });
    this.reading = new Reading({
      current: () => (this.ready && this.#foreground ? this.#screen.conversation : null),
      read: (conversation, upTo) => this.#markRead(conversation, upTo),
      failed: () => this.#screen.lookLater(),
      isMine: (message) => this.store.isMine(message),
      isToMe: (message) => this.store.isToMe(message),
    });
    this.connection = new Connection({ url, Socket, on: this.#handlers() });
  }

  start() {
    this.connection.start();
  }

  /** The conversation on the screen, or null; and a message in it that is looked for, if any. */
  open(key, around = null) {
    if (this.#screen.open !== key) this.typing.stop();
    this.#screen.show(key, around);
    this.look();
  }

  /** Beside it: an exercise, `{organizationId, workoutId, movementId}`, and whose values its loads come from; or nulls. */
  beside(what) {
    if (this.#screen.beside(what)) this.#screen.follow();
  }

  /** Whose values are on the screen, or null: `{organizationId, membershipId, own}`. */
  lookAt(place) {
    if (this.body.place?.membershipId === place?.membershipId) return;
    this.body.open(place);
    this.look();
  }

  /** What is shown of somebody's values is not what it was. */
  renewBody() {
    this.#screen.loadBody();
  }

  /** Whether the page can be seen. */
  setForeground(foreground) {
    if (this.#foreground === foreground) return;
    this.#foreground = foreground;
    this.connection.send({ type: "state", state: this.#state });
    if (foreground) this.connection.wake();
    this.look();
  }

  /** The next page of what is shown of a history, if there is one. */
  loadMore(key, which) {
    return this.#screen.loadMore(key, which);
  }

  /** Back from the past. */
  toPresent(key) {
    this.#screen.toPresent(key);
    this.look();
  }

  /** Take back a message of one's own. Raises `Refused` or `Disconnected`. */
  delete({ organizationId, id }) {
    return this.#request({ type: "message.delete", organizationId, id });
  }

  /** Write a message of one's own anew. Raises `Refused` or `Disconnected`. */
  edit({ organizationId, id }, content) {
    return this.#request({ type: "message.edit", organizationId, id, content });
  }

  /** Say something on an exercise, or change what one has said: `type` and fields as on the wire. Raises as `edit`. */
  comment(request) {
    return this.#request(request);
  }

  /** Do what the present asks for: a page of the open conversation, a receipt, a send. */
  look() {
    if (!this.ready) return;
    this.#screen.look();
    this.reading.consider();
    this.sender.go();
    this.recorder.go();
    this.#timers.later("ack", ACK, () => this.#ack());
    this.#timers.later("watch", GATHER, () => this.#watch());
  }

  /** Whether there is no such conversation, as far as one may know. */
  isMissing(key) {
    return this.#screen.isMissing(key);
  }

  /** The conversations of the organization that is on the screen, or of the first. */
  #watch() {
    if (!this.ready) return;
    const open = this.#screen.open?.split("/")[0];
    const [first] = this.store.organizations.keys();
    this.online.watch(this.store.list(this.store.organizations.has(open) ? open : first));
  }

  #handlers() {
    return {
      token: () => this.#api.freshToken(),
      hello: () => ({ device: this.#device, resume: this.#stream.resume, state: this.#state }),
      welcome: (frame) => this.#welcome(frame),
      frame: (frame) => {
        if (Object.hasOwn(Session.#FRAMES, frame.type)) Session.#FRAMES[frame.type](this, frame);
      },
      answered: (request, ok) => this.#answered(request, ok),
      changed: () => {
        if (this.connection.phase !== "live") this.ready = false;
        this.#changed();
      },
    };
  }

  static #FRAMES = {
    live: (session) => {
      if (!session.#stream.loading) session.#beReady();
    },
    event: (session, frame) => {
      if (frame.topic === undefined) session.#take(frame);
      else session.topics.take(frame);
    },
    "topic.closed": (session, frame) => session.topics.ended(frame),
    unread: (session, frame) => session.#countUnread(frame),
    signal: (session, { kind, organizationId, data }) => {
      const { workoutAssignmentId, fromMembershipId, recipientMembershipId } = data;
      const membershipId = fromMembershipId ?? recipientMembershipId;
      const key = keyAt({ organizationId, membershipId, workoutAssignmentId });
      if (kind === "typing") session.typists.note(key, data.active, fromMembershipId);
      if (kind === "delivered") session.store.markDelivered(key, data.upTo);
      if (kind === "presence") session.online.note(keyOf(organizationId, data.membershipId), data.online);
    },
  };

  get #state() {
    return this.#foreground ? "foreground" : "background";
  }

  #welcome(frame) {
    this.#connections += 1;
    this.#unread = frame.unread;
    this.#acked = null;
    this.online.forget();
    this.topics.forget();
    this.#stream.begin(frame);
    if (this.#stream.loading) this.#load();
  }

  async #load() {
    const connection = this.#connections;
    const sync = await this.loader.sync(() => this.#connections === connection && this.connection.phase === "live");
    if (!sync) return;
    if (sync.epoch !== this.#stream.epoch) {
      this.connection.restart(4000); // the stream has begun anew since the welcome
      return;
    }
    this.store.reset(sync);
    this.loaded = true;
    this.#unread = null; // the sync is newer
    this.#apply(this.#stream.loaded(sync.position));
    this.#beReady();
  }

  #beReady() {
    this.ready = true;
    this.#screen.forgetMissing();
    for (const organizationId of this.store.organizations.keys()) this.loader.threads(organizationId);
    if (this.#unread) this.#countUnread(this.#unread);
    this.look();
    this.#changed();
  }

  #take(event) {
    const events = this.#stream.take(event);
    if (events === null) this.connection.restart(4003);
    else this.#apply(events);
  }

  #apply(events) {
    for (const event of events) this.#events.apply(event);
    if (events.length) this.look();
  }

  /** Called for an `ok` as its frame comes, so that its position is taken in its turn. */
  #answered(request, { data, position }) {
    if (request.type === "presence.watch") {
      this.online.answered(data.online.map((id) => keyOf(request.organizationId, id)));
      return;
    }
    const me = this.store.organizations.get(request.organizationId)?.membershipId;
    if (request.type === "topic.open") {
      this.topics.answered(request, data);
      return;
    }
    const event = ownEvent(request, data, me) ?? { kind: "ok" };
    if (position !== undefined) this.#take({ ...event, position });
    else if (!data.duplicate) this.store.apply(event);
  }

  /** New links to a file of a message; null when there are none to be had. */
  async renew({ id, organizationId }, file) {
    const links = await this.#api.links(organizationId, file.id).catch(() => null);
    if (links) this.store.renewLinks(id, file.id, links);
    return links;
  }

  async #markRead(conversation, upTo) {
    const { organizationId, key } = conversation;
    await this.#request({ type: "message.read", organizationId, conversation: partyAt(conversation), upTo });
    this.store.markSeen(key, upTo);
  }

  /** Only what is up to date may ask: an `ok` must never be overtaken by a load. */
  #request(request) {
    return this.ready ? this.connection.request(request) : Promise.reject(new Disconnected());
  }

  #countUnread(frame) {
    this.store.countUnread(frame);
    this.#timers.later("agree", AGREE, () => {
      for (const organizationId of this.store.takeDoubts()) {
        this.loader.list(organizationId);
        this.loader.threads(organizationId);
      }
    });
  }

  #ack() {
    const position = this.#stream.applied;
    if (!this.ready || position === null || position === this.#acked) return;
    this.#acked = position;
    this.connection.send({ type: "ack", position });
  }
}

function addressed(place) {
  return { organizationId: place.organizationId, to: partyAt(place) };
}

/** Told as the sender of the outbox expects it: what may be sent again is. */
async function recorded(api, place, { error: _, ...value }) {
  try {
    await api.recordValue(place, value);
  } catch (problem) {
    throw Object.assign(problem, { mayRetry: !problem.final });
  }
}
