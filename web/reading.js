// Marks what has been looked at as read: by conversation, up to the newest message, one request at a time. No DOM.

/** `current()`: the conversation before somebody's eyes, or nothing. `read(conversation, upTo)` resolves when marked. */
export class Reading {
  #current;
  #read;
  #isMine;
  #asked = null; // the last `upTo` that was answered or is on its way
  #busy = false;

  constructor({ current, read, isMine }) {
    this.#current = current;
    this.#read = read;
    this.#isMine = isMine;
  }

  /** To be called whenever something has changed. What comes during a request is marked by the next one. */
  async consider() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) {
        this.#asked = next.upTo;
        await this.#read(next.conversation, next.upTo);
      }
    } catch {
      this.#asked = null; // the next change asks again
    } finally {
      this.#busy = false;
    }
  }

  #next() {
    const conversation = this.#current();
    if (!conversation || conversation.older === undefined) return null; // nothing is seen before it is loaded
    const newest = conversation.sorted.findLast((message) => !this.#isMine(message) && !message.deletedAt);
    if (!newest || newest.id === this.#asked || (newest.readAt && conversation.unread === 0)) return null;
    return { conversation, upTo: newest.id };
  }
}
