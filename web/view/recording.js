// A value to record: of what, how much, in which unit and when; and those that wait or were refused.

import { unitsLike } from "../units.js";
import { amountOf } from "./amounts.js";
import { h, reconcile, setText } from "./dom.js";

/** `record(value)` keeps it until it is stored, false when it cannot; `retry(id)`, `remove(id)`; `newId()`. */
export class Recording {
  element;
  #on;
  #definitions = null;
  #looks = "";
  #key = null;
  #chosen = null;
  #what = h("select", { "aria-label": "What", required: true, onchange: () => this.#showUnits() });
  #amount = h("input", {
    type: "text",
    inputMode: "decimal",
    autocomplete: "off",
    required: true,
    pattern: "[0-9]{1,10}([.,][0-9]{1,4})?",
    title: "A number with at most four digits after the point",
    placeholder: "Value",
    "aria-label": "Value",
  });
  #unit = h("select", { "aria-label": "Unit" });
  #when = h("input", { type: "datetime-local", "aria-label": "When, if not now" });
  #failure = h("p", { className: "failure", role: "alert" });
  #pending = h("ul", { className: "pending-values" });

  constructor(on) {
    this.#on = on;
    this.element = h(
      "form",
      { className: "recording", onsubmit: (event) => this.#submit(event) },
      h("h3", { className: "group-title" }, "Record a value"),
      h(
        "div",
        { className: "recording-fields" },
        this.#what,
        this.#amount,
        this.#unit,
        this.#when,
        h("button", { className: "button" }, "Record"),
      ),
      this.#failure,
      this.#pending,
    );
  }

  /** `definitions`: see definitions.js; `pending`: items of the outbox; `chosen`: the definition that is open. */
  render({ key, definitions, sets, chosen, pending }) {
    this.#definitions = definitions;
    if (key !== this.#key) {
      this.#key = key;
      this.element.reset();
      setText(this.#failure, "");
    }
    this.#showChoices(sets);
    if (chosen !== this.#chosen) {
      this.#chosen = chosen;
      if (chosen) {
        this.#what.value = chosen;
        this.#showUnits();
      }
    }
    reconcile(this.#pending, pending, {
      key: ({ id }) => id,
      create: ({ id }) => this.#item(id),
      update: (element, item) => this.#showItem(element, item),
    });
  }

  #showChoices(sets) {
    const first = new Set(sets.flatMap(({ items }) => items.map(({ definitionId }) => definitionId)));
    const looks = JSON.stringify([[...first], this.#definitions.all.size]);
    if (looks === this.#looks) return;
    this.#looks = looks;
    const option = ({ id, name }) => h("option", { value: id, dir: "auto" }, name);
    const named = (ids) => ids.map((id) => this.#definitions.get(id)).filter(Boolean);
    const rest = this.#definitions.named().filter(({ id }) => !first.has(id));
    const groups = [
      h("optgroup", { label: "In sets" }, named([...first]).map(option)),
      h("optgroup", { label: "All others" }, rest.map(option)),
    ];
    const before = this.#what.value;
    this.#what.replaceChildren(...groups.filter((group) => group.children.length));
    if (before) this.#what.value = before;
    this.#showUnits();
  }

  #showUnits() {
    const definition = this.#definitions.get(this.#what.value);
    this.#unit.replaceChildren(...(definition ? unitsLike(definition.unit) : []).map((unit) => h("option", { value: unit }, unit)));
  }

  #item(id) {
    const link = (words, act) => h("button", { type: "button", className: "link", onclick: act }, words);
    return h(
      "li",
      {},
      h("span", { className: "what" }),
      h("span", { className: "state role" }),
      link("Try again", () => this.#on.retry(id)),
      link("Remove", () => this.#on.remove(id)),
    );
  }

  #showItem(element, { definitionId, value, unit, error }) {
    setText(element.querySelector(".what"), `\u2068${this.#definitions.get(definitionId)?.name ?? ""}\u2069 ${amountOf({ value, unit })}`);
    setText(element.querySelector(".state"), error ? error.message : "Waiting");
    element.classList.toggle("failed", Boolean(error));
    for (const button of element.querySelectorAll("button")) button.hidden = !error;
  }

  #submit(event) {
    event.preventDefault();
    const when = this.#when.value && new Date(this.#when.value);
    const recordedAt = (when || new Date()).toISOString(); // said now: a value that waits is not recorded later
    const value = {
      id: this.#on.newId(),
      definitionId: this.#what.value,
      value: this.#amount.value.replace(",", "."),
      unit: this.#unit.value,
      recordedAt,
    };
    const kept = this.#on.record(value);
    setText(this.#failure, kept ? "" : "Too much is waiting to be recorded already.");
    if (kept) this.#amount.value = this.#when.value = "";
  }
}
