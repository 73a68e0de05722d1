// The line on top that says how the connection is, when there is something to say.

import { h, setText } from "./dom.js";
import { count, whyStopped } from "./words.js";

const NOTE = 6_000; // ms for which something that went wrong is said

/** Render again at least every second while it is shown: it counts down. */
export class Status {
  #element;
  #text = h("span");
  #button;
  #note = { text: "", until: 0 };

  constructor(element, connect) {
    this.#element = element;
    this.#button = h("button", { type: "button", className: "link", onclick: connect });
    element.replaceChildren(this.#text, this.#button);
  }

  /** Say this for a while, unless the connection has more to say. */
  note(text) {
    this.#note = { text, until: Date.now() + NOTE };
  }

  render({ connection, ready, waiting, pausedUntil, now = Date.now() }) {
    const [said, action] = say(connection, ready, waiting, pausedUntil, now);
    const text = said || (this.#note.until > now ? this.#note.text : "");
    this.#element.hidden = !text;
    this.#element.dataset.phase = connection.phase;
    setText(this.#text, text);
    setText(this.#button, action);
    this.#button.hidden = !action;
  }
}

function say(connection, ready, waiting, pausedUntil, now) {
  const queue = waiting ? `, ${waiting} waiting` : "";
  switch (connection.phase) {
    case "stopped":
      return [`${whyStopped(connection)}${waiting ? ` ${count(waiting, "message waits", "messages wait")}.` : ""}`, "Connect again"];
    case "waiting": {
      const seconds = Math.ceil((connection.retryAt - now) / 1000);
      return [`Offline${queue}${seconds > 1 ? `, trying again in ${seconds} s` : ""}`, seconds > 1 ? "Try now" : ""];
    }
    case "connecting":
      return [`Connecting…${queue}`, ""];
    default:
      if (!ready) return [`Catching up…${queue}`, ""];
      if (pausedUntil > now + 1000) {
        const seconds = Math.ceil((pausedUntil - now) / 1000);
        return [`That was fast: ${count(waiting, "message goes", "messages go")} out in ${seconds} s`, ""];
      }
      return ["", ""];
  }
}
