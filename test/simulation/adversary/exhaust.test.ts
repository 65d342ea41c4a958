/** The exhaustive mode: as many behaviours as the formula says, no violation where there must be none, and some where. */
import { describe, expect, test } from 'vitest';
import { countBehaviours, exhaust } from '../../../src/simulation/adversary/exhaust.js';

describe('where the theorem holds nothing breaks', () => {
  test('OM(1), n=4, absent said in so many words', () => {
    expect(exhaust({ algorithm: 'om1', n: 4, absent: 'word', proposals: 'in-turn' })).toEqual({
      algorithm: 'OM(1)',
      n: 4,
      behaviours: 78_732,
      expected: 4 * 3 ** 9,
      formula: 'n·p^(n−1)·c^((n−1)²) = 4·1^3·3^9',
      violations: 0,
      first: null,
    });
  });

  test('SM(1), n=3, where correct replicas may propose nothing', () => {
    expect(exhaust({ algorithm: 'sm1', n: 3, proposals: 'bits-or-absent' })).toMatchObject({
      behaviours: 3 * 3 ** 2 * 4 ** 4,
      expected: 6_912,
      violations: 0,
    });
  });
});

describe('where it does not, violations are found', () => {
  test.each([
    ['silence', undefined],
    ['word', 'bits-or-absent'],
  ] as const)('OM(1), n=3, absent by %s', (absent, proposals) => {
    const outcome = exhaust({
      algorithm: 'om1',
      n: 3,
      absent,
      ...(proposals === undefined ? {} : { proposals }),
    });
    expect(outcome.behaviours).toBe(outcome.expected);
    expect(outcome.violations).toBeGreaterThan(outcome.behaviours / 2);
    expect(outcome.first).toMatch(/^Traitor 0: (Agreement|Validity): replica \d holds /);
  });
});

test('the formula tells what larger bounds would cost', () => {
  expect(countBehaviours({ algorithm: 'om1', n: 5 }).count).toBe(5 * 2 ** 4 * 3 ** 16);
  expect(countBehaviours({ algorithm: 'sm1', n: 4 }).count).toBe(4 * 2 ** 3 * 4 ** 9);
});
