// The pane with the conversations: by organization, newest first, with what is unread.

import { formatRoute } from "../route.js";
import { avatar, h, reconcile, setText } from "./dom.js";
import { summary } from "./message.js";
import { brief } from "./time.js";

/** `me`: `{email, name}`. `more(organizationId)` asks for the next page. */
export class ConversationList {
  element;
  #me;
  #groups = h("div", { className: "groups" });
  #more;

  constructor({ me, more }) {
    this.#me = me;
    this.#more = more;
    this.element = h(
      "nav",
      { className: "pane list-pane", "aria-label": "Conversations" },
      h(
        "header",
        { className: "bar" },
        avatar(me.name),
        h("h1", { className: "bar-title" }, h("bdi", {}, me.name)),
        h("a", { href: formatRoute({ as: null }), className: "quiet-link" }, "Switch person"),
      ),
      this.#groups,
    );
  }

  /** `organizations`: `[{id, name, unread, hasMore, conversations: [{conversation, last, typing, online}]}]`, or
   *  null before they are loaded. `open`: the key of the one on the screen. */
  render({ organizations, open }) {
    this.#groups.setAttribute("aria-busy", String(organizations === null));
    if (organizations === null) {
      if (!this.#groups.firstChild) this.#groups.append(h("p", { className: "hint" }, "Loading your conversations…"));
      return;
    }
    if (!organizations.length) {
      this.#groups.replaceChildren(h("p", { className: "hint" }, "You are not in any organization at present."));
      return;
    }
    reconcile(this.#groups, organizations, {
      key: ({ id }) => id,
      create: ({ id }) => this.#group(id),
      update: (element, organization) => this.#showGroup(element, organization, open),
    });
  }

  #group(id) {
    return h(
      "section",
      { "aria-labelledby": `group-${id}` },
      h(
        "h2",
        { id: `group-${id}`, className: "group-title" },
        h("bdi", { className: "group-name" }),
        h("span", { className: "badge quiet" }),
      ),
      h("ul", { className: "rows" }),
      h("p", { className: "hint" }, "No conversations yet. When somebody writes to you, it appears here."),
      h("button", { type: "button", className: "button more", onclick: () => this.#more(id) }, "Show older"),
    );
  }

  #showGroup(element, { name, unread, hasMore, conversations }, open) {
    setText(element.querySelector(".group-name"), name);
    badge(element.querySelector(".badge"), unread);
    reconcile(element.querySelector("ul"), conversations, {
      key: ({ conversation }) => conversation.key,
      create: ({ conversation }) => this.#row(conversation),
      update: (row, one) => showRow(row, one, one.conversation.key === open),
    });
    element.querySelector(".hint").hidden = conversations.length > 0;
    element.querySelector(".more").hidden = !hasMore;
  }

  #row(conversation) {
    const href = formatRoute({ as: this.#me.email, chat: conversation.key });
    return h(
      "li",
      {},
      h(
        "a",
        { href, className: "row" },
        avatar(conversation.name ?? ""),
        h(
          "span",
          { className: "row-top" },
          h("span", { className: "name", dir: "auto" }),
          h("span", { className: "presence visually-hidden" }, "online"),
          h("time"),
        ),
        h(
          "span",
          { className: "row-bottom" },
          h("span", { className: "by" }),
          h("span", { className: "preview", dir: "auto" }),
          h("span", { className: "badge" }),
        ),
      ),
    );
  }
}

function showRow(row, { conversation, last, typing, online }, isOpen) {
  const link = row.firstElementChild;
  if (isOpen) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  if (row.dataset.name !== (conversation.name ?? "")) {
    row.dataset.name = conversation.name ?? "";
    link.firstElementChild.replaceWith(avatar(conversation.name ?? ""));
    setText(link.querySelector(".name"), conversation.name ?? "…");
  }
  link.classList.toggle("online", online);
  link.querySelector(".presence").hidden = !online;
  link.classList.toggle("unread", conversation.unread > 0);
  const at = last ? last.at : conversation.since ? new Date(conversation.since) : null;
  setText(link.querySelector("time"), at ? brief(at) : "");
  const failed = !typing && last?.status === "failed";
  link.classList.toggle("typing", typing);
  link.classList.toggle("failed", failed);
  setText(link.querySelector(".by"), failed ? "Not sent:" : !typing && last?.mine && !last.gone ? "You:" : "");
  setText(link.querySelector(".preview"), typing ? "typing…" : last ? summary(last) : "");
  badge(link.querySelector(".badge"), conversation.unread);
}

function badge(element, number) {
  setText(element, number > 99 ? "99+" : String(number));
  element.hidden = number === 0;
  element.role = "img";
  element.ariaLabel = `${number} unread`;
}
