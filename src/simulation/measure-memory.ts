/**
 * What an object and everything that it alone leads to holds, by one measure that does not depend on the machine: so
 * many bytes for each field, element, entry and byte. Functions and private fields are not looked into. It says whether
 * something grows, not what it costs.
 */
const SLOT_BYTES = 8;
const OBJECT_BYTES = 16;

/** Bytes. `stops` are not entered: what is shared, or belongs to the world. */
export function measureMemory(root: object, stops: Iterable<object>): number {
  const seen = new Set<object>(stops);
  const waiting: object[] = [];
  let bytes = 0;
  const visit = (value: unknown): void => {
    bytes += SLOT_BYTES;
    if (typeof value === 'string') bytes += value.length;
    if (typeof value !== 'object' || value === null) return;
    const before = seen.size;
    if (seen.add(value).size > before) waiting.push(value);
  };
  visit(root);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    bytes += OBJECT_BYTES;
    if (ArrayBuffer.isView(next)) {
      bytes += next.byteLength;
      continue;
    }
    if (next instanceof Map) {
      for (const [key, value] of next) {
        visit(key);
        visit(value);
      }
    } else if (next instanceof Set) for (const value of next) visit(value);
    for (const value of Object.values(next)) visit(value);
  }
  return bytes;
}
