/**
 * How far a replica ought to know the command log: as far as any commander did so many ticks ago. What all commanders
 * present know takes effect, so whoever lags holds all others up; it keeps silent instead, where those who do not lag
 * are enough.
 */
import type { Slot } from '../paxos/types.js';
import type { Entry, ReplicaIndex, Tick } from '../types.js';
import { largestPrefix } from './applied-prefix.js';

/** Owned by one replica state. */
export class LagWatch {
  /** When larger prefixes were seen, oldest first; all but the first less than `lagTicks` ago. */
  private readonly seen: { readonly tick: Tick; readonly prefix: Slot }[] = [];
  /** What the commanders of the last vector stated; −1 of those that were absent. */
  private stated: readonly Slot[] = [];

  constructor(private readonly lagTicks: number) {}

  /** The vector of a tick. */
  note(tick: Tick, entries: readonly (Entry | null)[]): void {
    this.stated = entries.map((entry) => (entry === null ? -1 : (entry.prefix ?? 0)));
    const prefix = largestPrefix(entries);
    if (prefix > (this.seen[this.seen.length - 1]?.prefix ?? 0)) this.seen.push({ tick, prefix });
    while ((this.seen[1]?.tick ?? Infinity) <= tick - this.lagTicks) this.seen.shift();
  }

  /** How far the log ought to be known in tick `tick`. */
  due(tick: Tick): Slot {
    return this.seen.findLast((one) => one.tick <= tick - this.lagTicks)?.prefix ?? 0;
  }

  /** How many commanders of the last vector other than `self` know the log up to `prefix`. */
  countKnowing(prefix: Slot, self: ReplicaIndex): number {
    return this.stated.filter((stated, id) => id !== self && stated >= prefix).length;
  }

  /** Ticks have other numbers now. */
  forget(): void {
    this.seen.length = 0;
    this.stated = [];
  }
}
