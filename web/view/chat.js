// The pane with one conversation: who it is with, what was said, and where to answer.

import { Composer } from "./composer.js";
import { avatar, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { Thread } from "./thread.js";

/** `back`: the address of the list. `drafts`: see drafts.js. `on`: see Composer and Thread; `side()` opens the workout on a narrow screen. */
export class Chat {
  element;
  #title = h("h2", { className: "bar-title" });
  #name = h("bdi");
  #role = h("span", { className: "role" });
  #header = h("header", { className: "bar" });
  #face = h("span");
  #side;
  #body;
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
  #sought = null;

  constructor({ back, drafts, on }) {
    const acts = { ...on, edit: (item) => this.#composer.edit(item) };
    this.#thread = new Thread({ more: on.more, present: on.present, acts });
    this.#composer = new Composer({ drafts, on });
    this.#side = h(
      "button",
      { type: "button", className: "side-button button", onclick: on.side },
      icon("workout"),
      "Exercises",
    );
    const values = { className: "button body-button", title: "Values of the body" };
    this.#body = h("a", values, icon("body"), h("span", {}, "Body"));
    this.#title.append(this.#name, this.#role);
    this.#header.append(
      h("a", { href: back, className: "icon-button back", "aria-label": "Back to conversations" }, icon("back")),
      this.#face,
      this.#title,
      this.#body,
      this.#side,
    );
    this.#room = h(
      "div",
      { className: "room", ondragover: dragged, ondrop: (event) => this.#dropped(event) },
      this.#header,
      this.#thread.element,
      this.#typing,
      this.#composer.element,
    );
    const properties = { className: "pane chat-pane", "aria-label": "Conversation" };
    this.element = h("section", properties, this.#room, this.#nothing);
  }

  /** `chat`: `{key, name, about, isThread, items, hint, hasOlder, hasNewer, typing, online, sought, body}`, or null for none.
   *  `body`: the address of this person's values, or null. */
  render(chat) {
    this.#room.hidden = !chat;
    this.#nothing.hidden = Boolean(chat);
    const key = chat?.key ?? null;
    if (key !== this.#key) this.#switch(key);
    if (!chat) return;
    if (chat.sought !== this.#sought) {
      this.#sought = chat.sought;
      if (chat.sought) this.#thread.seek(chat.sought);
    }
    this.#side.hidden = !chat.isThread;
    this.#body.hidden = !chat.body;
    if (chat.body) this.#body.href = chat.body;
    if (this.#face.dataset.name !== chat.name) {
      const face = chat.isThread ? h("span") : avatar(chat.name);
      face.dataset.name = chat.name;
      face.hidden = chat.isThread;
      this.#face.replaceWith(face);
      this.#face = face;
    }
    setText(this.#name, chat.name);
    setText(this.#role, [chat.about, chat.online && "online", chat.isDraft && "draft, not seen by its member"].filter(Boolean).join(" · "));
    this.#header.classList.toggle("online", chat.online);
    setText(this.#typing, chat.typing ? `${chat.typing} is typing…` : "");
    this.#thread.render(chat);
    this.#composer.render();
  }

  #switch(key) {
    this.#key = key;
    this.#sought = null;
    this.#thread.clear();
    this.#composer.open(key);
    // On a phone, the keyboard would cover what one came to read.
    if (key && matchMedia("(hover: hover) and (min-width: 48rem)").matches) this.#composer.focus();
  }

  #dropped(event) {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.#composer.take(files);
  }
}

function dragged(event) {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
}
