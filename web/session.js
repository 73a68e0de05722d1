// One person's session: binds the socket, the stream's positions, the store and the outbox. No DOM.

import { Body } from "./body.js";
import { Comments } from "./comments.js";
import { Connection, Disconnected } from "./connection.js";
import { Finder } from "./finding.js";
import { keyAt, keyOf, partyAt, placeOf } from "./keys.js";
import { Loader } from "./loading.js";
import { Online } from "./online.js";
import { ownEvent } from "./own.js";
import { Reading } from "./reading.js";
import { Sender } from "./sender.js";
import { Sending } from "./sending.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { Topics } from "./topics.js";
import { TypingTeller, Typists } from "./typing.js";

const ACK = 2_000; // ms; the server writes no more often
const GATHER = 200; // ms in which a list that is being loaded comes together
const RECOUNT = 500; // ms after something in a thread, until its counts are asked for
const AGREE = 1_000; // ms after a count, in which the events that belong to it come
const AGAIN = 2_000; // ms after something that did not work

/** `changed()` is called after anything that may be seen has changed, `heard(message)` when somebody says something. */
export class Session {
  loaded = false; // there is something to show
  ready = false; // connected, and what is shown is the present
  #api;
  #device;
  #changed;
  #heard;
  #stream = new Stream();
  #connections = 0; // welcomes so far
  #unread = null; // the welcome's count, for when the replay is over
  #foreground = true;
  #open = null; // the key of the conversation on the screen
  #exercise = null; // what is commented on beside it
  #around = null; // a message of it that is looked for
  #acked = null;
  #finder;
  #timers = {};

  constructor({ url, api, outbox, uploads, values, device, changed, heard, Socket }) {
    this.#api = api;
    this.#device = device;
    this.#changed = changed;
    this.#heard = heard;
    this.store = new Store(changed);
    this.loader = new Loader({ api, store: this.store, changed });
    const ask = (request) => this.#request(request);
    const sending = new Sending({ ask, api, store: this.store, outbox, uploads });
    this.sender = new Sender({ outbox, send: (item) => sending.send(item), ready: () => this.ready, changed });
    this.#finder = new Finder({
      loader: this.loader,
      store: this.store,
      on: {
        failed: () => this.#lookLater(),
        changed: () => {
          this.look();
          changed();
        },
      },
    });
    this.typists = new Typists(changed);
    this.online = new Online({ ask, changed });
    this.typing = new TypingTeller((to, active) => this.connection.send({ type: "typing", ...addressed(to), active }));
    this.comments = new Comments({ api, changed });
    this.body = new Body({ api, changed });
    const record = ({ organizationId, membershipId, ...value }) => recorded(api, { organizationId, membershipId }, value);
    this.recorder = new Sender({ outbox: values, send: record, ready: () => this.ready, changed });
    this.topics = new Topics({
      ask,
      apply: (event) => this.#applyTopic(event),
      load: (topic) => this.#loadTopic(topic),
      closed: (topic) => {
        if (topic.startsWith("metrics:")) this.#loadTopic(topic); // what may still be seen, or why not
        changed();
      },
    });
    this.reading = new Reading({
      current: () => (this.ready && this.#foreground ? this.store.conversations.get(this.#open) : null),
      read: (conversation, upTo) => this.#markRead(conversation, upTo),
      failed: () => this.#lookLater(),
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
    if (this.#open !== key) this.typing.stop();
    if (this.#open !== key || this.#around !== around) this.store.leavePast(this.#open);
    this.#around = around;
    this.#open = key;
    this.look();
  }

  /** The exercise on the screen, or null: `{organizationId, workoutId, movementId}`. */
  beside(exercise) {
    if (this.#exercise?.movementId === exercise?.movementId) return;
    this.#exercise = exercise;
    this.#follow();
  }

  /** Whose values are on the screen, or null: `{organizationId, membershipId, own}`. */
  lookAt(place) {
    if (this.body.place?.membershipId === place?.membershipId) return;
    this.body.open(place);
    this.look();
  }

  /** Whether the page can be seen. */
  setForeground(foreground) {
    if (this.#foreground === foreground) return;
    this.#foreground = foreground;
    this.connection.send({ type: "state", state: this.#state });
    if (foreground) this.connection.wake();
    this.look();
  }

  /** Load the next page of what is shown of a history, if there is one: older, or newer in a view of the past. */
  async loadMore(key, { newer = false } = {}) {
    const conversation = this.store.conversations.get(key);
    if (!conversation || this.loader.isLoading(key)) return;
    const { past } = conversation;
    if (newer ? !past?.newer : (past ?? conversation).older === null) return;
    const loading = past ? this.loader.past(conversation, { newer }) : this.loader.history(conversation);
    if (await loading) this.look();
    else this.#lookLater();
  }

  /** Back from the past. */
  toPresent(key) {
    this.#around = null;
    this.store.leavePast(key);
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
    const conversation = this.store.conversations.get(this.#open);
    if (!conversation || (conversation.isThread && !conversation.workout)) this.#finder.find(this.#open);
    if (conversation) this.#loadFirst(conversation);
    this.#follow();
    this.reading.consider();
    this.sender.go();
    this.recorder.go();
    this.#later("ack", ACK, () => this.#ack());
    this.#later("watch", GATHER, () => this.#watch());
  }

  async #loadFirst(conversation) {
    const around = this.#around;
    if (conversation.older === undefined) {
      await this.loadMore(conversation.key);
    } else if (around && !conversation.messages.has(around) && !conversation.past) {
      this.#around = null; // asked for once: who is not there is not found by asking again
      await this.loader.around(conversation, around);
    }
  }

  /** Whether there is no such conversation, as far as one may know. */
  isMissing(key) {
    return this.#finder.isMissing(key);
  }

  /** The conversations of the organization that is on the screen, or of the first. */
  #watch() {
    if (!this.ready) return;
    const open = this.#open?.split("/")[0];
    const [first] = this.store.organizations.keys();
    this.online.watch(this.store.list(this.store.organizations.has(open) ? open : first));
  }

  /** The topics of what is on the screen. */
  #follow() {
    const { workoutAssignmentId } = this.#open ? placeOf(this.#open) : {};
    const topics = [];
    if (workoutAssignmentId) topics.push(`thread:${workoutAssignmentId}`);
    if (this.#exercise) topics.push(`exercise:${this.#exercise.movementId}`);
    if (this.body.place) topics.push(`metrics:${this.body.place.membershipId}`);
    this.topics.want(topics);
  }

  #lookLater() {
    this.#later("look", AGAIN, () => this.look());
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
    this.#finder.forget();
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
    for (const event of events) {
      this.store.apply(event);
      if (event.kind.startsWith("metric.") && this.body.place?.own) this.body.apply(event);
      if (event.kind === "message.created") this.#created(event);
      if (event.kind === "membership.changed" && event.data.reload) this.loader.organization(event.organizationId);
      if (event.kind === "assignment.published") this.#published(event);
    }
    if (events.length) this.look();
  }

  /** A workout that is there now: what was said under it before comes with its thread. */
  #published({ organizationId, data }) {
    this.#finder.forget();
    this.loader.threads(organizationId);
    this.loader.assignments(organizationId);
    const conversation = this.store.conversations.get(keyAt({ organizationId, ...data }));
    if (conversation?.workout && conversation.older !== undefined) this.loader.present(conversation);
  }

  /** Something in a topic; parties to a message have heard of it in their own stream as well. */
  #applyTopic(event) {
    if (event.kind?.startsWith("comment.")) this.comments.apply(event);
    if (event.kind?.startsWith("metric.")) this.body.apply(event);
    const isNew = event.kind === "message.created" && !this.store.message(event.data.id);
    this.store.apply(event);
    if (isNew) this.#created(event);
    this.look();
  }

  /** A topic begins anew: what is on the screen of it is loaded once more. */
  async #loadTopic(topic) {
    const [kind, id] = topic.split(":");
    if (kind === "metrics") {
      const wanted = this.body.place?.membershipId === id;
      if (wanted && !(await this.body.load())) this.#later("body", AGAIN, () => this.#loadTopic(topic));
      return;
    }
    if (kind === "exercise") {
      if (this.#exercise?.movementId === id && !(await this.comments.load(this.#exercise))) this.#lookLater();
      return;
    }
    const conversation = this.store.conversations.get(this.#open);
    if (conversation?.workoutAssignmentId === id && conversation.older !== undefined) {
      await this.loader.present(conversation);
      this.look();
    }
  }

  #created({ organizationId, data }) {
    const conversation = this.store.conversationOf(data);
    if (conversation && this.typists.has(conversation.key)) this.typists.note(conversation.key, false);
    if (conversation?.isThread) this.#later(`recount ${organizationId}`, RECOUNT, () => this.loader.threads(organizationId));
    else if (conversation?.listed === false) this.loader.list(organizationId);
    if (this.ready && !this.store.isMine(data)) this.#heard(data);
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
    this.#later("agree", AGREE, () => {
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

  /** Once for all who ask before it happens. */
  #later(name, ms, act) {
    this.#timers[name] ??= setTimeout(() => {
      delete this.#timers[name];
      act();
    }, ms);
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
