// One message of the outbox on its way, with its files: what is asked, and what follows from the answer. No DOM.

import { Disconnected } from "./connection.js";
import { partyAt } from "./keys.js";

/** `ask(request)` resolves with the `ok` frame. */
export class Sending {
  #ask;
  #api;
  #store;
  #outbox;
  #uploads;
  #renewed = new Set(); // messages whose files were uploaded a second time

  constructor({ ask, api, store, outbox, uploads }) {
    this.#ask = ask;
    this.#api = api;
    this.#store = store;
    this.#outbox = outbox;
    this.#uploads = uploads;
  }

  /** Resolves when it is stored. Raises `Refused`, or `Disconnected` for not yet. */
  async send(item) {
    const { id, organizationId, content, files = [] } = item;
    const attachmentIds = files.map(({ uploadId }) => uploadId);
    const said = { ...(content && { content }), ...(files.length && { attachmentIds }) };
    const request = { type: "message.send", organizationId, to: partyAt(item), id, ...said };
    const ok = await this.#ask(request).catch((error) => {
      if (error.code === "not_found" && this.#uploadAgain(item)) throw new Disconnected(); // sent when it is there
      throw error;
    });
    for (const { file } of files) this.#uploads.drop(file);
    if (!files.length && (!ok.data.duplicate || this.#store.message(id))) return;
    const message = await this.#api.message(organizationId, id).catch(() => null);
    if (message) this.#store.addMessage(message);
  }

  /** What lay unsent for too long, the server has given up. False when it cannot be that. */
  #uploadAgain({ id, organizationId, files = [] }) {
    if (!files.length || this.#renewed.has(id)) return false;
    this.#renewed.add(id);
    for (const { file } of files) {
      this.#outbox.uploaded(file, null);
      if (this.#uploads.get(file)) this.#uploads.again(file);
      else this.#uploads.resume(file, organizationId);
    }
    return true;
  }
}
