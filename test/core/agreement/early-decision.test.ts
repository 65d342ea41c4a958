/** The last round decides as soon as what is missing cannot change the vector, and still accounts for everybody. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Algorithm } from '../../../src/core/agreement/algorithm.js';
import { Exchange } from '../../../src/core/agreement/exchange.js';
import { createFlooding } from '../../../src/core/agreement/flooding.js';
import { createOralMessages } from '../../../src/core/agreement/oral-messages.js';
import { createSignedMessages } from '../../../src/core/agreement/signed-messages.js';
import type { MaybeValue, RelayItem, ReplicaIndex, RoundMessage } from '../../../src/core/types.js';
import { toBytes } from '../../support/toy-codec.js';

const TIMING = { periodUs: 50_000, roundUs: 15_000, graceUs: 2_000, epochUs: 0 };
const TICK = 4;
const START = TICK * TIMING.periodUs;
const RUN = new Uint8Array(16);

const say = (round: number, items: readonly RelayItem[]): RoundMessage => ({
  kind: 'round',
  tick: TICK,
  round,
  run: RUN,
  items,
});

/** What correct replicas say in round 2 of four: what each told in round 1. */
const relayOf = (sender: ReplicaIndex): RelayItem[] =>
  [1, 2, 3]
    .filter((commander) => commander !== sender)
    .map((commander) => ({ path: [commander], value: toBytes(`of ${commander}`) }));

/** Replica 0 of four, its first round complete. */
function beginRoundTwo(algorithm: Algorithm, maxMissing = 1): Exchange {
  const exchange = new Exchange(algorithm, TIMING, 4, 0, maxMissing);
  exchange.begin(TICK, toBytes('of 0'));
  for (const peer of [1, 2, 3])
    exchange.hold(peer, say(1, [{ path: [], value: toBytes(`of ${peer}`) }]), START + 100);
  expect(exchange.advance(START + 100).begun).toEqual([2]);
  return exchange;
}

const VECTOR = ['of 0', 'of 1', 'of 2', 'of 3'].map(toBytes);

describe('OM(1) of four', () => {
  test('decides with two of three relays, and takes the third without a word', () => {
    const exchange = beginRoundTwo(createOralMessages(4, 1));
    exchange.hold(1, say(2, relayOf(1)), START + 200);
    expect(exchange.isReady(START + 200)).toBe(false);
    exchange.hold(3, say(2, relayOf(3)), START + 300);
    expect(exchange.isReady(START + 300)).toBe(true);
    expect(exchange.advance(START + 300)).toEqual({ begun: [], absent: [], drops: [] });
    expect(exchange.result).toEqual({ kind: 'agreed', vector: VECTOR, contradictions: [] });
    expect(exchange.isReady(START + 300)).toBe(false);
    expect(exchange.hold(2, say(2, relayOf(2)), START + 400)).toBe('held');
    expect(exchange.isReady(START + 400)).toBe(true);
    expect(exchange.advance(START + 400)).toEqual({ begun: [], absent: [], drops: [] });
    expect(exchange.nextDeadlineUs()).toBeNull();
    expect(exchange.result).toEqual({ kind: 'agreed', vector: VECTOR, contradictions: [] });
  });

  test('what comes after the decision still accuses who sent it', () => {
    const exchange = beginRoundTwo(createOralMessages(4, 1));
    for (const peer of [1, 3]) exchange.hold(peer, say(2, relayOf(peer)), START + 300);
    exchange.advance(START + 300);
    const lie: RelayItem = { path: [1], value: toBytes('no') };
    const malformed: RelayItem = { path: [3, 1], value: null };
    exchange.hold(2, say(2, [lie, malformed]), START + 400);
    expect(exchange.hold(2, say(2, relayOf(2)), START + 450)).toBe('equivocation');
    expect(exchange.advance(START + 450).drops).toEqual([{ sender: 2, cause: 'path-length' }]);
    expect(exchange.result).toEqual({
      kind: 'agreed',
      vector: VECTOR,
      contradictions: [{ commander: 1, relayer: 2 }],
    });
  });

  test('who says nothing is absent at the deadline, and late beyond it', () => {
    const exchange = beginRoundTwo(createOralMessages(4, 1));
    for (const peer of [1, 3]) exchange.hold(peer, say(2, relayOf(peer)), START + 300);
    exchange.advance(START + 300);
    expect(exchange.nextDeadlineUs()).toBe(START + 30_000);
    expect(exchange.advance(START + 29_999).absent).toEqual([]);
    expect(exchange.advance(START + 30_000).absent).toEqual([{ round: 2, peer: 2 }]);
    expect(exchange.nextDeadlineUs()).toBeNull();
    expect(exchange.result).toEqual({ kind: 'agreed', vector: VECTOR, contradictions: [] });
    expect(exchange.hold(2, say(2, relayOf(2)), START + 30_001)).toBe('late');
  });

  test('waits where a relay contradicts, where a value is absent, and for more than f', () => {
    const contradicted = beginRoundTwo(createOralMessages(4, 1));
    contradicted.hold(1, say(2, relayOf(1)), START + 200);
    contradicted.hold(3, say(2, [{ path: [1], value: toBytes('no') }, ...relayOf(3).slice(1)]), START + 200);
    expect(contradicted.isReady(START + 200)).toBe(false);
    const absent = beginRoundTwo(createOralMessages(4, 1));
    for (const peer of [1, 3]) absent.hold(peer, say(2, [{ path: [2], value: null }]), START + 200);
    expect(absent.isReady(START + 200)).toBe(false);
    const none = beginRoundTwo(createOralMessages(4, 1), 0);
    for (const peer of [1, 3]) none.hold(peer, say(2, relayOf(peer)), START + 200);
    expect(none.isReady(START + 200)).toBe(false);
  });

  test('a replica that noticed the deadline too late does not decide by it', () => {
    const exchange = beginRoundTwo(createOralMessages(4, 1));
    for (const peer of [1, 3]) exchange.hold(peer, say(2, relayOf(peer)), START + 300);
    exchange.advance(START + 32_001);
    expect(exchange.result).toEqual({ kind: 'none', cause: 'overslept' });
  });
});

test('flooding decides once it has a value of everybody and all but f have spoken; signed messages wait for all', () => {
  const flooding = beginRoundTwo(createFlooding(4, 1));
  for (const peer of [1, 2]) flooding.hold(peer, say(2, relayOf(peer)), START + 200);
  expect(flooding.isReady(START + 200)).toBe(true);
  flooding.advance(START + 200);
  expect(flooding.result).toMatchObject({ kind: 'agreed', vector: VECTOR });
  const signed = beginRoundTwo(createSignedMessages(4, 1));
  for (const peer of [1, 2]) signed.hold(peer, say(2, relayOf(peer)), START + 200);
  expect(signed.isReady(START + 200)).toBe(false);
});

describe.each([
  { n: 4, f: 1 },
  { n: 7, f: 2 },
])('OM($f) of $n', ({ n, f }) => {
  test('whatever is said: once settled, nothing that can still come changes the vector', () => {
    let settled = 0;
    // The larger the tree, the fewer contradictions it can bear and still be settled early.
    const agreeing = Array.from({ length: n === 4 ? 3 : 30 }, () => toBytes('v'));
    const told = fc.constantFrom<MaybeValue>(...agreeing, toBytes('u'), null);
    fc.assert(
      fc.property(fc.infiniteStream(told), fc.infiniteStream(told), fc.nat(n - 2), (said, late, silent) => {
        const draw = (from: Iterator<MaybeValue>): MaybeValue => from.next().value as MaybeValue;
        const algorithm = createOralMessages(n, f);
        const fill = (agreement: ReturnType<Algorithm['createTick']>, from: Iterator<MaybeValue>): void => {
          agreement.propose(draw(from));
          for (let round = 1; round <= f + 1; round += 1) {
            for (let sender = 1; sender < n; sender += 1) {
              if (round === f + 1 && sender <= silent) continue;
              agreement.accept(
                round,
                sender,
                allItems(n, round, sender, () => draw(from)),
              );
            }
          }
        };
        const taped: MaybeValue[] = [];
        const tape = (function* (): Generator<MaybeValue, never> {
          for (;;) {
            const one = draw(said);
            taped.push(one);
            yield one;
          }
        })();
        const early = algorithm.createTick(0);
        fill(early, tape);
        if (early.isSettled?.() !== true) return;
        settled += 1;
        const vector = early.decide();
        const whole = algorithm.createTick(0);
        fill(whole, taped.values());
        for (let sender = 1; sender <= silent; sender += 1)
          whole.accept(
            f + 1,
            sender,
            allItems(n, f + 1, sender, () => draw(late)),
          );
        expect(whole.decide()).toEqual(vector);
      }),
      { numRuns: n === 4 ? 2_000 : 300 },
    );
    expect(settled).toBeGreaterThan(0);
  });
});

/** One item for every path that a sender may relay to replica 0 in a round. */
function allItems(n: number, round: number, sender: ReplicaIndex, draw: () => MaybeValue): RelayItem[] {
  let paths: ReplicaIndex[][] = [[]];
  for (let length = 1; length < round; length += 1) {
    paths = paths.flatMap((path) =>
      Array.from({ length: n }, (_, id) => id)
        .filter((id) => id !== 0 && id !== sender && !path.includes(id))
        .map((id) => [...path, id]),
    );
  }
  return paths.map((path) => ({ path, value: draw() }));
}
