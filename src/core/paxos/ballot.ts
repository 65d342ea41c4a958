/**
 * Proposal numbers (fast, column 16): the i-th replica's are ≡ i mod n, so no two replicas use the same. A replica that
 * lost its memory must not use one of its forgotten numbers again either: every admission of a new incarnation opens a
 * range of numbers of its own, and nobody goes beyond the range that it knows to be open.
 */
import type { ReplicaIndex } from '../types.js';
import type { Ballot } from './types.js';

/** Terms between two admissions: more than there will ever be. */
const TERMS_PER_ADMISSION = 2 ** 32;

/** The range that a number is of, which is the number of admissions that opened it, and its place there. */
export function splitBallot(
  ballot: Ballot,
  n: number,
): { readonly admissions: number; readonly place: number } {
  const range = TERMS_PER_ADMISSION * n;
  return { admissions: Math.floor(ballot / range), place: ballot % range };
}

/** The number at a place of a range. */
export function joinBallot(admissions: number, place: number, n: number): Ballot {
  return admissions * TERMS_PER_ADMISSION * n + place;
}

/** The replica whose number it is. */
export function ownerOf(ballot: Ballot, n: number): ReplicaIndex {
  return ballot % n;
}

/** The lowest number of `self` above `above`, after so many admissions; null where that range is used up or unknown. */
export function nextBallot(above: Ballot, self: ReplicaIndex, n: number, admissions: number): Ballot | null {
  const range = TERMS_PER_ADMISSION * n;
  const least = Math.max(above + 1, admissions * range, 1);
  const ballot = least + ((self - (least % n) + n) % n);
  return ballot < (admissions + 1) * range ? ballot : null;
}
