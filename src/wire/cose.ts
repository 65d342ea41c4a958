/**
 * COSE (RFC 9052, RFC 9053) as this wire uses it: untagged COSE_Mac0 with HMAC 256/256 or 256/64, COSE_Encrypt0
 * with ChaCha20/Poly1305, and COSE_Sign1 with EdDSA over a detached payload. One envelope, one way to write it:
 *   protected   { 1: algorithm, 6: Partial IV }   the Partial IV is the session's counter, 6 bytes, big-endian
 *   unprotected { }
 * The parser reads exactly that and nothing else. Order on receipt: length → envelope → authenticator over the
 * received bytes. It must never throw for what a peer sent, and never hand out a payload that was not proven.
 */
import { AEAD_TAG_BYTES, type AeadEngine } from './aead-engine.js';
import { CborWriter } from './cbor.js';
import { allocateBytes, copyBytes } from './copy-bytes.js';
import type { ComputeMac } from './mac-engine.js';

export type LinkAlgorithm = 'hmac-256' | 'hmac-256-64' | 'chacha20-poly1305';

/** COSE algorithm numbers (RFC 9053 tables 3, 5 and 2). */
export const ALGORITHM_HMAC_256_64 = 4;
export const ALGORITHM_HMAC_256 = 5;
export const ALGORITHM_CHACHA20_POLY1305 = 24;
export const ALGORITHM_EDDSA = -8;

/** Length of the counter in the protected header, bytes. */
export const COUNTER_BYTES = 6;

/** Largest counter; a session that reaches it sends nothing more. */
export const MAX_COUNTER = 2 ** (8 * COUNTER_BYTES) - 1;

/** What the envelope adds to a payload at most, bytes (HMAC 256/256 with a three-byte payload head: 51). */
export const ENVELOPE_MAX_BYTES = 64;

const ALGORITHMS = {
  'hmac-256': { number: ALGORITHM_HMAC_256, tagBytes: 32 },
  'hmac-256-64': { number: ALGORITHM_HMAC_256_64, tagBytes: 8 },
  'chacha20-poly1305': { number: ALGORITHM_CHACHA20_POLY1305, tagBytes: AEAD_TAG_BYTES },
} as const;

/** RFC 9052 §6.3: MAC_structure of COSE_Mac0, deterministic CBOR. */
export function encodeMacStructure(
  protectedHeader: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  return encodeStructure('MAC0', [protectedHeader, externalAad, payload]);
}

/** RFC 9052 §4.4: Sig_structure of COSE_Sign1, deterministic CBOR. */
export function encodeSignStructure(
  protectedHeader: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  return encodeStructure('Signature1', [protectedHeader, externalAad, payload]);
}

/** RFC 9052 §5.3: Enc_structure of COSE_Encrypt0, deterministic CBOR. */
export function encodeEncryptStructure(protectedHeader: Uint8Array, externalAad: Uint8Array): Uint8Array {
  return encodeStructure('Encrypt0', [protectedHeader, externalAad]);
}

function encodeStructure(context: string, fields: readonly Uint8Array[]): Uint8Array {
  const writer = new CborWriter(256);
  writer.writeArrayHead(1 + fields.length);
  writer.writeText(context);
  for (const field of fields) writer.writeBytes(field);
  return writer.take();
}

/** Protected header of a link frame with the given counter. */
export function encodeProtectedHeader(algorithm: LinkAlgorithm, counter: number): Uint8Array {
  const head = ALGORITHM_BYTES[algorithm];
  const header = new Uint8Array(head.length + 4 + COUNTER_BYTES);
  header.set([0xa2, 0x01, ...head, 0x06, 0x40 | COUNTER_BYTES]);
  writeCounter(header, header.length - COUNTER_BYTES, counter);
  return header;
}

/** The number of an algorithm as it stands in a header. */
const ALGORITHM_BYTES: Readonly<Record<LinkAlgorithm, readonly number[]>> = {
  'hmac-256': encodeNumber(ALGORITHM_HMAC_256),
  'hmac-256-64': encodeNumber(ALGORITHM_HMAC_256_64),
  'chacha20-poly1305': encodeNumber(ALGORITHM_CHACHA20_POLY1305),
};

function encodeNumber(number: number): readonly number[] {
  return number < 24 ? [number] : [0x18, number];
}

function writeCounter(bytes: Uint8Array, at: number, counter: number): void {
  const high = Math.floor(counter / 0x1_0000_0000);
  bytes[at] = high >>> 8;
  bytes[at + 1] = high & 0xff;
  bytes[at + 2] = (counter >>> 24) & 0xff;
  bytes[at + 3] = (counter >>> 16) & 0xff;
  bytes[at + 4] = (counter >>> 8) & 0xff;
  bytes[at + 5] = counter & 0xff;
}

function readCounter(bytes: Uint8Array, at: number): number {
  let counter = 0;
  for (let i = 0; i < COUNTER_BYTES; i += 1) counter = counter * 256 + (bytes[at + i] as number);
  return counter;
}

/** Where the parts of a frame are. `body` is the payload, or the ciphertext with its tag. */
interface Envelope {
  readonly protectedAt: number;
  readonly counter: number;
  readonly bodyAt: number;
  readonly bodyLength: number;
  /** Where the authenticator of a Mac0 begins. */
  readonly tagAt: number;
}

export type FrameFault = 'oversize' | 'malformed-envelope' | 'wrong-algorithm';

/** Reads the one fixed envelope; work is bounded by a few dozen steps whatever the frame holds. */
function parseEnvelope(
  frame: Uint8Array,
  algorithm: LinkAlgorithm,
  maxPayloadBytes: number,
): Envelope | FrameFault {
  const { tagBytes } = ALGORITHMS[algorithm];
  const isMac = algorithm !== 'chacha20-poly1305';
  if (frame.length > maxPayloadBytes + ENVELOPE_MAX_BYTES) return 'oversize';
  const head = ALGORITHM_BYTES[algorithm];
  // [ h'a2 01 ‹algorithm› 06 46 ‹counter›', {}, h'‹body›' ⟨, h'‹tag›'⟩ ]
  const arrayHead = frame[0];
  if (arrayHead !== 0x84 && arrayHead !== 0x83) return 'malformed-envelope';
  const headerLength = (frame[1] ?? 0) - 0x40;
  if (headerLength < 5 + COUNTER_BYTES || headerLength > 7 + COUNTER_BYTES) return 'malformed-envelope';
  const ivAt = 2 + headerLength - COUNTER_BYTES - 2;
  if (frame[2] !== 0xa2 || frame[3] !== 0x01) return 'malformed-envelope';
  if (frame[ivAt] !== 0x06 || frame[ivAt + 1] !== (0x40 | COUNTER_BYTES)) return 'malformed-envelope';
  if (ivAt - 4 !== head.length || frame[4] !== head[0] || (head.length > 1 && frame[5] !== head[1]))
    return 'wrong-algorithm';
  if (arrayHead !== (isMac ? 0x84 : 0x83)) return 'malformed-envelope';
  let at = 2 + headerLength;
  if (frame[at] !== 0xa0) return 'malformed-envelope';
  const counter = readCounter(frame, at - COUNTER_BYTES);
  at += 1;
  const bodyHead = readByteStringHead(frame, at);
  if (bodyHead === null) return 'malformed-envelope';
  const { length: bodyLength, next: bodyAt } = bodyHead;
  if (bodyLength > maxPayloadBytes + (isMac ? 0 : tagBytes)) return 'oversize';
  if (!isMac) {
    if (bodyLength < tagBytes || bodyAt + bodyLength !== frame.length) return 'malformed-envelope';
    return { protectedAt: 2, counter, bodyAt, bodyLength, tagAt: frame.length };
  }
  const tagHeadAt = bodyAt + bodyLength;
  const tagAt = tagBytes < 24 ? tagHeadAt + 1 : tagHeadAt + 2;
  if (tagAt + tagBytes !== frame.length) return 'malformed-envelope';
  if (
    tagBytes < 24
      ? frame[tagHeadAt] !== (0x40 | tagBytes)
      : frame[tagHeadAt] !== 0x58 || frame[tagHeadAt + 1] !== tagBytes
  )
    return 'malformed-envelope';
  return { protectedAt: 2, counter, bodyAt, bodyLength, tagAt };
}

/** Head of a definite byte string with a minimal length, or null. */
function readByteStringHead(frame: Uint8Array, at: number): { length: number; next: number } | null {
  const initial = frame[at];
  if (initial === undefined || initial >>> 5 !== 2) return null;
  const info = initial & 0x1f;
  if (info < 24) return { length: info, next: at + 1 };
  let length = 0;
  if (info > 26) return null;
  const size = 1 << (info - 24);
  if (at + 1 + size > frame.length) return null;
  for (let i = 0; i < size; i += 1) length = length * 256 + (frame[at + 1 + i] as number);
  if (length < (size === 1 ? 24 : size === 2 ? 0x100 : 0x10000)) return null;
  return { length, next: at + 1 + size };
}

function byteStringHeadBytes(length: number): number {
  return length < 24 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
}

/** Writes a byte string's minimal head and returns where the content begins. */
function writeByteStringHead(bytes: Uint8Array, at: number, length: number): number {
  if (length < 24) {
    bytes[at] = 0x40 | length;
    return at + 1;
  }
  if (length < 0x100) {
    bytes[at] = 0x58;
    bytes[at + 1] = length;
    return at + 2;
  }
  if (length < 0x10000) {
    bytes[at] = 0x59;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length & 0xff;
    return at + 3;
  }
  bytes[at] = 0x5a;
  bytes[at + 1] = length >>> 24;
  bytes[at + 2] = (length >>> 16) & 0xff;
  bytes[at + 3] = (length >>> 8) & 0xff;
  bytes[at + 4] = length & 0xff;
  return at + 5;
}

/** One direction of one purpose in one session: its key and what every frame of it is bound to. */
export interface FrameContext {
  readonly algorithm: LinkAlgorithm;
  /** Prepared HMAC for the MAC algorithms. */
  readonly computeMac: ComputeMac;
  /** Key, context IV and engine for ChaCha20/Poly1305; null for the MAC algorithms. */
  readonly aead: {
    readonly key: Uint8Array;
    readonly contextIv: Uint8Array;
    readonly engine: AeadEngine;
  } | null;
  readonly externalAad: Uint8Array;
  readonly maxPayloadBytes: number;
}

export type OpenedFrame =
  | { readonly ok: true; readonly counter: number; readonly payload: Uint8Array }
  | { readonly ok: false; readonly cause: FrameFault | 'bad-authenticator' };

/** Seals and opens the frames of one direction; everything that stays the same for a session is laid out once. */
export class FrameCodec {
  readonly #context: FrameContext;
  readonly #isMac: boolean;
  readonly #tagBytes: number;
  /** 84|83, protected header, a0: the frame up to its payload's head, with a zero counter. */
  readonly #frameHead: Uint8Array;
  readonly #frameCounterAt: number;
  /** The structure to authenticate up to the payload's head (MAC) or whole (AEAD), counter zero, with room to grow. */
  #structure: Uint8Array;
  readonly #structureHeadLength: number;
  readonly #structureCounterAt: number;

  constructor(context: FrameContext) {
    this.#context = context;
    this.#isMac = context.aead === null;
    this.#tagBytes = ALGORITHMS[context.algorithm].tagBytes;
    const header = encodeProtectedHeader(context.algorithm, 0);
    this.#frameHead = Uint8Array.from([this.#isMac ? 0x84 : 0x83, 0x40 | header.length, ...header, 0xa0]);
    this.#frameCounterAt = 2 + header.length - COUNTER_BYTES;
    const structure = this.#isMac
      ? encodeMacStructure(header, context.externalAad, new Uint8Array(0))
      : encodeEncryptStructure(header, context.externalAad);
    // A MAC_structure with an empty payload ends in that payload's one-byte head.
    this.#structureHeadLength = this.#isMac ? structure.length - 1 : structure.length;
    const contextLength = 1 + 1 + (this.#isMac ? 'MAC0' : 'Encrypt0').length;
    this.#structureCounterAt = contextLength + 1 + header.length - COUNTER_BYTES;
    this.#structure = new Uint8Array(this.#structureHeadLength + 512);
    this.#structure.set(structure.subarray(0, this.#structureHeadLength));
  }

  /** A frame in a fresh array. The caller never uses a counter twice. Throws when the payload is over its cap: our own mistake. */
  seal(counter: number, payload: Uint8Array): Uint8Array {
    if (payload.length > this.#context.maxPayloadBytes) {
      throw new RangeError(
        `a payload of ${payload.length} bytes is over this purpose's cap of ${this.#context.maxPayloadBytes}`,
      );
    }
    const body = this.#isMac ? payload : this.#encrypt(counter, payload);
    const headLength = this.#frameHead.length;
    const bodyHeadBytes = byteStringHeadBytes(body.length);
    const tagHeadBytes = this.#isMac ? byteStringHeadBytes(this.#tagBytes) + this.#tagBytes : 0;
    const frame = allocateBytes(headLength + bodyHeadBytes + body.length + tagHeadBytes);
    frame.set(this.#frameHead);
    writeCounter(frame, this.#frameCounterAt, counter);
    const bodyAt = writeByteStringHead(frame, headLength, body.length);
    frame.set(body, bodyAt);
    if (this.#isMac) {
      const tagAt = writeByteStringHead(frame, bodyAt + body.length, this.#tagBytes);
      const tag = this.#computeTag(frame, body);
      for (let i = 0; i < this.#tagBytes; i += 1) frame[tagAt + i] = tag[i] as number;
    }
    return frame;
  }

  /** Proves a received frame. The payload is a copy, or decrypted afresh. */
  open(frame: Uint8Array): OpenedFrame {
    const { algorithm, maxPayloadBytes } = this.#context;
    const envelope = parseEnvelope(frame, algorithm, maxPayloadBytes);
    if (typeof envelope === 'string') return { ok: false, cause: envelope };
    const { counter, bodyAt, bodyLength, tagAt } = envelope;
    if (this.#isMac) {
      const payload = copyBytes(frame, bodyAt, bodyLength);
      const tag = this.#computeTag(frame, payload);
      if (!isSameTag(tag, frame, tagAt, this.#tagBytes)) return { ok: false, cause: 'bad-authenticator' };
      return { ok: true, counter, payload };
    }
    const payload = this.#decrypt(counter, frame.subarray(bodyAt, bodyAt + bodyLength));
    return payload === null ? { ok: false, cause: 'bad-authenticator' } : { ok: true, counter, payload };
  }

  /** HMAC over the MAC_structure whose counter is the frame's own bytes, and whose payload is given. */
  #computeTag(frame: Uint8Array, payload: Uint8Array): Uint8Array {
    const needed = this.#structureHeadLength + 5 + payload.length;
    if (needed > this.#structure.length) {
      const grown = new Uint8Array(needed);
      grown.set(this.#structure.subarray(0, this.#structureHeadLength));
      this.#structure = grown;
    }
    const structure = this.#structure;
    for (let i = 0; i < COUNTER_BYTES; i += 1) {
      structure[this.#structureCounterAt + i] = frame[this.#frameCounterAt + i] as number;
    }
    const start = writeByteStringHead(structure, this.#structureHeadLength, payload.length);
    structure.set(payload, start);
    return this.#context.computeMac(structure.subarray(0, start + payload.length));
  }

  #encrypt(counter: number, payload: Uint8Array): Uint8Array {
    const { key, contextIv, engine } = this.#requireAead();
    return engine.encrypt(key, buildNonce(contextIv, counter), this.#encryptStructure(counter), payload);
  }

  #decrypt(counter: number, sealed: Uint8Array): Uint8Array | null {
    const { key, contextIv, engine } = this.#requireAead();
    return engine.decrypt(key, buildNonce(contextIv, counter), this.#encryptStructure(counter), sealed);
  }

  #encryptStructure(counter: number): Uint8Array {
    writeCounter(this.#structure, this.#structureCounterAt, counter);
    return this.#structure.subarray(0, this.#structureHeadLength);
  }

  #requireAead(): NonNullable<FrameContext['aead']> {
    const { aead } = this.#context;
    if (aead === null) throw new Error('a MAC context has no cipher');
    return aead;
  }
}

/** Compares all bytes whatever they are: how long it takes says nothing of where the first wrong one stands. */
function isSameTag(tag: Uint8Array, frame: Uint8Array, at: number, length: number): boolean {
  let difference = 0;
  for (let i = 0; i < length; i += 1) difference |= (tag[i] as number) ^ (frame[at + i] as number);
  return difference === 0;
}

/** RFC 9052 §3.1: the Partial IV, padded on the left to the nonce's 12 bytes, XOR the context IV. */
export function buildNonce(contextIv: Uint8Array, counter: number): Uint8Array {
  const nonce = new Uint8Array(12);
  writeCounter(nonce, 12 - COUNTER_BYTES, counter);
  for (let i = 0; i < 12; i += 1) nonce[i] = (nonce[i] as number) ^ (contextIv[i] as number);
  return nonce;
}

/** Protected header of every signature: { 1: EdDSA }. */
export const SIGN_PROTECTED_HEADER = Uint8Array.from([0xa1, 0x01, 0x27]);

/** Length of a COSE_Sign1 with a detached payload as it travels, bytes. */
export const SIGN1_BYTES = 73;

const SIGN1_HEAD = Uint8Array.from([0x84, 0x43, ...SIGN_PROTECTED_HEADER, 0xa0, 0xf6, 0x58, 0x40]);

/** [ h'a10127', {}, nil, signature ]: an untagged COSE_Sign1 whose payload the receiver already has. */
export function encodeSign1(signature: Uint8Array): Uint8Array {
  const message = new Uint8Array(SIGN1_BYTES);
  message.set(SIGN1_HEAD);
  message.set(signature, SIGN1_HEAD.length);
  return message;
}

/** The 64-byte signature of the COSE_Sign1 that stands at `at`, or null when it has not exactly that form. */
export function readSign1(bytes: Uint8Array, at: number): Uint8Array | null {
  if (at + SIGN1_BYTES > bytes.length) return null;
  for (let i = 0; i < SIGN1_HEAD.length; i += 1) if (bytes[at + i] !== SIGN1_HEAD[i]) return null;
  return bytes.subarray(at + SIGN1_HEAD.length, at + SIGN1_BYTES);
}
