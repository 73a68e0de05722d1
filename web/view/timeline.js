// A conversation as a list of what is shown: days, messages with their state, and what is not sent yet. Pure.

import { midnight } from "./time.js";

const APART = 5 * 60_000; // ms between two messages, after which they do not stand together

/**
 * Items `{key, day}` or `{key, id, organizationId, mine, by, text, files, at, status, error, gone, edited, first}`.
 * `outbox`: this conversation's; what the store has already is not shown twice.
 */
export function timeline({ messages, outbox, sending, isMine, isThread = false }) {
  const known = new Set(messages.map((message) => message.id));
  const said = [
    ...messages.map((message) => sent(message, isMine(message))),
    ...outbox.filter((item) => !known.has(item.id)).map((item) => unsent(item, sending)),
  ];
  const items = [];
  let before = null;
  for (const one of said) {
    const newDay = !before || midnight(one.at) > midnight(before.at);
    if (newDay) items.push({ key: `day ${midnight(one.at)}`, day: one.at });
    const first = newDay || one.mine !== before.mine || (!one.mine && one.who !== before.who) || one.at - before.at > APART;
    items.push({ ...one, first, isThread });
    before = one;
  }
  return items;
}

function sent(message, mine) {
  const gone = message.deletedAt ? "deleted" : message.erased ? "erased" : null;
  return {
    key: message.id,
    id: message.id,
    organizationId: message.organizationId,
    mine,
    who: message.senderMembershipId,
    by: mine ? "" : (message.senderName ?? ""),
    text: message.content ?? "",
    files: gone ? [] : (message.attachments ?? []),
    at: new Date(message.createdAt),
    status: !mine || gone ? null : message.readAt ? "read" : message.delivered ? "delivered" : "stored",
    error: null,
    gone,
    edited: Boolean(message.editedAt),
  };
}

function unsent(item, sending) {
  return {
    key: item.id,
    id: item.id,
    organizationId: item.organizationId,
    mine: true,
    who: null,
    by: "",
    text: item.content ?? "",
    files: [],
    waiting: item.files ?? [],
    at: new Date(item.writtenAt),
    status: item.error ? "failed" : item.id === sending ? "sending" : "queued",
    error: item.error,
    gone: null,
    edited: false,
  };
}
