/** One byte string for a vector, from which it can be told from every other one: for digests. */
import type { MaybeValue, Vector } from '../types.js';

const ABSENT = 0xffffffff;
const SHORT_BYTES = 32;

/** A length in four bytes, or `ffffffff` for absent, before each value. `allocate`: where to get so many zero bytes. */
export function joinVector(
  vector: Vector,
  allocate: (length: number) => Uint8Array = (length) => new Uint8Array(length),
): Uint8Array {
  let size = 0;
  for (const value of vector) size += 4 + (value?.length ?? 0);
  const joined = allocate(size);
  let at = 0;
  for (let id = 0; id < vector.length; id += 1) {
    const value = vector[id] as MaybeValue;
    const length = value?.length ?? ABSENT;
    joined[at] = length >>> 24;
    joined[at + 1] = length >>> 16;
    joined[at + 2] = length >>> 8;
    joined[at + 3] = length;
    at += 4;
    if (value === null) continue;
    // Short ones byte by byte: a call that copies costs more.
    if (length > SHORT_BYTES) joined.set(value, at);
    else for (let from = 0; from < length; from += 1) joined[at + from] = value[from] as number;
    at += length;
  }
  return joined;
}
