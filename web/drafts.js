// What is being written and was not sent yet, by conversation. Kept in storage, so that a reload or a closed tab loses none.

import { stored } from "./outbox.js";

/** A draft is `{text, files}`, `files` being ids under which files are kept (see files.js). */
export class Drafts {
  #storage;
  #name;
  #drafts; // key of a conversation → draft

  constructor(storage, name) {
    this.#storage = storage;
    this.#name = name;
    this.#drafts = new Map(stored(storage, name));
  }

  get(key) {
    return this.#drafts.get(key) ?? { text: "", files: [] };
  }

  put(key, draft) {
    const { text, files } = this.get(key);
    if (text === draft.text && files.join() === draft.files.join()) return;
    if (draft.text || draft.files.length) this.#drafts.set(key, draft);
    else this.#drafts.delete(key);
    this.#keep();
  }

  /** All files of drafts, with the conversations they belong to: `[{key, file}]`. */
  get files() {
    return [...this.#drafts].flatMap(([key, { files }]) => files.map((file) => ({ key, file })));
  }

  /** A file is not there any more. False when no draft had it. */
  lose(file) {
    const place = this.files.find((one) => one.file === file);
    if (!place) return false;
    const { text, files } = this.get(place.key);
    this.put(place.key, { text, files: files.filter((one) => one !== file) });
    return true;
  }

  /** Take over what a closed tab has left behind; what both have is put together. */
  adopt(name) {
    for (const [key, left] of stored(this.#storage, name)) {
      const { text, files } = this.get(key);
      const texts = new Set([left.text, text].filter(Boolean));
      this.#drafts.set(key, { text: [...texts].join("\n"), files: [...new Set([...left.files, ...files])] });
    }
    this.#keep();
    this.#storage.removeItem(name);
  }

  /** Where the storage is full, a draft lives as long as the page: what waits to be sent is worth more. */
  #keep() {
    try {
      if (this.#drafts.size) this.#storage.setItem(this.#name, JSON.stringify([...this.#drafts]));
      else this.#storage.removeItem(this.#name);
    } catch {
      this.#storage.removeItem(this.#name);
    }
  }
}
