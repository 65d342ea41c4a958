/**
 * How likely the fault hypothesis itself breaks: a continuous-time Markov chain over the number of faulty replicas, each
 * failing and being repaired by itself. State k loses n−k good ones at λ each and regains k at μ each; more than f at
 * once is the end. Only sums and products of numbers that are not negative are formed, so that a probability of 1e-20
 * comes out as exact as one of a half. Failures that are not independent (a common cause) are not in it.
 */

/** Rates of one replica, per hour. */
export interface ReplicaRates {
  /** λ. */
  readonly failurePerHour: number;
  /** μ; 0: nothing is repaired. */
  readonly repairPerHour: number;
}

/** What the chain says of n replicas of which f may be faulty. */
export interface BreakChance {
  readonly replicas: number;
  readonly maxFaulty: number;
  /** Probability that more than f are faulty at once within an hour, all good at its start. */
  readonly perHour: number;
  readonly perMission: number;
  /** Mean time from all good until more than f are faulty at once. */
  readonly meanHours: number;
  /** Share of time with more than f faulty, in the long run, where repair goes on. */
  readonly longRunShare: number;
}

/** Rates by row and column; the diagonal holds what makes each row sum to 0. */
type Generator = readonly (readonly number[])[];

/** The chances of one rig. */
export function computeBreakChance(
  replicas: number,
  maxFaulty: number,
  rates: ReplicaRates,
  missionHours: number,
): BreakChance {
  const absorbing = makeGenerator(replicas, maxFaulty, rates);
  const reach = (hours: number): number => computeTransient(absorbing, hours)[0]?.[maxFaulty + 1] ?? 0;
  const whole = makeGenerator(replicas, replicas - 1, rates, true);
  const shares = rates.repairPerHour > 0 ? solveSteadyState(whole) : [];
  return {
    replicas,
    maxFaulty,
    perHour: reach(1),
    perMission: reach(missionHours),
    meanHours: computeMeanHours(replicas, maxFaulty, rates),
    longRunShare:
      rates.repairPerHour > 0 ? shares.slice(maxFaulty + 1).reduce((sum, share) => sum + share, 0) : 1,
  };
}

/**
 * States 0 … last+1 faulty. The last one is left again only where `returns` says so.
 */
export function makeGenerator(
  replicas: number,
  last: number,
  { failurePerHour, repairPerHour }: ReplicaRates,
  returns = false,
): Generator {
  const size = last + 2;
  return Array.from({ length: size }, (_, k) => {
    const row = new Array<number>(size).fill(0);
    if (k === size - 1 && !returns) return row;
    if (k + 1 < size) row[k + 1] = (replicas - k) * failurePerHour;
    if (k > 0) row[k - 1] = k * repairPerHour;
    row[k] = -row.reduce((sum, rate) => sum + rate, 0);
    return row;
  });
}

/** Probabilities of going from each state to each within the time: uniformisation, then repeated squaring. */
export function computeTransient(generator: Generator, hours: number): readonly (readonly number[])[] {
  const size = generator.length;
  const fastest = Math.max(...generator.map((row, k) => -(row[k] as number)));
  const identity = makeMatrix(size, (i, j) => (i === j ? 1 : 0));
  if (fastest === 0 || hours === 0) return identity;
  const halvings = Math.max(0, Math.ceil(Math.log2(fastest * hours)));
  const jumps = (fastest * hours) / 2 ** halvings;
  const step = makeMatrix(size, (i, j) => {
    const rate = (generator[i]?.[j] as number) / fastest;
    // What stays is counted from what leaves, never as a difference that could be negative.
    return i === j ? Math.max(0, 1 + rate) : rate;
  });
  let power: Matrix = identity;
  let weight = Math.exp(-jumps);
  let sum: Matrix = makeMatrix(size, (i, j) => weight * (power[i]?.[j] as number));
  for (let k = 1; k <= UNIFORM_TERMS; k += 1) {
    power = multiply(power, step);
    weight *= jumps / k;
    const [before, term, scale] = [sum, power, weight];
    sum = makeMatrix(size, (i, j) => (before[i]?.[j] as number) + scale * (term[i]?.[j] as number));
  }
  for (let k = 0; k < halvings; k += 1) sum = multiply(sum, sum);
  return sum;
}

/** Long-run shares of the states of a chain that can go from each to each (Grassmann, Taksar, Heyman 1985). */
export function solveSteadyState(generator: Generator): readonly number[] {
  const size = generator.length;
  const rates = generator.map((row) => [...row]);
  for (let last = size - 1; last > 0; last -= 1) {
    const row = rates[last] as number[];
    let leaving = 0;
    for (let j = 0; j < last; j += 1) leaving += row[j] as number;
    for (let i = 0; i < last; i += 1) {
      const from = rates[i] as number[];
      from[last] = (from[last] as number) / leaving;
      for (let j = 0; j < last; j += 1) {
        if (i !== j) from[j] = (from[j] as number) + (from[last] as number) * (row[j] as number);
      }
    }
  }
  const shares = [1];
  for (let k = 1; k < size; k += 1) {
    let share = 0;
    for (let i = 0; i < k; i += 1) share += (shares[i] as number) * (rates[i]?.[k] as number);
    shares.push(share);
  }
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

/** Mean first passage from 0 to more than f: the sum of those from each k to k+1. */
function computeMeanHours(replicas: number, maxFaulty: number, rates: ReplicaRates): number {
  let stage = 0;
  let total = 0;
  for (let k = 0; k <= maxFaulty; k += 1) {
    const up = (replicas - k) * rates.failurePerHour;
    stage = 1 / up + ((k * rates.repairPerHour) / up) * stage;
    total += stage;
  }
  return total;
}

type Matrix = readonly (readonly number[])[];

/** At most one jump is expected in a step; the terms behind these are smaller than 1e-30 of the first. */
const UNIFORM_TERMS = 30;

function makeMatrix(size: number, at: (row: number, column: number) => number): Matrix {
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (__, j) => at(i, j)));
}

function multiply(left: Matrix, right: Matrix): Matrix {
  return makeMatrix(left.length, (i, j) => {
    let sum = 0;
    for (let k = 0; k < left.length; k += 1) sum += (left[i]?.[k] as number) * (right[k]?.[j] as number);
    return sum;
  });
}
