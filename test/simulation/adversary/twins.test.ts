/** Twins: one identity twice splits nobody where the theorem holds, and is caught splitting them where it does not. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/faults/random.js';
import { attackWithTwins, countTwins, enumerateTwins } from '../../../src/simulation/adversary/twins.js';

describe('every partition', () => {
  test('OM(1), n=4: 4 identities, 4 ways to link each of 3 others in each of 2 rounds', () => {
    expect(enumerateTwins(4)).toEqual({
      algorithm: 'OM(1)',
      n: 4,
      behaviours: 4 * 4 ** (2 * 3),
      violations: 0,
      first: null,
    });
    expect(countTwins(4, 2)).toBe(16_384);
  });

  test('OM(1), n=3: they split the two others', () => {
    const outcome = enumerateTwins(3);
    expect(outcome.behaviours).toBe(countTwins(3, 2));
    expect(outcome.violations).toBeGreaterThan(outcome.behaviours / 2);
  });
});

describe('partitions, proposals and orders at random', () => {
  test.each([
    [4, 1, 10_000],
    [7, 2, 2_000],
  ])('n=%d, OM(%d), %d instances', (n, f, instances) => {
    const outcome = attackWithTwins({ n, f, instances, chance: new Random(`twins ${n}`) });
    expect(outcome).toEqual({ algorithm: `OM(${f})`, n, behaviours: instances, violations: 0, first: null });
  });

  test('n=3: the seed decides, and they do harm', () => {
    const attack = (seed: string) =>
      attackWithTwins({ n: 3, f: 1, instances: 500, chance: new Random(seed) });
    expect(attack('one')).toEqual(attack('one'));
    expect(attack('one')).not.toEqual(attack('two'));
    expect(attack('one').violations).toBeGreaterThan(100);
  });
});
