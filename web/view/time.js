// Times as people say them: in the reader's language, clock and zone. Pure, but for the present.

import { LOCALE } from "../language.js";

const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(LOCALE, { weekday: "long" });
const DATE = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" });
const FULL = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "short" });
const NEAR = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });
const SHORT = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });

export function clock(date) {
  return CLOCK.format(date);
}

export function full(date) {
  return FULL.format(date);
}

/** Today, yesterday, the weekday within a week, else the date. */
export function day(date, now = new Date()) {
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0 || days === 1) return near(-days);
  return days > 1 && days < 7 ? WEEKDAY.format(date) : DATE.format(date);
}

/** For a list: the time if it is today, else the day. */
export function brief(date, now = new Date()) {
  return midnight(now) === midnight(date) ? clock(date) : day(date, now);
}

export function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** A day in the gym's calendar, as the wire writes it. */
export function dayOf(text, now = new Date()) {
  const [year, month, date] = text.split("-").map(Number);
  const when = new Date(year, month - 1, date);
  const days = Math.round((midnight(now) - midnight(when)) / 86_400_000);
  return days === -1 ? near(1) : day(when, now);
}

/** Day and month, for an axis. */
export function shortDay(date) {
  return SHORT.format(date);
}

/** Today, yesterday, tomorrow, as a line begins. */
function near(days) {
  const words = NEAR.format(days, "day");
  return words[0].toLocaleUpperCase(LOCALE) + words.slice(1);
}
