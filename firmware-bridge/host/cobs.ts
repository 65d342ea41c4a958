/**
 * Consistent overhead byte stuffing (Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999) for bodies
 * of at most 253 bytes, where it always costs exactly one byte. The encoded form holds no zero, so a zero on the
 * line is a frame boundary and nothing else: a receiver that lost its place finds it again at the next one.
 */

/** The stuffed form of `body` (1 … 253 bytes) without the closing zero. */
export function encodeCobs(body: Uint8Array): Uint8Array {
  const stuffed = new Uint8Array(body.length + 1);
  writeCobs(body, body.length, stuffed);
  return stuffed;
}

/** Stuffs the first `length` bytes of `body` (1 … 253) into one byte more of `stuffed`. */
export function writeCobs(body: Uint8Array, length: number, stuffed: Uint8Array): void {
  let codeAt = 0;
  for (let i = 0; i < length; i += 1) {
    const byte = body[i] ?? 0;
    if (byte === 0) {
      stuffed[codeAt] = i + 1 - codeAt;
      codeAt = i + 1;
    } else {
      stuffed[i + 1] = byte;
    }
  }
  stuffed[codeAt] = length + 1 - codeAt;
}

/** The body behind a stuffed form (without its closing zero), or null when it is no valid stuffing. */
export function decodeCobs(stuffed: Uint8Array): Uint8Array | null {
  const body = new Uint8Array(Math.max(0, stuffed.length - 1));
  return readCobs(stuffed, body) < 0 ? null : body;
}

/**
 * Writes the body behind a stuffed form to `body`, which has room for one byte less, and returns its length; −1 when it
 * is no valid stuffing.
 */
export function readCobs(stuffed: Uint8Array, body: Uint8Array): number {
  if (stuffed.length < 2 || stuffed.length > 254) return -1;
  let codeAt = 0;
  while (codeAt < stuffed.length) {
    const code = stuffed[codeAt] ?? 0;
    const next = codeAt + code;
    if (code === 0 || next > stuffed.length) return -1;
    for (let i = codeAt + 1; i < next; i += 1) {
      const byte = stuffed[i] ?? 0;
      if (byte === 0) return -1;
      body[i - 1] = byte;
    }
    // Where this block ends and another follows, a zero stood in the body.
    if (next < stuffed.length) body[next - 1] = 0;
    codeAt = next;
  }
  return stuffed.length - 1;
}
