// Where one writes: grows with its text, Enter sends, Shift+Enter begins a line. Files are chosen, pasted or dropped.

import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { Tray } from "./tray.js";

const LONGEST = 5_000; // code points, as the server counts
const NEAR = 4_500; // from here on the rest is shown

/**
 * `send(text, files)` and `save(item, text)` answer why not, or nothing; `key()` is called while one writes, `stop()` when
 * one has stopped; `add`, `upload`, `drop`, `again`: see Tray. `drafts`: see drafts.js.
 */
export class Composer {
  element;
  #area;
  #button;
  #hint = h("p", { className: "composer-hint", role: "status" });
  #editing;
  #tray;
  #drafts;
  #key = null;
  #edited = null; // the message that is written anew
  #on;

  constructor({ drafts, on }) {
    this.#drafts = drafts;
    this.#on = on;
    this.#tray = new Tray({
      add: on.add,
      state: on.upload,
      place: () => this.#key,
      drop: on.drop,
      again: on.again,
      said: (words) => setText(this.#hint, words),
      changed: () => {
        this.#keep();
        this.#fit({ keepsHint: true });
      },
    });
    this.#area = h("textarea", {
      rows: 1,
      dir: "auto",
      placeholder: "Message",
      "aria-label": "Message",
      enterKeyHint: "send",
      oninput: () => this.#written(),
      onkeydown: (event) => this.#pressed(event),
      onblur: () => on.stop(),
      onpaste: (event) => this.#pasted(event),
    });
    this.#button = h(
      "button",
      { type: "submit", className: "send", "aria-label": "Send", title: "Send (Enter)" },
      icon("send"),
    );
    this.#editing = h(
      "p",
      { className: "editing", hidden: true },
      icon("pen"),
      h("span", {}, "Editing your message"),
      h("button", { type: "button", className: "link", onclick: () => this.#stopEditing() }, "Cancel"),
    );
    this.element = h(
      "form",
      { className: "composer", onsubmit: (event) => this.#submit(event) },
      this.#hint,
      this.#editing,
      this.#tray.element,
      this.#tray.button,
      this.#area,
      this.#button,
    );
  }

  /** Write to this conversation; what was begun elsewhere is kept there. */
  open(key) {
    this.#stopEditing();
    this.#key = key;
    this.#showDraft();
  }

  /** Write this message anew; what was begun waits. */
  edit(item) {
    this.#stopEditing();
    this.#edited = item;
    this.#area.value = item.text;
    this.#tray.show([]);
    this.#fit();
    this.focus();
  }

  /** Files that were dropped somewhere else in the conversation. */
  take(files) {
    if (this.#edited === null) this.#tray.take(files);
  }

  render() {
    if (this.#edited === null && this.#key) this.#tray.show(this.#drafts.get(this.#key).files); // one may have been lost
    else this.#tray.render();
  }

  focus() {
    this.#area.focus({ preventScroll: true });
  }

  #stopEditing() {
    if (this.#edited === null) return;
    this.#edited = null;
    this.#showDraft();
  }

  #showDraft() {
    const { text, files } = this.#drafts.get(this.#key);
    this.#area.value = text;
    this.#tray.show(files);
    this.#fit();
  }

  /** What is written survives the page; words of a message that is written anew do not stand in for it. */
  #keep() {
    if (this.#edited === null && this.#key) this.#drafts.put(this.#key, { text: this.#area.value, files: this.#tray.ids });
  }

  #written() {
    this.#keep();
    this.#fit();
    if (this.#area.value.trim() && this.#edited === null) this.#on.key();
    else this.#on.stop();
  }

  #pressed(event) {
    if (event.key === "Escape") this.#stopEditing();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.element.requestSubmit();
  }

  #pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.take(files);
  }

  async #submit(event) {
    event.preventDefault();
    const text = this.#area.value.trim();
    const files = this.#tray.ids;
    if ((!text && !files.length) || length(text) > LONGEST) return;
    if (this.#edited) {
      await this.#save(text);
      return;
    }
    const refusal = this.#on.send(text, files);
    if (refusal) {
      setText(this.#hint, refusal);
      return;
    }
    this.#area.value = "";
    this.#tray.forget(files);
    this.#keep();
    this.#fit();
    this.focus();
  }

  async #save(text) {
    const edited = this.#edited;
    const refusal = text === edited.text ? null : await this.#on.save(edited, text);
    if (this.#edited !== edited) return;
    if (refusal) setText(this.#hint, refusal);
    else this.#stopEditing();
  }

  #fit({ keepsHint = false } = {}) {
    const left = LONGEST - length(this.#area.value.trim());
    const words = left < 0 ? `${-left} characters too many` : `${left} characters left`;
    if (!keepsHint) setText(this.#hint, left > LONGEST - NEAR ? "" : words);
    this.#hint.classList.toggle("over", left < 0);
    this.#editing.hidden = this.#edited === null;
    this.#tray.button.hidden = this.#edited !== null;
    this.#button.disabled = left < 0 || (left === LONGEST && !this.#tray.ids.length);
    this.#area.style.blockSize = "auto";
    this.#area.style.blockSize = `${this.#area.scrollHeight}px`;
  }
}

function length(text) {
  return [...text].length;
}
