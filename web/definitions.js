// What can be measured, by id, named in the user's language. Asked for once; the same for everybody. No DOM.

import { LANGUAGE, LOCALE } from "./language.js";

export class Definitions {
  all = new Map(); // id → MetricDefinition, empty before they are loaded
  #api;
  #loading = null;

  constructor(api) {
    this.#api = api;
  }

  /** Raises `Problem`; then the next call asks again. */
  async load() {
    this.#loading ??= this.#api.definitions(LANGUAGE);
    try {
      const { items } = await this.#loading;
      if (!this.all.size) this.all = new Map(items.map((one) => [one.id, one]));
    } catch (problem) {
      this.#loading = null;
      throw problem;
    }
  }

  get(id) {
    return this.all.get(id);
  }

  /** In the order of their names; with `words`, those in whose name all of them stand. */
  named(words = "") {
    const parts = folded(words).split(/\s+/).filter(Boolean);
    return [...this.all.values()]
      .filter(({ name, slug }) => parts.every((part) => folded(`${name} ${slug}`).includes(part)))
      .sort((one, other) => one.name.localeCompare(other.name, LOCALE));
  }
}

/** Without case, points and accents: who looks for something may leave them out. */
function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
