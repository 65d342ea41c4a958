/** Byte strings and sets of replicas, written apart from `core`: a checker shares no code with what it checks. */

/** Equality of entries; absent equals only absent. */
export function equalEntries(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.byteLength !== b.byteLength) return false;
  for (let at = a.byteLength - 1; at >= 0; at -= 1) if (a[at] !== b[at]) return false;
  return true;
}

/** Size of a set of replicas, bit i for replica i. */
export function sizeOf(set: number): number {
  let size = 0;
  // Each step takes the lowest one out.
  for (let rest = set | 0; rest !== 0; rest &= rest - 1) size += 1;
  return size;
}

/** Whether the set holds the replica. */
export function holds(set: number, replica: number): boolean {
  return ((set >>> replica) & 1) === 1;
}

/** The first bytes in hexadecimal, for sentences. */
export function shorten(bytes: Uint8Array | null): string {
  if (bytes === null) return 'absent';
  let text = '';
  for (const byte of bytes.subarray(0, 8)) text += byte.toString(16).padStart(2, '0');
  return bytes.length > 8 ? `${text}… (${bytes.length} bytes)` : text === '' ? 'empty' : text;
}
