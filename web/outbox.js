// Messages that the server has not confirmed yet. Kept in storage, so that a reload or a crash loses none.

const MOST = 200; // waiting messages; beyond that `add` refuses, and the page says so

/** Items: `{id, organizationId, membershipId, content, writtenAt, error}`, in the order of writing. */
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

  /** The one to send next, if there is one. */
  get next() {
    return this.items.find((item) => !item.error);
  }

  of(key) {
    return this.items.filter((item) => `${item.organizationId}/${item.membershipId}` === key);
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

function stored(storage, name) {
  try {
    return JSON.parse(storage.getItem(name)) ?? [];
  } catch {
    return [];
  }
}
