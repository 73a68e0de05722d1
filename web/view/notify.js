// The button that turns notifications on and off, where there are any.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const WORDS = {
  off: "Notify me on this device",
  on: "Stop notifying me on this device",
  denied: "Notifications are blocked in this browser's settings",
};

/** `push`: see push.js. `say(words)` tells what went wrong. */
export class NotifyButton {
  element;
  #push;
  #say;
  #state = "unavailable";

  constructor({ push, say }) {
    this.#push = push;
    this.#say = say;
    const properties = { type: "button", className: "notify icon-button", hidden: true, onclick: () => this.#pressed() };
    this.element = h("button", properties, icon("bell"));
    this.#look();
  }

  async #look() {
    this.#state = await this.#push.state().catch(() => "unavailable");
    const label = WORDS[this.#state];
    this.element.hidden = !label;
    this.element.title = this.element.ariaLabel = label ?? "";
    this.element.ariaPressed = String(this.#state === "on");
    this.element.disabled = this.#state === "denied";
  }

  async #pressed() {
    this.element.disabled = true;
    try {
      await (this.#state === "on" ? this.#push.turnOff() : this.#push.turnOn());
    } catch (error) {
      this.#say(error.message);
    }
    this.element.disabled = false;
    await this.#look();
  }
}
