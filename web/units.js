// Units of metrics: which measure the same, and how many of the first of its dimension one of them is. Pure.

const DIMENSIONS = [
  { kg: 1, lb: 0.45359237 },
  { seconds: 1, milliseconds: 0.001, minutes: 60, hours: 3600 },
  { meters: 1, kilometers: 1000, miles: 1609.344, yards: 0.9144, feet: 0.3048, cm: 0.01, inches: 0.0254 },
  { "m/s": 1, "km/h": 1 / 3.6, mph: 0.44704 },
  { kcal: 1, kj: 1 / 4.184 },
];

/** The unit itself first, then those into which it converts. */
export function unitsLike(unit) {
  const others = Object.keys(dimensionOf(unit) ?? {}).filter((other) => other !== unit);
  return [unit, ...others];
}

/** A value as a number in another unit, for drawing; null when they do not measure the same. */
export function inUnit(value, from, to) {
  const dimension = dimensionOf(to);
  if (from === to) return Number(value);
  return dimension?.[from] ? (Number(value) * dimension[from]) / dimension[to] : null;
}

function dimensionOf(unit) {
  return DIMENSIONS.find((units) => Object.hasOwn(units, unit));
}
