/**
 * Consistent overhead byte stuffing (Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999) for bodies
 * of at most 253 bytes, where it always costs exactly one byte. The encoded form holds no zero, so a zero on the
 * line is a frame boundary and nothing else: a receiver that lost its place finds it again at the next one.
 */

/** The stuffed form of `body` (1 … 253 bytes) without the closing zero. */
export function encodeCobs(body: Uint8Array): Uint8Array {
  const stuffed = new Uint8Array(body.length + 1);
  let codeAt = 0;
  for (let i = 0; i < body.length; i += 1) {
    const byte = body[i] ?? 0;
    if (byte === 0) {
      stuffed[codeAt] = i + 1 - codeAt;
      codeAt = i + 1;
    } else {
      stuffed[i + 1] = byte;
    }
  }
  stuffed[codeAt] = body.length + 1 - codeAt;
  return stuffed;
}

/** The body behind a stuffed form (without its closing zero), or null when it is no valid stuffing. */
export function decodeCobs(stuffed: Uint8Array): Uint8Array | null {
  if (stuffed.length < 2 || stuffed.length > 254) return null;
  const body = new Uint8Array(stuffed.length - 1);
  let codeAt = 0;
  while (codeAt < stuffed.length) {
    const code = stuffed[codeAt] ?? 0;
    const next = codeAt + code;
    if (code === 0 || next > stuffed.length) return null;
    for (let i = codeAt + 1; i < next; i += 1) {
      const byte = stuffed[i] ?? 0;
      if (byte === 0) return null;
      body[i - 1] = byte;
    }
    // Where this block ends and another follows, a zero stood in the body; `body` is zero there already.
    codeAt = next;
  }
  return body;
}
