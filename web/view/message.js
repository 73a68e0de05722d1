// One message on the screen: its words, its time, its ticks, and what can be done with it.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { pictures } from "./pictures.js";
import { clock, full } from "./time.js";
import { count, progressOf, statusOf, whyNotSent } from "./words.js";

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
  const waiting = (item.waiting ?? []).map(({ file }) => acts.upload(file) ?? null);
  const looks = JSON.stringify([item, waiting.map((one) => one && progressOf(one))]);
  if (element.dataset.looks === looks) return;
  element.dataset.looks = looks;
  element.className = ["message", item.mine && "mine", item.first && "first", item.gone && "gone", item.status]
    .filter(Boolean)
    .join(" ");
  const held = element.contains(document.activeElement) ? document.activeElement.classList.item(0) : null;
  element.replaceChildren(bubble(item, waiting, acts), ...actions(item, acts));
  if (held) element.querySelector(`.${held}`)?.focus({ preventScroll: true }); // what was built anew keeps the focus
}

/** What a screen reader says for somebody's message, and a list shows. */
export function summary({ gone, mine, text, files, waiting = [] }) {
  if (gone) return GONE[gone][Number(mine)];
  const number = files.length + waiting.length;
  return text || (number ? count(number, "file", "files") : "");
}

function bubble(item, waiting, acts) {
  const words = item.gone ? summary(item) : item.text;
  return h(
    "div",
    { className: "bubble", tabIndex: -1 },
    item.first && item.by && item.isThread ? h("p", { className: "sender" }, h("bdi", {}, item.by)) : null,
    item.files.length
      ? pictures(item.files, (file) => acts.renew(item, file), (file) => acts.show(item, file))
      : null,
    ...waiting.filter(Boolean).map((one) =>
      h("p", { className: "file" }, icon("clip"), h("bdi", {}, one.file.name), " · ", progressOf(one)),
    ),
    words ? h("p", { className: "text", dir: "auto" }, words) : null,
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
  const remove = waiting ? "Do not send this message" : "Delete this message";
  return [
    waiting || !item.text ? null : button("edit", "pen", "Edit this message", () => acts.edit(item)),
    button("delete", "bin", remove, () => (waiting ? acts.discard(item.id) : acts.delete(item))),
  ].filter(Boolean);
}

function button(name, drawn, label, act) {
  const properties = { type: "button", className: `${name} icon-button`, title: label, "aria-label": label, onclick: act };
  return h("button", properties, icon(drawn));
}
