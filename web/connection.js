// One socket after another: hello, answers to requests, heartbeat, and coming back. No DOM.

import { comesBack, fullJitter } from "./backoff.js";

const PROTOCOL = "coachwire.v1.json";
const WELCOME = 15_000; // ms from the start of an attempt
const CHECK = 5_000; // ms between looks at the silence
const ANSWER = 10_000; // ms in which something must come after a ping
const SETTLED = 10_000; // ms live, after which the next loss counts as the first
const MAY_RETRY = new Set(["rate_limited", "overloaded", "unavailable", "internal"]);

/** The connection ended before the answer came: the request may or may not have been carried out. */
export class Disconnected extends Error {}

/** The server refused a request; `mayRetry`: the same one may be sent again. */
export class Refused extends Error {
  constructor({ code, message, retryAfterMs, details }) {
    super(details?.[0]?.message ?? message);
    Object.assign(this, { code, retryAfterMs, mayRetry: MAY_RETRY.has(code) });
  }
}

/**
 * Keeps itself connected until `stop`. Calls, in the order in which frames arrive:
 * `hello()` for what to say besides the token · `welcome(frame)` · `frame(frame)` for all but answers and pongs ·
 * `answered(request, ok)` before the request's promise resolves · `changed()` whenever `phase` does.
 * `token()` is asked for each attempt; an error with `final` ends the attempts.
 */
export class Connection {
  phase = "waiting"; // waiting · connecting · live · stopped
  code = null; // why the last socket ended
  reason = ""; // why it stopped
  retryAt = 0; // ms since 1970, while waiting
  #url;
  #on;
  #Socket;
  #socket = null;
  #generation = 0; // an attempt that has been overtaken ends itself
  #attempt = 0;
  #timer = null;
  #welcomeTimer = null;
  #heartbeat = null;
  #silence = 25_000; // ms after which to ask; the server says how many
  #heard = 0;
  #pinged = 0;
  #liveSince = 0;
  #drainWindow = null;
  #pending = new Map(); // ref → {request, resolve, reject}
  #ref = 0;

  constructor({ url, on, Socket = globalThis.WebSocket }) {
    this.#url = url;
    this.#on = on;
    this.#Socket = Socket;
  }

  /** Connect now, also after an end for good. */
  start() {
    clearTimeout(this.#timer);
    this.#attempt = 0;
    this.#connect();
  }

  stop(reason = "") {
    this.#end(1000);
    this.#say("stopped", { reason });
  }

  /** The network or the user has come back: do not wait any longer, and do not trust an old socket. */
  wake() {
    if (this.phase === "waiting") this.start();
    else if (this.phase === "live") this.#ping();
  }

  /** Close because of what the server sent, and come back. */
  restart(code) {
    this.#lost(code);
  }

  /** Fire and forget; nothing happens without a connection. */
  send(frame) {
    if (this.phase === "live") this.#socket.send(JSON.stringify(frame));
  }

  /** The `ok` frame. Raises `Refused` or `Disconnected`. */
  request(request) {
    if (this.phase !== "live") return Promise.reject(new Disconnected());
    const ref = ++this.#ref;
    return new Promise((resolve, reject) => {
      this.#pending.set(ref, { request, resolve, reject });
      this.send({ ...request, ref });
    });
  }

  async #connect() {
    const generation = this.#end(1000);
    this.#say("connecting");
    this.#welcomeTimer = setTimeout(() => this.#lost(1006), WELCOME);
    let token;
    try {
      token = await this.#on.token();
    } catch (error) {
      if (generation !== this.#generation) return;
      if (error.final) this.stop(error.message);
      else this.#lost(1006);
      return;
    }
    if (generation !== this.#generation) return;
    const socket = new this.#Socket(this.#url, [PROTOCOL]);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", token, ...this.#on.hello() }));
    socket.onmessage = ({ data }) => this.#receive(generation, data);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  #receive(generation, data) {
    this.#heard = Date.now();
    this.#pinged = 0;
    const parsed = JSON.parse(data);
    for (const frame of Array.isArray(parsed) ? parsed : [parsed]) {
      this.#take(frame);
      if (generation !== this.#generation) return; // one of them ended this socket
    }
  }

  #take(frame) {
    switch (frame.type) {
      case "welcome":
        clearTimeout(this.#welcomeTimer);
        this.#silence = frame.heartbeatSeconds * 1000;
        this.#liveSince = Date.now();
        this.#heartbeat = setInterval(() => this.#listen(), CHECK);
        this.#say("live");
        this.#on.welcome(frame);
        break;
      case "ok":
      case "error":
        this.#answer(frame);
        break;
      case "pong":
        break;
      case "notice":
        this.#notice(frame);
        break;
      default:
        this.#on.frame(frame);
    }
  }

  #answer(frame) {
    const pending = this.#pending.get(frame.ref);
    if (!pending) return; // to something without a ref
    this.#pending.delete(frame.ref);
    if (frame.type === "error") {
      pending.reject(new Refused(frame.error));
      return;
    }
    this.#on.answered(pending.request, frame);
    pending.resolve(frame);
  }

  #notice({ kind, data }) {
    if (kind === "draining") this.#drainWindow = data.reconnectWithinMs;
    if (kind === "token_expiring") this.#refreshToken();
  }

  /** When this fails, the server closes with 4004 and the next connection brings a new token. */
  async #refreshToken() {
    try {
      await this.request({ type: "token.refresh", token: await this.#on.token() });
    } catch {
      // as said
    }
  }

  #listen() {
    const silence = Date.now() - this.#heard;
    if (this.#pinged && Date.now() - this.#pinged > ANSWER) this.#lost(4002);
    else if (!this.#pinged && silence > (this.#pending.size ? CHECK : this.#silence)) this.#ping();
  }

  #ping() {
    this.#pinged ||= Date.now();
    this.send({ type: "ping" });
  }

  #lost(code, reason = "") {
    if (this.phase === "stopped" || this.phase === "waiting") return;
    if (this.#liveSince && Date.now() - this.#liveSince > SETTLED) this.#attempt = 0;
    const window = this.#drainWindow;
    this.#end(code >= 4000 ? code : 1000);
    if (!comesBack(code)) {
      this.#say("stopped", { code, reason });
      return;
    }
    const [low, high] = window ?? [0, 0];
    const wait = window ? low + Math.random() * (high - low) : fullJitter(this.#attempt++);
    this.#timer = setTimeout(() => this.#connect(), wait);
    this.#say("waiting", { code, reason, retryAt: Date.now() + wait });
  }

  /** Let go of the socket without waiting for it: a dead network never answers. Answers the new generation. */
  #end(code) {
    const socket = this.#socket;
    this.#generation += 1;
    this.#socket = null;
    this.#liveSince = 0;
    this.#drainWindow = null;
    this.#pinged = 0;
    clearTimeout(this.#timer);
    clearTimeout(this.#welcomeTimer);
    clearInterval(this.#heartbeat);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(code);
    }
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new Disconnected());
    return this.#generation;
  }

  #say(phase, { code = null, reason = "", retryAt = 0 } = {}) {
    Object.assign(this, { phase, code, reason, retryAt });
    this.#on.changed();
  }
}
