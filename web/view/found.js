// Looking for messages: the box above the list, and what was found in place of it.

import { formatRoute } from "../route.js";
import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { brief } from "./time.js";

const PAUSE = 300; // ms after a key, until it is asked for
const SHORTEST = 2; // characters
const LATE = 2_000; // ms in which the server can find what was just said

/**
 * `find(words)` resolves with `[{message, route, place, by}]`, newest first; `shown(found)` when the list is to
 * give way, and come back. `box` belongs above the list, `element` in place of it.
 */
export class Search {
  box;
  element;
  #input;
  #hint = h("p", { className: "hint", role: "status" });
  #rows = h("ul", { className: "rows" });
  #on;
  #timer = null;
  #asked = 0;

  constructor(on) {
    this.#on = on;
    this.#input = h("input", {
      type: "search",
      dir: "auto",
      placeholder: "Search messages",
      "aria-label": "Search messages",
      autocomplete: "off",
      oninput: () => this.#typed(),
      onkeydown: (event) => event.key === "Escape" && this.clear(),
    });
    this.box = h("form", { className: "search", role: "search", onsubmit: (event) => this.#submit(event) });
    this.box.append(icon("search"), this.#input);
    this.element = h(
      "section",
      { className: "found", "aria-label": "Messages that were found", hidden: true },
      this.#hint,
      this.#rows,
    );
  }

  clear() {
    this.#input.value = "";
    this.#typed();
  }

  #submit(event) {
    event.preventDefault();
    this.#typed(0);
  }

  #typed(pause = PAUSE) {
    clearTimeout(this.#timer);
    const words = this.#input.value.trim();
    const asks = [...words].length >= SHORTEST;
    this.element.hidden = !words;
    this.#on.shown(Boolean(words));
    this.#asked += 1;
    if (!asks) {
      this.#rows.replaceChildren();
      setText(this.#hint, words ? "Two letters at least." : "");
      this.#hint.hidden = false;
      return;
    }
    this.#timer = setTimeout(() => this.#ask(words), pause);
  }

  /** What is not found is looked for once more: it may have been said a moment ago. */
  async #ask(words, { isSecond = false } = {}) {
    const asked = ++this.#asked;
    let found = [];
    let hint = "Nothing was found.";
    if (!isSecond) setText(this.#hint, this.#rows.firstChild ? "" : "Searching…");
    try {
      found = await this.#on.find(words);
    } catch (problem) {
      hint = problem.message;
    }
    if (asked !== this.#asked) return;
    if (!found.length && !isSecond) this.#timer = setTimeout(() => this.#ask(words, { isSecond: true }), LATE);
    setText(this.#hint, found.length ? "" : hint);
    this.#hint.hidden = found.length > 0;
    this.#rows.replaceChildren(...found.map(row));
  }
}

function row({ message, route, place, by }) {
  const at = new Date(message.createdAt);
  return h(
    "li",
    {},
    h(
      "a",
      { href: formatRoute(route), className: "row finding" },
      h(
        "span",
        { className: "row-top" },
        h("span", { className: "name" }, h("bdi", {}, place)),
        h("time", { dateTime: at.toISOString() }, brief(at)),
      ),
      h(
        "span",
        { className: "finding-text" },
        h("bdi", {}, by),
        ": ",
        h("bdi", {}, message.content ?? "A file"),
      ),
    ),
  );
}
