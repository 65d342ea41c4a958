/** How quickly slots follow one another, and what a leader keeps to do with less when they do (sparing.ts). */
import type { ReplicaIndex } from '../types.js';
import type { PaxosConfig, Slot } from './types.js';

/** Over how long the pace is judged. */
const PACE_US = 10_000;
/**
 * What share of that pace keeps it busy. One client that asks without a pause stays below: it has its answer sooner from whoever of
 * two is the first.
 */
const STAYS_BUSY = 0.6;

/** How quickly slots follow one another, at a leader that proposes or at a follower that votes; changed in place. */
export interface Pace {
  /** The stretch of time that is being judged: when it began, and how many slots it has had. */
  sinceUs: number;
  slots: number;
  /** The stretch before had `busySlots`. */
  isBusy: boolean;
}

export function createPace(): Pace {
  return { sinceUs: -Infinity, slots: 0, isBusy: false };
}

/** Whether a leader of this group may ask one follower alone: its vote and one other are a quorum, whichever it is. */
export function maySpare({ n, witness, learning }: PaxosConfig): boolean {
  return n === 3 && witness === null && learning === 'leader-vote';
}

/** Counts a slot; `busySlots` in 10 ms are busy. */
export function notePace(pace: Pace, busySlots: number, nowUs: number): void {
  const elapsedUs = nowUs - pace.sinceUs;
  if (elapsedUs >= PACE_US) {
    const needed = pace.isBusy ? STAYS_BUSY * busySlots : busySlots;
    pace.isBusy = pace.slots * PACE_US >= needed * elapsedUs;
    pace.sinceUs = nowUs;
    pace.slots = 0;
  }
  pace.slots += 1;
}

/** What a leader does about it; changed in place. */
export interface Sparing {
  /** All are asked until then. */
  waryUntilUs: number;
  /** Who is asked alone: it stays the same one, as the other lacks slots and could not answer for those above. */
  relied: ReplicaIndex | null;
  /** By replica: slots that it was not asked about and has not been told of. */
  readonly untold: Map<ReplicaIndex, { readonly from: Slot; readonly to: Slot }>;
  toldUs: number;
  /** What was proposed in one go and is not known to be chosen: the last slot, and since when; null: nothing. */
  batch: { readonly to: Slot; readonly sinceUs: number } | null;
  /** When the last batch was known to be chosen. */
  chosenUs: number;
  /** How long batches take that meet no obstacle. */
  swiftUs: number;
  /** Requests that were open at once of late: so many are waited for. */
  expected: number;
  /** Until when what is queued is held back, whoever comes until then; null: it is not. */
  heldUntilUs: number | null;
  /** Another batch has begun in this step. */
  isBegun: boolean;
}

export function createSparing(): Sparing {
  return {
    waryUntilUs: -Infinity,
    relied: null,
    untold: new Map(),
    toldUs: -Infinity,
    batch: null,
    chosenUs: -Infinity,
    swiftUs: Infinity,
    expected: 0,
    heldUntilUs: null,
    isBegun: false,
  };
}
