/**
 * Worked examples of Byzantine agreement and the outcome that each must give. Sources: Coulouris, Dollimore,
 * Kindberg, Blair, *Distributed Systems* 5th ed., 15.5.3 (figures 15.18 and 15.19); Lamport, Shostak, Pease 1982;
 * Lamport's slides "The problem with TMR". The numbers B1 … B9 are those of the acceptance cases.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Algorithm } from '../../src/core/agreement/algorithm.js';
import { createOralMessages } from '../../src/core/agreement/oral-messages.js';
import { sameValue, toHex } from '../../src/core/bytes.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Vector } from '../../src/core/types.js';
import { Random } from '../../src/faults/random.js';
import { exhaust } from '../../src/simulation/adversary/exhaust.js';
import { attackAtRandom } from '../../src/simulation/adversary/random-attack.js';
import { strictMajority } from '../../src/core/voting/majority.js';
import { agree, correctOf, type AgreeRun } from '../support/agree.js';
import { commandedBy, relayLie, twoFaced } from '../support/behaviours.js';
import { agreeSigned } from '../support/signed-wire.js';
import { toBytes, toText } from '../support/toy-codec.js';

const [u, v, w] = ['u', 'v', 'w'].map(toBytes) as [Uint8Array, Uint8Array, Uint8Array];

/** Vectors as text, ⊥ for absent. */
function read(vector: Vector): string[] {
  return vector.map((value) => (value === null ? '⊥' : toText(value)));
}

/** Interactive consistency: IC1, correct replicas agree; IC2, the entry of a correct one is what it sent. */
function expectConsistent(
  run: AgreeRun,
  proposals: readonly MaybeValue[],
  correct: readonly ReplicaIndex[],
): void {
  const first = run.vectors[correct[0] as number] as Vector;
  for (const id of correct) {
    const vector = run.vectors[id] as Vector;
    if (!vector.every((value, at) => sameValue(value, first[at] ?? null)))
      throw new Error(`replicas ${correct[0]} and ${id} disagree: ${read(first)} and ${read(vector)}`);
    for (const commander of correct) {
      if (!sameValue(vector[commander] ?? null, proposals[commander] ?? null))
        throw new Error(`replica ${id} holds ${read(vector)[commander]} for the correct ${commander}`);
    }
  }
}

describe('B1: n=4, f=1, the commander is correct, lieutenant p3 lies (Fig. 15.19, left)', () => {
  // p1 … p4 of the text are 0 … 3.
  const run = agree(createOralMessages(4, 1), 4, commandedBy(0, 4, v), {
    2: relayLie(0, (to) => (to === 1 ? u : w)),
  });
  test('p2 decides on majority(v,u,v) = v', () => expect(read(run.vectors[1] as Vector)[0]).toBe('v'));
  test('p4 decides on majority(v,v,w) = v', () => expect(read(run.vectors[3] as Vector)[0]).toBe('v'));
});

test('B2: n=4, f=1, the commander equivocates u, w, v (Fig. 15.19, right): all hold {u,w,v} and choose ⊥', () => {
  const run = agree(createOralMessages(4, 1), 4, commandedBy(0, 4, v), { 0: twoFaced({ 1: u, 2: w, 3: v }) });
  for (const lieutenant of [1, 2, 3]) {
    const held = run.said
      .filter(({ to }) => to === lieutenant)
      .flatMap(({ round, items }) =>
        items
          .filter((item) => (round === 1 ? item.value !== null : item.path[0] === 0))
          .map(({ value }) => toText(value as Uint8Array)),
      );
    expect(held.sort()).toEqual(['u', 'v', 'w']);
    expect(run.vectors[lieutenant]?.[0]).toBeNull();
  }
});

describe('B3: omissions, n=4, f=1', () => {
  test('one lieutenant silent: (v,⊥,v) → v', () => {
    const run = agree(createOralMessages(4, 1), 4, commandedBy(0, 4, v), { 2: () => null });
    expect(read(run.vectors[1] as Vector)[0]).toBe('v');
    expect(read(run.vectors[3] as Vector)[0]).toBe('v');
  });

  test('the commander omits one lieutenant: {v,v,⊥} → v everywhere', () => {
    const run = agree(createOralMessages(4, 1), 4, commandedBy(0, 4, v), {
      0: ({ round, to, items }) => (round === 1 && to === 2 ? null : items),
    });
    for (const lieutenant of [1, 2, 3]) expect(read(run.vectors[lieutenant] as Vector)[0]).toBe('v');
  });
});

test('B4: n=3, oral, f=1 (Fig. 15.18): both scenarios give lieutenant p2 the same view, so validity fails', () => {
  const om = createOralMessages(3, 1);
  // Left: the commander says v, p3 lies about it. Right: the commander says v to p2 and u to p3, who is honest.
  const left = agree(om, 3, commandedBy(0, 3, v), { 2: relayLie(0, () => u) });
  const right = agree(om, 3, commandedBy(0, 3, v), { 0: twoFaced({ 1: v, 2: u }) });
  const viewOf = (run: AgreeRun): unknown =>
    run.said
      .filter(({ to }) => to === 1)
      .map(({ round, from, items }) => ({
        round,
        from,
        items: items.filter((item) => from === 0 || item.path[0] === 0),
      }));
  expect(viewOf(left)).toEqual(viewOf(right));
  expect(left.vectors[1]?.[0]).toEqual(right.vectors[1]?.[0]);
  // Whatever it chooses for both, it is wrong in one: here a correct commander's v is lost.
  expect(left.vectors[1]?.[0]).toBeNull();
});

describe('B5: signed messages', () => {
  test('n=3, f=1: a commander that signs two values makes its own entry absent, at both alike', () => {
    const run = agreeSigned(3, 1, [u, v, w], { 0: twoFaced({ 1: u, 2: w }) });
    expect(read(run.vectors[1] as Vector)).toEqual(['⊥', 'v', 'w']);
    expect(read(run.vectors[2] as Vector)).toEqual(['⊥', 'v', 'w']);
  });

  test('n=3, f=1: a commander that speaks to one lieutenant only is heard by both', () => {
    const run = agreeSigned(3, 1, [u, v, w], {
      0: ({ round, to, items }) => (round === 1 && to === 2 ? null : items),
    });
    expect(read(run.vectors[1] as Vector)).toEqual(['u', 'v', 'w']);
    expect(read(run.vectors[2] as Vector)).toEqual(['u', 'v', 'w']);
  });

  test('n=3, f=1: a relayer cannot alter what the commander signed', () => {
    const run = agreeSigned(3, 1, [u, v, w], { 2: relayLie(0, () => w) });
    expect(read(run.vectors[1] as Vector)[0]).toBe('u');
  });

  test('n=5, f=2: a last relayer that invents a path convinces nobody', () => {
    // 3 and 4 collude: 3 signs a value that no correct replica has seen, and in the last round 4 pretends that
    // it came to it by way of the correct 1.
    for (const path of [[3, 1], [3, 0], [0, 1], [3], [3, 4], [3, 3], [3, 2]]) {
      const invented: RelayItem = { path, value: u, proof: toBytes(String(path)) };
      const run = agreeSigned(5, 2, [v, v, v, w, w], {
        3: ({ round, to, items }) => (round === 1 && to === 4 ? [{ path: [], value: u }, ...items] : items),
        4: ({ round, to, items }) =>
          round === 3 && to === 2
            ? [...items, invented]
            : items.filter((item) => toText(item.value ?? v) !== 'u'),
      });
      expectConsistent(run, [v, v, v, w, w], [0, 1, 2]);
      expect(read(run.vectors[2] as Vector)[3]).toBe('w');
    }
  });

  test('n=5, f=2: what two liars sign to one replica in the last round but one reaches all in the last', () => {
    // The chain 3, 4 carries two signatures in round 2, so replica 2 takes it and tells the others in round 3.
    const run = agreeSigned(5, 2, [v, v, v, w, w], {
      3: ({ round, to, items }) =>
        round === 1 && to !== 4 ? items : round === 1 ? [{ path: [], value: u }] : items,
      4: ({ round, to, items }) => (round === 2 && to !== 2 ? [] : items),
    });
    for (const id of [0, 1, 2]) expect(run.vectors[id]?.[3]).toBeNull();
  });
});

describe('B6: every behaviour of one traitor, and two traitors at random', () => {
  test('n=4, OM(1): 4 traitors, 2³ proposals, 0, 1 or absent for each of its 3 + 6 logical messages', () => {
    const n = 4;
    const outcome = exhaust({ algorithm: 'om1', n });
    expect(outcome.behaviours).toBe(n * 2 ** (n - 1) * 3 ** (n - 1 + (n - 1) * (n - 2)));
    expect(outcome).toMatchObject({ violations: 0, first: null });
    // Some four seconds of a free processor, and as long as it takes on a busy one.
  }, 180_000);

  test('n=3, SM(1): 3 traitors, 2² proposals, 0, 1, both or absent for each of its 2 + 2 logical messages', () => {
    const n = 3;
    const outcome = exhaust({ algorithm: 'sm1', n });
    expect(outcome.behaviours).toBe(n * 2 ** (n - 1) * 4 ** (n - 1 + (n - 1) * (n - 2)));
    expect(outcome).toMatchObject({ violations: 0, first: null });
  });

  test('n=7, OM(2): two traitors of any kind, by random search', () => {
    const chance = new Random('B6 OM(2)');
    expect(attackAtRandom({ algorithm: 'oral', n: 7, traitors: 2, instances: 1_000, chance })).toMatchObject({
      algorithm: 'OM(2)',
      violations: 0,
      first: null,
    });
  });

  test('n=5, SM(2): two traitors of any kind, by random search', () => {
    const chance = new Random('B6 SM(2)');
    expect(
      attackAtRandom({ algorithm: 'signed', n: 5, traitors: 2, instances: 1_000, chance }),
    ).toMatchObject({
      algorithm: 'SM(2)',
      violations: 0,
      first: null,
    });
  });
});

test('B7: strict majority: (a,a,b,c) → ⊥', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(toBytes) as [Uint8Array, Uint8Array, Uint8Array];
  expect(strictMajority([a, a, b, c], 4)).toBeNull();
});

describe('B8: reductions (15.5.1)', () => {
  test('consensus from interactive consistency: the majority of the vector; all correct ones propose v → v', () => {
    const run = agree(createOralMessages(4, 1), 4, [v, v, v, w], { 3: twoFaced({ 0: u, 1: v, 2: w }) });
    for (const id of [0, 1, 2]) expect(strictMajority(run.vectors[id] as Vector, 4)).toEqual(v);
  });

  test('a Byzantine general from interactive consistency: the entry of a correct commander is what it sent', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 4 }), { minLength: 4, maxLength: 4 }),
        fc.nat({ max: 3 }),
        (proposals, traitor) => {
          const run = agree(createOralMessages(4, 1), 4, proposals, {
            [traitor]: relayLie((traitor + 1) % 4, () => u),
          });
          for (const id of correctOf(4, { [traitor]: true }))
            for (const commander of correctOf(4, { [traitor]: true }))
              expect(toHex(run.vectors[id]?.[commander] ?? new Uint8Array([0]))).toBe(
                toHex(proposals[commander] as Uint8Array),
              );
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('B9: messages', () => {
  const count = (
    algorithm: Algorithm,
    n: number,
  ): { readonly packets: number[]; readonly logical: number } => {
    const run = agree(
      algorithm,
      n,
      Array.from({ length: n }, () => v),
    );
    const packets = Array.from(
      { length: algorithm.rounds },
      (_, at) => run.packets.filter(({ round }) => round === at + 1).length,
    );
    return { packets, logical: run.packets.reduce((sum, { items }) => sum + items, 0) };
  };

  test('n=4, f=1: one instance takes 3 + 6 = 9', () => {
    const run = agree(createOralMessages(4, 1), 4, commandedBy(0, 4, v));
    const ofInstance = (round: number): number =>
      run.said
        .filter((saying) => saying.round === round)
        .flatMap(({ from, items }) => items.filter(({ path }) => [...path, from][0] === 0)).length;
    expect([ofInstance(1), ofInstance(2)]).toEqual([3, 6]);
  });

  test('n=4, f=1: the vector takes 36, in 24 packets, 12 a round', () => {
    expect(count(createOralMessages(4, 1), 4)).toEqual({ packets: [12, 12], logical: 36 });
  });

  test('n=7, f=2: n·((n−1) + (n−1)(n−2) + (n−1)(n−2)(n−3)) in 42 packets a round', () => {
    expect(count(createOralMessages(7, 2), 7)).toEqual({
      packets: [42, 42, 42],
      logical: 7 * (6 + 30 + 120),
    });
  });

  test('n=3, f=1, signed: 6 + 6 in 12 packets', () => {
    const run = agreeSigned(3, 1, [u, v, w], {});
    expect(run.packets).toHaveLength(12);
    expect(run.packets.reduce((sum, { items }) => sum + items, 0)).toBe(12);
  });
});
