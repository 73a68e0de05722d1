// What is to be done a little later: once for all who ask before it happens.

export class Timers {
  #waiting = {};

  later(name, ms, act) {
    this.#waiting[name] ??= setTimeout(() => {
      delete this.#waiting[name];
      act();
    }, ms);
  }
}
