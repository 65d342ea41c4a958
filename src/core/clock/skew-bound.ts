/**
 * How far apart the round clocks of correct replicas can be, once they have found together: what `check` prints and the
 * simulator holds itself to. A clock makes for its target at 1/h of the way each µs (h: the horizon of the slew), so per
 * period P the skew D becomes at most (1 − P/h)·D + (P/h)·(distance of two targets) + 2ρP, and stands still where the
 * last two terms make up for the first.
 *
 * Midpoint: two replicas' targets are at most D/2 + 2ε apart (Lynch and Welch), with ε the error of a reading; of the best
 * of a window of exchanges it is no more than the difference of the longest and the shortest delay. So
 * D = 4ε + 4ρh. Signed starts: two replicas accept within the longest delay of one another, and guess the delay of the
 * first signature by no more than that: D = 2·δmax + 2ρh.
 */

export interface SkewConditions {
  /** Delays of messages between correct replicas, from leaving to being read, µs. */
  readonly shortestDelayUs: number;
  readonly longestDelayUs: number;
  /** How far a correct machine's clock may be from true rate, parts in a million. */
  readonly driftPpm: number;
  /** Of the slew, µs. */
  readonly horizonUs: number;
  readonly method: 'midpoint' | 'signed-starts';
}

/** The bound, µs. */
export function boundSkewUs(conditions: SkewConditions): number {
  const { shortestDelayUs, longestDelayUs, driftPpm, horizonUs, method } = conditions;
  const driftUs = (driftPpm / 1e6) * horizonUs;
  return method === 'midpoint'
    ? 4 * (longestDelayUs - shortestDelayUs) + 4 * driftUs
    : 2 * longestDelayUs + 2 * driftUs;
}
