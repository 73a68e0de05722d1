// What was said on exercises, as a tree of replies. Comes in by id, in any order, twice or more. No DOM.

export const DEEPEST = 4; // levels below the root; the server takes no deeper reply

/** `exercise`: `{organizationId, workoutId, movementId}`. */
export class Comments {
  #api;
  #changed;
  #exercises = new Map(); // movement id → {comments: Map, loaded, problem}

  constructor({ api, changed }) {
    this.#api = api;
    this.#changed = changed;
  }

  /** All of it, anew. False when there was no answer. */
  async load(exercise) {
    const known = this.#of(exercise.movementId);
    try {
      let cursor;
      do {
        const { items, nextCursor } = await this.#api.comments(exercise, cursor);
        for (const comment of items) this.#put(known, comment);
        cursor = nextCursor;
      } while (cursor);
      Object.assign(known, { loaded: true, problem: null });
      return true;
    } catch (problem) {
      known.problem = problem;
      return Boolean(problem.final); // then asking again would get the same answer
    } finally {
      this.#changed();
    }
  }

  /** An event of an exercise's topic. */
  apply({ kind, data }) {
    if (kind === "comment.erased") {
      const ids = new Set(data.commentIds);
      for (const { comments } of this.#exercises.values()) {
        for (const comment of comments.values()) {
          if (ids.has(comment.id)) comments.set(comment.id, { ...comment, body: null, erased: true });
        }
      }
    } else {
      this.#put(this.#of(data.workoutMovementId), data);
    }
    this.#changed();
  }

  /** `{loaded, problem, tree}`, the tree as a flat list of `{comment, depth}` in the order of reading. */
  show(movementId) {
    const { comments, loaded, problem } = this.#of(movementId);
    return { loaded, problem, tree: nested([...comments.values()]) };
  }

  #of(movementId) {
    if (!this.#exercises.has(movementId)) {
      this.#exercises.set(movementId, { comments: new Map(), loaded: false, problem: null });
    }
    return this.#exercises.get(movementId);
  }

  #put({ comments }, comment) {
    const before = comments.get(comment.id);
    if (before && (before.deletedAt || before.erased || before.updatedAt > comment.updatedAt)) return;
    comments.set(comment.id, comment);
  }
}

/** Replies below what they answer, oldest first. What is deleted stays only while something living hangs on it. */
function nested(comments) {
  const replies = Map.groupBy(comments, ({ parentCommentId }) => parentCommentId);
  const under = (parent, depth) =>
    (replies.get(parent) ?? [])
      .sort((one, other) => (one.createdAt + one.id < other.createdAt + other.id ? -1 : 1))
      .flatMap((comment) => {
        const below = under(comment.id, depth + 1);
        return comment.deletedAt && !below.length ? [] : [{ comment, depth }, ...below];
      });
  return under(null, 0);
}
