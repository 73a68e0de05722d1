// Marks what has been looked at as read: by conversation, up to the newest message, one request at a time. No DOM.

import { Refused } from "./connection.js";

/** `current()`: the conversation before somebody's eyes, or nothing. `read(conversation, upTo)` resolves when marked.
 *  After `failed()`, `consider` is to be called again a little later. */
export class Reading {
  #current;
  #read;
  #isMine;
  #isToMe;
  #failed;
  #asked = null; // the last `upTo` that was answered or is on its way
  #busy = false;

  constructor({ current, read, isMine, isToMe, failed }) {
    this.#current = current;
    this.#read = read;
    this.#isMine = isMine;
    this.#isToMe = isToMe;
    this.#failed = failed;
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
    } catch (error) {
      if (error instanceof Refused && !error.mayRetry) return; // asking again would get the same answer
      this.#asked = null;
      this.#failed();
    } finally {
      this.#busy = false;
    }
  }

  #next() {
    const conversation = this.#current();
    if (!conversation || conversation.older === undefined) return null; // nothing is seen before it is loaded
    const newest = conversation.sorted.findLast((message) => !this.#isMine(message) && !message.deletedAt);
    if (!newest || newest.id === this.#asked) return null;
    if (conversation.unread === 0 && (newest.readAt || !this.#isToMe(newest))) return null;
    return { conversation, upTo: newest.id };
  }
}
