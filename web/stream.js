// Positions of the user stream: what has been applied, what waits for a load, and whether one is missing. Pure.

const MOST_WAITING = 5_000; // events during one load; beyond that a new load is cheaper than the wait

/** One user's stream over many connections. `take` answers the events to apply now, in order. */
export class Stream {
  epoch = null;
  applied = null; // the last position whose event is in the store; null before the first load
  #received = null; // the last position of this connection
  #waiting = null; // events that came during a load

  /** What `hello` asks for; undefined to begin afresh. */
  get resume() {
    return this.applied === null ? undefined : { epoch: this.epoch, position: this.applied };
  }

  get loading() {
    return this.#waiting !== null;
  }

  /** A connection begins. After anything but `resumed`, events wait until `loaded`. */
  begin(welcome) {
    const resumed = welcome.resume === "resumed" && this.applied !== null;
    this.epoch = welcome.epoch;
    if (resumed) {
      this.#received = this.applied;
      this.#waiting = null;
    } else {
      this.applied = null;
      this.#received = welcome.position;
      this.#waiting = [];
    }
  }

  /** The events to apply; null when a position is missing: close with 4003 and resume. */
  take(event) {
    const last = event.through ?? event.position;
    if (last <= this.#received) return [];
    if (event.position !== this.#received + 1) return null;
    this.#received = last;
    if (this.#waiting) {
      this.#waiting.push(event);
      return this.#waiting.length > MOST_WAITING ? null : [];
    }
    return this.#above([event]);
  }

  /** The state as of this position is in the store. Answers the events that waited and are above it. */
  loaded(position) {
    const waited = this.#waiting ?? [];
    this.#waiting = null;
    this.applied = position;
    return this.#above(waited);
  }

  #above(events) {
    return events.filter((event) => {
      const last = event.through ?? event.position;
      if (last <= this.applied) return false;
      this.applied = last;
      return true;
    });
  }
}
