/**
 * The payload of hello frames: [version, rig digest, law digest, arithmetic digest, nonce, echo, level].
 * It states everything that must be alike before two ends talk, and brings the nonces that make a session new.
 * Decoding is total. Its first item stays the version for ever, so that another version can be named.
 */
import { decodeCbor, encodeCbor, type CborValue } from './cbor.js';
import { NONCE_BYTES, type ConfigDigests } from './derive-keys.js';

/**
 * How far the sender has come. 0: it holds no session with `echo`. 1: it holds one, and does not know whether the
 * receiver does. 2: it knows that both do. Whoever receives 0 or 1 answers, so every exchange ends.
 */
export type HelloLevel = 0 | 1 | 2;

export interface Hello {
  readonly version: number;
  readonly digests: ConfigDigests;
  /** The sender's nonce, 16 bytes. */
  readonly nonce: Uint8Array;
  /** The receiver's nonce that the sender has seen, or null. */
  readonly echo: Uint8Array | null;
  readonly level: HelloLevel;
}

/** Longest hello payload, bytes: 9 + 3 · 34 + 2 · 17 + 1 and the array's head. */
export const HELLO_MAX_BYTES = 160;

const DIGEST_BYTES = 32;

export function encodeHello(hello: Hello): Uint8Array {
  const { version, digests, nonce, echo, level } = hello;
  return encodeCbor([version, digests.rig, digests.law, digests.arithmetic, nonce, echo, level]);
}

export type DecodedHello =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'malformed' };

/** Reads a hello that has been authenticated; of another version only its number. */
export function decodeHello(payload: Uint8Array, version: number): DecodedHello {
  const decoded = decodeCbor(payload, HELLO_MAX_BYTES);
  if (!decoded.ok || !Array.isArray(decoded.value)) return { kind: 'malformed' };
  const items = decoded.value as readonly CborValue[];
  const [theirVersion, rig, law, arithmetic, nonce, echo, level] = items;
  if (typeof theirVersion !== 'number' || !Number.isSafeInteger(theirVersion) || theirVersion < 0)
    return { kind: 'malformed' };
  if (theirVersion !== version) return { kind: 'other-version', version: theirVersion };
  if (items.length !== 7 || !isDigest(rig) || !isDigestOrNull(law) || !isDigestOrNull(arithmetic))
    return { kind: 'malformed' };
  if (!isNonce(nonce) || !(echo === null || isNonce(echo))) return { kind: 'malformed' };
  if (level !== 0 && level !== 1 && level !== 2) return { kind: 'malformed' };
  if (echo === null && level !== 0) return { kind: 'malformed' };
  return {
    kind: 'hello',
    hello: { version: theirVersion, digests: { rig, law, arithmetic }, nonce, echo, level },
  };
}

function isDigest(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === DIGEST_BYTES;
}

function isDigestOrNull(value: CborValue | undefined): value is Uint8Array | null {
  return value === null || isDigest(value);
}

function isNonce(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === NONCE_BYTES;
}
