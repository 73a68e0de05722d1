// One person's session: binds the socket, the stream's positions, the store and the outbox. No DOM.

import { Connection, Disconnected } from "./connection.js";
import { Loader } from "./loading.js";
import { Online } from "./online.js";
import { ownEvent } from "./own.js";
import { Reading } from "./reading.js";
import { Sender } from "./sender.js";
import { keyOf, Store } from "./store.js";
import { Stream } from "./stream.js";
import { TypingTeller, Typists } from "./typing.js";

const ACK = 2_000; // ms; the server writes no more often
const GATHER = 200; // ms in which a list that is being loaded comes together
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
  #acked = null;
  #timers = {};

  constructor({ url, api, outbox, device, changed, heard, Socket }) {
    this.#api = api;
    this.#device = device;
    this.#changed = changed;
    this.#heard = heard;
    this.store = new Store(changed);
    this.loader = new Loader({ api, store: this.store, changed });
    this.sender = new Sender({ outbox, send: (item) => this.#send(item), ready: () => this.ready, changed });
    this.typists = new Typists(changed);
    this.online = new Online({ ask: (request) => this.#request(request), changed });
    this.typing = new TypingTeller((to, active) => this.connection.send({ type: "typing", ...partyOf(to), active }));
    this.reading = new Reading({
      current: () => (this.ready && this.#foreground ? this.store.conversations.get(this.#open) : null),
      read: (conversation, upTo) => this.#markRead(conversation, upTo),
      failed: () => this.#lookLater(),
      isMine: (message) => this.store.isMine(message),
    });
    this.connection = new Connection({ url, Socket, on: this.#handlers() });
  }

  start() {
    this.connection.start();
  }

  /** The conversation on the screen, or null. */
  open(key) {
    if (this.#open === key) return;
    this.typing.stop();
    this.#open = key;
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

  /** Load the next older page of a history, if there is one. */
  async loadOlder(key) {
    const conversation = this.store.conversations.get(key);
    if (!conversation || conversation.older === null || this.loader.isLoading(key)) return;
    if (await this.loader.history(conversation)) this.look();
    else this.#lookLater();
  }

  /** Take back a message of one's own. Raises `Refused` or `Disconnected`. */
  delete({ organizationId, id }) {
    return this.#request({ type: "message.delete", organizationId, id });
  }

  /** Do what the present asks for: a page of the open conversation, a receipt, a send. */
  look() {
    if (!this.ready) return;
    const conversation = this.store.conversations.get(this.#open);
    if (!conversation) this.#find(this.#open);
    else if (conversation.older === undefined) this.loadOlder(this.#open);
    this.reading.consider();
    this.sender.go();
    this.#later("ack", ACK, () => this.#ack());
    this.#later("watch", GATHER, () => this.#watch());
  }

  /** A conversation that is open and not in what is loaded of the list: load more of it. */
  async #find(key) {
    const organization = this.store.organizations.get(key?.split("/")[0]);
    if (!organization?.cursor || this.loader.isLoading(organization.id)) return;
    if (await this.loader.more(organization.id)) this.look();
    else this.#lookLater();
  }

  /** The conversations of the organization that is on the screen, or of the first. */
  #watch() {
    if (!this.ready) return;
    const open = this.#open?.split("/")[0];
    const [first] = this.store.organizations.keys();
    this.online.watch(this.store.list(this.store.organizations.has(open) ? open : first));
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
    },
    unread: (session, frame) => session.#countUnread(frame),
    signal: (session, { kind, organizationId, data }) => {
      if (data.workoutAssignmentId) return; // threads are not shown here
      if (kind === "typing") session.typists.note(keyOf(organizationId, data.fromMembershipId), data.active);
      if (kind === "delivered") {
        session.store.markDelivered(keyOf(organizationId, data.recipientMembershipId), data.upTo);
      }
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
      if (event.kind === "message.created") this.#created(event);
      if (event.kind === "membership.changed" && event.data.reload) this.loader.organization(event.organizationId);
    }
    if (events.length) this.look();
  }

  #created({ organizationId, data }) {
    const key = keyOf(organizationId, data.senderMembershipId);
    if (this.typists.has(key)) this.typists.note(key, false);
    if (this.store.conversationOf(data)?.listed === false) this.loader.list(organizationId);
    if (this.ready && !this.store.isMine(data)) this.#heard(data);
  }

  /** Called for an `ok` as its frame comes, so that its position is taken in its turn. */
  #answered(request, { data, position }) {
    if (request.type === "presence.watch") {
      this.online.answered(data.online.map((id) => keyOf(request.organizationId, id)));
      return;
    }
    const me = this.store.organizations.get(request.organizationId)?.membershipId;
    const event = ownEvent(request, data, me) ?? { kind: "ok" };
    if (position !== undefined) this.#take({ ...event, position });
    else if (!data.duplicate) this.store.apply(event);
  }

  async #send(item) {
    const { id, organizationId, content } = item;
    const ok = await this.#request({ type: "message.send", ...partyOf(item), id, content });
    if (!ok.data.duplicate || this.store.message(id)) return;
    const message = await this.#api.message(organizationId, id).catch(() => null);
    if (message) this.store.addMessage(message);
  }

  #markRead({ organizationId, membershipId }, upTo) {
    return this.#request({ type: "message.read", organizationId, conversation: { membershipId }, upTo });
  }

  /** Only what is up to date may ask: an `ok` must never be overtaken by a load. */
  #request(request) {
    return this.ready ? this.connection.request(request) : Promise.reject(new Disconnected());
  }

  #countUnread(frame) {
    this.store.countUnread(frame);
    this.#later("agree", AGREE, () => {
      for (const organizationId of this.store.takeDoubts()) this.loader.list(organizationId);
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

function partyOf({ organizationId, membershipId }) {
  return { organizationId, to: { membershipId } };
}
