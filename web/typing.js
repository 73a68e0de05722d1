// Who is typing: told sparingly, believed briefly, since signals may be lost. No DOM.

const AGAIN = 3_000; // ms between two `active`; the server drops more than one in 2 s
const IDLE = 4_000; // ms without a key, after which one has stopped
const BELIEVED = 6_000; // ms for which an `active` counts

/** Tells the other party. `tell(conversation, active)` sends. */
export class TypingTeller {
  #tell;
  #conversation = null;
  #toldAt = 0;
  #timer = null;

  constructor(tell) {
    this.#tell = tell;
  }

  key(conversation) {
    if (this.#conversation !== conversation) this.stop();
    if (Date.now() - this.#toldAt > AGAIN) {
      this.#toldAt = Date.now();
      this.#tell(conversation, true);
    }
    this.#conversation = conversation;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stop(), IDLE);
  }

  stop() {
    clearTimeout(this.#timer);
    if (this.#conversation) this.#tell(this.#conversation, false);
    this.#conversation = null;
    this.#toldAt = 0;
  }
}

/** Who types to us, by conversation. */
export class Typists {
  #timers = new Map(); // key → {who, timer}
  #changed;

  constructor(changed = () => {}) {
    this.#changed = changed;
  }

  has(key) {
    return this.#timers.has(key);
  }

  /** The membership that was told of last, or undefined. */
  who(key) {
    return this.#timers.get(key)?.who;
  }

  note(key, active, who) {
    clearTimeout(this.#timers.get(key)?.timer);
    if (active) this.#timers.set(key, { who, timer: setTimeout(() => this.note(key, false), BELIEVED) });
    else this.#timers.delete(key);
    this.#changed();
  }
}
