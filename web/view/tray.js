// The files of a message that is being written: chosen, pasted or dropped, on their way, to be thought better of.

import { MOST, TYPES } from "../uploads.js";
import { h, reconcile, setText } from "./dom.js";
import { icon } from "./icons.js";
import { progressOf } from "./words.js";

/**
 * `add(file)` resolves with `{id}` or `{refusal}`; `state(id)` is an upload, see uploads.js; `drop(id)`, `again(id)`;
 * `place()`: for which conversation they are.
 */
export class Tray {
  element = h("ul", { className: "tray", "aria-label": "Files of this message" });
  button;
  ids = [];
  #previews = new Map(); // id → object URL
  #input;
  #on;

  constructor(on) {
    this.#on = on;
    this.#input = h("input", {
      type: "file",
      multiple: true,
      accept: TYPES.join(),
      hidden: true,
      "aria-label": "Pictures and videos",
      onchange: () => {
        this.take([...this.#input.files]);
        this.#input.value = "";
      },
    });
    this.button = h(
      "button",
      {
        type: "button",
        className: "attach icon-button",
        title: "Add pictures or videos",
        "aria-label": "Add pictures or videos",
        onclick: () => this.#input.click(),
      },
      icon("clip"),
    );
    this.button.append(this.#input);
    this.#input.addEventListener("click", (event) => event.stopPropagation()); // its own click, not the button's
  }

  /** Files from anywhere. */
  async take(files) {
    const place = this.#on.place();
    for (const file of files) {
      if (this.ids.length >= MOST) return this.#on.said(`At most ${MOST} files in a message.`);
      const { id, refusal } = await this.#on.add(file);
      if (refusal) this.#on.said(refusal);
      if (!id) continue;
      if (this.#on.place() !== place) return this.#on.drop(id); // somebody else's conversation by now
      this.ids = [...this.ids, id];
      this.#on.changed();
      this.render();
    }
    return undefined;
  }

  /** Another message's files, or none; what was here is kept by whoever has its ids. */
  show(ids) {
    this.ids = ids;
    this.render();
  }

  /** These have been sent, or thrown away. */
  forget(ids) {
    for (const id of ids) {
      URL.revokeObjectURL(this.#previews.get(id));
      this.#previews.delete(id);
    }
    this.show(this.ids.filter((id) => !ids.includes(id)));
  }

  render() {
    const uploads = this.ids.map((id) => this.#on.state(id)).filter(Boolean);
    this.element.hidden = !uploads.length;
    reconcile(this.element, uploads, {
      key: ({ id }) => id,
      create: (one) => this.#item(one),
      update: (element, one) => {
        element.dataset.state = one.state;
        element.querySelector("progress").value = one.share;
        element.querySelector("progress").hidden = !["waiting", "sending", "checking"].includes(one.state);
        setText(element.querySelector(".tray-state"), progressOf(one));
        element.querySelector(".again").hidden = one.state !== "failed" || one.error?.code === "refused";
      },
    });
  }

  #item({ id, file }) {
    if (!this.#previews.has(id)) this.#previews.set(id, URL.createObjectURL(file));
    const preview = file.type.startsWith("video/")
      ? h("video", { src: this.#previews.get(id), muted: true, preload: "metadata", "aria-hidden": "true" })
      : h("img", { src: this.#previews.get(id), alt: "" });
    const drop = () => {
      this.#on.drop(id);
      this.forget([id]);
      this.#on.changed();
    };
    return h(
      "li",
      {},
      preview,
      h("bdi", { className: "visually-hidden" }, file.name),
      h("progress", { max: 1, "aria-label": `${file.name}: sent so far` }),
      h("span", { className: "tray-state", role: "status" }),
      h("button", { type: "button", className: "again link", onclick: () => this.#on.again(id) }, "Again"),
      h(
        "button",
        { type: "button", className: "drop icon-button", title: "Remove", "aria-label": `Remove ${file.name}`, onclick: drop },
        icon("close"),
      ),
    );
  }
}
