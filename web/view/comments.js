// What is said on an exercise: replies below what they answer, and a box to answer in.

import { DEEPEST } from "../comments.js";
import { h, reconcile, setText } from "./dom.js";
import { brief, full } from "./time.js";

const LONGEST = 5_000; // code points, as the server counts

/** `create(body, parentCommentId, id)`, `edit(id, body)`, `delete(comment)`: each answers why not, or nothing; `newId()`. */
export class CommentTree {
  element;
  #on;
  #list = h("ol", { className: "comments" });
  #hint = h("p", { className: "hint" });
  #form;
  #box; // where one writes: at the end, or below the comment that is answered or edited
  #at = { mode: "new", comment: null, id: null };
  #exercise = null;
  #names = { isMine: () => false };

  constructor(on) {
    this.#on = on;
    this.#box = h("textarea", {
      rows: 2,
      dir: "auto",
      maxLength: 2 * LONGEST, // in UTF-16; the server has the last word
      placeholder: "Comment on this exercise",
      "aria-label": "Comment",
      onkeydown: (event) => this.#pressed(event),
    });
    const note = h("p", { className: "failure", role: "alert" });
    const quiet = { type: "button", className: "link cancel", onclick: () => this.#write("new") };
    this.#form = h(
      "form",
      { className: "comment-form", onsubmit: (event) => this.#submit(event) },
      this.#box,
      note,
      h("div", { className: "comment-acts" }, h("button", quiet, "Cancel"), h("button", { className: "button" })),
    );
    this.element = h("div", { className: "comment-tree" }, this.#hint, this.#list, this.#form);
    this.#write("new", null, { focus: false });
  }

  /** `comments`: null, or `{movementId, loaded, problem, tree: [{comment, depth}], isMine}`. */
  render(comments) {
    if (comments?.movementId !== this.#exercise) {
      this.#exercise = comments?.movementId ?? null;
      this.#list.replaceChildren();
      this.#write("new", null, { focus: false });
    }
    if (!comments) return;
    this.#names = comments;
    const { loaded, problem, tree } = comments;
    const empty = loaded ? "Nothing said yet." : "Loading…";
    setText(this.#hint, tree.length ? "" : problem ? problem.message : empty);
    this.#hint.hidden = tree.length > 0;
    const answered = this.#at.comment?.id;
    if (answered && !tree.some(({ comment }) => comment.id === answered)) this.#write("new", null, { focus: false });
    reconcile(this.#list, tree, {
      key: ({ comment }) => comment.id,
      create: () => h("li", { className: "comment" }, h("div")),
      update: (element, one) => this.#show(element, one),
    });
  }

  #show(element, { comment, depth }) {
    element.dataset.depth = depth;
    const mine = this.#names.isMine(comment);
    const looks = JSON.stringify([comment, mine]);
    if (element.dataset.looks === looks) return;
    element.dataset.looks = looks;
    const gone = comment.deletedAt ? "This comment was deleted" : comment.erased ? "This comment was erased" : null;
    const at = new Date(comment.createdAt);
    const button = (words, act) => h("button", { type: "button", className: "link", onclick: act }, words);
    element.classList.toggle("gone", Boolean(gone));
    element.firstElementChild.replaceWith(
      h(
        "div",
        { className: "comment-body" },
        h(
          "p",
          { className: "comment-head" },
          h("bdi", { className: "name" }, comment.authorName),
          h("time", { dateTime: at.toISOString(), title: full(at) }, brief(at)),
          comment.updatedAt > comment.createdAt && !gone ? h("span", {}, "edited") : null,
        ),
        h("p", { className: "text", dir: "auto" }, gone ?? comment.body),
        h(
          "p",
          { className: "comment-acts" },
          depth < DEEPEST && !gone ? button("Reply", () => this.#write("reply", comment)) : null,
          mine && !gone ? button("Edit", () => this.#write("edit", comment)) : null,
          mine && !gone ? button("Delete", () => this.#on.delete(comment)) : null,
        ),
      ),
    );
  }

  /** Move the box to where it is needed. */
  #write(mode, comment = null, { focus = true } = {}) {
    // The id is chosen once for what is written: sent again after a lost answer, it is the same comment.
    this.#at = { mode, comment, id: this.#on.newId() };
    this.#box.value = mode === "edit" ? comment.body : "";
    this.#box.placeholder = mode === "reply" ? `Reply to ${comment.authorName}` : "Comment on this exercise";
    setText(this.#form.querySelector(".failure"), "");
    setText(this.#form.querySelector(".button"), { new: "Comment", reply: "Reply", edit: "Save" }[mode]);
    this.#form.querySelector(".cancel").hidden = mode === "new";
    const place = comment && [...this.#list.children].find((element) => element.dataset.key === comment.id);
    (place ?? this.element).append(this.#form);
    if (focus) this.#box.focus();
  }

  #pressed(event) {
    if (event.key === "Escape" && this.#at.mode !== "new") this.#write("new");
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  async #submit(event) {
    event.preventDefault();
    const body = this.#box.value.trim();
    if (!body || [...body].length > LONGEST) return;
    const at = this.#at;
    const button = this.#form.querySelector(".button");
    button.disabled = true;
    const refusal =
      at.mode === "edit" ? await this.#on.edit(at.comment.id, body) : await this.#on.create(body, at.comment?.id, at.id);
    button.disabled = false;
    if (at !== this.#at) return; // looked elsewhere meanwhile
    if (refusal) setText(this.#form.querySelector(".failure"), refusal);
    else this.#write("new", null, { focus: at.mode === "new" });
  }
}
