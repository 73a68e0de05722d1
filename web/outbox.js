// Messages that the server has not confirmed yet. Kept in storage, so that a reload or a crash loses none.

import { keyAt } from "./keys.js";

const MOST = 200; // waiting messages; beyond that `add` refuses, and the page says so

/**
 * Items: `{id, organizationId, membershipId or workoutAssignmentId, content, files, writtenAt, error}`, in the order of
 * writing. `files`: `[{file, uploadId}]`, the id of a file that is kept (see files.js), and of its upload once it is ready.
 */
export class Outbox {
  items = [];
  #storage;
  #name;
  #changed;

  constructor(storage, name, changed = () => {}) {
    this.#storage = storage;
    this.#name = name;
    this.#changed = changed;
    this.items = stored(storage, name);
  }

  /** How many are on their way; those that failed wait for a decision. */
  get waiting() {
    return this.items.filter((item) => !item.error).length;
  }

  /** The one to send next, if there is one: none overtakes another of its conversation, nor waits for one of another. */
  get next() {
    const held = new Set();
    for (const item of this.items) {
      const key = keyAt(item);
      if (item.error || held.has(key)) continue;
      if (isReady(item)) return item;
      held.add(key);
    }
    return undefined;
  }

  of(key) {
    return this.items.filter((item) => keyAt(item) === key);
  }

  /** False when the outbox or the storage is full: nothing is taken then. */
  add(item) {
    if (this.items.length >= MOST) return false;
    const before = this.items;
    try {
      this.#put([...before, { ...item, error: null }]);
      return true;
    } catch {
      this.items = before;
      return false;
    }
  }

  remove(id) {
    this.#put(this.items.filter((item) => item.id !== id));
  }

  /** A file of waiting messages is ready to be sent, or (null) is to be uploaded once more. */
  uploaded(file, uploadId) {
    const changed = (one) => (one.file === file ? { ...one, uploadId } : one);
    this.#put(this.items.map((item) => (item.files ? { ...item, files: item.files.map(changed) } : item)));
  }

  /** A file will not be there by itself: what needs it fails, and may be retried. */
  failFile(file, error) {
    const needs = (item) => item.files?.some((one) => one.file === file && one.uploadId === null);
    this.#put(this.items.map((item) => (needs(item) ? { ...item, error } : item)));
  }

  /** The names of all files that a waiting message needs. */
  get files() {
    return this.items.flatMap((item) => (item.files ?? []).map(({ file }) => file));
  }

  /** Refused for good. It stays, with the reason, until it is retried or removed. */
  fail(id, error) {
    this.#put(this.items.map((item) => (item.id === id ? { ...item, error } : item)));
  }

  /** Again, with the same id, behind what waits already. */
  retry(id) {
    const item = this.items.find((one) => one.id === id);
    if (item) this.#put([...this.items.filter((one) => one.id !== id), { ...item, error: null }]);
  }

  /** Take over what a closed tab has left behind. Stored here before it goes there: twice is harmless, never is not. */
  adopt(name) {
    const known = new Set(this.items.map((item) => item.id));
    this.#put([...stored(this.#storage, name).filter((item) => !known.has(item.id)), ...this.items]);
    this.#storage.removeItem(name);
  }

  #put(items) {
    this.items = items;
    if (items.length) this.#storage.setItem(this.#name, JSON.stringify(items));
    else this.#storage.removeItem(this.#name);
    this.#changed();
  }
}

function isReady(item) {
  return (item.files ?? []).every(({ uploadId }) => uploadId !== null);
}

/** A list as it lies in the storage; empty when there is none. */
export function stored(storage, name) {
  try {
    return JSON.parse(storage.getItem(name)) ?? [];
  } catch {
    return [];
  }
}
