// What a session looks like: builds what the panes show from the store, and turns what people do into calls.

import { Disconnected } from "../connection.js";
import { formatRoute } from "../route.js";
import { Chat } from "./chat.js";
import { h } from "./dom.js";
import { ConversationList } from "./list.js";
import { Status } from "./status.js";
import { timeline } from "./timeline.js";

const COUNTDOWN = 1_000; // ms
const SHORT = 80; // characters of a message in a question about it

/** `me`: `{email, name, rows}`, rows as in `GET /dev/people`. Render as often as you like. */
export class App {
  #root;
  #session;
  #outbox;
  #me;
  #newId;
  #list;
  #chat;
  #status;
  #open = null;
  #announcer = document.getElementById("announcer");
  #confirm = document.getElementById("confirm");

  constructor({ root, session, outbox, me, newId }) {
    this.#root = root;
    this.#session = session;
    this.#outbox = outbox;
    this.#me = me;
    this.#newId = newId;
    this.#list = new ConversationList({ me, more: (organizationId) => session.loader.more(organizationId) });
    this.#chat = new Chat({ back: formatRoute({ as: me.email, chat: null }), on: this.#acts() });
    this.#status = new Status(document.getElementById("status"), () => session.start());
    root.className = "app panes";
    root.replaceChildren(this.#list.element, this.#chat.element);
    setInterval(() => this.#renderStatus(), COUNTDOWN);
  }

  /** Open the conversation with this key; null: the list. */
  navigate(key) {
    this.#open = key;
    this.#session.open(key);
    this.render();
  }

  /** Say to a screen reader what somebody has just said. */
  announce({ senderName, content }) {
    this.#announcer.textContent = `${senderName}: ${content ?? ""}`;
  }

  render() {
    const { store } = this.#session;
    this.#root.dataset.pane = this.#open ? "chat" : "list";
    this.#list.render({ organizations: this.#session.loaded ? this.#organizations() : null, open: this.#open });
    this.#chat.render(this.#open ? this.#shownChat() : null);
    this.#renderStatus();
    document.title = `${store.unread ? `(${store.unread}) ` : ""}${this.#me.name} · Coachwire`;
  }

  #renderStatus() {
    const { connection, ready, sender } = this.#session;
    this.#status.render({ connection, ready, waiting: this.#outbox.waiting, paused: sender.paused });
  }

  #organizations() {
    const { store, typists } = this.#session;
    return [...store.organizations.values()].map((organization) => ({
      id: organization.id,
      name: this.#nameOf(organization),
      unread: organization.unread,
      hasMore: organization.cursor !== null,
      conversations: store.list(organization.id).map((conversation) => ({
        conversation,
        last: this.#timeline(conversation).at(-1),
        typing: typists.has(conversation.key),
        online: this.#isOnline(conversation.key),
      })),
    }));
  }

  /** The list of people knows the names of organizations, the wire does not tell them yet. */
  #nameOf({ role }) {
    const rows = this.#me.rows.filter((row) => row.role === role);
    return rows.length === 1 ? rows[0].organization : `As ${role}`;
  }

  #shownChat() {
    const { store, loaded, typists } = this.#session;
    const conversation = store.conversations.get(this.#open);
    const nobody = { key: this.#open, name: "", role: "", items: [], hasOlder: false, typing: false, online: false };
    if (!conversation) {
      const more = store.organizations.get(this.#open.split("/")[0])?.cursor;
      return { ...nobody, hint: loaded && !more ? "There is no such conversation." : "Loading…" };
    }
    const { key, name, role, older } = conversation;
    const items = this.#timeline(conversation);
    const beginning = items.length ? "" : "No messages yet. Say hello.";
    return {
      key,
      name: name ?? "…",
      role: role ?? "",
      items,
      hint: older === null ? beginning : "Loading…",
      hasOlder: typeof older === "string",
      typing: typists.has(key),
      online: this.#isOnline(key),
    };
  }

  /** Without a connection nothing is known of others. */
  #isOnline(key) {
    return this.#session.ready && this.#session.online.has(key);
  }

  #timeline({ key, sorted }) {
    const { store, sender } = this.#session;
    return timeline({
      messages: sorted,
      outbox: this.#outbox.of(key),
      sending: sender.sending,
      isMine: (message) => store.isMine(message),
    });
  }

  #acts() {
    const { typing, store } = this.#session;
    return {
      older: () => this.#session.loadOlder(this.#open),
      key: () => store.conversations.has(this.#open) && typing.key(store.conversations.get(this.#open)),
      stop: () => typing.stop(),
      send: (text) => this.#send(text),
      retry: (id) => {
        this.#outbox.retry(id);
        this.#session.look();
      },
      discard: (id) => this.#outbox.remove(id),
      delete: (item) => this.#delete(item),
    };
  }

  #send(content) {
    const [organizationId, membershipId] = this.#open.split("/");
    const item = { id: this.#newId(), organizationId, membershipId, content, writtenAt: Date.now() };
    if (!this.#outbox.add(item)) return "Too many messages are waiting already. This one stays here.";
    this.#session.typing.stop();
    this.#session.look();
    return null;
  }

  async #delete({ id, organizationId, text }) {
    const letters = [...text];
    const short = letters.length > SHORT ? `${letters.slice(0, SHORT).join("")}…` : text;
    const question = document.getElementById("confirm-question");
    question.replaceChildren("Delete “", h("bdi", {}, short), "” for both of you?");
    this.#confirm.returnValue = "no";
    this.#confirm.showModal();
    await new Promise((resolve) => this.#confirm.addEventListener("close", resolve, { once: true }));
    if (this.#confirm.returnValue !== "yes") return;
    try {
      await this.#session.delete({ id, organizationId });
    } catch (error) {
      const why = error instanceof Disconnected ? "There is no connection. Try again later." : error.message;
      this.#status.note(`Not deleted. ${why}`);
    }
  }
}
