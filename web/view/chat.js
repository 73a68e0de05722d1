// The pane with one conversation: who it is with, what was said, and where to answer.

import { Composer } from "./composer.js";
import { avatar, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { Thread } from "./thread.js";

/** `back`: the address of the list. `on`: see Composer and Thread. */
export class Chat {
  element;
  #title = h("h2", { className: "bar-title" });
  #name = h("bdi");
  #role = h("span", { className: "role" });
  #header = h("header", { className: "bar" });
  #face = h("span");
  #typing = h("p", { className: "typing-line", role: "status" });
  #thread;
  #composer;
  #room;
  #nothing = h(
    "p",
    { className: "hint nothing" },
    "Choose a conversation. What you write is kept safe, also while you are offline.",
  );
  #key = null;

  constructor({ back, on }) {
    this.#thread = new Thread({ older: on.older, acts: on });
    this.#composer = new Composer(on);
    this.#title.append(this.#name, this.#role);
    this.#header.append(
      h("a", { href: back, className: "icon-button back", "aria-label": "Back to conversations" }, icon("back")),
      this.#face,
      this.#title,
    );
    this.#room = h(
      "div",
      { className: "room" },
      this.#header,
      this.#thread.element,
      this.#typing,
      this.#composer.element,
    );
    const properties = { className: "pane chat-pane", "aria-label": "Conversation" };
    this.element = h("section", properties, this.#room, this.#nothing);
  }

  /** `chat`: `{key, name, role, items, hint, hasOlder, typing, online}`, or null when none is open. */
  render(chat) {
    this.#room.hidden = !chat;
    this.#nothing.hidden = Boolean(chat);
    const key = chat?.key ?? null;
    if (key !== this.#key) this.#switch(key);
    if (!chat) return;
    if (this.#face.dataset.name !== chat.name) {
      const face = avatar(chat.name);
      face.dataset.name = chat.name;
      this.#face.replaceWith(face);
      this.#face = face;
    }
    setText(this.#name, chat.name);
    setText(this.#role, [chat.role, chat.online && "online"].filter(Boolean).join(" · "));
    this.#header.classList.toggle("online", chat.online);
    setText(this.#typing, chat.typing ? `${chat.name} is typing…` : "");
    this.#thread.render(chat);
  }

  #switch(key) {
    this.#key = key;
    this.#thread.clear();
    this.#composer.open(key);
    // On a phone, the keyboard would cover what one came to read.
    if (key && matchMedia("(hover: hover) and (min-width: 48rem)").matches) this.#composer.focus();
  }
}
