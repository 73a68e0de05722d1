// What is open on the screen beside one's own stream: topics opened, followed, resumed and closed. No DOM.

/**
 * `ask(request)` resolves with the `ok` frame. `apply(event)`: one that is new. `load(topic)`: begin anew from REST, true
 * when that is done. `closed(topic, reason)`: the right, or the thing, has ended.
 */
export class Topics {
  #wanted = new Map(); // topic → {state: "closed" | "opening" | "open", epoch, position}
  #on;

  constructor(on) {
    this.#on = on;
  }

  /** Follow exactly these from now on. What is not wanted any more is forgotten. */
  want(topics) {
    for (const [topic, { state }] of this.#wanted) {
      if (topics.includes(topic)) continue;
      this.#wanted.delete(topic);
      if (state === "open") this.#on.ask({ type: "topic.close", topic }).catch(() => {}); // gone with the connection
    }
    for (const topic of topics) {
      if (!this.#wanted.has(topic)) this.#wanted.set(topic, { state: "closed", epoch: null, position: null });
    }
    this.open();
  }

  /** Open what is wanted and is not; to be called whenever there is a connection. */
  open() {
    for (const [topic, one] of this.#wanted) if (one.state === "closed") this.#open(topic, one);
  }

  /** Another connection has nothing open yet. */
  forget() {
    for (const one of this.#wanted.values()) if (one.state !== "ended") one.state = "closed";
  }

  /** An event of a topic. */
  take(event) {
    const one = this.#wanted.get(event.topic);
    if (one?.state !== "open") return;
    const last = event.through ?? event.position;
    if (last <= one.position) return;
    if (event.position !== one.position + 1) {
      one.state = "closed"; // one is missing: opened again, it is told
      this.open();
      return;
    }
    one.position = last;
    this.#on.apply(event);
  }

  ended({ topic, reason }) {
    const one = this.#wanted.get(topic);
    if (!one) return;
    one.state = "ended";
    this.#on.closed(topic, reason);
  }

  async #open(topic, one) {
    one.state = "opening";
    const resume = one.position === null ? undefined : { epoch: one.epoch, position: one.position };
    try {
      await this.#on.ask({ type: "topic.open", topic, resume });
    } catch (error) {
      if (one.state !== "opening") return;
      one.state = error.code && !error.mayRetry ? "ended" : "closed"; // a lost connection opens it again
      if (one.state === "ended") this.#on.closed(topic, error.code);
    }
  }

  /** The answer, as its frame comes: events follow it at once. */
  answered({ topic }, { resume, epoch, position }) {
    const one = this.#wanted.get(topic);
    if (!one) {
      this.#on.ask({ type: "topic.close", topic }).catch(() => {}); // it was looked away from meanwhile
      return;
    }
    one.state = "open";
    if (resume === "resumed" && one.position !== null) return; // what was missed follows
    Object.assign(one, { epoch, position });
    this.#on.load(topic);
  }
}
