/**
 * From captured hellos and one pair's secret to the key and external_aad of every frame of the session: what a person
 * needs to check captured traffic with a COSE library of another make. Hellos are authenticated and not encrypted, so
 * the nonces are in plain sight; without the pair's secret they are of no use.
 */
import { sameBytes } from '../../src/core/bytes.js';
import type { Principal } from '../../src/ports.js';
import {
  deriveConfigDigest,
  deriveFrameKey,
  deriveSessionId,
  encodeFrameAad,
  PROTOCOL_VERSION,
} from '../../src/wire/derive-keys.js';
import { decodeHello, type Hello } from '../../src/wire/hello.js';
import type { LinkAlgorithm } from '../../src/wire/cose.js';
import type { PrincipalKeys } from '../../src/wire/keys.js';
import type { SessionPurpose } from '../../src/wire/purposes.js';
import { Decoder } from 'cbor-x';

export interface CapturedFrame {
  readonly from: Principal;
  readonly to: Principal;
  readonly frame: Uint8Array;
}

const decoder = new Decoder({ useRecords: false, mapsAsObjects: false, tagUint8Array: false });

function readHello(frame: Uint8Array): Hello | null {
  const [, , payload] = decoder.decode(frame) as [Uint8Array, unknown, Uint8Array];
  const decoded = decodeHello(new Uint8Array(payload), PROTOCOL_VERSION);
  return decoded.kind === 'hello' ? decoded.hello : null;
}

/**
 * Key and external_aad of the frames `from` → `to` under `purpose`, in the session that the last hello of level 1 or 2
 * between the two has settled. `keys` belong to either of them. Throws when the capture holds no such hello.
 */
export function traceSession(
  hellos: readonly CapturedFrame[],
  keys: PrincipalKeys,
  from: Principal,
  to: Principal,
  purpose: SessionPurpose,
  algorithm: LinkAlgorithm,
): { key: Uint8Array; contextIv: Uint8Array; externalAad: Uint8Array } {
  const between = hellos.flatMap((one) => {
    const isBetween = (one.from === from && one.to === to) || (one.from === to && one.to === from);
    const hello = isBetween ? readHello(one.frame) : null;
    return hello === null ? [] : [{ sender: one.from, hello }];
  });
  const settled = between.filter(({ hello }) => hello.level > 0).at(-1);
  if (settled === undefined || settled.hello.echo === null)
    throw new Error('the capture holds no settled session');
  const { sender, hello } = settled;
  const nonces =
    sender === from
      ? { sender: hello.nonce, receiver: hello.echo as Uint8Array }
      : { sender: hello.echo as Uint8Array, receiver: hello.nonce };
  const other = between.find((one) => sameBytes(one.hello.nonce, hello.echo as Uint8Array))?.hello ?? hello;
  const secret = keys.rows.get(keys.principal === from ? to : from);
  if (secret === undefined) throw new Error('the keys belong to neither end');
  const direction = { rigId: keys.rigId, keyEpoch: keys.keyEpoch, sender: from, receiver: to };
  const configDigest = deriveConfigDigest({
    rig: hello.digests.rig,
    law: other.digests.law === null ? null : hello.digests.law,
    arithmetic: other.digests.arithmetic === null ? null : hello.digests.arithmetic,
  });
  const sessionId = deriveSessionId(nonces.sender, nonces.receiver);
  return {
    ...deriveFrameKey(secret, direction, purpose, nonces, algorithm),
    externalAad: encodeFrameAad(direction, purpose, configDigest, sessionId),
  };
}
