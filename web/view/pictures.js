// The pictures and videos of a message: small in its bubble, large when one is chosen, their links renewed when they end.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const SOON = 30_000; // ms before its end at which a link is not used any more

/** `files` as on the wire; `renew(file)` resolves with new links, null when there are none. */
export function pictures(files, renew, open) {
  return h(
    "ul",
    { className: "pictures" },
    files.map((file) => h("li", {}, thumbnail(file, renew, open))),
  );
}

function thumbnail(file, renew, open) {
  const isVideo = file.type === "video";
  const address = file.thumbnailUrl ?? (isVideo ? null : file.url);
  const label = isVideo ? "Play the video" : "Show the picture";
  const inside = address ? h("img", { src: address, alt: "", loading: "lazy" }) : h("span", { className: "blank" });
  if (address) {
    let asked = false;
    inside.onerror = async () => {
      if (asked) return;
      asked = true; // once: what is not there is not found by asking again
      const links = await renew(file);
      if (links) inside.src = links.thumbnailUrl ?? links.url;
    };
  }
  return h(
    "button",
    { type: "button", className: `picture ${file.type}`, "aria-label": label, title: label, onclick: () => open(file) },
    inside,
    isVideo ? icon("play") : null,
  );
}

/** One file, as large as there is room for. */
export class Lightbox {
  element = h("dialog", { className: "lightbox", "aria-label": "Picture" });
  #renew;
  #shown = null;

  constructor(renew) {
    this.#renew = renew;
    this.element.addEventListener("close", () => {
      this.#shown = null;
      this.element.replaceChildren(); // a video does not go on playing
    });
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
  }

  async open(message, file) {
    this.#shown = file.id;
    const hint = h("p", { className: "hint" }, "Loading…");
    const close = h(
      "button",
      { type: "button", className: "icon-button", "aria-label": "Close", onclick: () => this.element.close() },
      icon("close"),
    );
    this.element.replaceChildren(close, hint);
    this.element.showModal();
    const holds = Date.parse(file.urlExpiresAt) - SOON > Date.now();
    const links = holds ? file : await this.#renew(message, file);
    if (this.#shown !== file.id) return;
    if (!links) hint.textContent = "It cannot be shown now.";
    else hint.replaceWith(large(file, links.url));
  }
}

function large(file, src) {
  if (file.type === "video") return h("video", { src, controls: true, autoplay: true, playsInline: true });
  return h("img", { src, alt: "A picture of this conversation" });
}
