// The sets of a workout, beside its exercises: what is looked at there. Staff write them.

import { h, reconcile, setText } from "./dom.js";
import { icon } from "./icons.js";

/** `change(set)`, `make()`. */
export class WorkoutSets {
  element;
  #list = h("ul");
  #hint = h("p", { className: "role" });
  #make;
  #on;

  constructor(on) {
    this.#on = on;
    this.#make = h("button", { type: "button", className: "button", onclick: () => on.make() }, "New set for this workout");
    this.element = h(
      "section",
      { className: "workout-sets", "aria-label": "Sets of this workout", hidden: true },
      h("h3", { className: "group-title" }, "What is measured with it"),
      this.#hint,
      this.#list,
      this.#make,
    );
  }

  /** `sets`: null, or `{items: [{set, words}], hint, mayWrite}`. */
  render(sets) {
    this.element.hidden = !sets || (!sets.items.length && !sets.mayWrite);
    if (this.element.hidden) return;
    setText(this.#hint, sets.hint);
    this.#hint.hidden = !sets.hint;
    this.#make.hidden = !sets.mayWrite;
    reconcile(this.#list, sets.items, {
      key: ({ set }) => set.id,
      create: () => h("li", {}, h("bdi", { className: "name" }), h("bdi", { className: "role" }), editButton()),
      update: (element, { set, words }) => {
        const [name, about, edit] = element.children;
        setText(name, set.name);
        setText(about, words);
        showEdit(edit, sets.mayWrite ? set : null, this.#on.change);
      },
    });
  }
}

/** A button that opens a set to be changed; see `showEdit`. */
export function editButton() {
  return h("button", { type: "button", className: "set-edit icon-button" }, icon("pen"));
}

/** `set`: null where one may only look. */
export function showEdit(button, set, change) {
  button.hidden = !set;
  button.onclick = () => change(set);
  button.title = button.ariaLabel = set ? `Change the set ${set.name}` : "";
}
