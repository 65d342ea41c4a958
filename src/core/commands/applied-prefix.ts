/**
 * How far the command log takes effect in a tick, from the vector alone (protocol.md §9, last point): up to what all
 * commanders present in it know to be chosen, and never back.
 */
import type { Slot } from '../paxos/types.js';
import type { Entry } from '../types.js';

/** p(k), from p(k−1) and the entries of tick k. */
export function appliedPrefix(before: Slot, entries: readonly (Entry | null)[]): Slot {
  let smallest = Infinity;
  for (const entry of entries) if (entry !== null) smallest = Math.min(smallest, entry.prefix ?? 0);
  return smallest === Infinity ? before : Math.max(before, smallest);
}

/** The farthest that any commander present in a vector knows the log. */
export function largestPrefix(entries: readonly (Entry | null)[]): Slot {
  let largest = 0;
  for (const entry of entries) if (entry !== null) largest = Math.max(largest, entry.prefix ?? 0);
  return largest;
}
