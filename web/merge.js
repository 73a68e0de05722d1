// Two views of one message become one, whichever came first. Pure.

const SOON = 60_000; // ms before their end from which links are replaced by newer ones

/** What both know together: read, delivered, deleted and erased never go back; the later edit wins. */
export function merge(one, other, now = Date.now()) {
  if (!one) return other;
  const newer = (other.editedAt ?? "") >= (one.editedAt ?? "") ? { ...one, ...other } : { ...other, ...one };
  const deletedAt = one.deletedAt ?? other.deletedAt ?? null;
  const erased = Boolean(one.erased || other.erased);
  const gone = deletedAt || erased;
  return {
    ...newer,
    readAt: one.readAt ?? other.readAt ?? null,
    delivered: Boolean(one.delivered || other.delivered),
    deletedAt,
    erased,
    content: gone ? null : newer.content,
    attachments: gone ? [] : mergeLinks(one.attachments ?? [], other.attachments ?? [], now),
  };
}

/** Files do not change, their links do: one that still holds stays, so that nothing is loaded twice. */
function mergeLinks(ones, others, now) {
  if (!others.length) return ones;
  const known = new Map(ones.map((file) => [file.id, file]));
  return others.map((file) => {
    const before = known.get(file.id);
    return before && Date.parse(before.urlExpiresAt) - SOON > now ? before : file;
  });
}

/** The order of a conversation: (createdAt, id). Both are texts that sort. */
export function inOrder(one, other) {
  return compare(one.createdAt, other.createdAt) || compare(one.id, other.id);
}

function compare(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}
