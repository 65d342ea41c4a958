/** The Markov model against closed formulas, and the bounds of evidence against tables. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundPoissonMean, cumulatePoisson, weighEvidence } from '../../src/campaign/evidence.js';
import {
  computeBreakChance,
  computeTransient,
  makeGenerator,
  solveSteadyState,
} from '../../src/campaign/reliability.js';

const RIGS = [
  [3, 0],
  [3, 1],
  [4, 1],
  [7, 2],
  [7, 3],
] as const;

function choose(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i += 1) result = (result * (n - k + i)) / i;
  return result;
}

/** Probability that more than f of n are on, each with probability p. */
function tail(n: number, f: number, p: number): number {
  let sum = 0;
  for (let k = f + 1; k <= n; k += 1) sum += choose(n, k) * p ** k * (1 - p) ** (n - k);
  return sum;
}

const near = (actual: number, expected: number, relative = 1e-9): void =>
  expect(Math.abs(actual / expected - 1)).toBeLessThan(relative);

describe('without repair', () => {
  test.each(RIGS)('%i replicas, more than %i faulty: the binomial tail', (n, f) => {
    for (const [failurePerHour, hours] of [
      [1e-3, 1],
      [1e-7, 1],
      [1e-3, 10_000],
      [0.5, 7],
    ] as const) {
      const { perMission } = computeBreakChance(n, f, { failurePerHour, repairPerHour: 0 }, hours);
      near(perMission, tail(n, f, -Math.expm1(-failurePerHour * hours)));
    }
  });

  test('for any rates and times', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...RIGS),
        fc.double({ min: -8, max: 0, noNaN: true }),
        fc.double({ min: -3, max: 4, noNaN: true }),
        ([n, f], rate, time) => {
          const hours = 10 ** time;
          const chance = computeBreakChance(n, f, { failurePerHour: 10 ** rate, repairPerHour: 0 }, hours);
          near(chance.perMission, tail(n, f, -Math.expm1(-(10 ** rate) * hours)), 1e-7);
        },
      ),
    );
  });

  test('the mean time is the sum of the times between failures', () => {
    const { meanHours } = computeBreakChance(4, 1, { failurePerHour: 1e-3, repairPerHour: 0 }, 1);
    near(meanHours, 1000 / 4 + 1000 / 3);
  });
});

describe('with repair', () => {
  test.each(RIGS)('%i replicas, more than %i faulty: the steady state of a birth–death chain', (n, f) => {
    for (const [failurePerHour, repairPerHour] of [
      [1e-3, 1],
      [1e-6, 2],
      [1, 1],
    ] as const) {
      const rho = failurePerHour / repairPerHour;
      const shares = solveSteadyState(makeGenerator(n, n - 1, { failurePerHour, repairPerHour }, true));
      shares.forEach((share, k) => near(share, (choose(n, k) * rho ** k) / (1 + rho) ** n));
      const { longRunShare } = computeBreakChance(n, f, { failurePerHour, repairPerHour }, 1);
      near(longRunShare, tail(n, f, rho / (1 + rho)));
    }
  });

  test('f = 0: the first failure is the end, repair or not', () => {
    const chance = computeBreakChance(3, 0, { failurePerHour: 1e-3, repairPerHour: 1 }, 100);
    near(chance.perMission, -Math.expm1(-3 * 1e-3 * 100));
    near(chance.meanHours, 1000 / 3);
  });

  test('one of three: the closed formula of a chain of three states', () => {
    const [lambda, mu, hours] = [1e-3, 1, 10];
    const sum = 5 * lambda + mu;
    const root = Math.sqrt(sum * sum - 24 * lambda * lambda);
    const [fast, slow] = [(sum + root) / 2, (6 * lambda * lambda) / ((sum + root) / 2)];
    // Reliability R(t) = (fast·e^(−slow·t) − slow·e^(−fast·t)) / (fast − slow).
    const unreliability =
      (-fast * Math.expm1(-slow * hours) + slow * Math.expm1(-fast * hours)) / (fast - slow);
    near(
      computeBreakChance(3, 1, { failurePerHour: lambda, repairPerHour: mu }, hours).perMission,
      unreliability,
    );
  });

  test('rows of transition probabilities sum to one, over any time', () => {
    for (const hours of [1e-6, 1, 1e3, 1e7]) {
      const rows = computeTransient(makeGenerator(7, 2, { failurePerHour: 1e-3, repairPerHour: 1 }), hours);
      for (const row of rows)
        near(
          row.reduce((total, p) => total + p, 0),
          1,
          1e-6,
        );
    }
  });

  test('more repair never breaks more, more replicas with the same f break more', () => {
    const at = (n: number, repairPerHour: number): number =>
      computeBreakChance(n, 1, { failurePerHour: 1e-3, repairPerHour }, 10).perMission;
    expect(at(4, 2)).toBeLessThan(at(4, 1));
    expect(at(4, 1)).toBeLessThan(at(4, 0));
    expect(at(3, 1)).toBeLessThan(at(4, 1));
  });
});

describe('evidence', () => {
  test.each([
    // Half the 95 % quantile of chi-square with 2k+2 degrees of freedom, from printed tables.
    [0, 5.991 / 2],
    [1, 9.488 / 2],
    [2, 12.592 / 2],
    [4, 18.307 / 2],
    [9, 31.41 / 2],
    [14, 43.773 / 2],
  ])('%i failures bound the mean by %d', (failures, mean) => {
    near(boundPoissonMean(failures, 0.95), mean, 1e-3);
  });

  test('the bound is where the probability of so few is what remains', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 500 }),
        fc.double({ min: 0.5, max: 0.999, noNaN: true }),
        (k, c) => {
          near(cumulatePoisson(k, boundPoissonMean(k, c)), 1 - c, 1e-6);
        },
      ),
    );
  });

  test('no failure in T hours: −ln(0.05)/T, and flight takes three times ten to the ten hours', () => {
    const { boundPerHour, hoursForFlight } = weighEvidence(0, 100);
    near(boundPerHour ?? NaN, -Math.log(0.05) / 100);
    near(hoursForFlight, 2.995732273553991e10);
    expect(weighEvidence(0, 0).boundPerHour).toBeNull();
  });
});
