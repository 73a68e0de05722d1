// Two views of one message become one, whichever came first. Pure.

/** What both know together: read, delivered, deleted and erased never go back; the later edit wins. */
export function merge(one, other) {
  if (!one) return other;
  const newer = (other.editedAt ?? "") >= (one.editedAt ?? "") ? { ...one, ...other } : { ...other, ...one };
  const deletedAt = one.deletedAt ?? other.deletedAt ?? null;
  const erased = Boolean(one.erased || other.erased);
  return {
    ...newer,
    readAt: one.readAt ?? other.readAt ?? null,
    delivered: Boolean(one.delivered || other.delivered),
    deletedAt,
    erased,
    content: deletedAt || erased ? null : newer.content,
  };
}

/** The order of a conversation: (createdAt, id). Both are texts that sort. */
export function inOrder(one, other) {
  return compare(one.createdAt, other.createdAt) || compare(one.id, other.id);
}

function compare(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}
