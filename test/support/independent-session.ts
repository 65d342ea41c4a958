/**
 * Keys and contexts of a captured session, computed from a key file and from what stood in the hellos, by other means
 * than the product's own: cborg for CBOR, Node's HKDF. What it takes is what WIRE.md says, so a frame that verifies with
 * it is one that anybody's tools can check.
 */
import { createHash, hkdfSync } from 'node:crypto';
import { decode, encode } from 'cborg';

/** Everything fixed about one direction between two principals. */
export interface CapturedDirection {
  readonly rigId: string;
  readonly keyEpoch: number;
  readonly sender: string;
  readonly receiver: string;
  readonly pairSecret: Uint8Array;
}

/** Both ends' nonces and the sender's digests, as a hello of the sender shows them. */
export interface ShownSession {
  readonly senderNonce: Uint8Array;
  readonly receiverNonce: Uint8Array;
  readonly digests: readonly (Uint8Array | null)[];
}

const SALT = Buffer.from('voteplane/1');
const VERSION = 1;

function expand(secret: Uint8Array, info: readonly unknown[]): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, SALT, encode(info), 32));
}

function hash(items: readonly unknown[]): Uint8Array {
  return new Uint8Array(createHash('sha256').update(encode(items)).digest());
}

/** Key and external_aad of the hellos of a direction. */
export function traceHello(direction: CapturedDirection): { key: Uint8Array; externalAad: Uint8Array } {
  const { rigId, keyEpoch, sender, receiver, pairSecret } = direction;
  return {
    key: expand(pairSecret, ['hello', rigId, keyEpoch, sender, receiver]),
    externalAad: encode([null, rigId, null, sender, receiver, 'hello', keyEpoch, null]),
  };
}

/** Key and external_aad of the frames of one purpose, HMAC 256/256. */
export function traceFrames(
  direction: CapturedDirection,
  purpose: string,
  shown: ShownSession,
): { key: Uint8Array; externalAad: Uint8Array } {
  const { rigId, keyEpoch, sender, receiver, pairSecret } = direction;
  const { senderNonce, receiverNonce, digests } = shown;
  const nonces = [senderNonce, receiverNonce].sort((a, b) => Buffer.compare(a, b));
  const session = hash(['voteplane/session/1', ...nonces]).slice(0, 16);
  const config = hash(['voteplane/config/1', ...digests]);
  const context = [
    'frame',
    rigId,
    keyEpoch,
    sender,
    receiver,
    purpose,
    'hmac-256',
    senderNonce,
    receiverNonce,
  ];
  return {
    key: expand(pairSecret, context),
    externalAad: encode([VERSION, rigId, config, sender, receiver, purpose, keyEpoch, session]),
  };
}

/** What a hello's payload shows of a session; null where it echoes no nonce yet. */
export function readShownSession(payload: Uint8Array): ShownSession | null {
  const [, rig, law, arithmetic, nonce, echo] = decode(payload) as (Uint8Array | null)[];
  if (!(nonce instanceof Uint8Array) || !(echo instanceof Uint8Array)) return null;
  return { senderNonce: nonce, receiverNonce: echo, digests: [rig ?? null, law ?? null, arithmetic ?? null] };
}
