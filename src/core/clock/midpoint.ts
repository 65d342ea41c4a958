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
  const present = new Array<ClockReading>(readings.length);
  let count = 0;
  for (const reading of readings) if (reading !== null) insertByOffset(present, count++, reading);
  const absent = readings.length - count;
  if (count === 0 || (maxFaulty > 0 && absent > maxFaulty)) return null;
  const drop = Math.max(0, maxFaulty - absent);
  const end = count - drop;
  const lowest = present[drop];
  const highest = present[end - 1];
  if (drop >= end || lowest === undefined || highest === undefined) return null;
  let errorUs = 0;
  for (let at = drop; at < end; at += 1) errorUs = Math.max(errorUs, (present[at] as ClockReading).errorUs);
  return {
    offsetUs: (lowest.offsetUs + highest.offsetUs) / 2,
    lowestUs: lowest.offsetUs,
    highestUs: highest.offsetUs,
    errorUs,
  };
}

/** Behind `count` others, so that equal ones keep their order: by insertion, which suits as few as there are clocks. */
function insertByOffset(sorted: ClockReading[], count: number, reading: ClockReading): void {
  let at = count;
  for (; at > 0 && (sorted[at - 1] as ClockReading).offsetUs > reading.offsetUs; at -= 1)
    sorted[at] = sorted[at - 1] as ClockReading;
  sorted[at] = reading;
}
