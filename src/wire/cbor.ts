/**
 * Deterministic CBOR: what this software writes and the only thing it reads.
 * Source: RFC 8949 §4.2.1 (core deterministic encoding) with the narrowing of §4.2.2: a number that is an
 * integer within ±(2^53 − 1) is written as an integer, so every number has one encoding. cbor-x has no set of
 * options that writes this form (test/wire/cbor-x-options.test.ts), so the writer is our own.
 * Reading: a bounded scan proves the form first; what is proven is read without another look. It must never throw, recurse
 * without bound, or hand on a value that aliases the input.
 */
import { copyBytes } from './copy-bytes.js';

/** What can be written and read: no tags, no undefined, no other simple values; map keys are text. */
export type CborValue = number | string | boolean | null | Uint8Array | readonly CborValue[] | CborMap;

/** A map with text keys, written in the order of the keys' encoded bytes. */
export interface CborMap {
  readonly [key: string]: CborValue;
}

/** Why bytes were refused. */
export type CborFault =
  | 'too-long'
  | 'truncated'
  | 'too-deep'
  | 'too-many-items'
  | 'trailing-bytes'
  | 'tag'
  | 'simple-value'
  | 'indefinite-length'
  | 'reserved'
  | 'not-minimal'
  | 'out-of-range'
  | 'nan'
  | 'negative-zero'
  | 'invalid-text'
  | 'key-not-text'
  | 'key-order'
  | 'key-forbidden';

export type CborResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: CborFault };

/** Deepest nesting of arrays and maps that is read or written. */
export const MAX_DEPTH = 8;

/** Longest input that is read when the caller names no cap, bytes. */
export const DEFAULT_MAX_BYTES = 65_536;

/** Items (of any kind) in one input; with byte caps in force it bounds what a decoded tree can take. */
const MAX_ITEMS = 16_384;

/** Byte strings up to this length are copied byte by byte, and plain text up to this length written so. */
const SHORT_BYTES = 32;
const SHORT_TEXT = 64;

const MAX_SAFE = Number.MAX_SAFE_INTEGER;
const TWO_32 = 4_294_967_296;

// ---------------------------------------------------------------------------------------------- writing

/** Raised by `encodeCbor` for what has no deterministic form; always a mistake of the caller, never of a peer. */
export class CborEncodeError extends Error {
  override readonly name = 'CborEncodeError';
}

const floatView = new DataView(new ArrayBuffer(8));
const textEncoder = new TextEncoder();

/**
 * Writes deterministic CBOR item by item into a buffer that grows. One writer may be used again after `reset`.
 * The caller states how many items follow an array or map head; nothing checks that it keeps its word.
 */
export class CborWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 512) {
    this.#bytes = new Uint8Array(capacity);
  }

  reset(): void {
    this.#length = 0;
  }

  /** A copy of what has been written. */
  take(): Uint8Array {
    return copyBytes(this.#bytes, 0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** Shortest head of a major type (0 … 7, already shifted left by five) with its argument. */
  #writeHead(major: number, argument: number): void {
    this.#reserve(9);
    const bytes = this.#bytes;
    let at = this.#length;
    if (argument < 24) {
      bytes[at++] = major | argument;
    } else if (argument < 0x100) {
      bytes[at++] = major | 24;
      bytes[at++] = argument;
    } else if (argument < 0x10000) {
      bytes[at++] = major | 25;
      bytes[at++] = argument >>> 8;
      bytes[at++] = argument & 0xff;
    } else {
      let high = 0;
      let low = argument;
      if (argument >= TWO_32) {
        high = Math.floor(argument / TWO_32);
        low = argument - high * TWO_32;
        bytes[at++] = major | 27;
        bytes[at++] = high >>> 24;
        bytes[at++] = (high >>> 16) & 0xff;
        bytes[at++] = (high >>> 8) & 0xff;
        bytes[at++] = high & 0xff;
      } else {
        bytes[at++] = major | 26;
      }
      bytes[at++] = low >>> 24;
      bytes[at++] = (low >>> 16) & 0xff;
      bytes[at++] = (low >>> 8) & 0xff;
      bytes[at++] = low & 0xff;
    }
    this.#length = at;
  }

  writeArrayHead(items: number): void {
    this.#writeHead(0x80, items);
  }

  writeMapHead(pairs: number): void {
    this.#writeHead(0xa0, pairs);
  }

  writeNull(): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = 0xf6;
  }

  writeBoolean(value: boolean): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value ? 0xf5 : 0xf4;
  }

  writeBytes(value: Uint8Array): void {
    this.#writeHead(0x40, value.length);
    this.#reserve(value.length);
    this.#append(value);
  }

  /** A byte string of these numbers, each of them from 0 to 255. */
  writeByteList(values: readonly number[]): void {
    this.#writeHead(0x40, values.length);
    this.#reserve(values.length);
    for (let i = 0; i < values.length; i += 1) this.#bytes[this.#length++] = values[i] as number;
  }

  /** Bytes that are already deterministic CBOR, as they are. */
  writeEncoded(encoded: Uint8Array): void {
    this.#reserve(encoded.length);
    this.#append(encoded);
  }

  /** Few bytes go faster one by one than through a call that copies. */
  #append(source: Uint8Array): void {
    const bytes = this.#bytes;
    const at = this.#length;
    if (source.length > SHORT_BYTES) bytes.set(source, at);
    else for (let i = 0; i < source.length; i += 1) bytes[at + i] = source[i] as number;
    this.#length = at + source.length;
  }

  writeText(value: string): void {
    if (value.length <= SHORT_TEXT && this.#writeAscii(value)) return;
    if (!isWellFormed(value)) throw new CborEncodeError('text holds half of a surrogate pair');
    const utf8 = textEncoder.encode(value);
    this.#writeHead(0x60, utf8.length);
    this.writeEncoded(utf8);
  }

  /** Short plain text without a call; false, and nothing written, for any other. */
  #writeAscii(value: string): boolean {
    const before = this.#length;
    this.#writeHead(0x60, value.length);
    this.#reserve(value.length);
    const bytes = this.#bytes;
    for (let at = 0; at < value.length; at += 1) {
      const code = value.charCodeAt(at);
      if (code >= 0x80) {
        this.#length = before;
        return false;
      }
      bytes[this.#length++] = code;
    }
    return true;
  }

  /** Integers within ±(2^53 − 1) as integers, others in the shortest float that keeps the value; −0 as 0; NaN is refused. */
  writeNumber(value: number): void {
    if (Number.isSafeInteger(value)) {
      if (value >= 0) this.#writeHead(0x00, value === 0 ? 0 : value);
      else this.#writeHead(0x20, -1 - value);
      return;
    }
    if (Number.isNaN(value)) throw new CborEncodeError('NaN has no place in a message');
    const half = toHalf(value);
    if (half >= 0) {
      this.#reserve(3);
      this.#bytes[this.#length++] = 0xf9;
      this.#bytes[this.#length++] = half >>> 8;
      this.#bytes[this.#length++] = half & 0xff;
    } else if (Math.fround(value) === value) {
      floatView.setFloat32(0, value);
      this.#writeFloat(0xfa, 4);
    } else {
      floatView.setFloat64(0, value);
      this.#writeFloat(0xfb, 8);
    }
  }

  #writeFloat(initial: number, size: number): void {
    this.#reserve(1 + size);
    this.#bytes[this.#length++] = initial;
    for (let i = 0; i < size; i += 1) this.#bytes[this.#length++] = floatView.getUint8(i);
  }

  /** Any value, by its type. Throws `CborEncodeError` for what has no deterministic form or is nested too deep. */
  writeValue(value: CborValue, depth = 0): void {
    if (typeof value === 'number') this.writeNumber(value);
    else if (typeof value === 'string') this.writeText(value);
    else if (typeof value === 'boolean') this.writeBoolean(value);
    else if (value === null) this.writeNull();
    else if (value instanceof Uint8Array) this.writeBytes(value);
    else if (typeof value !== 'object') throw new CborEncodeError(`a ${typeof value} cannot be written`);
    else if (depth >= MAX_DEPTH) throw new CborEncodeError(`nested deeper than ${MAX_DEPTH}`);
    else if (isArray(value)) {
      this.writeArrayHead(value.length);
      // An index loop, because forEach and map would skip holes; a hole is undefined and refused.
      for (let i = 0; i < value.length; i += 1) this.writeValue(value[i] as CborValue, depth + 1);
    } else this.#writeMap(value, depth);
  }

  #writeMap(map: CborMap, depth: number): void {
    const prototype: unknown = Object.getPrototypeOf(map);
    if (!isPlainPrototype(prototype)) throw new CborEncodeError('only plain objects can be written as maps');
    const keys = Object.keys(map);
    if (keys.includes('__proto__')) throw new CborEncodeError('a map may not have the key __proto__');
    const encodedKeys = keys.map(encodeKey);
    this.writeMapHead(keys.length);
    if (isAscending(encodedKeys)) {
      for (let i = 0; i < keys.length; i += 1) {
        this.writeEncoded(encodedKeys[i] as Uint8Array);
        this.writeValue(map[keys[i] as string] as CborValue, depth + 1);
      }
      return;
    }
    const pairs = keys.map((key, at) => ({ key, encoded: encodedKeys[at] as Uint8Array }));
    pairs.sort((a, b) => compareBytes(a.encoded, b.encoded));
    for (const { key, encoded } of pairs) {
      this.writeEncoded(encoded);
      this.writeValue(map[key] as CborValue, depth + 1);
    }
  }
}

function isAscending(keys: readonly Uint8Array[]): boolean {
  for (let i = 1; i < keys.length; i += 1)
    if (compareBytes(keys[i - 1] as Uint8Array, keys[i] as Uint8Array) > 0) return false;
  return true;
}

/** Keys that have been written, since a control law's state has the same ones at every tick. */
const encodedKeyCache = new Map<string, Uint8Array>();
const MAX_CACHED_KEYS = 256;
const MAX_CACHED_KEY_LENGTH = 64;

function encodeKey(key: string): Uint8Array {
  const known = encodedKeyCache.get(key);
  if (known !== undefined) return known;
  const encoded = encodeCbor(key);
  if (encodedKeyCache.size < MAX_CACHED_KEYS && key.length <= MAX_CACHED_KEY_LENGTH)
    encodedKeyCache.set(key, encoded);
  return encoded;
}

/**
 * Deterministic CBOR of a value, in a fresh array. Throws `CborEncodeError` for NaN, undefined, functions, bigints,
 * class instances, lone surrogates and nesting deeper than `MAX_DEPTH`.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  // A getter of the value's own could come back here.
  const writer = idleWriter ?? new CborWriter(128);
  idleWriter = null;
  writer.reset();
  try {
    writer.writeValue(value);
    return writer.take();
  } finally {
    idleWriter = writer;
  }
}

/** Waits for the next value; null while it is at work. */
let idleWriter: CborWriter | null = new CborWriter(512);

/** Array.isArray that also narrows readonly arrays. */
function isArray(value: readonly CborValue[] | CborMap): value is readonly CborValue[] {
  return Array.isArray(value);
}

/** True for the prototype of object literals of this or another realm (a law runs in one of its own), and for none. */
function isPlainPrototype(prototype: unknown): boolean {
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** False when a string holds half of a surrogate pair, which UTF-8 cannot express. */
function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i += 1) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The IEEE 754 binary16 bits that hold exactly this value (not NaN), or −1 where none do. */
function toHalf(value: number): number {
  if (Math.fround(value) !== value) return -1;
  floatView.setFloat32(0, value);
  const bits = floatView.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00; // an infinity, as NaN has been refused
  const unbiased = exponent - 127;
  if (unbiased > 15) return -1;
  if (unbiased >= -14)
    return (mantissa & 0x1fff) === 0 ? sign | ((unbiased + 15) << 10) | (mantissa >>> 13) : -1;
  if (unbiased < -24) return -1;
  // Subnormal in binary16: the implied leading one becomes a stored bit.
  const whole = mantissa | 0x800000;
  const shift = -unbiased - 14 + 13;
  return (whole & ((1 << shift) - 1)) === 0 ? sign | (whole >>> shift) : -1;
}

/** The value of IEEE 754 binary16 bits. */
function fromHalf(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

// ---------------------------------------------------------------------------------------------- reading

/**
 * Where the scan of an input stands. The input is never copied, and no view is laid over it: that would give a small array
 * a buffer of its own outside the heap.
 */
interface Scan {
  readonly bytes: Uint8Array;
  at: number;
  items: number;
}

/**
 * Proves that `bytes` are one item in the form that `encodeCbor` writes, within the caps. Returns null when they
 * are. Work and memory are linear in the input's length; nothing is allocated per item.
 */
export function checkCbor(bytes: Uint8Array, maxBytes: number = DEFAULT_MAX_BYTES): CborFault | null {
  if (bytes.length > maxBytes) return 'too-long';
  const scan: Scan = { bytes, at: 0, items: 0 };
  const fault = scanItem(scan, 0);
  if (fault !== null) return fault;
  return scan.at === bytes.length ? null : 'trailing-bytes';
}

/** Steps over one item; recursion ends at `MAX_DEPTH`. */
function scanItem(scan: Scan, depth: number): CborFault | null {
  scan.items += 1;
  if (scan.items > MAX_ITEMS) return 'too-many-items';
  const initial = scan.bytes[scan.at];
  if (initial === undefined) return 'truncated';
  const major = initial >>> 5;
  if (major === 7) return scanSimple(scan, initial);
  if (major === 6) return 'tag';
  const argument = scanArgument(scan, initial & 0x1f);
  if (typeof argument === 'string') return argument;
  switch (major) {
    case 0:
      return null;
    case 1:
      // −1 − argument must stay within the safe integers too.
      return argument === MAX_SAFE ? 'out-of-range' : null;
    case 2:
    case 3: {
      if (argument > scan.bytes.length - scan.at) return 'truncated';
      const start = scan.at;
      scan.at += argument;
      return major === 3 && !isUtf8(scan.bytes, start, scan.at) ? 'invalid-text' : null;
    }
    case 4: {
      if (depth >= MAX_DEPTH) return 'too-deep';
      if (argument > scan.bytes.length - scan.at) return 'truncated';
      for (let i = 0; i < argument; i += 1) {
        const fault = scanItem(scan, depth + 1);
        if (fault !== null) return fault;
      }
      return null;
    }
    default: {
      if (depth >= MAX_DEPTH) return 'too-deep';
      if (argument > (scan.bytes.length - scan.at) / 2) return 'truncated';
      return scanPairs(scan, argument, depth);
    }
  }
}

function scanPairs(scan: Scan, pairs: number, depth: number): CborFault | null {
  let previousStart = -1;
  let previousEnd = -1;
  for (let i = 0; i < pairs; i += 1) {
    const start = scan.at;
    const initial = scan.bytes[start];
    if (initial === undefined) return 'truncated';
    if (initial >>> 5 !== 3) return 'key-not-text';
    const fault = scanItem(scan, depth + 1);
    if (fault !== null) return fault;
    if (previousStart >= 0 && !isBefore(scan.bytes, previousStart, previousEnd, start, scan.at))
      return 'key-order';
    if (isProtoKey(scan.bytes, start, scan.at)) return 'key-forbidden';
    previousStart = start;
    previousEnd = scan.at;
    const valueFault = scanItem(scan, depth + 1);
    if (valueFault !== null) return valueFault;
  }
  return null;
}

/** Reads a head's argument and steps over the head. */
function scanArgument(scan: Scan, info: number): number | CborFault {
  const { bytes, at } = scan;
  if (info < 24) {
    scan.at = at + 1;
    return info;
  }
  if (info > 27) return info === 31 ? 'indefinite-length' : 'reserved';
  const size = 1 << (info - 24);
  if (at + 1 + size > scan.bytes.length) return 'truncated';
  scan.at = at + 1 + size;
  if (size === 1) {
    const argument = bytes[at + 1] as number;
    return argument < 24 ? 'not-minimal' : argument;
  }
  if (size === 2) {
    const argument = readUint16(bytes, at + 1);
    return argument < 0x100 ? 'not-minimal' : argument;
  }
  if (size === 4) {
    const argument = readUint32(bytes, at + 1);
    return argument < 0x10000 ? 'not-minimal' : argument;
  }
  const high = readUint32(bytes, at + 1);
  if (high === 0) return 'not-minimal';
  return high > 0x1fffff ? 'out-of-range' : high * TWO_32 + readUint32(bytes, at + 5);
}

/** Major type 7: false, true, null and floats in their shortest form. */
function scanSimple(scan: Scan, initial: number): CborFault | null {
  const { bytes, at } = scan;
  const info = initial & 0x1f;
  if (info >= 20 && info <= 22) {
    scan.at = at + 1;
    return null;
  }
  if (info < 25) return 'simple-value';
  if (info > 27) return info === 31 ? 'indefinite-length' : 'reserved';
  const size = 1 << (info - 24);
  if (at + 1 + size > scan.bytes.length) return 'truncated';
  scan.at = at + 1 + size;
  const value = readFloat(bytes, at + 1, size);
  if (Number.isNaN(value)) return 'nan';
  if (Object.is(value, -0)) return 'negative-zero';
  if (Number.isSafeInteger(value)) return 'not-minimal';
  if (size > 2 && toHalf(value) >= 0) return 'not-minimal';
  if (size === 8 && Math.fround(value) === value) return 'not-minimal';
  return null;
}

/** True when the encoded key at [a, aEnd) sorts before the one at [b, bEnd); equal keys do not. */
function isBefore(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const shorter = Math.min(aEnd - a, bEnd - b);
  for (let i = 0; i < shorter; i += 1) {
    const difference = (bytes[a + i] as number) - (bytes[b + i] as number);
    if (difference !== 0) return difference < 0;
  }
  return aEnd - a < bEnd - b;
}

const PROTO_KEY = [0x69, ...textEncoder.encode('__proto__')];

/** `__proto__` is no key: object literals give it a meaning of their own. */
function isProtoKey(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === PROTO_KEY.length && PROTO_KEY.every((byte, i) => bytes[start + i] === byte);
}

/** True when [at, end) is well-formed UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF). */
function isUtf8(bytes: Uint8Array, at: number, end: number): boolean {
  while (at < end) {
    const lead = bytes[at] as number;
    at += 1;
    if (lead < 0x80) continue;
    let more: number;
    let least = 0x80;
    let most = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) more = 1;
    else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead === 0xe0) least = 0xa0;
      if (lead === 0xed) most = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead === 0xf0) least = 0x90;
      if (lead === 0xf4) most = 0x8f;
    } else return false;
    if (at + more > end) return false;
    for (; more > 0; more -= 1) {
      const byte = bytes[at] as number;
      if (byte < least || byte > most) return false;
      least = 0x80;
      most = 0xbf;
      at += 1;
    }
  }
  return true;
}

function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at) * 0x10000 + readUint16(bytes, at + 2);
}

/** A float of `size` bytes: 2, 4 or 8. */
function readFloat(bytes: Uint8Array, at: number, size: number): number {
  if (size === 2) return fromHalf(readUint16(bytes, at));
  floatView.setUint32(0, readUint32(bytes, at));
  if (size === 4) return floatView.getFloat32(0);
  floatView.setUint32(4, readUint32(bytes, at + 4));
  return floatView.getFloat64(0);
}

/**
 * Reads one deterministic item. Never throws. Byte strings are copies, integers are numbers, maps are plain
 * objects; the order and minimality of everything has been proven, so equal values have equal bytes.
 */
export function decodeCbor(bytes: Uint8Array, maxBytes: number = DEFAULT_MAX_BYTES): CborResult<CborValue> {
  const fault = checkCbor(bytes, maxBytes);
  return fault === null ? { ok: true, value: new ProvenReader(bytes).read() } : { ok: false, fault };
}

/**
 * Reads bytes that `checkCbor` has passed item by item, for a codec that knows what has to come: nothing is made that is not
 * asked for. A method that finds another type says so, and the reader is of no use after that.
 */
export class CborCursor {
  #at = 0;

  /** `bytes`: proven by `checkCbor`, and relied on. */
  constructor(private readonly bytes: Uint8Array) {}

  /** How many items the array has that begins here; −1 where none does. */
  readArrayHead(): number {
    return this.#readHead(4);
  }

  /** An integer from 0 to 2^53 − 1; −1 where there is none. */
  readCount(): number {
    return this.#readHead(0);
  }

  /** Steps over null; false where there is something else, which is still to be read. */
  skipNull(): boolean {
    if (this.bytes[this.#at] !== 0xf6) return false;
    this.#at += 1;
    return true;
  }

  /** A copy of a byte string; null where there is none. */
  readBytes(): Uint8Array | null {
    const length = this.#readHead(2);
    if (length < 0) return null;
    this.#at += length;
    return copyBytes(this.bytes, this.#at - length, length);
  }

  /** `known` itself where these are its bytes, otherwise as `readBytes`. */
  readBytesLike(known: Uint8Array): Uint8Array | null {
    const start = this.#at;
    const length = this.#readHead(2);
    if (length === known.length) {
      let same = 0;
      while (same < length && this.bytes[this.#at + same] === known[same]) same += 1;
      if (same === length) {
        this.#at += length;
        return known;
      }
    }
    this.#at = start;
    return this.readBytes();
  }

  /** A byte string of this length as a list of numbers; null where there is none. */
  readByteList(length: number): number[] | null {
    if (this.#readHead(2) !== length) return null;
    const list: number[] = [];
    for (let i = 0; i < length; i += 1) list.push(this.bytes[this.#at + i] as number);
    this.#at += length;
    return list;
  }

  /** The argument of a head of this major type; −1 where another one stands, or nothing. */
  #readHead(major: number): number {
    const { bytes } = this;
    const initial = bytes[this.#at];
    if (initial === undefined || initial >>> 5 !== major) return -1;
    const at = this.#at + 1;
    const info = initial & 0x1f;
    this.#at = at + argumentBytes(info);
    return readArgument(bytes, at, info);
  }
}

/** How many bytes of argument follow a head. */
function argumentBytes(info: number): number {
  return info < 24 ? 0 : 1 << (info - 24);
}

/** The argument of a proven head, whose bytes after the first begin at `at`. */
function readArgument(bytes: Uint8Array, at: number, info: number): number {
  if (info < 24) return info;
  if (info === 24) return bytes[at] as number;
  if (info === 25) return readUint16(bytes, at);
  if (info === 26) return readUint32(bytes, at);
  return readUint32(bytes, at) * TWO_32 + readUint32(bytes, at + 4);
}

/** Texts up to this length are put together here where they are ASCII. */
const SHORT_TEXT_BYTES = 24;

const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads bytes that `checkCbor` has passed, and relies on it. */
class ProvenReader {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  read(): CborValue {
    const initial = this.bytes[this.#at] as number;
    const major = initial >>> 5;
    if (major === 7) return this.#readSimple(initial & 0x1f);
    const argument = this.#readArgument(initial & 0x1f);
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.#readBytes(argument);
      case 3:
        return this.#readText(argument);
      case 4: {
        // As long as it gets at once: one that grows takes room for more than most lists here hold.
        const list = new Array<CborValue>(argument);
        for (let i = 0; i < argument; i += 1) list[i] = this.read();
        return list;
      }
      default: {
        const map: { [key: string]: CborValue } = {};
        for (let i = 0; i < argument; i += 1) {
          const key = this.read() as string;
          map[key] = this.read();
        }
        return map;
      }
    }
  }

  #readArgument(info: number): number {
    const at = this.#at + 1;
    this.#at = at + argumentBytes(info);
    return readArgument(this.bytes, at, info);
  }

  #readSimple(info: number): CborValue {
    const at = this.#at + 1;
    if (info < 24) {
      this.#at = at;
      return info === 22 ? null : info === 21;
    }
    const size = 1 << (info - 24);
    this.#at = at + size;
    return readFloat(this.bytes, at, size);
  }

  #readBytes(length: number): Uint8Array {
    const at = this.#at;
    this.#at = at + length;
    return copyBytes(this.bytes, at, length);
  }

  #readText(length: number): string {
    const { bytes } = this;
    const at = this.#at;
    const end = at + length;
    this.#at = end;
    if (length > SHORT_TEXT_BYTES) return textDecoder.decode(bytes.subarray(at, end));
    let text = '';
    for (let i = at; i < end; i += 1) {
      const byte = bytes[i] as number;
      if (byte >= 0x80) return textDecoder.decode(bytes.subarray(at, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }
}
