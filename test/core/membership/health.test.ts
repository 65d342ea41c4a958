/** Who is named for what: suspects are evidence, and no correct replica may become one by another's lie. */
import { describe, expect, test } from 'vitest';
import type { Contradiction } from '../../../src/core/agreement/algorithm.js';
import { createFlooding } from '../../../src/core/agreement/flooding.js';
import { createOralMessages } from '../../../src/core/agreement/oral-messages.js';
import { createSignedMessages } from '../../../src/core/agreement/signed-messages.js';
import { Health } from '../../../src/core/membership/health.js';
import type { MaybeValue, RelayItem } from '../../../src/core/types.js';
import { agree, correctOf, type Behaviour } from '../../support/agree.js';
import { toBytes } from '../../support/toy-codec.js';

/** What replica `self` of n holds against each peer after one tick: the kinds with evidence. */
function namedBy(
  self: number,
  n: number,
  f: number,
  contradictions: readonly Contradiction[],
): Record<number, string[]> {
  const health = new Health(n, self, f);
  health.advanceTo(1);
  health.noteContradictions(contradictions);
  const named: Record<number, string[]> = {};
  for (let peer = 0; peer < n; peer += 1) {
    const kinds = Object.entries(health.of(peer)).flatMap(([kind, ticks]) => (ticks > 0 ? [kind] : []));
    if (kinds.length > 0) named[peer] = kinds;
  }
  return named;
}

function values(n: number): MaybeValue[] {
  return Array.from({ length: n }, (_, id) => toBytes(`v${id}`));
}

/** Flies one OM or SM tick with liars, and says whom each correct replica names. */
function nameAfter(
  n: number,
  f: number,
  liars: Record<number, Behaviour>,
): Record<number, Record<number, string[]>> {
  const run = agree(createOralMessages(n, f), n, values(n), liars);
  return Object.fromEntries(
    correctOf(n, liars).map((self) => [self, namedBy(self, n, f, run.ticks[self]?.contradictions() ?? [])]),
  );
}

const flip = (items: readonly RelayItem[], text: string): readonly RelayItem[] =>
  items.map((item) => ({ ...item, value: toBytes(text) }));

describe('n=4, OM(1)', () => {
  test('nobody lies: nobody is named', () => {
    expect(nameAfter(4, 1, {})).toEqual({ 0: {}, 1: {}, 2: {}, 3: {} });
  });

  test('an equivocating commander is named by everybody when it tells everybody another value', () => {
    const named = nameAfter(4, 1, {
      3: ({ round, to, items }) => (round === 1 ? flip(items, `for ${to}`) : items),
    });
    expect(named).toEqual({
      0: { 3: ['equivocating'] },
      1: { 3: ['equivocating'] },
      2: { 3: ['equivocating'] },
    });
  });

  test('one that tells a single replica another value is named by that replica; the others cannot tell', () => {
    const named = nameAfter(4, 1, {
      3: ({ round, to, items }) => (round === 1 && to === 0 ? flip(items, 'else') : items),
    });
    // To 1 and 2 it looks just like 0 lying about what 3 said.
    expect(named).toEqual({ 0: { 3: ['equivocating'] }, 1: {}, 2: {} });
  });

  test('a lying relayer is named as soon as it lies about more than f commanders', () => {
    const all = nameAfter(4, 1, { 3: ({ round, items }) => (round === 2 ? flip(items, 'lie') : items) });
    expect(all).toEqual({ 0: { 3: ['dissenting'] }, 1: { 3: ['dissenting'] }, 2: { 3: ['dissenting'] } });
    const one = nameAfter(4, 1, {
      3: ({ round, items }) =>
        round === 2
          ? items.map((item) => (item.path[0] === 0 ? { ...item, value: toBytes('lie') } : item))
          : items,
    });
    expect(one).toEqual({ 0: {}, 1: {}, 2: {} });
  });

  test('silence and slowness are no lies: a commander that reached one replica only, a relayer that missed a value', () => {
    const halfSent = nameAfter(4, 1, {
      3: ({ round, to, items }) => (round === 1 && to !== 0 ? null : items),
    });
    expect(halfSent).toEqual({ 0: {}, 1: {}, 2: {} });
    const missed = nameAfter(4, 1, {
      3: ({ round, items }) => (round === 2 ? items.map((item) => ({ ...item, value: null })) : items),
    });
    expect(missed).toEqual({ 0: {}, 1: {}, 2: {} });
  });
});

describe('n=7, OM(2)', () => {
  test('two liars cannot bring a correct commander under suspicion', () => {
    const lieAboutZero: Behaviour = ({ round, items }) =>
      round === 1
        ? items
        : items.map((item) => (item.path[0] === 0 ? { ...item, value: toBytes('lie') } : item));
    const named = nameAfter(7, 2, { 5: lieAboutZero, 6: lieAboutZero });
    for (const self of [0, 1, 2, 3, 4]) expect(named[self]).toEqual({});
  });

  test('nor a correct relayer: it passes on what two liars told it alone', () => {
    const tellOne: Behaviour = ({ round, to, items }) =>
      round === 1 && to === 1 ? flip(items, 'only 1') : items;
    const named = nameAfter(7, 2, { 5: tellOne, 6: tellOne });
    for (const self of [0, 2, 3, 4]) expect(named[self]).toEqual({});
    expect(named[1]).toEqual({ 5: ['equivocating'], 6: ['equivocating'] });
  });

  test('two that equivocate at once are both named', () => {
    const many: Behaviour = ({ round, to, items }) => (round === 1 ? flip(items, `for ${to}`) : items);
    const named = nameAfter(7, 2, { 5: many, 6: many });
    for (const self of [0, 1, 2, 3, 4])
      expect(named[self]).toEqual({ 5: ['equivocating'], 6: ['equivocating'] });
  });
});

describe('other algorithms', () => {
  test('SM: two signed values prove the commander a liar, and two such commanders both', () => {
    const tick = createSignedMessages(5, 2).createTick(0);
    for (const liar of [3, 4]) {
      tick.accept(1, liar, [{ path: [], value: toBytes('u') }]);
      tick.accept(2, 1, [{ path: [liar], value: toBytes('w') }]);
    }
    expect(namedBy(0, 5, 2, tick.contradictions())).toEqual({ 3: ['equivocating'], 4: ['equivocating'] });
  });

  test('flooding: what one relayer says against another names nobody', () => {
    const tick = createFlooding(3, 1).createTick(0);
    tick.accept(1, 2, [{ path: [], value: toBytes('u') }]);
    tick.accept(2, 1, [{ path: [2], value: toBytes('w') }]);
    expect(namedBy(0, 3, 1, tick.contradictions())).toEqual({});
  });

  test('one exchange without relay shows no contradiction', () => {
    const tick = createOralMessages(3, 0).createTick(0);
    tick.accept(1, 2, [{ path: [], value: toBytes('u') }]);
    expect(tick.contradictions()).toEqual([]);
  });
});

describe('the window', () => {
  test('three ticks of any evidence make a suspect, and 32 ticks forget it', () => {
    const health = new Health(4, 0, 1);
    for (const [tick, kind] of [
      [10, 'absent'],
      [12, 'late'],
      [12, 'malformed'],
    ] as const) {
      health.advanceTo(tick);
      health.note(2, kind);
      health.note(2, kind);
    }
    expect(health.suspects()).toEqual([]);
    expect(health.of(2)).toEqual({
      absent: 1,
      late: 1,
      dissenting: 0,
      equivocating: 0,
      'bad-authenticator': 0,
      malformed: 1,
    });
    health.advanceTo(20);
    health.note(2, 'bad-authenticator');
    health.note(3, 'absent');
    expect(health.suspects()).toEqual([2]);
    health.advanceTo(41); // tick 10 is 31 ticks ago
    expect(health.suspects()).toEqual([2]);
    health.advanceTo(42);
    expect(health.suspects()).toEqual([]);
    expect(health.of(2).late).toBe(1);
    health.advanceTo(1_000_000);
    expect(health.of(2)).toMatchObject({ absent: 0, late: 0, malformed: 0, 'bad-authenticator': 0 });
  });

  test('time that stands still or goes back keeps what there is', () => {
    const health = new Health(3, 0, 1);
    health.advanceTo(5);
    health.note(1, 'absent');
    health.advanceTo(5);
    health.advanceTo(4);
    expect(health.of(1).absent).toBe(1);
  });

  test('a replica that was slow itself takes back this tick, and no more', () => {
    const health = new Health(3, 0, 1);
    for (const tick of [5, 6]) {
      health.advanceTo(tick);
      for (const kind of ['absent', 'late', 'malformed'] as const) health.note(1, kind);
    }
    health.withdrawSlowness();
    expect(health.of(1)).toMatchObject({ absent: 1, late: 1, malformed: 2 });
  });

  test('evidence against nobody is no evidence', () => {
    const health = new Health(3, 0, 1);
    for (const peer of [-1, 3, NaN, 0.5, Infinity]) health.note(peer, 'absent');
    expect(health.suspects()).toEqual([]);
    expect([0, 1, 2].map((peer) => health.of(peer).absent)).toEqual([0, 0, 0]);
  });
});
