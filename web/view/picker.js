// Who to be: the demo's people, by organization.

import { formatRoute } from "../route.js";
import { avatar, h } from "./dom.js";
import { icon } from "./icons.js";

/** `people`: as `GET /dev/people` answers. `stranger`: an email that is none of theirs. */
export function showPicker(root, people, stranger = null) {
  const organizations = [...new Set(people.map((person) => person.organization))];
  root.className = "app picker";
  root.replaceChildren(
    h(
      "header",
      { className: "picker-head" },
      h("h1", {}, "Who would you like to be?"),
      h(
        "p",
        {},
        stranger ? `There is nobody called ${stranger}. ` : null,
        "These are demo people. Open two windows side by side, be somebody else in each, and watch them talk.",
      ),
    ),
    ...organizations.map((name) => group(name, people.filter((person) => person.organization === name))),
  );
}

/** Instead of the people, when there are none to choose from. */
export function showNotice(root, title, text) {
  root.className = "app picker";
  root.replaceChildren(h("header", { className: "picker-head" }, h("h1", {}, title), h("p", {}, text)));
}

function group(name, people) {
  return h("section", {}, h("h2", {}, h("bdi", {}, name)), h("ul", { className: "cards" }, people.map(card)));
}

function card(person) {
  const href = formatRoute({ as: person.email, chat: null });
  const label = `Be ${person.name} in a new window`;
  return h(
    "li",
    { className: "card" },
    h(
      "a",
      { href, className: "card-main" },
      avatar(person.name),
      h(
        "span",
        { className: "who" },
        h("bdi", { className: "name" }, person.name),
        h("span", { className: "role" }, person.role),
      ),
    ),
    h(
      "a",
      { href, target: "_blank", rel: "noopener", className: "icon-button", title: label, "aria-label": label },
      icon("window"),
    ),
  );
}
