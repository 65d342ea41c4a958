/**
 * What all correct replicas hold alike after a tick: the control law's state, what fusion remembers, and which run
 * it is. Its encoded form is what digests compare and what a replica that fell behind fetches.
 */
import type { CommandBook } from './commands/command-book.js';
import type { Member } from './membership/active-set.js';
import type { Tick } from './types.js';

export interface ReplicatedState {
  /** The last tick that was stepped; the start tick − 1 before the first. */
  readonly tick: Tick;
  /** 16 bytes, made of the nonces of the replicas that started together. */
  readonly run: Uint8Array;
  /** First tick of the run: tick 0 as the control law counts. */
  readonly startTick: Tick;
  /** Canonical bytes of the control law's state. */
  readonly law: Uint8Array;
  /** One per sensor, in the rig's order. */
  readonly sensors: readonly SensorMemory[];
  /** One per replica, in the rig's order. */
  readonly members: readonly Member[];
  /** What operators have asked for; absent in rigs without commands. */
  readonly book?: CommandBook;
}

export interface SensorMemory {
  /** Last reading that was not lost; null before the first. */
  readonly held: number | boolean | null;
  /** First tick since which it has been lost; null while it is not. */
  readonly lostSince: Tick | null;
}
