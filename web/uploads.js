// The files of messages that are being written or wait to be sent. No DOM.

import { UploadRefused, upload } from "./upload.js";

export const TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/quicktime"];
export const MOST = 10; // files in a message
const LARGEST = { image: 10_000_000, video: 50_000_000 }; // bytes
const AT_ONCE = 2;

/**
 * Each is `{id, organizationId, file, state, share, error, uploadId}`; states: waiting · sending · checking · ready · failed.
 * `kept`: see files.js. `ready(id, uploadId)` when one may be sent, `failed(id, error)` when it will not be by itself.
 */
export class Uploads {
  #all = new Map();
  #api;
  #kept;
  #on;

  constructor({ api, kept, on }) {
    this.#api = api;
    this.#kept = kept;
    this.#on = on;
  }

  get(id) {
    return this.#all.get(id);
  }

  /** Begin with a file that somebody chose. Answers why not, or null. */
  async add(id, organizationId, file) {
    const refusal = refuse(file);
    if (refusal) return refusal;
    this.#begin(id, organizationId, file);
    await this.#kept.put(id, file).catch(() => {}); // then a reload loses it, and the message says so
    return null;
  }

  /** Go on with what waited, or had been chosen, when the page was left. */
  async resume(id, organizationId) {
    if (this.#all.has(id)) return;
    const file = await this.#kept.get(id).catch(() => null);
    if (this.#all.has(id)) return;
    if (file) this.#begin(id, organizationId, file);
    else this.#on.failed(id, { code: "file_lost", message: "The file was lost when the page was left." });
  }

  /** Once more, from the beginning: after a failure, or when the place it lay in was given up. */
  again(id) {
    const one = this.#all.get(id);
    if (one && one.state !== "sending" && one.state !== "checking") this.#start(one);
  }

  /** Not needed any more: sent, or thought better of. */
  drop(id) {
    const one = this.#all.get(id);
    one?.abort?.abort(new Error("Cancelled."));
    this.#all.delete(id);
    this.#kept.remove(id).catch(() => {});
    this.#next();
    this.#on.changed();
  }

  #begin(id, organizationId, file) {
    const one = { id, organizationId, file, state: "waiting", share: 0, error: null, uploadId: null, abort: null };
    this.#all.set(id, one);
    this.#start(one);
  }

  #start(one) {
    Object.assign(one, { state: "waiting", share: 0, error: null, uploadId: null });
    this.#next();
    this.#on.changed();
  }

  #next() {
    const busy = [...this.#all.values()].filter(({ state }) => state === "sending" || state === "checking").length;
    const waiting = [...this.#all.values()].filter(({ state }) => state === "waiting");
    for (const one of waiting.slice(0, Math.max(0, AT_ONCE - busy))) this.#run(one);
  }

  async #run(one) {
    one.abort = new AbortController();
    one.state = "sending";
    const progress = (share) => {
      one.state = share === null ? "checking" : "sending";
      one.share = share ?? 1;
      this.#on.changed();
    };
    try {
      const { organizationId, file } = one;
      const { signal } = one.abort;
      one.uploadId = await upload({ api: this.#api, organizationId, file, progress, signal });
      one.state = "ready";
      if (this.#all.get(one.id) === one) this.#on.ready(one.id, one.uploadId);
    } catch (error) {
      if (this.#all.get(one.id) !== one) return; // cancelled
      one.state = "failed";
      one.error = whyNot(error);
      this.#on.failed(one.id, one.error);
    } finally {
      this.#next();
      this.#on.changed();
    }
  }
}

/** Why a file is not taken, before a byte is sent; null when it may be. */
function refuse({ name, type, size }) {
  if (!TYPES.includes(type)) return `${name}: only pictures (JPEG, PNG, WebP, GIF) and videos (MP4, MOV) can be sent.`;
  const largest = LARGEST[type.split("/")[0]];
  if (size > largest) return `${name} is too large: at most ${largest / 1_000_000} MB.`;
  return size ? null : `${name} is empty.`;
}

const REASONS = {
  size: "It is too large.",
  type: "It is not what its name says.",
  changed: "It was changed on its way.",
  unreadable: "It cannot be read.",
  too_many_pixels: "The picture has too many pixels.",
  too_many_frames: "The picture has too many frames.",
  too_long: "The video is longer than a minute.",
};

function whyNot(error) {
  if (error instanceof UploadRefused) return { code: "refused", message: REASONS[error.message] ?? "It was refused." };
  return { code: error.code ?? "unreachable", message: error.message };
}
