/** Digests of vectors: what commands are worked out on, and what records name. */
import { sameValues } from '../core/bytes.js';
import type { MaybeValue, Vector } from '../core/types.js';
import { allocateBytes } from './copy-bytes.js';

const ABSENT = 0xffffffff;
const SHORT_BYTES = 32;

/**
 * A function from vectors to digests of 16 bytes, by the digest of byte strings. It remembers the last vector: replicas of
 * one process hold equal ones, and one replica asks twice.
 */
export function createVectorDigest(
  digest: (bytes: Uint8Array) => Uint8Array,
): (vector: Vector) => Uint8Array {
  let last: { readonly vector: Vector; readonly digest: Uint8Array } | null = null;
  return (vector) => {
    // Values never change, so the same ones have the same digest.
    if (last === null || !sameValues(last.vector, vector))
      last = { vector, digest: digest(joinVector(vector)) };
    return last.digest;
  };
}

/** One byte string for a vector: a length, or 0xffffffff for absent, before each value. */
function joinVector(vector: Vector): Uint8Array {
  let size = 0;
  for (const value of vector) size += 4 + (value?.length ?? 0);
  const joined = allocateBytes(size);
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
