// The line on top that says how the connection is, when there is something to say.

import { h, setText } from "./dom.js";
import { count, whyStopped } from "./words.js";

const NOTICED = 1_000; // ms; a shorter wait is over before it is read
const NOTE = 6_000; // ms for which something that went wrong is said

/** Render again at least every second while it is shown: it counts down. */
export class Status {
  #element;
  #text = h("span");
  #countdown = h("span", { "aria-hidden": "true" }); // nobody wants to hear every second
  #button;
  #note = { text: "", until: 0 };

  constructor(element, connect) {
    this.#element = element;
    this.#button = h("button", { type: "button", className: "link", onclick: connect });
    element.replaceChildren(h("span", {}, this.#text, this.#countdown), this.#button);
  }

  /** Say this for a while, unless the connection has more to say. */
  note(text) {
    this.#note = { text, until: Date.now() + NOTE };
  }

  /** `paused`: `{until, code}` while the server asks to wait. */
  render({ connection, ready, waiting, paused, now = Date.now() }) {
    const { text: said = "", until = 0, action = "" } = say({ connection, ready, waiting, paused, now });
    const seconds = Math.ceil((until - now) / 1000);
    const text = said || (this.#note.until > now ? this.#note.text : "");
    this.#element.hidden = !text;
    this.#element.dataset.phase = connection.phase;
    setText(this.#text, text);
    setText(this.#countdown, seconds > 1 ? ` · again in ${seconds} s` : "");
    setText(this.#button, action);
    this.#button.hidden = !action;
  }
}

function say({ connection, ready, waiting, paused, now }) {
  const queue = waiting ? `, ${waiting} waiting` : "";
  switch (connection.phase) {
    case "stopped":
      return { text: `${whyStopped(connection)}${waiting ? ` ${waiting} waiting.` : ""}`, action: "Connect again" };
    case "waiting":
      return { text: `Offline${queue}`, until: connection.retryAt, action: "Try now" };
    case "connecting":
      return { text: `Connecting…${queue}` };
  }
  if (!ready) return { text: `Catching up…${queue}` };
  if (!paused || paused.until < now + NOTICED) return {};
  const why = paused.code === "rate_limited" ? "That was fast" : "The server is busy";
  return { text: `${why}: ${count(waiting, "message waits", "messages wait")}`, until: paused.until };
}
