import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RelayItem, RoundMessage } from '../../src/core/types.js';
import { SIGN1_BYTES } from '../../src/wire/cose.js';
import { deriveLimits } from '../../src/wire/limits.js';
import { generateKeys, type PrincipalKeys } from '../../src/wire/keys.js';
import { PeerCodec } from '../../src/wire/peer-codec.js';
import { createSignedChains, type ChainScope, type SignedChains } from '../../src/wire/signed-chain.js';
import { DIGESTS } from './link-net.js';
import { fakeDigest, makeRig, seededEntropy } from './make-rig.js';
import { makeSignedReplicas } from './signed-replicas.js';

const RUN = new Uint8Array(16).fill(1);
const VALUE = Uint8Array.from([1, 2, 3]);
const scope = (round: number, tick = 5, run = RUN): ChainScope => ({ tick, round, run });

/** Sends a value along a path of replicas and returns the item as the last one sends it. */
function relay(
  replicas: readonly SignedChains[],
  path: readonly number[],
  value = VALUE,
  at = scope,
): RelayItem & { value: Uint8Array } {
  let item: RelayItem & { value: Uint8Array } = { path: [], value };
  for (const [i, signer] of path.entries()) {
    const before = path.slice(0, i);
    const proof = (replicas[signer] as SignedChains).extend(at(i + 1), { ...item, path: before });
    item = { path: before, value, proof };
  }
  return item;
}

function verify(
  replicas: readonly SignedChains[],
  receiver: number,
  sender: number,
  item: RelayItem,
  at: ChainScope,
): boolean {
  return (replicas[receiver] as SignedChains).verify(at, sender, item);
}

describe('chains', () => {
  test('of one, two and three signatures hold, for whoever receives them', () => {
    const replicas = makeSignedReplicas(5);
    for (const path of [[0], [0, 1], [3, 1, 0], [0, 1, 2]]) {
      const item = relay(replicas, path);
      expect(item.proof).toHaveLength(path.length * SIGN1_BYTES);
      expect(verify(replicas, 4, path.at(-1) as number, item, scope(path.length))).toBe(true);
    }
  });

  test('bind value, tick, run, round, commander, relayers and their order', () => {
    const replicas = makeSignedReplicas(5);
    const item = relay(replicas, [0, 1]);
    const expectBad = (altered: RelayItem, sender = 1, at = scope(2)): void =>
      expect(verify(makeSignedReplicas(5), 2, sender, altered, at)).toBe(false);
    expect(verify(makeSignedReplicas(5), 2, 1, item, scope(2))).toBe(true);
    expectBad({ ...item, value: Uint8Array.from([1, 2, 4]) });
    expectBad({ ...item, value: null });
    expectBad(item, 1, scope(2, 6));
    expectBad(item, 1, scope(2, 5, new Uint8Array(16)));
    expectBad(item, 1, scope(1));
    expectBad(item, 1, scope(3));
    expectBad(item, 3);
    expectBad({ ...item, path: [1] }, 0);
    expectBad({ ...item, path: [3] });
    expectBad({ ...item, path: [1] });
    expectBad({ ...item, path: [9] });
    expectBad({ path: [0], value: VALUE });
    const proof = item.proof as Uint8Array;
    expectBad({ ...item, proof: proof.subarray(0, SIGN1_BYTES) });
    expectBad({ ...item, proof: proof.subarray(1) });
    expectBad({ ...item, proof: Uint8Array.from([...proof, 0]) });
    const swapped = new Uint8Array(proof.length);
    swapped.set(proof.subarray(SIGN1_BYTES));
    swapped.set(proof.subarray(0, SIGN1_BYTES), SIGN1_BYTES);
    expectBad({ ...item, proof: swapped });
  });

  test('of another rig or configuration do not hold', () => {
    const item = relay(makeSignedReplicas(3), [0]);
    expect(verify(makeSignedReplicas(3), 1, 0, item, scope(1))).toBe(true);
    expect(verify(makeSignedReplicas(3, 'other'), 1, 0, item, scope(1))).toBe(false);
    expect(verify(makeSignedReplicas(3, 'rig', fakeDigest('other')), 1, 0, item, scope(1))).toBe(false);
  });

  test('a relayer cannot shorten a chain, take over one, or sign what the commander did not', () => {
    const replicas = makeSignedReplicas(5);
    const twice = relay(replicas, [0, 1, 2]);
    const cut = { path: [0], value: VALUE, proof: (twice.proof as Uint8Array).subarray(0, 2 * SIGN1_BYTES) };
    expect(verify(replicas, 3, 2, cut, scope(2))).toBe(false);
    const invented = (replicas[2] as SignedChains).extend(scope(2), {
      path: [0],
      value: Uint8Array.from([6]),
      proof: relay(replicas, [0]).proof as Uint8Array,
    });
    expect(
      verify(replicas, 3, 2, { path: [0], value: Uint8Array.from([6]), proof: invented }, scope(2)),
    ).toBe(false);
    // B5: a last relayer invents a path: a liar signs for itself what 0 and 1 never said.
    const liar = (replicas[2] as SignedChains).extend(scope(3), {
      path: [0, 1],
      value: VALUE,
      proof: new Uint8Array(2 * SIGN1_BYTES),
    });
    expect(verify(replicas, 3, 2, { path: [0, 1], value: VALUE, proof: liar }, scope(3))).toBe(false);
  });

  test('every single altered bit makes a chain worthless', () => {
    const replicas = makeSignedReplicas(4);
    const item = relay(replicas, [0, 1]);
    const proof = item.proof as Uint8Array;
    fc.assert(
      fc.property(fc.nat(proof.length * 8 - 1), (bit) => {
        const altered = Uint8Array.from(proof);
        altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
        return !verify(replicas, 2, 1, { ...item, proof: altered }, scope(2));
      }),
      { numRuns: 200 },
    );
    expect(verify(replicas, 2, 1, item, scope(2))).toBe(true);
  });

  test('nothing is verified or signed twice in a tick, and what failed is not remembered as good', () => {
    const replicas = makeSignedReplicas(5);
    const receiver = replicas[4] as SignedChains;
    const first = relay(replicas, [0]);
    expect(verify(replicas, 4, 0, first, scope(1))).toBe(true);
    expect(receiver.verifications).toBe(1);
    expect(verify(replicas, 4, 1, relay(replicas, [0, 1]), scope(2))).toBe(true);
    expect(receiver.verifications).toBe(2);
    expect(verify(replicas, 4, 1, relay(replicas, [0, 1]), scope(2))).toBe(true);
    expect(receiver.verifications).toBe(2);
    const bad = Uint8Array.from(relay(replicas, [0, 2]).proof as Uint8Array);
    bad[bad.length - 1] = (bad[bad.length - 1] as number) ^ 1;
    for (let i = 0; i < 2; i += 1) {
      expect(verify(replicas, 4, 2, { path: [0], value: VALUE, proof: bad }, scope(2))).toBe(false);
    }
    expect(receiver.verifications).toBe(4);
    const commander = replicas[0] as SignedChains;
    const signed = commander.signatures;
    for (let peer = 1; peer < 5; peer += 1) commander.extend(scope(1, 6), { path: [], value: VALUE });
    expect(commander.signatures).toBe(signed + 1);
  });

  test('a signature remembered for one signer does not count for another', () => {
    const replicas = makeSignedReplicas(3);
    const item = relay(replicas, [0]);
    expect(verify(replicas, 2, 0, item, scope(1))).toBe(true);
    expect(verify(replicas, 2, 1, item, scope(1))).toBe(false);
  });
});

describe('signed round messages', () => {
  const rig = makeRig({ replicas: 3, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' } });
  const limits = deriveLimits(rig);
  const keys = generateKeys(rig, seededEntropy('keys'));
  const codecOf = (id: string): PeerCodec =>
    new PeerCodec(
      limits,
      createSignedChains(rig, keys.find(({ principal }) => principal === id) as PrincipalKeys, DIGESTS),
    );

  test('the sender signs on the way out, the receiver gets the chain, relays it, and the next one accepts', () => {
    const [a, b, c] = [codecOf('a'), codecOf('b'), codecOf('c')];
    const first = b.decode(0, 'round', a.encode(firstRound(VALUE)));
    if (!first.ok || first.message.kind !== 'round') throw new Error('b accepts');
    const item = first.message.items[0] as RelayItem;
    expect(item.proof).toHaveLength(SIGN1_BYTES);
    const second = c.decode(
      1,
      'round',
      b.encode({ ...first.message, round: 2, items: [{ ...item, path: [0] }] }),
    );
    if (!second.ok || second.message.kind !== 'round') throw new Error('c accepts');
    expect(second.message.items[0]).toMatchObject({ path: [0], value: VALUE });
    expect(second.message.items[0]?.proof).toHaveLength(2 * SIGN1_BYTES);
  });

  test('a liar that alters what it relays is refused as a whole message', () => {
    const [a, b, c] = [codecOf('a'), codecOf('b'), codecOf('c')];
    const first = b.decode(0, 'round', a.encode(firstRound(VALUE)));
    if (!first.ok || first.message.kind !== 'round') throw new Error('b accepts');
    const item = first.message.items[0] as RelayItem;
    const lie = b.encode({
      ...first.message,
      round: 2,
      items: [{ ...item, path: [0], value: Uint8Array.from([9]) }],
    });
    expect(c.decode(1, 'round', lie)).toEqual({ ok: false, cause: 'bad-signature' });
    expect(c.decode(2, 'round', a.encode(firstRound(VALUE)))).toEqual({
      ok: false,
      cause: 'bad-signature',
    });
  });

  test('a recording of an earlier run convinces nobody', () => {
    const [a, b] = [codecOf('a'), codecOf('b')];
    const recorded = a.encode(firstRound(VALUE));
    const opened = b.decode(0, 'round', recorded);
    if (!opened.ok || opened.message.kind !== 'round') throw new Error('b accepts');
    const proof = opened.message.items[0]?.proof as Uint8Array;
    const other = { ...opened.message, run: new Uint8Array(16).fill(2) };
    expect(
      codecOf('c').decode(
        1,
        'round',
        b.encode({ ...other, round: 2, items: [{ path: [0], value: VALUE, proof }] }),
      ),
    ).toEqual({
      ok: false,
      cause: 'bad-signature',
    });
  });

  test('absent is not signed, and so not said', () => {
    const [a, b] = [codecOf('a'), codecOf('b')];
    const decoded = b.decode(0, 'round', a.encode(firstRound(null)));
    expect(decoded).toEqual({ ok: true, message: { ...firstRound(null), items: [] } });
  });

  test('keys that cannot sign are refused where a rig signs; elsewhere there are no chains', () => {
    const voter = keys.find(({ principal }) => principal === 'elevator') as PrincipalKeys;
    expect(() => createSignedChains(rig, voter, DIGESTS)).toThrow(/cannot sign/);
    expect(createSignedChains(makeRig(), voter, DIGESTS)).toBeNull();
  });
});

/** Round 1 of tick 3 with this value. */
function firstRound(value: Uint8Array | null): RoundMessage {
  const stamp = { lagUs: 0, heldUs: [null, null, null] };
  return { kind: 'round', tick: 3, round: 1, run: RUN, items: [{ path: [], value }], stamp };
}
