/**
 * The fault-tolerant midpoint of clocks (Lynch and Welch; protocol.md §6): without the f lowest and the f highest
 * readings what remains lies between readings of correct clocks, so two replicas that read the correct ones alike, up to
 * the error of reading, choose midpoints half as far apart as the clocks were.
 */
import type { ClockReading } from './peer-clocks.js';

export interface Midpoint {
  readonly offsetUs: number;
  /** The range of what was not dropped, and the largest error in it. */
  readonly lowestUs: number;
  readonly highestUs: number;
  readonly errorUs: number;
}

/**
 * The midpoint of `readings`, one for each clock, null where there is none. Whoever is absent is one of the f faulty
 * ones: so many fewer are dropped at each end. Null where more than f are absent; with f = 0, for clocks that stop but
 * do not lie, any number may be.
 */
export function chooseMidpoint(
  readings: readonly (ClockReading | null)[],
  maxFaulty: number,
): Midpoint | null {
  const present: ClockReading[] = [];
  for (const reading of readings) if (reading !== null) present.push(reading);
  const absent = readings.length - present.length;
  if (present.length === 0 || (maxFaulty > 0 && absent > maxFaulty)) return null;
  const drop = Math.max(0, maxFaulty - absent);
  const kept = present.sort((a, b) => a.offsetUs - b.offsetUs).slice(drop, present.length - drop);
  const [lowest] = kept;
  const highest = kept[kept.length - 1];
  if (lowest === undefined || highest === undefined) return null;
  let errorUs = 0;
  for (const reading of kept) errorUs = Math.max(errorUs, reading.errorUs);
  return {
    offsetUs: (lowest.offsetUs + highest.offsetUs) / 2,
    lowestUs: lowest.offsetUs,
    highestUs: highest.offsetUs,
    errorUs,
  };
}
