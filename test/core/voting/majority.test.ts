/** Strict majority against a count (acceptance case B7; protocol.md §1: a plurality is not one). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameValue, toHex } from '../../../src/core/bytes.js';
import { majorityOf, strictMajority } from '../../../src/core/voting/majority.js';
import type { MaybeValue } from '../../../src/core/types.js';
import { toBytes } from '../../support/toy-codec.js';

const [a, b, c] = ['a', 'b', 'c'].map(toBytes) as [Uint8Array, Uint8Array, Uint8Array];

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [6, 4],
  [7, 4],
])('of %d it takes %d', (electorate, needed) => {
  expect(majorityOf(electorate)).toBe(needed);
});

describe('examples', () => {
  test.each<[string, MaybeValue[], number, MaybeValue]>([
    ['(v,u,v)', [a, b, a], 3, a],
    ['(v,v,w)', [a, a, b], 3, a],
    ['(w,v,v)', [b, a, a], 3, a],
    ['two equal of three and one absent', [a, null, a], 3, a],
    ['all different', [a, b, c], 3, null],
    ['two of four are none', [a, a, b, c], 4, null],
    ['two and two are none', [a, b, a, b], 4, null],
    ['three of four', [b, a, a, a], 4, a],
    ['of those who came, not of all', [a, a], 4, null],
    ['a majority of absent', [null, null, a], 3, null],
    ['nobody', [], 3, null],
    ['empty bytes are a value', [new Uint8Array(), new Uint8Array(), null], 3, new Uint8Array()],
  ])('%s', (_, votes, electorate, outcome) => {
    expect(strictMajority(votes, electorate)).toEqual(outcome);
  });
});

test('the value that more than half of the electorate gave, in any order of the votes', () => {
  const vote = fc.option(fc.constantFrom(a, b, c));
  fc.assert(
    fc.property(
      fc.array(vote, { maxLength: 9 }),
      fc.integer({ min: 0, max: 3 }),
      fc.nat(),
      (votes, silent, turn) => {
        const electorate = votes.length + silent;
        const winner = [a, b, c].find(
          (value) => 2 * votes.filter((one) => sameValue(one, value)).length > electorate,
        );
        expect(strictMajority(votes, electorate)).toEqual(winner ?? null);
        const at = votes.length === 0 ? 0 : turn % votes.length;
        expect(strictMajority([...votes.slice(at), ...votes.slice(0, at)].reverse(), electorate)).toEqual(
          winner ?? null,
        );
      },
    ),
    { numRuns: 2_000 },
  );
});

test('bytes: equality and text', () => {
  expect(sameValue(null, null)).toBe(true);
  expect(sameValue(null, new Uint8Array())).toBe(false);
  expect(sameValue(a, null)).toBe(false);
  expect(sameValue(a, toBytes('a'))).toBe(true);
  expect(sameValue(a, toBytes('ab'))).toBe(false);
  expect(toHex(new Uint8Array([0, 1, 171, 255]))).toBe('0001abff');
});
