/**
 * Copies of byte strings for those who keep them. An array of more than 64 bytes gets memory of its own outside the heap,
 * which costs more than reading a whole message; so such copies lie side by side in slabs, as Node's Buffers do. A slab
 * lives as long as one of its copies: what is kept for good should be small, or few.
 */

const SLAB_BYTES = 8_192;
/** Longer ones have memory of their own. */
const POOLED_MAX_BYTES = 1_024;
/** What V8 keeps inside the heap. */
const HEAP_MAX_BYTES = 64;

let slab = new Uint8Array(SLAB_BYTES);
let used = 0;

/** So many zero bytes, as cheaply as it goes. */
export function allocateBytes(length: number): Uint8Array {
  if (length <= HEAP_MAX_BYTES || length > POOLED_MAX_BYTES) return new Uint8Array(length);
  if (used + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  const bytes = slab.subarray(used, used + length);
  used += length;
  return bytes;
}

/** A copy of `length` bytes from `at` on. */
export function copyBytes(bytes: Uint8Array, at: number, length: number): Uint8Array {
  const copy = allocateBytes(length);
  if (length > HEAP_MAX_BYTES) copy.set(bytes.subarray(at, at + length));
  else for (let i = 0; i < length; i += 1) copy[i] = bytes[at + i] as number;
  return copy;
}
