// The pane with a person's values: sets with the newest of each, one history as a line, recording, and who may see them.

import { keyOf, placeOf } from "../keys.js";
import { formatRoute } from "../route.js";
import { amountOf } from "./amounts.js";
import { Chart } from "./chart.js";
import { h, reconcile, setText } from "./dom.js";
import { Grants } from "./grants.js";
import { icon } from "./icons.js";
import { Recording } from "./recording.js";
import { brief } from "./time.js";
import { editButton, showEdit } from "./worksets.js";

const STAFF = new Set(["owner", "admin", "coach"]);
const SHOWN = 8; // values in words below the line

/** `nameOf(organization)`; `say(words)` tells for a while what went wrong. */
export class BodyPane {
  element;
  #session;
  #values;
  #definitions;
  #directory;
  #editor;
  #me;
  #nameOf;
  #back = h("a", { className: "icon-button back", "aria-label": "Back" }, icon("back"));
  #name = h("bdi");
  #about = h("span", { className: "role" });
  #talk = h("a", { className: "button body-talk" }, "Messages");
  #gyms = h("p", { className: "gyms" });
  #hint = h("p", { className: "hint" });
  #sets = h("div", { className: "metric-sets" });
  #setActs = h("p", { className: "set-acts" });
  #chart = new Chart();
  #history;
  #recording;
  #grants;

  constructor({ session, values, definitions, directory, editor, me, newId, say, nameOf }) {
    this.#session = session;
    this.#values = values;
    this.#definitions = definitions;
    this.#directory = directory;
    this.#editor = editor;
    this.#me = me;
    this.#nameOf = nameOf;
    this.#recording = new Recording({
      newId,
      record: (value) => this.#record(value),
      retry: (id) => {
        values.retry(id);
        session.recorder.go();
      },
      remove: (id) => values.remove(id),
    });
    const tried = async (act) => act().catch((problem) => say(problem.message));
    this.#grants = new Grants({
      give: (...what) => tried(() => session.body.give(...what)),
      withdraw: (grant) => tried(() => session.body.withdraw(grant)),
    });
    const more = { type: "button", className: "button more", onclick: () => session.body.loadOlder() };
    const list = h("ol", { className: "history-list" });
    this.#history = h("div", { className: "history" }, this.#chart.element, list, h("button", more, "Load older"));
    this.element = h(
      "section",
      { className: "pane body-pane", "aria-label": "Body", hidden: true },
      h("header", { className: "bar" }, this.#back, h("h2", { className: "bar-title" }, this.#name, this.#about), this.#talk),
      h(
        "div",
        { className: "body-scroll" },
        this.#gyms,
        this.#hint,
        this.#sets,
        this.#setActs,
        this.#recording.element,
        this.#grants.element,
      ),
    );
  }

  /** The key of one's own values, where one is a member; undefined where one is not. */
  get home() {
    const mine = [...this.#session.store.organizations.values()].find(({ role }) => role === "member");
    return mine && keyOf(mine.id, mine.membershipId);
  }

  /** `key`: whose values, as of a conversation; null: nobody's. Answers what is shown, or null. */
  render(key) {
    const { body, store, loaded } = this.#session;
    this.element.hidden = !key;
    if (!key || !loaded) {
      if (!key) this.#session.lookAt(null);
      return key ? {} : null;
    }
    const place = placeOf(key);
    const organization = store.organizations.get(place.organizationId);
    const own = organization?.membershipId === place.membershipId;
    this.#session.lookAt({ ...place, own });
    const who = own ? this.#me.name : this.#directory.nameOf(place.organizationId, place.membershipId);
    setText(this.#name, own ? "Body" : (who ?? "…"));
    setText(this.#about, organization ? `${own ? "my values" : "values of the body"} · ${this.#nameOf(organization)}` : "");
    this.#back.href = formatRoute({ as: this.#me.email, ...(!own && { chat: key }) });
    this.#talk.href = this.#back.href;
    this.#talk.hidden = own;
    this.#showGyms(own, key);
    const { sets, problem } = body;
    const rows = sets && this.#groups(body);
    const empty = rows?.length ? "" : "Nothing measured yet.";
    setText(this.#hint, problem ? problem.message : rows ? empty : "Loading…");
    this.#hint.hidden = !this.#hint.textContent;
    const nothing = Boolean(problem?.final);
    this.#showGroups(nothing ? [] : (rows ?? []));
    this.#showSetActs(nothing || !sets ? [] : this.#owners(organization, own));
    const pending = this.#values.of(key);
    this.#recording.element.hidden = nothing || !sets;
    this.#recording.render({ key, definitions: this.#definitions, sets: sets ?? [], chosen: body.chosen, pending });
    this.#grants.element.hidden = !own || !body.grants;
    if (own && body.grants) {
      const organizations = [...store.organizations.values()].map((one) => ({ id: one.id, name: this.#nameOf(one) }));
      this.#grants.render({ organizations, grants: body.grants, definitions: this.#definitions });
    }
    return { own };
  }

  #record(value) {
    const { organizationId, membershipId, own } = this.#session.body.place;
    const source = own ? "self_report" : "coach_input";
    const kept = this.#values.add({ ...value, organizationId, membershipId, source });
    this.#session.recorder.go();
    return kept;
  }

  /** Who is in several gyms records in one of them; the values are the same in all. */
  #showGyms(own, key) {
    const gyms = own ? [...this.#session.store.organizations.values()] : [];
    this.#gyms.hidden = gyms.length < 2;
    reconcile(this.#gyms, gyms.length < 2 ? [] : gyms, {
      key: ({ id }) => id,
      create: () => h("a", { className: "tab" }, h("bdi")),
      update: (element, one) => {
        const own = keyOf(one.id, one.membershipId);
        element.href = formatRoute({ as: this.#me.email, body: own });
        if (own === key) element.setAttribute("aria-current", "page");
        else element.removeAttribute("aria-current");
        setText(element.firstElementChild, this.#nameOf(one));
      },
    });
  }

  /** For whom one may write sets here, and what that is called. */
  #owners(organization, own) {
    const { id, membershipId, role } = organization ?? {};
    return [
      own && { owner: { membershipId }, title: "New set of my own" },
      STAFF.has(role) && { owner: { organizationId: id }, title: `New set for ${this.#nameOf(organization)}` },
    ].filter(Boolean);
  }

  #showSetActs(owners) {
    reconcile(this.#setActs, owners, {
      key: ({ title }) => title,
      create: ({ owner, title }) => {
        const make = () => this.#editor.make(this.#session.body.place.organizationId, owner, title);
        return h("button", { type: "button", className: "button", onclick: make }, title);
      },
      update: () => {},
    });
  }

  /** The set, if it may be changed by who looks at it; else null. */
  #mine({ place, sets }, id) {
    const set = sets.find((one) => one.id === id);
    const { membershipId, role } = this.#session.store.organizations.get(place.organizationId) ?? {};
    const mine = set?.owner.membershipId ? set.owner.membershipId === membershipId : STAFF.has(role);
    return set && mine ? set : null;
  }

  #groups({ sets, others }) {
    const rest = others.map((value) => ({ definitionId: value.definitionId, value }));
    const groups = sets.map(({ id, name, items }) => ({ id, name, items }));
    if (rest.length) groups.push({ id: "others", name: sets.length ? "Also measured" : "Measured", items: rest });
    return groups;
  }

  #showGroups(groups) {
    const { body } = this.#session;
    const change = (set) => this.#editor.change(body.place.organizationId, set);
    let isPlaced = false; // a definition may stand in several sets; its history is below the first
    reconcile(this.#sets, groups, {
      key: ({ id }) => id,
      create: () =>
        h("section", { className: "metric-set" }, h("h3", { className: "group-title" }, h("bdi"), editButton()), h("ul", { className: "rows" })),
      update: (element, { id, name, items }) => {
        setText(element.querySelector("bdi"), name);
        showEdit(element.querySelector(".set-edit"), this.#mine(body, id), change);
        reconcile(element.querySelector("ul"), items, {
          key: ({ definitionId }) => definitionId,
          create: ({ definitionId }) => this.#row(definitionId),
          update: (row, { definitionId, value }) => {
            const isOpen = definitionId === body.chosen;
            this.#showRow(row, definitionId, value, isOpen);
            if (isOpen && !isPlaced && this.#history.parentElement !== row) row.append(this.#history);
            if (isOpen) isPlaced = true;
          },
        });
      },
    });
    if (!isPlaced) this.#history.remove();
    else this.#showHistory();
  }

  #row(definitionId) {
    const { body } = this.#session;
    const choose = () => body.choose(body.chosen === definitionId ? null : definitionId);
    const parts = ["name", "amount", "when role"].map((className) => h("bdi", { className }));
    return h("li", { className: "metric" }, h("button", { type: "button", className: "metric-head", onclick: choose }, parts));
  }

  #showRow(row, definitionId, value, isOpen) {
    const [head] = row.children;
    head.setAttribute("aria-expanded", String(isOpen));
    setText(head.querySelector(".name"), this.#definitions.get(definitionId)?.name ?? "…");
    setText(head.querySelector(".amount"), value ? amountOf(value) : "–");
    setText(head.querySelector(".when"), value ? brief(new Date(value.recordedAt)) : "no value");
  }

  #showHistory() {
    const { body } = this.#session;
    const values = body.history ?? [];
    this.#chart.render(values, this.#definitions.get(body.chosen)?.unit ?? values[0]?.unit);
    this.#chart.element.hidden = values.length === 0;
    reconcile(this.#history.querySelector("ol"), values.slice(-SHOWN).reverse(), {
      key: ({ id }) => id,
      create: (value) =>
        h("li", {}, h("span", { className: "amount" }, amountOf(value)), h("time", { dir: "auto" }, brief(new Date(value.recordedAt)))),
      update: () => {},
    });
    this.#history.querySelector(".more").hidden = !body.older;
  }
}
