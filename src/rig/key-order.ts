/**
 * Plain data with its keys in the order in which deterministic CBOR writes and so reads them (RFC 8949 §4.2.1): shorter
 * keys first, equally long ones byte by byte. A law can see the order of keys: what it returned and what was decoded from
 * it must not differ there. The data is only read, never changed.
 */
import type { PlainValue } from './plain-value.js';

interface Shape {
  readonly keys: readonly string[];
  readonly inOrder: readonly string[];
}

/** A law's state has the same few shapes at every tick. */
const MAX_SHAPES = 32;

/** Puts values in order, and remembers the shapes that it met. */
export class KeyOrder {
  private readonly shapes: Shape[] = [];

  /** A copy with the keys of all maps in order; null where a key is not ASCII, whose order is for a codec to say. */
  apply(value: PlainValue): PlainValue | null {
    const unordered = { found: false };
    const copy = this.copy(value, unordered);
    return unordered.found ? null : copy;
  }

  private copy(value: PlainValue, unordered: { found: boolean }): PlainValue {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((one) => this.copy(one, unordered));
    const result: { [key: string]: PlainValue } = {};
    const keys = Object.keys(value);
    const inOrder = this.orderOf(keys);
    if (inOrder === null) unordered.found = true;
    for (const key of inOrder ?? keys) result[key] = this.copy(value[key] as PlainValue, unordered);
    return result;
  }

  private orderOf(keys: readonly string[]): readonly string[] | null {
    for (const shape of this.shapes) if (isSameList(shape.keys, keys)) return shape.inOrder;
    if (!keys.every((key) => /^[\u0000-\u007f]*$/.test(key))) return null;
    const inOrder = [...keys].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    if (this.shapes.length < MAX_SHAPES) this.shapes.push({ keys, inOrder });
    return inOrder;
  }
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}
