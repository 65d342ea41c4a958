/**
 * Strict majority. Source: Lamport, Shostak, Pease 1982, function majority; protocol.md §1.
 * A majority is always more than half of the whole electorate, never of those who happened to vote: a plurality
 * is not one.
 */
import { sameValue } from '../bytes.js';
import type { MaybeValue } from '../types.js';

/** The least number of votes that is a majority of `electorate` voters (≥ 1): 2 of 3, 3 of 4, 4 of 7. */
export function majorityOf(electorate: number): number {
  return Math.floor(electorate / 2) + 1;
}

/**
 * The value that more than half of `electorate` voters gave, byte by byte; absent where there is none.
 * `votes` may be shorter than the electorate; absent votes count for absent, which is also the outcome of no majority.
 */
export function strictMajority(votes: readonly MaybeValue[], electorate: number): MaybeValue {
  const needed = majorityOf(electorate);
  // A value with a majority must stand among the first votes that leave fewer than `needed` behind them.
  const lastStart = votes.length - needed;
  for (let start = 0; start <= lastStart; start += 1) {
    const candidate = votes[start] as MaybeValue;
    let count = 1;
    for (let other = start + 1; other < votes.length; other += 1) {
      if (sameValue(candidate, votes[other] as MaybeValue)) count += 1;
    }
    if (count >= needed) return candidate;
  }
  return null;
}
