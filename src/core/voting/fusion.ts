/**
 * From the m present entries of a redundant sensor to one reading and its quality (protocol.md §4; mid-value select:
 * Lamport's slides, "The problem with TMR"; fault-tolerant midpoint: Lynch, Welch 1988; fault-tolerant mean:
 * MAFT/SPIDER). Summation runs in ascending order, so every replica gets the same bits.
 * The result never leaves the range of the correct entries as long as at most f are wrong.
 */
import type { Reading, ReplicaIndex } from '../types.js';

export type FusionMethod = 'mid-value' | 'midpoint' | 'mean' | { readonly atLeast: number };

export interface FusionRule {
  readonly type: 'number' | 'boolean';
  /** Closed range; what lies outside is absent. */
  readonly min: number;
  readonly max: number;
  /** Numbers: unless n−f entries lie within it of one another the reading is lost. */
  readonly spread: number;
  readonly method: FusionMethod;
}

export interface Fused {
  /** null while lost. */
  readonly value: number | boolean | null;
  readonly quality: 'good' | 'degraded' | 'lost';
  /** Commanders whose entry lies further than `spread` from the result, or differs from a boolean result. */
  readonly outliers: readonly ReplicaIndex[];
}

/**
 * Fuses one sensor. `entries[i]` is commander i's reading, n of them; `maxFaulty` is f.
 */
export function fuse(rule: FusionRule, entries: readonly Reading[], maxFaulty: number): Fused {
  return rule.type === 'boolean'
    ? fuseBooleans(rule, entries, maxFaulty)
    : fuseNumbers(rule, entries, maxFaulty);
}

const NOBODY: readonly ReplicaIndex[] = [];
/** Room to sort in, shared as nothing here waits: a list that grows costs more than all the rest. */
let room = new Float64Array(8);
const LOST: Fused = { value: null, quality: 'lost', outliers: NOBODY };

function fuseNumbers(rule: FusionRule, entries: readonly Reading[], maxFaulty: number): Fused {
  const n = entries.length;
  const { min, max, spread } = rule;
  if (room.length < n) room = new Float64Array(n);
  const sorted = room;
  let m = 0;
  for (const value of entries)
    // The comparison also refuses NaN.
    if (typeof value === 'number' && value >= min && value <= max) insertSorted(sorted, m++, value);
  const enough = n - maxFaulty;
  if (m < enough || !hasCluster(sorted, m, enough, spread)) return LOST;
  // Two channels beside a witness leave nothing to drop: where replicas only crash, both are right.
  const dropped = Math.min(Math.max(0, maxFaulty - (n - m)), (m - 1) >> 1);
  const value = combine(rule.method, sorted, dropped, m - dropped) + 0; // −0 becomes +0
  const farthest = Math.max(value - (sorted[0] as number), (sorted[m - 1] as number) - value);
  const outliers = farthest <= spread ? NOBODY : listOutliers(rule, entries, value);
  return { value, quality: m < n || outliers.length > 0 ? 'degraded' : 'good', outliers };
}

/** Behind `count` others, by insertion, which suits as few as there are channels. Of equal ones the first stays the first. */
function insertSorted(sorted: Float64Array, count: number, value: number): void {
  let at = count;
  for (; at > 0 && (sorted[at - 1] as number) > value; at -= 1) sorted[at] = sorted[at - 1] as number;
  sorted[at] = value;
}

function listOutliers(rule: FusionRule, entries: readonly Reading[], value: number): readonly ReplicaIndex[] {
  const { min, max, spread } = rule;
  const outliers: ReplicaIndex[] = [];
  entries.forEach((one, from) => {
    if (typeof one === 'number' && one >= min && one <= max && Math.abs(one - value) > spread)
      outliers.push(from);
  });
  return outliers;
}

/** Of the ascending values at `from` up to `to`, exclusive; there is one at least. */
function combine(method: FusionMethod, sorted: Float64Array, from: number, to: number): number {
  const first = sorted[from] as number;
  const last = sorted[to - 1] as number;
  switch (method) {
    case 'midpoint':
      return between(first, last);
    case 'mean': {
      let sum = 0;
      for (let at = from; at < to; at += 1) sum += sorted[at] as number;
      // Rounding may carry a mean past the ends of what it is the mean of.
      return Math.min(last, Math.max(first, sum / (to - from)));
    }
    default: {
      const middle = (from + to) >> 1;
      const upper = sorted[middle] as number;
      return (to - from) % 2 === 1 ? upper : between(sorted[middle - 1] as number, upper);
    }
  }
}

function between(low: number, high: number): number {
  return low + (high - low) / 2;
}

/** Whether some `size` of the `count` ascending values lie within `spread` of one another. */
function hasCluster(sorted: Float64Array, count: number, size: number, spread: number): boolean {
  for (let low = 0; low + size <= count; low += 1) {
    if ((sorted[low + size - 1] as number) - (sorted[low] as number) <= spread) return true;
  }
  return false;
}

function fuseBooleans(rule: FusionRule, entries: readonly Reading[], maxFaulty: number): Fused {
  const n = entries.length;
  let present = 0;
  let trues = 0;
  for (const entry of entries) {
    if (typeof entry !== 'boolean') continue;
    present += 1;
    if (entry) trues += 1;
  }
  if (present < n - maxFaulty) return LOST;
  const needed = typeof rule.method === 'object' ? rule.method.atLeast : maxFaulty + 1;
  const value = trues >= needed;
  const outliers: ReplicaIndex[] = [];
  entries.forEach((entry, from) => {
    if (typeof entry === 'boolean' && entry !== value) outliers.push(from);
  });
  return { value, quality: present < n || outliers.length > 0 ? 'degraded' : 'good', outliers };
}
