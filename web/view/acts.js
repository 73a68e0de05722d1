// What people do in a conversation or on an exercise, turned into calls; and why it did not work, in words.

import { Disconnected } from "../connection.js";
import { placeOf } from "../keys.js";
import { sure } from "./sure.js";
import { whyNotChanged } from "./words.js";

/** `say(words)` tells for a while what went wrong; `open()` is the present route. */
export class Acts {
  #session;
  #outbox;
  #uploads;
  #newId;
  #say;
  #open;

  constructor({ session, outbox, uploads, newId, say, open }) {
    Object.assign(this, { renew: (item, file) => session.renew(item, file) });
    this.#session = session;
    this.#outbox = outbox;
    this.#uploads = uploads;
    this.#newId = newId;
    this.#say = say;
    this.#open = open;
  }

  ofChat() {
    const { typing, store } = this.#session;
    const open = () => this.#open().chat;
    return {
      more: (which) => this.#session.loadMore(open(), which),
      present: () => this.#session.toPresent(open()),
      key: () => store.conversations.has(open()) && typing.key(store.conversations.get(open())),
      stop: () => typing.stop(),
      send: (text, files) => this.#send(text, files),
      save: (item, text) => this.#tried(() => this.#session.edit(item, text)),
      retry: (id) => this.#retry(id),
      discard: (id) => this.#discard(id),
      delete: (item) => this.#delete(item),
      renew: this.renew,
      add: (file) => this.#add(file),
      upload: (id) => this.#uploads.get(id),
      drop: (id) => this.#uploads.drop(id),
      again: (id) => this.#uploads.again(id),
    };
  }

  ofExercise() {
    const within = () => ({ organizationId: placeOf(this.#open().chat).organizationId });
    const comment = (type, fields) => this.#tried(() => this.#session.comment({ type, ...within(), ...fields }));
    return {
      newId: this.#newId,
      create: (body, parentCommentId, id) =>
        comment("comment.create", { id, workoutMovementId: this.#open().exercise, body, parentCommentId }),
      edit: (id, body) => comment("comment.edit", { id, body }),
      delete: async ({ id, body }) => {
        if (!(await sure(body, "?"))) return;
        const why = await comment("comment.delete", { id });
        if (why) this.#say(`Not deleted. ${why}`);
      },
    };
  }

  /** `sets`: see sets.js. */
  ofSets(sets) {
    return {
      newId: this.#newId,
      make: (...what) => sets.make(...what),
      change: (...what) => sets.change(...what),
      remove: (...what) => sets.remove(...what),
      written: () => this.#session.renewBody(),
    };
  }

  async #add(file) {
    const id = this.#newId();
    const refusal = await this.#uploads.add(id, placeOf(this.#open().chat).organizationId, file);
    return refusal ? { refusal } : { id };
  }

  #send(content, ids) {
    const files = ids.map((id) => ({ file: id, uploadId: this.#uploads.get(id)?.uploadId ?? null }));
    const failed = ids.map((id) => this.#uploads.get(id)).find((one) => one?.state === "failed");
    if (failed) return `${failed.file.name}: ${failed.error.message} ${remedy(failed)}`;
    const place = placeOf(this.#open().chat);
    const item = { id: this.#newId(), ...place, content, files, writtenAt: Date.now() };
    if (!this.#outbox.add(item)) return "Too many messages are waiting already. This one stays here.";
    this.#session.typing.stop();
    this.#session.toPresent(this.#open().chat);
    return null;
  }

  #retry(id) {
    const item = this.#outbox.items.find((one) => one.id === id);
    for (const { file, uploadId } of item?.files ?? []) {
      if (uploadId !== null) continue;
      if (this.#uploads.get(file)) this.#uploads.again(file);
      else this.#uploads.resume(file, item.organizationId);
    }
    this.#outbox.retry(id);
    this.#session.look();
  }

  #discard(id) {
    const item = this.#outbox.items.find((one) => one.id === id);
    for (const { file } of item?.files ?? []) this.#uploads.drop(file);
    this.#outbox.remove(id);
  }

  async #delete(item) {
    if (!(await sure(item.text || "this message", " for both of you?"))) return;
    const why = await this.#tried(() => this.#session.delete(item));
    if (why) this.#say(`Not deleted. ${why}`);
  }

  /** Null when it was done, else why not. */
  async #tried(act) {
    try {
      await act();
      return null;
    } catch (error) {
      return error instanceof Disconnected ? "There is no connection. Try again later." : whyNotChanged(error);
    }
  }
}

function remedy({ error }) {
  return error.code === "refused" ? "Remove it to send the rest." : "Try it again, or remove it.";
}
