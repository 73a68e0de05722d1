// Times as people say them: the page's language, the reader's clock and zone. Pure, but for the present.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "long" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });

export function clock(date) {
  return CLOCK.format(date);
}

export function full(date) {
  return FULL.format(date);
}

/** Today, Yesterday, the weekday within a week, else the date. */
export function day(date, now = new Date()) {
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
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
  return days === -1 ? "Tomorrow" : day(when, now);
}
