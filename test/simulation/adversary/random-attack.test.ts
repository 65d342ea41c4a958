/** The random adversary: it breaks nothing that holds, breaks what does not, and the seed decides all of it. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/faults/random.js';
import { attackAtRandom, type AttackOptions } from '../../../src/simulation/adversary/random-attack.js';

type Plan = Omit<AttackOptions, 'chance'>;

describe('as many traitors as the algorithm is made for', () => {
  test.each<[string, Plan]>([
    ['OM(2), n=7', { algorithm: 'oral', n: 7, traitors: 2, instances: 3_000 }],
    ['OM(1), n=4', { algorithm: 'oral', n: 4, traitors: 1, instances: 5_000 }],
    ['OM(1), n=5', { algorithm: 'oral', n: 5, traitors: 1, instances: 5_000 }],
    ['SM(2), n=5', { algorithm: 'signed', n: 5, traitors: 2, instances: 5_000 }],
    ['SM(1), n=3', { algorithm: 'signed', n: 3, traitors: 1, instances: 5_000 }],
  ])('%s', (seed, plan) => {
    const outcome = attackAtRandom({ ...plan, chance: new Random(seed) });
    expect(outcome).toMatchObject({ algorithm: seed.slice(0, 5), violations: 0, first: null });
    expect(outcome.instances).toBe(plan.instances);
    expect(outcome.sayings).toBeGreaterThan(plan.instances);
  });
});

describe('one replica too few, or one traitor too many', () => {
  test.each<[string, Plan]>([
    ['OM(2), n=6', { algorithm: 'oral', n: 6, traitors: 2, instances: 300 }],
    ['OM(2), n=7, three traitors', { algorithm: 'oral', n: 7, f: 2, traitors: 3, instances: 300 }],
    ['OM(1), n=3', { algorithm: 'oral', n: 3, traitors: 1, instances: 300 }],
    ['SM(1), n=5, two traitors', { algorithm: 'signed', n: 5, f: 1, traitors: 2, instances: 300 }],
  ])('%s', (seed, plan) => {
    const outcome = attackAtRandom({ ...plan, chance: new Random(seed) });
    expect(outcome.violations).toBeGreaterThan(plan.instances / 10);
    expect(outcome.first).toMatch(/^Instance \d+: /);
  });
});

test('the same seed is the same attack, another is another', () => {
  const attack = (seed: string) =>
    attackAtRandom({ algorithm: 'oral', n: 3, traitors: 1, instances: 200, chance: new Random(seed) });
  expect(attack('one')).toEqual(attack('one'));
  expect(attack('one')).not.toEqual(attack('two'));
});
