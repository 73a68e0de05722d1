// What the page says to people, where it is not plain from the code that says it. Pure.

const CLOSED = {
  1009: "The server refused a message as too large.",
  4500: "The server did not accept who you are.",
  4501: "The server did not understand this page. Reloading may help.",
  4502: "This page is too old for the server. Reload it.",
  4503: "This account is disabled or erased.",
  4504: "You are connected in too many places. This was the oldest one.",
  4505: "This conversation has moved to another tab.",
  4506: "You have signed out on this device.",
};

const CHANGED = {
  edit_window_over: "It was sent too long ago.",
  gone: "It is not there any more.",
  forbidden: "It is not yours.",
};

const REFUSED = {
  forbidden: "You may not write to this person.",
  gone: "This person is not here any more.",
  not_found: "This person is not here.",
  conflict: "Another message has this message's id.",
};

const SET = {
  conflict: "There is such a set already.",
  forbidden: "You may look at this set, but not change it.",
  not_found: "This set, or what it belongs to, is not there any more.",
  unreachable: "The server cannot be reached. Nothing is lost: save again when it is back.",
};

const STATUS = {
  queued: "Waiting to be sent",
  sending: "Sending",
  failed: "Not sent",
  stored: "Sent",
  delivered: "Delivered",
  read: "Read",
};

/** How far a file is. */
export function progressOf({ state, share, error }) {
  switch (state) {
    case "waiting":
      return "Waiting";
    case "sending":
      return `${Math.round(share * 100)} %`;
    case "checking":
      return "Being looked at…";
    case "failed":
      return error.message;
  }
  return "Ready";
}

/** Why the connection is not coming back by itself. */
export function whyStopped({ code, reason }) {
  return CLOSED[code] ?? (reason || "The server ended the connection.");
}

/** Why a message was not sent. */
export function whyNotSent({ code, message }) {
  return REFUSED[code] ?? message;
}

/** Why something that was said was not edited or deleted. */
export function whyNotChanged({ code, message }) {
  return CHANGED[code] ?? message;
}

/** Why a set was not saved, or not deleted. */
export function whySetStays({ code, message, field }) {
  if (code === "not_found" && field?.startsWith("definitions")) {
    return "Something in this set cannot be measured any more. Take it out and save again.";
  }
  return SET[code] ?? message;
}

export function statusOf(status) {
  return STATUS[status];
}

export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}
