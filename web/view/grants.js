// Which organization sees values beyond those recorded in it: given and withdrawn by the person alone.

import { h, reconcile } from "./dom.js";
import { day } from "./time.js";

/** `give(organizationId, definitionId or undefined)`, `withdraw(grant)`. */
export class Grants {
  element;
  #on;
  #list = h("ul", { className: "grants" });

  constructor(on) {
    this.#on = on;
    this.element = h(
      "section",
      { className: "sharing", "aria-label": "Who sees my values" },
      h("h3", { className: "group-title" }, "Who sees my values"),
      h("p", { className: "role" }, "A gym's staff see what was recorded there. What was recorded elsewhere they see only if you let them."),
      this.#list,
    );
  }

  /** `organizations`: `[{id, name}]`, `grants` as on the wire, `definitions`: see definitions.js. */
  render({ organizations, grants, definitions }) {
    reconcile(this.#list, organizations, {
      key: ({ id }) => id,
      create: ({ id, name }) => this.#organization(id, name, definitions),
      update: (element, { id }) => {
        const given = grants.filter(({ organizationId }) => organizationId === id);
        reconcile(element.querySelector("ul"), given, {
          key: ({ definitionId, until }) => `${definitionId} ${until}`,
          create: (grant) => this.#grant(grant, definitions),
          update: () => {},
        });
      },
    });
  }

  #organization(id, name, definitions) {
    const what = h(
      "select",
      { "aria-label": `What ${name} may see` },
      h("option", { value: "" }, "Everything"),
      definitions.named().map((one) => h("option", { value: one.id, dir: "auto" }, one.name)),
    );
    const give = () => this.#on.give(id, what.value || undefined);
    return h(
      "li",
      { className: "sharing-with" },
      h("bdi", { className: "name" }, name),
      h("ul", {}),
      h("div", { className: "recording-fields" }, what, h("button", { type: "button", className: "button", onclick: give }, "Let them see")),
    );
  }

  #grant(grant, definitions) {
    const what = grant.definitionId ? (definitions.get(grant.definitionId)?.name ?? "…") : "Everything";
    const until = grant.until ? ` until ${day(new Date(grant.until))}` : "";
    const withdraw = () => this.#on.withdraw(grant);
    return h(
      "li",
      { className: "grant" },
      h("span", {}, h("bdi", {}, what), until),
      h("button", { type: "button", className: "link", onclick: withdraw }, "Withdraw"),
    );
  }
}
