// One message on the screen: its words, its time, its ticks, and what can be done with it.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { clock, full } from "./time.js";
import { statusOf, whyNotSent } from "./words.js";

const ICONS = {
  queued: "clock",
  sending: "clock",
  failed: "warning",
  stored: "tick",
  delivered: "ticks",
  read: "ticks",
};
const GONE = {
  deleted: ["This message was deleted", "You deleted this message"],
  erased: ["This message was erased", "You erased this message"],
};

/** Show `item` (see timeline.js) in its element; only what has changed is built anew. */
export function showMessage(element, item, acts) {
  const looks = JSON.stringify(item);
  if (element.dataset.looks === looks) return;
  element.dataset.looks = looks;
  element.className = ["message", item.mine && "mine", item.first && "first", item.gone && "gone", item.status]
    .filter(Boolean)
    .join(" ");
  const held = element.contains(document.activeElement) ? document.activeElement.classList.item(0) : null;
  element.replaceChildren(bubble(item), ...actions(item, acts));
  if (held) element.querySelector(`.${held}`)?.focus({ preventScroll: true }); // what was built anew keeps the focus
}

/** What a screen reader says for somebody's message, and a list shows. */
export function summary({ gone, mine, text }) {
  return gone ? GONE[gone][Number(mine)] : text;
}

function bubble(item) {
  return h(
    "div",
    { className: "bubble", tabIndex: -1 },
    h("p", { className: "text", dir: "auto" }, summary(item)),
    h(
      "p",
      { className: "meta" },
      item.edited && !item.gone ? "edited " : null,
      h("time", { dateTime: item.at.toISOString(), title: full(item.at) }, clock(item.at)),
      item.status ? tick(item.status) : null,
    ),
  );
}

function tick(status) {
  const label = statusOf(status);
  const properties = { className: `tick ${status}`, role: "img", "aria-label": label, title: label };
  return h("span", properties, icon(ICONS[status]));
}

function actions(item, acts) {
  if (!item.mine || item.gone || item.status === "sending") return [];
  if (item.status === "failed") {
    return [
      h(
        "p",
        { className: "failure", role: "alert" },
        `Not sent: ${whyNotSent(item.error)} `,
        h("button", { type: "button", className: "retry link", onclick: () => acts.retry(item.id) }, "Try again"),
        " · ",
        h("button", { type: "button", className: "discard link", onclick: () => acts.discard(item.id) }, "Discard"),
      ),
    ];
  }
  const waiting = item.status === "queued";
  const label = waiting ? "Do not send this message" : "Delete this message";
  const act = () => (waiting ? acts.discard(item.id) : acts.delete(item));
  return [
    h(
      "button",
      { type: "button", className: "delete icon-button", title: label, "aria-label": label, onclick: act },
      icon("bin"),
    ),
  ];
}
