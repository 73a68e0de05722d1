// Which device this tab is, and what closed tabs of the same person have left in their outboxes.

import { uuid7 } from "./ids.js";

const DEVICE = "coachwire.device";
const SETTLE = 300; // ms; a page that is being reloaded lets go of its lock within this time

/** The tab's device id: kept over a reload, its own in a duplicated tab. */
export async function claimDevice(email) {
  let device = sessionStorage.getItem(DEVICE);
  const kept = device !== null && ((await hold(outboxName(email, device))) || (await holdLater(email, device)));
  if (!kept) {
    device = uuid7();
    await hold(outboxName(email, device));
  }
  sessionStorage.setItem(DEVICE, device);
  return device;
}

/** The name of a device's outbox in the storage, and of the lock that its tab holds. */
export function outboxName(email, device) {
  return `coachwire.outbox.${email}.${device}`;
}

/** The name of what a device has recorded and not sent yet. */
export function valuesName(email, device) {
  return `coachwire.values.${email}.${device}`;
}

/** The name of what a device's tab has begun to write. */
export function draftsName(email, device) {
  return `coachwire.drafts.${email}.${device}`;
}

/** This person's devices whose tabs are gone and have left something. */
export async function orphans(email, device) {
  const prefixes = [outboxName(email, ""), valuesName(email, ""), draftsName(email, "")];
  const left = Object.keys(localStorage).flatMap((name) =>
    prefixes.filter((prefix) => name.startsWith(prefix)).map((prefix) => name.slice(prefix.length)),
  );
  const gone = [];
  for (const one of new Set(left)) if (one !== device && (await hold(outboxName(email, one)))) gone.push(one);
  return gone;
}

async function holdLater(email, device) {
  await new Promise((resolve) => setTimeout(resolve, SETTLE));
  return hold(outboxName(email, device));
}

/** Whether the lock could be taken; it is held for as long as the tab lives. */
function hold(name) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    });
  });
}
