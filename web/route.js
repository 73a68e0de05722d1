// The address after `#`: who one is, and which conversation is open. Pure.

/** `{as, chat}`: an email or null; `organizationId/membershipId` or null. */
export function parseRoute(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, "").replaceAll("+", "%2B"));
  return { as: fields.get("as")?.trim().toLowerCase() || null, chat: fields.get("chat") || null };
}

export function formatRoute({ as, chat }) {
  if (!as) return "#";
  return `#as=${encode(as)}${chat ? `&chat=${encode(chat)}` : ""}`;
}

/** As `encodeURIComponent`, but `@` and `/` stay readable. */
function encode(text) {
  return encodeURIComponent(text).replaceAll("%40", "@").replaceAll("%2F", "/");
}
