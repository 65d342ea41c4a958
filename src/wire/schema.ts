/** Guards for decoded CBOR: the strict schemas of the codecs are made of these. */
import type { CborValue } from './cbor.js';

/** An array of exactly this many items. */
export function isList(value: CborValue | undefined, length: number): value is readonly CborValue[] {
  return Array.isArray(value) && value.length === length;
}

/** A byte string of exactly this length. */
export function isBytes(value: CborValue | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

/** An integer from 0 to 2^53 − 1: ticks, counters, numbers of things. */
export function isCount(value: CborValue | undefined): value is number {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value);
}

/** A signed 32-bit integer: outputs in counts of an actuator's resolution. */
export function isInt32(value: CborValue | undefined): value is number {
  return typeof value === 'number' && (value | 0) === value;
}
