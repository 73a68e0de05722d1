// Empties the outbox: in order, one at a time, each with the same id until there is a final answer.

import { fullJitter } from "./backoff.js";
import { Disconnected } from "./connection.js";

/** `send(item)` resolves when the item is stored. Call `go` whenever something may have become possible. */
export class Sender {
  sending = null; // the id on its way
  paused = null; // {until: ms since 1970, code}, while the server asks to wait
  #outbox;
  #send;
  #ready;
  #changed;
  #attempt = 0;
  #timer = null;

  constructor({ outbox, send, ready, changed = () => {} }) {
    this.#outbox = outbox;
    this.#send = send;
    this.#ready = ready;
    this.#changed = changed;
  }

  async go() {
    while (this.sending === null && this.#timer === null && this.#ready()) {
      const item = this.#outbox.next;
      if (!item) return;
      this.sending = item.id;
      this.#changed();
      try {
        await this.#send(item);
        this.#attempt = 0;
        this.#outbox.remove(item.id);
      } catch (error) {
        if (error instanceof Disconnected) return; // `go` comes again with the connection
        if (error.mayRetry) this.#pause(error);
        else this.#outbox.fail(item.id, { code: error.code ?? "unknown", message: error.message });
      } finally {
        this.sending = null;
        this.#changed();
      }
    }
  }

  #pause({ code, retryAfterMs }) {
    const ms = retryAfterMs ?? fullJitter(this.#attempt++);
    this.paused = { until: Date.now() + ms, code };
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.paused = null;
      this.#changed();
      this.go();
    }, ms);
  }
}
