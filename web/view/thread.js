// The messages of a conversation, in a box that stays where one reads and asks for older ones at its top.

import { h, reconcile, setText } from "./dom.js";
import { icon } from "./icons.js";
import { showMessage } from "./message.js";
import { day } from "./time.js";
import { count } from "./words.js";

const NEAR_END = 80; // px from the end that count as being at it
const NEAR_TOP = 400; // px from the top at which older messages are asked for

/** `older()` asks for the next page. `acts`: `retry(id)`, `discard(id)`, `delete(item)`. */
export class Thread {
  element;
  #box;
  #items = h("ol", { className: "messages" });
  #hint = h("p", { className: "hint" });
  #jump;
  #acts;
  #older;
  #wantsOlder = false;
  #atEnd = true;
  #top = 0; // where `#atEnd` was judged
  #last = null; // the key of the last item shown
  #missed = 0; // messages that came below what is seen

  constructor({ older, acts }) {
    this.#older = older;
    this.#acts = acts;
    this.#box = h(
      "div",
      { className: "thread", tabIndex: 0, role: "region", "aria-label": "Messages", onscroll: () => this.#scrolled() },
      this.#hint,
      this.#items,
    );
    this.#jump = h("button", { type: "button", className: "jump", hidden: true, onclick: () => this.toEnd() });
    this.element = h("div", { className: "thread-frame" }, this.#box, this.#jump);
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(this.#box);
  }

  /** Another conversation: begin at its end. */
  clear() {
    this.#items.replaceChildren();
    this.#atEnd = true;
    this.#last = null;
    this.#missed = 0;
    this.#wantsOlder = false;
  }

  toEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#scrolled();
  }

  /** `items` of timeline.js; `hint`: words above them; `hasOlder`: whether there is more above. */
  render({ items, hint, hasOlder }) {
    if (this.#box.scrollTop !== this.#top) this.#scrolled(); // its event comes only with the next frame
    const anchor = this.#anchor();
    reconcile(this.#items, items, {
      key: ({ key }) => key,
      create: ({ day: isDay }) => h("li", { className: isDay ? "day" : "message" }),
      update: (element, item) => {
        if (item.day) setText(element, day(item.day));
        else showMessage(element, item, this.#acts);
      },
    });
    setText(this.#hint, hint);
    this.#hint.hidden = !hint;
    this.#wantsOlder = hasOlder;
    this.#follow(items, anchor);
  }

  /** After a change: stay at the end if one was there or has written, else where one reads. */
  #follow(items, anchor) {
    const last = items.at(-1);
    const isNew = last && this.#last !== null && last.key !== this.#last;
    if (isNew && !last.mine && !this.#atEnd) this.#missed += 1;
    if (this.#atEnd || (isNew && last.mine)) this.toEnd();
    else if (anchor) this.#box.scrollTop = anchor.element.offsetTop - anchor.offset;
    this.#last = last?.key ?? "";
    this.#scrolled();
  }

  /** The first message that is seen, and how far it is from the top. */
  #anchor() {
    const top = this.#box.scrollTop;
    for (const element of this.#items.children) {
      if (element.classList.contains("message") && element.offsetTop + element.offsetHeight > top) {
        return { element, offset: element.offsetTop - top };
      }
    }
    return null;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    this.#top = scrollTop;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#atEnd) this.#missed = 0;
    this.#jump.hidden = this.#atEnd;
    const words = this.#missed ? count(this.#missed, "new message", "new messages") : "To the newest";
    if (this.#jump.dataset.words !== words) {
      this.#jump.dataset.words = words;
      this.#jump.replaceChildren(icon("down"), words);
    }
    if (this.#wantsOlder && scrollTop < NEAR_TOP) {
      this.#wantsOlder = false; // until the next render says that there is more
      this.#older();
    }
  }
}
