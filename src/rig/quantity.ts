/**
 * Quantities as people write them: a decimal number and a unit, `20 ms`, `-4.5 deg`, `50 Hz`. Time is converted to
 * whole microseconds; every other unit is only compared with the one that stands beside it. Never guesses a unit.
 */

// As long as programs write numbers that they have computed.
const NUMBER = String.raw`[+-]?(?:\d{1,21}(?:\.\d{1,25})?|\.\d{1,25})(?:[eE][+-]?\d{1,2})?`;
const UNIT = String.raw`[A-Za-z%°µμ][A-Za-z0-9%°µμ/*^·²³-]{0,15}`;

/** Text of a quantity: a number, perhaps spaces, a unit. */
export const QUANTITY_PATTERN = new RegExp(`^${NUMBER}[ ]{0,3}${UNIT}$`);

/** Text of a unit. */
export const UNIT_PATTERN = new RegExp(`^${UNIT}$`);

const SPLIT = new RegExp(`^(${NUMBER})[ ]{0,3}(${UNIT})$`);

export interface Quantity {
  readonly value: number;
  readonly unit: string;
}

/** Splits a quantity; null when the text is none. −0 is +0. */
export function parseQuantity(text: string): Quantity | null {
  const match = SPLIT.exec(text);
  if (match === null) return null;
  return { value: Number(match[1]) + 0, unit: match[2] as string };
}

/** Microseconds in one unit of time. */
const TIME_UNITS_US: ReadonlyMap<string, number> = new Map([
  ['us', 1],
  ['µs', 1],
  ['μs', 1],
  ['ms', 1e3],
  ['s', 1e6],
]);

export type Duration =
  | { readonly ok: true; readonly us: number }
  | { readonly ok: false; readonly why: 'no-quantity' | 'wrong-unit' | 'not-whole'; readonly unit: string };

/** Reads a time span as whole microseconds; `allowRate` also takes `50 Hz` for its period. */
export function parseDuration(text: string, allowRate = false): Duration {
  const quantity = parseQuantity(text);
  if (quantity === null) return { ok: false, why: 'no-quantity', unit: '' };
  const scale = TIME_UNITS_US.get(quantity.unit);
  let us: number;
  if (scale !== undefined) us = quantity.value * scale;
  else if (allowRate && quantity.unit === 'Hz') us = 1e6 / quantity.value;
  else return { ok: false, why: 'wrong-unit', unit: quantity.unit };
  const whole = Math.round(us);
  // Decimal fractions are not exact in binary: 1.1 ms is 1100.0000000000002 µs.
  if (!Number.isSafeInteger(whole) || Math.abs(us - whole) > 1e-6) {
    return { ok: false, why: 'not-whole', unit: quantity.unit };
  }
  return { ok: true, us: whole + 0 };
}

/** Hours in one unit of long spans. */
const SPAN_UNITS_HOURS: ReadonlyMap<string, number> = new Map([
  ['s', 1 / 3600],
  ['min', 1 / 60],
  ['h', 1],
  ['d', 24],
]);

/** Units in which a long span may be written. */
export const SPAN_UNITS: readonly string[] = [...SPAN_UNITS_HOURS.keys()];

/** Reads a long span of time as hours, more than 0; null when it is none. */
export function parseHours(text: string): number | null {
  const quantity = parseQuantity(text);
  const scale = quantity === null ? undefined : SPAN_UNITS_HOURS.get(quantity.unit);
  if (quantity === null || scale === undefined) return null;
  const hours = quantity.value * scale;
  return hours > 0 && Number.isFinite(hours) ? hours : null;
}

/** Writes microseconds in the unit that reads best: `20 ms`, `250 us`, `1.5 s`. */
export function formatDuration(us: number): string {
  if (us >= 1e6) return `${trimDecimals(us / 1e6)} s`;
  if (us >= 1e3) return `${trimDecimals(us / 1e3)} ms`;
  return `${trimDecimals(us)} us`;
}

function trimDecimals(value: number): string {
  return String(Number(value.toFixed(3)));
}
