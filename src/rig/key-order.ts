/**
 * Plain data with its keys in the order in which deterministic CBOR writes and so reads them (RFC 8949 §4.2.1): shorter
 * keys first, equally long ones byte by byte. A law can see the order of keys: what it returned and what was decoded from
 * it must not differ there. The data is only read, never changed.
 */
import { isPlainMap, type PlainValue } from './plain-value.js';

interface Shape {
  readonly keys: readonly string[];
  /** `keys` itself where these are in order. */
  readonly inOrder: readonly string[];
}

/** A law's state has the same few shapes at every tick. */
const MAX_SHAPES = 32;

/** Puts values in order, and remembers the shapes that it met. */
export class KeyOrder {
  private readonly shapes: Shape[] = [];

  /**
   * The value with the keys of all maps in order: a copy, or what was given where nothing is to be done, as mostly for a
   * law that goes on from its state. Null where a key is not ASCII, whose order is for a codec to say.
   */
  apply(value: PlainValue): PlainValue | null {
    const unordered = { found: false };
    const ordered = this.order(value, unordered);
    return unordered.found ? null : ordered;
  }

  /**
   * A copy of a map of nothing but numbers whose shape was met before, its keys in order; null for anything else. It says no
   * more than `copyPlain` and `apply` do, in one pass: most laws keep such a map. Throws what reading the value throws.
   */
  copyNumbers(value: unknown): { [key: string]: number } | null {
    if (!isPlainMap(value)) return null;
    const keys = Object.keys(value);
    const shape = this.shapes.find((one) => isSameList(one.keys, keys));
    if (shape === undefined) return null;
    const copy: { [key: string]: number } = {};
    for (const key of shape.inOrder) {
      const inner = value[key];
      if (typeof inner !== 'number' || !Number.isFinite(inner)) return null;
      copy[key] = inner + 0;
    }
    return copy;
  }

  private order(value: PlainValue, unordered: { found: boolean }): PlainValue {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((one) => this.order(one, unordered));
    const shape = this.shapeOf(Object.keys(value));
    if (shape === null) {
      unordered.found = true;
      return value;
    }
    if (shape.inOrder === shape.keys && isFlat(value, shape.keys)) return value;
    const result: { [key: string]: PlainValue } = {};
    for (const key of shape.inOrder) result[key] = this.order(value[key] as PlainValue, unordered);
    return result;
  }

  /** Null where a key is not ASCII. */
  private shapeOf(keys: readonly string[]): Shape | null {
    for (const shape of this.shapes) if (isSameList(shape.keys, keys)) return shape;
    if (!keys.every((key) => /^[\u0000-\u007f]*$/.test(key))) return null;
    const sorted = [...keys].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    const shape: Shape = { keys, inOrder: isSameList(keys, sorted) ? keys : sorted };
    if (this.shapes.length < MAX_SHAPES) this.shapes.push(shape);
    return shape;
  }
}

function isFlat(map: { readonly [key: string]: PlainValue }, keys: readonly string[]): boolean {
  for (const key of keys) if (typeof map[key] === 'object') return false;
  return true;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}
