// The pane beside a thread: the workout with its exercises, and what is said on the one that is open.

import { formatRoute } from "../route.js";
import { amountOf } from "./amounts.js";
import { CommentTree } from "./comments.js";
import { h, reconcile, setText } from "./dom.js";
import { icon } from "./icons.js";
import { WorkoutSets } from "./worksets.js";

/** `on`: see CommentTree; `on.sets`: see WorkoutSets. */
export class Exercises {
  element;
  #title = h("h2", { className: "bar-title" });
  #about = h("span", { className: "role" });
  #name = h("bdi");
  #list = h("ol", { className: "exercises" });
  #hint = h("p", { className: "hint" });
  #close = h("a", { className: "icon-button back", "aria-label": "Back to the conversation" }, icon("back"));
  #comments;
  #sets;

  constructor(on) {
    this.#comments = new CommentTree(on);
    this.#sets = new WorkoutSets(on.sets);
    this.#title.append(this.#name, this.#about);
    this.element = h(
      "aside",
      { className: "pane side-pane", "aria-label": "Workout" },
      h("header", { className: "bar" }, this.#close, this.#title),
      h("div", { className: "side-body" }, this.#hint, this.#list, this.#sets.element),
    );
  }

  /**
   * `side`: null, or `{title, about, hint, back, movements: [{id, name, words, route, isOpen}], comments, sets}`; `comments`: of
   * the open one, see CommentTree; `sets`: see WorkoutSets.
   */
  render(side) {
    this.element.hidden = !side;
    if (!side) return;
    setText(this.#name, side.title);
    setText(this.#about, side.about);
    setText(this.#hint, side.hint);
    this.#hint.hidden = !side.hint;
    this.#close.href = formatRoute(side.back);
    reconcile(this.#list, side.movements, {
      key: ({ id }) => id,
      create: () =>
        h(
          "li",
          { className: "exercise" },
          h("a", { className: "exercise-head" }, h("bdi", { className: "name" }), h("span", { className: "role" })),
        ),
      update: (element, { name, words, route, isOpen }) => {
        const link = element.firstElementChild;
        link.href = formatRoute(route);
        link.setAttribute("aria-expanded", String(isOpen));
        setText(link.querySelector(".name"), name);
        setText(link.querySelector(".role"), words);
        if (isOpen && element.lastElementChild === link) element.append(this.#comments.element);
        if (!isOpen && element.contains(this.#comments.element)) this.#comments.element.remove();
      },
    });
    this.#comments.render(side.comments);
    this.#sets.render(side.sets);
  }
}

/** A prescription in a few words, whatever the platform has put there; `load`: what it comes to for its member, if known. */
export function prescribed(prescription, load) {
  if (!prescription || typeof prescription !== "object") return prescription ? String(prescription) : "";
  const { sets, reps, percent_1rm: percent, ...others } = prescription;
  const parts = [];
  if (sets && reps) parts.push(`${sets} × ${reps}`);
  if (percent) parts.push(`${percent} % of 1RM${load?.load ? ` = ${amountOf({ value: load.load, unit: load.unit })}` : ""}`);
  for (const [name, value] of Object.entries(others)) {
    if (typeof value !== "object") parts.push(`${name.replaceAll("_", " ")} ${value}`);
  }
  return parts.join(" · ");
}
