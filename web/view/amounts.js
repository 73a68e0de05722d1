// Numbers as people write them. Pure.

import { LOCALE } from "../language.js";

const NUMBER = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 4, useGrouping: "min2" });

/** `value`: a number, or a decimal as the wire writes it, which is written exactly. */
export function numberOf(value) {
  return NUMBER.format(value);
}

/** Number and unit, as they were recorded. */
export function amountOf({ value, unit }) {
  return `${numberOf(value)} ${unit}`;
}
