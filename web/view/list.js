// The pane with the conversations: by organization, newest first, with what is unread.

import { formatRoute } from "../route.js";
import { avatar, h, reconcile, setText } from "./dom.js";
import { icon } from "./icons.js";
import { summary } from "./message.js";
import { brief } from "./time.js";

const EMPTY = {
  messages: "No conversations yet. Begin one with the plus above.",
  workouts: "No workouts yet. When one is assigned, it appears here.",
};

const TABS = { messages: "Messages", workouts: "Workouts", body: "Body" };

/** `me`: `{email, name}`. `on`: `more(organizationId)`, `begin(organizationId)`, `tab(name)`; `search`: an element. */
export class ConversationList {
  element;
  #me;
  #groups = h("div", { className: "groups" });
  #tabs;
  #on;
  #tab = "messages";

  constructor({ me, on, search, notify }) {
    this.#me = me;
    this.#on = on;
    this.#tabs = Object.keys(TABS).map((name) => this.#tabButton(name));
    this.element = h(
      "nav",
      { className: "pane list-pane", "aria-label": "Conversations" },
      h(
        "header",
        { className: "bar" },
        avatar(me.name),
        h("h1", { className: "bar-title" }, h("bdi", {}, me.name)),
        notify,
        h("a", { href: "/docs", className: "quiet-link", target: "_blank", rel: "noopener" }, "API"),
        h("a", { href: formatRoute({ as: null }), className: "quiet-link" }, "Switch person"),
      ),
      search,
      h("div", { className: "tabs", role: "group", "aria-label": "What to list" }, this.#tabs),
      this.#groups,
    );
  }

  /** `organizations`: `[{id, name, unread, hasMore, conversations: [{conversation, last, typing, online, about, whose}]}]`, or
   *  null before they are loaded. `open`: the key of the one on the screen. `tab`: which list it is; `counts`: by tab.
   *  `body`: whether one's own values are on the screen; null: there is no such tab. */
  render({ organizations, open, tab, counts, body }) {
    this.#tab = tab;
    for (const button of this.#tabs) {
      button.setAttribute("aria-pressed", String(body ? button.value === "body" : button.value === tab));
      button.hidden = button.value === "body" && body === null;
      badge(button.querySelector(".badge"), counts[button.value] ?? 0);
    }
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

  #tabButton(name) {
    const properties = { type: "button", className: "tab", value: name, onclick: () => this.#on.tab(name) };
    return h("button", properties, TABS[name], " ", h("span", { className: "badge" }));
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
        h(
          "button",
          {
            type: "button",
            className: "begin icon-button",
            title: "New conversation",
            "aria-label": "New conversation",
            onclick: () => this.#on.begin(id),
          },
          icon("plus"),
        ),
      ),
      h("ul", { className: "rows" }),
      h("p", { className: "hint" }),
      h("button", { type: "button", className: "button more", onclick: () => this.#on.more(id) }, "Show older"),
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
    element.querySelector(".begin").hidden = this.#tab !== "messages";
    setText(element.querySelector(".hint"), EMPTY[this.#tab]);
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
        face(conversation),
        h(
          "span",
          { className: "row-top" },
          h("span", { className: "name", dir: conversation.isThread ? "ltr" : "auto" }), // of several parts: as the page
          h("span", { className: "presence visually-hidden" }, "online"),
          h("time"),
        ),
        h(
          "span",
          { className: "row-bottom" },
          h("span", { className: "draft", hidden: true }, "Draft"),
          h("span", { className: "by" }),
          h("span", { className: "preview", dir: "auto" }),
          h("span", { className: "badge" }),
        ),
      ),
    );
  }
}

function face(conversation) {
  if (!conversation.isThread) return avatar(conversation.name ?? "");
  return h("span", { className: "avatar workout", "aria-hidden": "true" }, icon("workout"));
}

/** `about`: of a thread, whose workout it is, and of which day. */
function showRow(row, { conversation, last, typing, online, about, whose }, isOpen) {
  const link = row.firstElementChild;
  if (isOpen) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  if (row.dataset.name !== (conversation.name ?? "")) {
    row.dataset.name = conversation.name ?? "";
    link.firstElementChild.replaceWith(face(conversation));
  }
  const name = conversation.name ?? "…";
  setText(link.querySelector(".name"), whose ? `\u2068${whose}\u2069 · ${name}` : name);
  link.classList.toggle("online", online);
  link.querySelector(".presence").hidden = !online;
  link.classList.toggle("unread", conversation.unread > 0);
  const at = last ? last.at : conversation.since ? new Date(conversation.since) : null;
  setText(link.querySelector("time"), at ? brief(at) : "");
  const failed = !typing && last?.status === "failed";
  link.classList.toggle("typing", typing);
  link.classList.toggle("failed", failed);
  setText(link.querySelector(".by"), failed ? "Not sent:" : !typing && last ? by(conversation, last) : "");
  setText(link.querySelector(".preview"), typing ? "typing…" : last ? summary(last) : (about ?? ""));
  link.querySelector(".draft").hidden = !conversation.workout || conversation.workout.published;
  badge(link.querySelector(".badge"), conversation.unread);
}

function by(conversation, last) {
  if (last.gone) return "";
  return last.mine ? "You:" : conversation.isThread && last.by ? `${last.by}:` : "";
}

function badge(element, number) {
  setText(element, number > 99 ? "99+" : String(number));
  element.hidden = number === 0;
  element.role = "img";
  element.ariaLabel = `${number} unread`;
}
