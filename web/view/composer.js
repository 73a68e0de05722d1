// Where one writes: grows with its text, Enter sends, Shift+Enter begins a line.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const LONGEST = 5_000; // code points, as the server counts
const NEAR = 4_500; // from here on the rest is shown

/** `send(text)` answers why not, or nothing; `key()` is called while one writes, `stop()` when one has stopped. */
export class Composer {
  element;
  #area;
  #button;
  #hint = h("p", { className: "composer-hint", role: "status" });
  #drafts = new Map();
  #key = null;
  #on;

  constructor(on) {
    this.#on = on;
    this.#area = h("textarea", {
      rows: 1,
      dir: "auto",
      placeholder: "Message",
      "aria-label": "Message",
      enterKeyHint: "send",
      oninput: () => this.#written(),
      onkeydown: (event) => this.#pressed(event),
      onblur: () => on.stop(),
    });
    this.#button = h(
      "button",
      { type: "submit", className: "send", "aria-label": "Send", title: "Send (Enter)" },
      icon("send"),
    );
    this.element = h(
      "form",
      { className: "composer", onsubmit: (event) => this.#submit(event) },
      this.#hint,
      this.#area,
      this.#button,
    );
  }

  /** Write to this conversation; what was begun elsewhere is kept there. */
  open(key) {
    if (this.#key) this.#drafts.set(this.#key, this.#area.value);
    this.#key = key;
    this.#area.value = this.#drafts.get(key) ?? "";
    this.#fit();
  }

  focus() {
    this.#area.focus({ preventScroll: true });
  }

  #written() {
    this.#fit();
    if (this.#area.value.trim()) this.#on.key();
    else this.#on.stop();
  }

  #pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.element.requestSubmit();
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#area.value.trim();
    if (!text || length(text) > LONGEST) return;
    const refusal = this.#on.send(text);
    if (refusal) {
      this.#hint.textContent = refusal;
      return;
    }
    this.#area.value = "";
    this.#fit();
    this.focus();
  }

  #fit() {
    const left = LONGEST - length(this.#area.value.trim());
    const words = left < 0 ? `${-left} characters too many` : `${left} characters left`;
    this.#hint.textContent = left > LONGEST - NEAR ? "" : words;
    this.#hint.classList.toggle("over", left < 0);
    this.#button.disabled = left < 0 || left === LONGEST;
    this.#area.style.blockSize = "auto";
    this.#area.style.blockSize = `${this.#area.scrollHeight}px`;
  }
}

function length(text) {
  return [...text].length;
}
