/**
 * Two COSE libraries of other makes check what we send, and we check what they send, external_aad included; what is
 * altered fails on both sides. Neither of them knows ChaCha20/Poly1305 or cose-js EdDSA; those rest on the vectors.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Mac0, MacAlgorithms, Sign1, Algorithms } from '@auth0/cose';
// @ts-expect-error cose-js has no types
import cose from 'cose-js';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  encodeSign1,
  encodeSignStructure,
  FrameCodec,
  readSign1,
  SIGN_PROTECTED_HEADER,
  type LinkAlgorithm,
} from '../../src/wire/cose.js';
import { prepareSigner, prepareVerifier } from '../../src/wire/ed25519.js';
import { nodeMacEngine } from '../../src/wire/mac-engine.js';
import { SignedChains } from '../../src/wire/signed-chain.js';
import { encodeCbor } from '../../src/wire/cbor.js';
import { traceSession } from '../support/captured-session.js';
import { LinkNet } from './link-net.js';
import { fakeDigest, hex, makeRig } from './make-rig.js';

interface CoseJs {
  readonly mac: {
    create(
      headers: object,
      payload: Uint8Array,
      key: object,
      aad: Uint8Array,
      options: object,
    ): Promise<Buffer>;
    read(frame: Uint8Array, key: Uint8Array, aad: Uint8Array): Promise<Buffer>;
  };
}
const { mac } = cose as CoseJs;

const PAYLOAD = hex('83010203');

/** Everything about a frame that must not be alterable, altered once each. */
function* alter(frame: Uint8Array): Generator<Uint8Array> {
  const flip = (at: number): Uint8Array => frame.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const counterAt = frame.indexOf(0x46) + 1;
  yield flip(counterAt);
  yield flip(counterAt + 5);
  yield flip(frame.length - 1);
  yield flip(counterAt + 6 + 2);
}

describe.each([
  ['hmac-256', makeRig()],
  ['hmac-256-64', makeRig({ mac: 'hmac-256-64' })],
] as const)('captured session frames under %s', (algorithm, rig) => {
  let frame: Uint8Array;
  let key: Uint8Array;
  let externalAad: Uint8Array;
  beforeAll(() => {
    const net = new LinkNet(rig);
    net.start('a');
    net.start('b');
    net.run(1);
    frame = net.end('a').seal('b', 'round', PAYLOAD) as Uint8Array;
    const keys = net.keys.get('b');
    if (keys === undefined) throw new Error('b has keys');
    ({ key, externalAad } = traceSession(net.recorded, keys, 'a', 'b', 'round', algorithm));
  });

  test('cose-js verifies ours; altered frames, contexts and keys fail', async () => {
    const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
    // It takes Buffers only: a plain Uint8Array it would encode as an array of numbers.
    const read = (bytes: Uint8Array, secret: Uint8Array, aad: Uint8Array): Promise<Buffer> =>
      mac.read(Buffer.from(bytes), Buffer.from(secret), Buffer.from(aad));
    expect(new Uint8Array(await read(frame, key, externalAad))).toEqual(PAYLOAD);
    for (const altered of alter(frame)) await expect(read(altered, key, externalAad)).rejects.toThrow();
    await expect(read(frame, key, flip(externalAad))).rejects.toThrow('Tag mismatch');
    await expect(read(frame, flip(key), externalAad)).rejects.toThrow('Tag mismatch');
  });

  // It knows no HMAC 256/64.
  if (algorithm !== 'hmac-256') return;
  test('@auth0/cose verifies ours; altered frames, contexts and keys fail', async () => {
    const algorithms = [MacAlgorithms.HS256];
    const verify = (bytes: Uint8Array, aad: Uint8Array, secret: Uint8Array): Promise<void> =>
      Mac0.decode(bytes).verify(secret, { externalAAD: aad, algorithms });
    await verify(frame, externalAad, key);
    expect(new Uint8Array(Mac0.decode(frame).payload)).toEqual(PAYLOAD);
    for (const altered of alter(frame)) await expect(verify(altered, externalAad, key)).rejects.toThrow();
    await expect(verify(frame, new Uint8Array(0), key)).rejects.toThrow();
    await expect(
      verify(
        frame,
        externalAad,
        key.map((byte) => byte ^ 1),
      ),
    ).rejects.toThrow();
  });
});

describe('frames made by cose-js', () => {
  const key = hex('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
  const aad = encodeCbor([1, 'rig', 'a', 'b']);

  test.each([
    ['hmac-256', 'HS256'],
    ['hmac-256-64', 'HS256/64'],
  ])('%s: we open them; altered ones not', async (algorithm, alg) => {
    const codec = new FrameCodec({
      algorithm: algorithm as LinkAlgorithm,
      computeMac: nodeMacEngine.prepareKey(key),
      aead: null,
      externalAad: aad,
      maxPayloadBytes: 100,
    });
    const headers = { p: { alg, Partial_IV: Buffer.from('000000000102', 'hex') } };
    const create = (context: Uint8Array): Promise<Buffer> =>
      mac.create(headers, Buffer.from(PAYLOAD), { key: Buffer.from(key) }, Buffer.from(context), {
        excludetag: true,
      });
    const theirs = await create(aad);
    expect(codec.open(theirs)).toEqual({ ok: true, counter: 0x102, payload: PAYLOAD });
    expect(Buffer.from(codec.seal(0x102, PAYLOAD)).equals(theirs)).toBe(true);
    for (const altered of alter(theirs)) expect(codec.open(altered).ok).toBe(false);
    expect(codec.open(await create(new Uint8Array(1)))).toEqual({ ok: false, cause: 'bad-authenticator' });
  });
});

describe('Sign1 and @auth0/cose', () => {
  const seed = hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
  const publicRaw = hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicRaw).toString('base64url') },
    format: 'jwk',
  });
  const privateKey = createPrivateKey({
    key: {
      kty: 'OKP',
      crv: 'Ed25519',
      x: Buffer.from(publicRaw).toString('base64url'),
      d: Buffer.from(seed).toString('base64url'),
    },
    format: 'jwk',
  });
  const algorithms = [Algorithms.EdDSA];

  test('they verify ours, detached, with external_aad; altered signature, payload and context fail', async () => {
    const aad = encodeCbor(['voteplane/sm/1', 'rig']);
    const message = encodeSign1(
      prepareSigner(seed)(encodeSignStructure(SIGN_PROTECTED_HEADER, aad, PAYLOAD)),
    );
    const verify = (bytes: Uint8Array, externalAAD: Uint8Array, detachedPayload: Uint8Array): Promise<void> =>
      Sign1.decode(bytes).verify(publicKey, { externalAAD, detachedPayload, algorithms });
    await verify(message, aad, PAYLOAD);
    await expect(verify(message, aad, hex('83010204'))).rejects.toThrow();
    await expect(verify(message, encodeCbor(['voteplane/sm/1', 'gir']), PAYLOAD)).rejects.toThrow();
    await expect(
      verify(
        message.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
        aad,
        PAYLOAD,
      ),
    ).rejects.toThrow();
    await expect(
      verify(
        message.map((byte, i) => (i === 4 ? 0x26 : byte)),
        aad,
        PAYLOAD,
      ),
    ).rejects.toThrow();
  });

  test('we verify theirs', async () => {
    const theirs = await Sign1.sign([[1, Algorithms.EdDSA]], [], PAYLOAD, privateKey);
    const verify = prepareVerifier(publicRaw);
    const structure = encodeSignStructure(SIGN_PROTECTED_HEADER, new Uint8Array(0), PAYLOAD);
    expect(verify(structure, theirs.signature)).toBe(true);
    expect(verify(encodeSignStructure(SIGN_PROTECTED_HEADER, hex('00'), PAYLOAD), theirs.signature)).toBe(
      false,
    );
  });

  test('each link of a relayed chain is a Sign1 that they verify', async () => {
    const publicKeys = [publicRaw, publicRaw, publicRaw];
    const configDigest = fakeDigest('config');
    const chains = new SignedChains({
      rigId: 'rig',
      configDigest,
      keyEpoch: 1,
      self: 0,
      privateKey: seed,
      publicKeys,
    });
    const run = new Uint8Array(16).fill(9);
    const chain = chains.extend({ tick: 7, round: 1, run }, { path: [], value: PAYLOAD });
    expect(readSign1(chain, 0)).not.toBeNull();
    const externalAAD = encodeCbor(['voteplane/sm/1', 'rig', run, configDigest, 1, 0, 7]);
    await Sign1.decode(chain).verify(publicKey, { externalAAD, detachedPayload: PAYLOAD, algorithms });
    await expect(
      Sign1.decode(chain).verify(publicKey, {
        externalAAD: encodeCbor(['voteplane/sm/1', 'rig', run, configDigest, 1, 0, 8]),
        detachedPayload: PAYLOAD,
        algorithms,
      }),
    ).rejects.toThrow();
  });
});
