/**
 * What replicas foresee after round 1 and what OM(1) decides, over everything that one faulty replica of four can say:
 * where two correct ones foresee the same vector, every correct one decides it.
 */
import { expect, test } from 'vitest';
import { sameValue } from '../../../src/core/bytes.js';
import { deriveQuorums, selectAlgorithm } from '../../../src/core/agreement/hypothesis.js';
import { createOralMessages } from '../../../src/core/agreement/oral-messages.js';
import type { MaybeValue, Vector } from '../../../src/core/types.js';

const CORRECT = [0, 1, 2];
const LIAR = 3;
const OWN = [10, 11, 12].map((value) => new Uint8Array([value]));
const SAYS = [null, new Uint8Array([20]), new Uint8Array([21])];

/** What the liar sends in round 1 to each correct replica, and what it relays: to l about c at 3·l + c. */
function exchange(
  said: readonly MaybeValue[],
  relayed: readonly (MaybeValue | 'nothing')[],
): { readonly foreseen: Vector[]; readonly decided: Vector[] } {
  const algorithm = createOralMessages(4, 1);
  const ticks = CORRECT.map((self) => algorithm.createTick(self));
  ticks.forEach((tick, self) => {
    tick.propose(OWN[self] ?? null);
    for (const peer of CORRECT)
      if (peer !== self) tick.accept(1, peer, [{ path: [], value: OWN[peer] ?? null }]);
    tick.accept(1, LIAR, [{ path: [], value: said[self] ?? null }]);
  });
  const foreseen = ticks.map((tick) => tick.foresee?.() ?? []);
  ticks.forEach((tick, self) => {
    for (const peer of CORRECT) if (peer !== self) tick.accept(2, peer, ticks[peer]?.relay(2, self) ?? []);
    const items = CORRECT.flatMap((commander) => {
      const value = relayed[3 * self + commander] ?? null;
      return commander === self || value === 'nothing' ? [] : [{ path: [commander], value }];
    });
    tick.accept(2, LIAR, items);
  });
  return { foreseen, decided: ticks.map((tick) => tick.decide()) };
}

function isSame(a: Vector | undefined, b: Vector | undefined): boolean {
  return a !== undefined && b !== undefined && a.every((value, at) => sameValue(value, b[at] ?? null));
}

/** Every list of `length` of these. */
function* listAll<T>(choices: readonly T[], length: number): Generator<T[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const rest of listAll(choices, length - 1)) for (const one of choices) yield [one, ...rest];
}

test('n=4, f=1: what two correct replicas foresee, all decide, whatever the fourth says to whom and relays to whom', () => {
  let alike = 0;
  let split = 0;
  // Of what it relays to a replica about itself nothing is sent; the other six places are free.
  const places = [1, 2, 3, 5, 6, 7];
  for (const said of listAll(SAYS, 3)) {
    for (const lies of listAll([null, SAYS[1] ?? null, 'nothing'] as const, 6)) {
      const relayed: (MaybeValue | 'nothing')[] = new Array<MaybeValue | 'nothing'>(9).fill('nothing');
      places.forEach((place, at) => {
        relayed[place] = lies[at] ?? null;
      });
      const { foreseen, decided } = exchange(said, relayed);
      const shared = foreseen.find(
        (one, at) => foreseen.findIndex((other, to) => to !== at && isSame(one, other)) >= 0,
      );
      if (shared === undefined) split += 1;
      else {
        alike += 1;
        for (const vector of decided) if (!isSame(vector, shared)) expect(vector).toEqual(shared);
      }
    }
  }
  expect(alike + split).toBe(27 * 729);
  // Only three different words leave no two alike.
  expect(split).toBe(6 * 729);
});

test('nothing else can be foreseen', () => {
  expect(createOralMessages(4, 1).foresees).toBe(true);
  for (const [n, f] of [
    [3, 0],
    [4, 0],
    [5, 1],
    [6, 1],
    [7, 1],
    [7, 2],
  ] as const)
    expect(createOralMessages(n, f).foresees, `OM(${f}) of ${n}`).toBe(false);
  expect(selectAlgorithm({ kind: 'byzantine', f: 1, authenticators: 'signature' }, 4).foresees).toBe(false);
  expect(selectAlgorithm({ kind: 'crash', f: 1 }, 4).foresees).toBe(false);
  // The argument counts on this majority.
  expect(deriveQuorums({ kind: 'byzantine', f: 1, authenticators: 'mac' }, 4).majority).toBe(3);
});
