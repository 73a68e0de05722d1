// With whom to begin a conversation: a dialog with a list of the organization's people, narrowed by what one types.

import { avatar, h, setText } from "./dom.js";

const PAUSE = 250; // ms after a key, until it is asked for

/** `find(organizationId, words)` resolves with members; `chosen(organizationId, member)`. */
export class People {
  element;
  #on;
  #input;
  #rows = h("ul", { className: "choices" });
  #hint = h("p", { className: "hint", role: "status" });
  #organizationId = null;
  #timer = null;
  #asked = 0; // the last question: an answer to an earlier one comes too late

  constructor(on) {
    this.#on = on;
    this.#input = h("input", {
      type: "search",
      dir: "auto",
      placeholder: "Name",
      "aria-label": "Name",
      autocomplete: "off",
      oninput: () => this.#askSoon(),
    });
    this.element = h(
      "dialog",
      { className: "people", "aria-label": "New conversation" },
      h(
        "form",
        { method: "dialog", className: "people-head" },
        h("h2", {}, "New conversation"),
        h("button", { className: "link", value: "" }, "Close"),
      ),
      this.#input,
      this.#hint,
      this.#rows,
    );
  }

  open(organizationId) {
    this.#organizationId = organizationId;
    this.#input.value = "";
    this.#rows.replaceChildren();
    this.element.showModal();
    this.#input.focus();
    this.#ask();
  }

  #askSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), PAUSE);
  }

  async #ask() {
    const asked = ++this.#asked;
    const words = this.#input.value.trim();
    if (!this.#rows.firstChild) setText(this.#hint, "Loading…");
    let members = [];
    let hint = words ? "Nobody of that name to whom you may write." : "Nobody to whom you may write yet.";
    try {
      members = await this.#on.find(this.#organizationId, words);
    } catch (problem) {
      hint = problem.message;
    }
    if (asked !== this.#asked) return;
    setText(this.#hint, members.length ? "" : hint);
    this.#hint.hidden = members.length > 0;
    this.#rows.replaceChildren(...members.map((member) => this.#row(member)));
  }

  #row(member) {
    const choose = () => {
      this.element.close();
      this.#on.chosen(this.#organizationId, member);
    };
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", className: `choice${member.online ? " online" : ""}`, onclick: choose },
        avatar(member.name),
        h(
          "span",
          { className: "who" },
          h("bdi", { className: "name" }, member.name),
          h("span", { className: "role" }, [member.role, member.online && "online"].filter(Boolean).join(" · ")),
        ),
      ),
    );
  }
}
