/**
 * Every key of the wire, from the secret that a pair shares: HKDF-SHA256 (RFC 5869) with one salt and an info that
 * is a deterministic CBOR array led by a label, so that no two uses can meet. Directions differ (k_ab ≠ k_ba),
 * purposes differ, and both ends' nonces renew the keys whenever either restarts.
 * It must never see a message, and nothing derived here is ever written down.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Principal, Purpose } from '../ports.js';
import { encodeCbor, type CborValue } from './cbor.js';
import type { LinkAlgorithm } from './cose.js';

/** Length of a pair secret, bytes. */
export const PAIR_SECRET_BYTES = 32;

/** Length of each end's nonce, bytes. */
export const NONCE_BYTES = 16;

/** Version of this protocol; part of what every session frame is bound to. */
export const PROTOCOL_VERSION = 1;

const SALT = new TextEncoder().encode('voteplane/1');

/** Who speaks to whom, under which rig and key epoch. */
export interface Direction {
  readonly rigId: string;
  readonly keyEpoch: number;
  readonly sender: Principal;
  readonly receiver: Principal;
}

/** Both ends' nonces, as the sender of this direction and its receiver drew them. */
export interface NoncePair {
  readonly sender: Uint8Array;
  readonly receiver: Uint8Array;
}

/** Digests that both ends of a pair hold equal; null where one of them has no use for it. 32 bytes each. */
export interface ConfigDigests {
  readonly rig: Uint8Array;
  readonly law: Uint8Array | null;
  readonly arithmetic: Uint8Array | null;
}

function expand(pairSecret: Uint8Array, info: CborValue, length: number): Uint8Array {
  return hkdf(sha256, pairSecret, SALT, encodeCbor(info), length);
}

/** Key of hello frames in one direction, 32 bytes; it has no nonces in it, as hellos bring them. */
export function deriveHelloKey(pairSecret: Uint8Array, direction: Direction): Uint8Array {
  const { rigId, keyEpoch, sender, receiver } = direction;
  return expand(pairSecret, ['hello', rigId, keyEpoch, sender, receiver], 32);
}

/** Key of one purpose in one direction of a session; for ChaCha20/Poly1305 also the 12-byte context IV (empty otherwise). */
export function deriveFrameKey(
  pairSecret: Uint8Array,
  direction: Direction,
  purpose: Purpose,
  nonces: NoncePair,
  algorithm: LinkAlgorithm,
): { key: Uint8Array; contextIv: Uint8Array } {
  const { rigId, keyEpoch, sender, receiver } = direction;
  const ivBytes = algorithm === 'chacha20-poly1305' ? 12 : 0;
  const info = [
    'frame',
    rigId,
    keyEpoch,
    sender,
    receiver,
    purpose,
    algorithm,
    nonces.sender,
    nonces.receiver,
  ];
  const output = expand(pairSecret, info, 32 + ivBytes);
  return { key: output.slice(0, 32), contextIv: output.slice(32) };
}

/** Names a session: 16 bytes, the same for both ends and both directions. */
export function deriveSessionId(nonceA: Uint8Array, nonceB: Uint8Array): Uint8Array {
  const [low, high] = isLower(nonceA, nonceB) ? [nonceA, nonceB] : [nonceB, nonceA];
  return sha256(encodeCbor(['voteplane/session/1', low, high])).slice(0, 16);
}

function isLower(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return (a[i] as number) < (b[i] ?? -1);
  return true;
}

/** One digest of everything that both ends must have alike, 32 bytes. */
export function deriveConfigDigest(digests: ConfigDigests): Uint8Array {
  return sha256(encodeCbor(['voteplane/config/1', digests.rig, digests.law, digests.arithmetic]));
}

/** What session frames are bound to besides their own bytes (RFC 9052 external_aad). */
export function encodeFrameAad(
  direction: Direction,
  purpose: Purpose,
  configDigest: Uint8Array,
  sessionId: Uint8Array,
  version: number = PROTOCOL_VERSION,
): Uint8Array {
  const { rigId, keyEpoch, sender, receiver } = direction;
  return encodeCbor([version, rigId, configDigest, sender, receiver, purpose, keyEpoch, sessionId]);
}

/**
 * What hello frames are bound to: the same array with neither version, configuration nor session, since those are
 * what a hello is there to compare. The layout stays as it is in every version.
 */
export function encodeHelloAad(direction: Direction): Uint8Array {
  const { rigId, keyEpoch, sender, receiver } = direction;
  return encodeCbor([null, rigId, null, sender, receiver, 'hello', keyEpoch, null]);
}

/**
 * MQTT password with which `publisher` enters the inbox of `owner`, 43 characters of base64url. It proves nothing
 * beyond the broker: no frame key can be computed from it.
 */
export function deriveBrokerPassword(
  pairSecret: Uint8Array,
  rigId: string,
  keyEpoch: number,
  publisher: Principal,
  owner: Principal,
): string {
  return toBase64Url(expand(pairSecret, ['broker', rigId, keyEpoch, publisher, owner], 32));
}

/**
 * The pair secret that injected faults rotate to, 32 bytes: both ends come to the same without a word between them. Real
 * epochs have secrets of their own, from which no other can be computed.
 */
export function deriveFaultSecret(pairSecret: Uint8Array, rigId: string, keyEpoch: number): Uint8Array {
  return expand(pairSecret, ['fault-epoch', rigId, keyEpoch], PAIR_SECRET_BYTES);
}

function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
