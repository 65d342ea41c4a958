/** What a hypothesis permits and which theorem refuses it (protocol.md §2; acceptance case B6). */
import { describe, expect, test } from 'vitest';
import { deriveQuorums, refuseHypothesis, selectAlgorithm } from '../../../src/core/agreement/hypothesis.js';
import type { Hypothesis } from '../../../src/core/types.js';

const CASES = Array.from({ length: 12 }, (_, n) => n + 1).flatMap((n) => [1, 2, 3].map((f) => ({ n, f })));

function mac(f: number): Hypothesis {
  return { kind: 'byzantine', f, authenticators: 'mac' };
}

function signature(f: number): Hypothesis {
  return { kind: 'byzantine', f, authenticators: 'signature' };
}

describe('B6: refusals', () => {
  test.each(CASES)('n=$n, f=$f', ({ n, f }) => {
    expect(refuseHypothesis(mac(f), n) === null, 'oral').toBe(n > 3 * f);
    expect(refuseHypothesis(signature(f), n) === null, 'signed').toBe(n > 2 * f);
    expect(refuseHypothesis({ kind: 'crash', f }, n) === null, 'crash').toBe(n > 2 * f);
    expect(refuseHypothesis({ kind: 'none' }, n) === null, 'none').toBe(n === 3);
  });

  test('three replicas with MACs and one Byzantine: by the theorem, and with the number that it takes', () => {
    expect(refuseHypothesis(mac(1), 3)).toMatch(/Lamport, Shostak, Pease 1982.*Theorem 1.*n ≥ 3f\+1 = 4/);
    expect(refuseHypothesis(signature(1), 2)).toMatch(/n ≥ 2f\+1 = 3/);
    expect(refuseHypothesis({ kind: 'crash', f: 2 }, 4)).toMatch(/n ≥ 2f\+1 = 5/);
    expect(refuseHypothesis({ kind: 'none' }, 4)).toMatch(/3 replicas, not 4/);
  });
});

test.each([
  [
    'oral, n=4',
    mac(1),
    4,
    'OM(1)',
    2,
    { maxFaulty: 1, majority: 3, minPresent: 3, testimony: 2, agrees: true },
  ],
  [
    'oral, n=7',
    mac(2),
    7,
    'OM(2)',
    3,
    { maxFaulty: 2, majority: 4, minPresent: 5, testimony: 3, agrees: true },
  ],
  [
    'signed, n=3',
    signature(1),
    3,
    'SM(1)',
    2,
    { maxFaulty: 1, majority: 2, minPresent: 2, testimony: 2, agrees: true },
  ],
  [
    'signed, n=5',
    signature(2),
    5,
    'SM(2)',
    3,
    { maxFaulty: 2, majority: 3, minPresent: 3, testimony: 3, agrees: true },
  ],
  [
    'crash, n=3',
    { kind: 'crash', f: 1 } as const,
    3,
    'flooding(1)',
    2,
    { maxFaulty: 1, majority: 2, minPresent: 2, testimony: 1, agrees: true },
  ],
  [
    'none',
    { kind: 'none' } as const,
    3,
    'OM(0)',
    1,
    { maxFaulty: 1, majority: 2, minPresent: 2, testimony: 1, agrees: false },
  ],
])('%s: algorithm, rounds and quorums', (_, hypothesis, n, name, rounds, quorums) => {
  const algorithm = selectAlgorithm(hypothesis, n);
  expect(algorithm.name).toBe(name);
  expect(algorithm.rounds).toBe(rounds);
  expect(deriveQuorums(hypothesis, n)).toEqual(quorums);
});
