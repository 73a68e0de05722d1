// Asks before something is deleted.

import { h } from "./dom.js";

const SHORT = 80; // characters of what is asked about

/** Whether `text` is to be deleted; `ending`: the end of the question. */
export async function sure(text, ending) {
  const dialog = document.getElementById("confirm");
  const letters = [...text];
  const short = letters.length > SHORT ? `${letters.slice(0, SHORT).join("")}…` : text;
  document.getElementById("confirm-question").replaceChildren("Delete “", h("bdi", {}, short), `”${ending}`);
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes";
}
