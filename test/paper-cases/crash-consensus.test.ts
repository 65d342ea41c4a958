/**
 * Consensus by flooding under crashes. Source: Coulouris et al. 15.5.2, Fig. 15.17, whose pseudocode decides on the
 * set held when round f+1 begins, one round too early; C1 and C2 are the acceptance cases that show it.
 */
import { expect, test } from 'vitest';
import { createFlooding } from '../../src/core/agreement/flooding.js';
import type { Vector } from '../../src/core/types.js';
import { agree, type AgreeRun, type Behaviour } from '../support/agree.js';
import { crashes } from '../support/behaviours.js';
import { toBytes, toText } from '../support/toy-codec.js';

/** Fig. 15.17: d = minimum of the values. */
function minimum(vector: Vector): number {
  return Math.min(...vector.flatMap((value) => (value === null ? [] : [Number(toText(value))])));
}

function flood(f: number, proposals: readonly number[], crashed: Record<number, Behaviour>): AgreeRun {
  const values = proposals.map((value) => toBytes(String(value)));
  return agree(createFlooding(proposals.length, f), proposals.length, values, crashed);
}

test('C1: n=3, f=1, proposals 0/5/7: p1 reaches p2 only and crashes; after two full rounds both hold 0', () => {
  const run = flood(1, [0, 5, 7], { 0: crashes(1, [1]) });
  expect(run.vectors.slice(1).map(minimum)).toEqual([0, 0]);
  expect(run.vectors[1]).toEqual(run.vectors[2]);
});

test("C1: decided when round 2 begins, as the textbook's figure has it, p2 holds 0 and p3 holds 5", () => {
  const one = flood(0, [0, 5, 7], { 0: crashes(1, [1]) });
  expect(one.vectors.slice(1).map(minimum)).toEqual([0, 5]);
});

test('C2: n=4, f=1 assumed, two crash in sequence: p3 holds 0 and p4 holds 5', () => {
  const crashed = { 0: crashes(1, [1]), 1: crashes(2, [2]) };
  const run = flood(1, [0, 5, 7, 9], crashed);
  expect(run.vectors.slice(2).map(minimum)).toEqual([0, 5]);
});

test('C2: with f=2, three rounds, both hold 0', () => {
  const crashed = { 0: crashes(1, [1]), 1: crashes(2, [2]) };
  const run = flood(2, [0, 5, 7, 9], crashed);
  expect(run.vectors.slice(2).map(minimum)).toEqual([0, 0]);
  expect(run.vectors[2]).toEqual(run.vectors[3]);
});

test('every crash of f of n in every round, having reached any of the others, leaves equal vectors', () => {
  let runs = 0;
  const n = 3;
  for (let crashed = 0; crashed < n; crashed += 1) {
    for (const round of [1, 2, 3]) {
      for (let reached = 0; reached < 2 ** n; reached += 1) {
        const some = [0, 1, 2].filter((id) => (reached & (1 << id)) !== 0);
        const run = flood(1, [5, 0, 7], { [crashed]: crashes(round, some) });
        const [first, second] = [0, 1, 2].filter((id) => id !== crashed).map((id) => run.vectors[id]);
        expect(first).toEqual(second);
        runs += 1;
      }
    }
  }
  expect(runs).toBe(3 * 3 * 8);
});

test('n=5, f=2: every two crashes in sequence, each having reached one other, leave equal vectors', () => {
  const ids = [0, 1, 2, 3, 4];
  let runs = 0;
  for (const first of ids)
    for (const second of ids.filter((id) => id !== first))
      for (const [roundOne, roundTwo] of [1, 2, 3].flatMap((one) =>
        [1, 2, 3].map((two) => [one, two] as const),
      ))
        for (const reachedOne of ids)
          for (const reachedTwo of ids) {
            const run = flood(2, [5, 0, 7, 9, 8], {
              [first]: crashes(roundOne, [reachedOne]),
              [second]: crashes(roundTwo, [reachedTwo]),
            });
            const [a, b, c] = ids.filter((id) => id !== first && id !== second).map((id) => run.vectors[id]);
            expect(a).toEqual(b);
            expect(a).toEqual(c);
            runs += 1;
          }
  expect(runs).toBe(5 * 4 * 9 * 25);
});
