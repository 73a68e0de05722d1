// The messages of a conversation, in a box that stays where one reads and asks for older ones at its top.

import { h, reconcile, setText } from "./dom.js";
import { icon } from "./icons.js";
import { showMessage } from "./message.js";
import { day } from "./time.js";
import { count } from "./words.js";

const NEAR_END = 80; // px from the end that count as being at it
const NEAR_TOP = 400; // px from the top at which older messages are asked for, and from the end newer ones
const LIT = 2_500; // ms for which a message that was looked for stands out

/** `more({newer})` asks for the next page, `present()` leaves the past. `acts`: see message.js. */
export class Thread {
  element;
  #box;
  #items = h("ol", { className: "messages" });
  #hint = h("p", { className: "hint" });
  #jump;
  #acts;
  #more;
  #present;
  #wants = { older: false, newer: false };
  #found = null; // the message that was looked for, until it has been shown
  #atEnd = true;
  #top = 0; // where `#atEnd` was judged
  #last = null; // the key of the last item shown
  #missed = 0; // messages that came below what is seen

  constructor({ more, present, acts }) {
    this.#more = more;
    this.#present = present;
    this.#acts = acts;
    this.#box = h(
      "div",
      { className: "thread", tabIndex: 0, role: "region", "aria-label": "Messages", onscroll: () => this.#scrolled() },
      this.#hint,
      this.#items,
    );
    this.#jump = h("button", { type: "button", className: "jump", hidden: true, onclick: () => this.#toPresent() });
    this.element = h("div", { className: "thread-frame" }, this.#box, this.#jump);
    const sizes = new ResizeObserver(() => this.#atEnd && !this.#wants.newer && this.toEnd());
    sizes.observe(this.#box);
    sizes.observe(this.#items); // pictures come late
  }

  /** Another conversation: begin at its end. */
  clear() {
    this.#items.replaceChildren();
    this.#atEnd = true;
    this.#last = null;
    this.#missed = 0;
    this.#wants = { older: false, newer: false };
    this.#found = null;
  }

  /** Show this message as soon as it is there. */
  seek(id) {
    this.#found = id;
  }

  toEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#scrolled();
  }

  /** `items` of timeline.js; `hint`: words above them; `hasOlder`, `hasNewer`: whether there is more above, and below. */
  render({ items, hint, hasOlder, hasNewer }) {
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
    this.#wants = { older: hasOlder, newer: hasNewer };
    if (!this.#showFound(items)) this.#follow(items, anchor);
  }

  #showFound(items) {
    const place = items.findIndex(({ id }) => id && id === this.#found);
    if (place < 0) return false;
    const element = this.#items.children[place];
    this.#found = null;
    this.#last = items.at(-1).key;
    this.#atEnd = false;
    this.#box.scrollTop = element.offsetTop - (this.#box.clientHeight - element.offsetHeight) / 2;
    element.classList.add("sought");
    element.querySelector(".bubble").focus({ preventScroll: true });
    setTimeout(() => element.classList.remove("sought"), LIT);
    this.#scrolled();
    return true;
  }

  #toPresent() {
    this.#atEnd = true;
    if (this.#wants.newer) this.#present();
    else this.toEnd();
  }

  /** After a change: stay at the end if one was there or has written, else where one reads. */
  #follow(items, anchor) {
    const last = items.at(-1);
    const isNew = last && this.#last !== null && last.key !== this.#last;
    if (isNew && !last.mine && !this.#atEnd) this.#missed += 1;
    if ((this.#atEnd && !this.#wants.newer) || (isNew && last.mine)) this.toEnd();
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
    this.#jump.hidden = this.#atEnd && !this.#wants.newer;
    const words = this.#missed ? count(this.#missed, "new message", "new messages") : "To the newest";
    if (this.#jump.dataset.words !== words) {
      this.#jump.dataset.words = words;
      this.#jump.replaceChildren(icon("down"), words);
    }
    // Until the next render says that there is more.
    if (this.#wants.older && scrollTop < NEAR_TOP) {
      this.#wants.older = false;
      this.#more({ newer: false });
    } else if (this.#wants.newer && scrollHeight - scrollTop - clientHeight < NEAR_TOP) {
      this.#wants.newer = false;
      this.#more({ newer: true });
    }
  }
}
