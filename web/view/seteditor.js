// A dialog in which a set of metrics is written: its name, what is in it and in which order. Nothing changes before it is saved.

import { h, reconcile, setText } from "./dom.js";
import { icon } from "./icons.js";
import { sure } from "./sure.js";
import { whySetStays } from "./words.js";

const MOST = 100; // definitions in a set, as the server counts
const LONGEST = 255; // code points of a name
const LISTED = 40; // definitions that are offered at once; who wants another types more of its name

/**
 * `definitions`: see definitions.js; `make(organizationId, set)`, `change(organizationId, set, to)`,
 * `remove(organizationId, set)` raise `Problem`; `written()` after any of them; `newId()`.
 */
export class SetEditor {
  element;
  #on;
  #definitions;
  #organizationId = null;
  #set = null; // as the server has it, or what is to be made of a new one
  #isNew = false;
  #chosen = []; // ids, in order
  #title = h("h2", { id: "set-editor-title" });
  #name = h("input", { type: "text", dir: "auto", required: true, maxLength: LONGEST, autocomplete: "off" });
  #list = h("ol", { className: "set-chosen", "aria-label": "In this set" });
  #empty = h("p", { className: "role" }, "Nothing yet. Choose from the list below.");
  #said = h("p", { className: "visually-hidden", "aria-live": "polite" });
  #search;
  #offers = h("ul", { className: "choices set-offers", "aria-label": "What can be added" });
  #none = h("p", { className: "role" });
  #failure = h("p", { className: "failure", role: "alert" });
  #remove;
  #save = h("button", { className: "button" }, "Save");
  #fields;

  constructor({ definitions, on }) {
    this.#definitions = definitions;
    this.#on = on;
    this.#search = h("input", {
      type: "search",
      dir: "auto",
      placeholder: "Search what to measure",
      "aria-label": "Search what to measure",
      autocomplete: "off",
      oninput: () => this.#offer(),
      onkeydown: (event) => this.#pressed(event),
    });
    const button = (words, properties) => h("button", { type: "button", className: "button", ...properties }, words);
    this.#remove = button("Delete this set", { className: "button danger", onclick: () => this.#removed() });
    this.#fields = h(
      "fieldset",
      {},
      h("label", { className: "set-name" }, h("span", {}, "Name"), this.#name),
      h("h3", {}, "In this set"),
      this.#empty,
      this.#list,
      this.#said,
      h("h3", {}, "Add"),
      this.#search,
      this.#none,
      this.#offers,
      this.#failure,
      h("menu", {}, this.#remove, button("Cancel", { onclick: () => this.element.close() }), this.#save),
    );
    this.element = h(
      "dialog",
      { className: "people set-editor", "aria-labelledby": "set-editor-title" },
      h("form", { onsubmit: (event) => this.#submitted(event) }, this.#title, this.#fields),
    );
  }

  /** `owner`: as on the wire. */
  make(organizationId, owner, title) {
    this.#open(organizationId, { id: this.#on.newId(), name: "", owner, definitions: [] }, title, { isNew: true });
  }

  change(organizationId, set) {
    this.#open(organizationId, set, "Change a set", { isNew: false });
  }

  #open(organizationId, set, title, { isNew }) {
    this.#organizationId = organizationId;
    this.#set = set;
    this.#isNew = isNew;
    this.#chosen = [...set.definitions];
    this.#name.value = set.name;
    this.#search.value = "";
    this.#remove.hidden = isNew;
    for (const line of [this.#failure, this.#said]) setText(line, "");
    setText(this.#title, title);
    this.#show();
    this.element.showModal();
    this.#name.focus();
  }

  #show() {
    reconcile(this.#list, this.#chosen, {
      key: (id) => id,
      create: (id) => this.#item(id),
      update: (element, id) => {
        const place = this.#chosen.indexOf(id);
        setText(element.querySelector("bdi"), this.#nameOf(id));
        element.querySelector(".up").disabled = place === 0;
        element.querySelector(".down").disabled = place === this.#chosen.length - 1;
      },
    });
    this.#empty.hidden = this.#chosen.length > 0;
    this.#offer();
  }

  #item(id) {
    const name = this.#nameOf(id);
    const button = (className, drawn, label, onclick) =>
      h("button", { type: "button", className: `${className} icon-button`, title: label, "aria-label": label, onclick }, icon(drawn));
    return h(
      "li",
      {},
      h("bdi", { className: "name" }),
      button("up", "up", `Move ${name} up`, () => this.#move(id, -1)),
      button("down", "down", `Move ${name} down`, () => this.#move(id, 1)),
      button("drop", "close", `Take ${name} out`, () => this.#drop(id)),
    );
  }

  /** What was moved keeps the focus, also at an end of the list, where one of its buttons can do no more. */
  #move(id, by) {
    const from = this.#chosen.indexOf(id);
    this.#chosen.splice(from, 1);
    this.#chosen.splice(from + by, 0, id);
    this.#show();
    const item = [...this.#list.children].find(({ dataset }) => dataset.key === id);
    const [first, second] = by < 0 ? ["up", "down"] : ["down", "up"];
    (item.querySelector(`.${first}:enabled`) ?? item.querySelector(`.${second}`)).focus();
    item.scrollIntoView({ block: "nearest" });
    setText(this.#said, `${this.#nameOf(id)}: ${from + by + 1} of ${this.#chosen.length}`);
  }

  #drop(id) {
    const place = this.#chosen.indexOf(id);
    this.#chosen = this.#chosen.filter((one) => one !== id);
    this.#show();
    const next = this.#list.children[Math.min(place, this.#chosen.length - 1)];
    (next?.querySelector(".drop") ?? this.#search).focus();
    setText(this.#said, `${this.#nameOf(id)} was taken out`);
  }

  #add(id) {
    if (this.#chosen.length >= MOST) {
      setText(this.#failure, `A set holds at most ${MOST}.`);
      return;
    }
    this.#chosen.push(id);
    this.#search.value = "";
    this.#show();
    this.#search.focus();
    setText(this.#said, `${this.#nameOf(id)} was added`);
  }

  #offer() {
    const offers = this.#found();
    reconcile(this.#offers, offers, {
      key: ({ id }) => id,
      create: ({ id, name, unit }) =>
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", className: "choice", onclick: () => this.#add(id) },
            icon("plus"),
            h("bdi", { className: "name" }, name),
            h("span", { className: "role" }, unit),
          ),
        ),
      update: () => {},
    });
    setText(this.#none, offers.length ? "" : "Nothing of that name.");
    this.#none.hidden = offers.length > 0;
  }

  #found() {
    const isIn = new Set(this.#chosen);
    return this.#definitions.named(this.#search.value).filter(({ id }) => !isIn.has(id)).slice(0, LISTED);
  }

  /** Enter takes what stands first, rather than saving what is half written. */
  #pressed(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const [first] = this.#search.value.trim() ? this.#found() : [];
    if (first) this.#add(first.id);
  }

  async #submitted(event) {
    event.preventDefault();
    const name = this.#name.value.trim();
    const definitions = this.#chosen;
    if (!name || !definitions.length) {
      setText(this.#failure, name ? "Choose at least one thing to measure." : "A set needs a name.");
      return;
    }
    if (this.#isNew) {
      await this.#tried(() => this.#on.make(this.#organizationId, { ...this.#set, name, definitions }));
      return;
    }
    const to = {
      ...(name !== this.#set.name && { name }),
      ...(definitions.join() !== this.#set.definitions.join() && { definitions }),
    };
    if (Object.keys(to).length) await this.#tried(() => this.#on.change(this.#organizationId, this.#set, to));
    else this.element.close();
  }

  async #removed() {
    if (!(await sure(this.#set.name, "? What was measured stays."))) return;
    await this.#tried(() => this.#on.remove(this.#organizationId, this.#set));
  }

  /** Closes when it is done; else all that was written stays, with the reason. */
  async #tried(act) {
    const focused = document.activeElement;
    setText(this.#failure, "");
    this.#fields.disabled = true;
    try {
      await act();
      this.element.close();
    } catch (problem) {
      setText(this.#failure, whySetStays(problem));
    } finally {
      this.#fields.disabled = false;
      if (this.element.open) focused?.focus();
      this.#on.written();
    }
  }

  #nameOf(id) {
    return this.#definitions.get(id)?.name ?? "…";
  }
}
