/**
 * What the processes of a rig tell whoever started them, over the channel between parent and child (JSON). The
 * observer of a demo lives on these accounts; no decision of a replica or voter rests on them. Every process of a host
 * reads the same monotonic clock, so times of different processes compare.
 */
import type { Mode } from '../core/replica.js';
import type { OverrunCause } from '../core/agreement/exchange.js';
import type { PlantDescription } from '../rig/plant-description.js';
import type { Refusal, TripCause, VoterEffect } from '../core/voting/actuator-voter.js';

/** One replica's own account of one tick, sent when the tick is over. */
export interface TickRecord {
  /** Number of the tick on the rig's grid; `tick − startTick` is what users see. */
  readonly tick: number;
  /** First tick of the run; null before the run or while the replica has no state. */
  readonly startTick: number | null;
  /** Name of the run, hexadecimal; null where `startTick` is. */
  readonly run: string | null;
  readonly mode: Mode;
  /** When its first message of round 1 left; null when it was silent. Microseconds. */
  readonly firstSendUs: number | null;
  /** When it had the vector; null when it has none. */
  readonly agreedUs: number | null;
  /** When it foresaw the vector, and commanded; null when it did not, or foresaw another one. */
  readonly foreseenUs: number | null;
  /** Digest of the vector, hexadecimal. */
  readonly vector: string | null;
  /** Readings by commander and sensor as agreed; null where the entry is absent. */
  readonly entries: readonly (readonly (number | boolean | null)[] | null)[] | null;
  /** Digest of the replicated state after the tick, hexadecimal; null when it did not step. */
  readonly state: string | null;
  readonly readings: readonly { readonly value: number | boolean | null; readonly quality: string }[] | null;
  /** One per actuator: a count, `trip`, or null for no command. Null when it did not step. */
  readonly commands: readonly (number | 'trip' | null)[] | null;
  /** Whether commands were sent, and not kept back because the tick was over. */
  readonly commanded: boolean;
  /**
   * What it has ordered on a vector that it foresaw, in a tick that it did not step: one per actuator. Null in all other
   * ticks.
   */
  readonly foreseen: readonly (number | 'trip' | null)[] | null;
  /** Bit i: nothing of peer i had come by some deadline. */
  readonly absent: number;
  /** Bit i: something of peer i came too late. */
  readonly late: number;
  readonly lateMessages: number;
  readonly overrun: OverrunCause | null;
  readonly notStepped: string | null;
  /** Indices of peers under suspicion. */
  readonly suspects: readonly number[];
  /** When its round clock showed that the tick starts; null while it knows no ticks of its peers. Microseconds. */
  readonly startUs: number | null;
  /** How long after its start this replica spoke in it, or began it where it was silent. */
  readonly startLatenessUs: number;
  /** From its round clock to what its peers show, µs; null while it knows no ticks of theirs. */
  readonly clockOffsetUs: number | null;
  /** No correct round clock is further from its own, µs; null where that is not known. */
  readonly skewBoundUs: number | null;
}

/** What a voter did, in order. */
export type VoterRecord =
  | {
      readonly kind: 'output';
      readonly tick: number;
      readonly count: number;
      readonly votes: number;
      readonly atUs: number;
    }
  | {
      readonly kind: 'fail-safe';
      readonly cause: 'start' | TripCause;
      readonly trips: number;
      readonly count: number;
      readonly atUs: number;
    }
  | { readonly kind: 'armed'; readonly tick: number; readonly trips: number; readonly atUs: number }
  | { readonly kind: 'missed'; readonly firstTick: number; readonly ticks: number; readonly atUs: number }
  | { readonly kind: 'dissent'; readonly tick: number; readonly from: number; readonly atUs: number }
  | {
      readonly kind: 'outside-envelope';
      readonly tick: number;
      readonly count: number;
      readonly atUs: number;
    }
  /** What the device reads back began to be wrong, or is right again (`alarm` null). `measured` null: it said nothing. */
  | {
      readonly kind: 'read-back';
      readonly alarm: 'strayed' | 'silent' | null;
      readonly ordered: number;
      readonly measured: number | null;
      readonly atUs: number;
    }
  | {
      readonly kind: 'refused';
      readonly cause: Refusal;
      readonly from: number;
      readonly tick: number;
      readonly atUs: number;
    };

/** A request of an operator that took effect at a replica, or never will. */
export interface CommandRecord {
  readonly client: string;
  readonly sequence: number;
  /** From the start of the run. */
  readonly tick: number;
  readonly outcome: 'done' | 'refused' | 'lapsed';
}

/** What a voter did, with the time of it. Outputs, which are nearly all there is, are written out: a spread costs more. */
export function stampVoterRecord(done: VoterEffect | VoterRecord, atUs: number): VoterRecord {
  if (done.kind !== 'output') return { ...done, atUs };
  const { kind, tick, count, votes } = done;
  return { kind, tick, count, votes, atUs };
}

export type Telemetry =
  | { readonly kind: 'ready'; readonly id: string }
  | { readonly kind: 'ticks'; readonly id: string; readonly records: readonly TickRecord[] }
  | { readonly kind: 'voter'; readonly id: string; readonly records: readonly VoterRecord[] }
  /** Something that a person should read: mode changes, refusals, links. */
  | {
      readonly kind: 'event';
      readonly id: string;
      readonly level: 'info' | 'warn' | 'error';
      readonly text: string;
      /** What was decided by all together: every correct replica says it in these words. */
      readonly decided?: { readonly text: string; readonly fromTick: number };
      readonly atUs: number;
    }
  | { readonly kind: 'commanded'; readonly id: string; readonly records: readonly CommandRecord[] }
  /** These replicas are the operational quorum from `fromSlot` on: a witness has voted for it, or a replica has learnt it. */
  | {
      readonly kind: 'quorum';
      readonly id: string;
      readonly quorum: readonly string[];
      readonly fromSlot: number;
      readonly text: string;
      readonly atUs: number;
    }
  /** A fault took effect (`applied`), ended (`cleared`) or could not (`failed`). `tick` counts from the start of the run. */
  | {
      readonly kind: 'fault';
      readonly id: string;
      readonly spec: string;
      readonly event: 'applied' | 'cleared' | 'failed';
      readonly tick: number;
      /** Messages, samples or outputs that it has altered so far. */
      readonly affected: number;
      readonly reason?: string;
    }
  | {
      readonly kind: 'stats';
      readonly id: string;
      readonly rssMiB: number;
      /** Of one core, since the last stats. */
      readonly cpuPercent: number;
      /** Longest time that the event loop stood still since the last stats. */
      readonly maxStallMs: number;
      /** Frames and items that were not accepted, by cause, since the start. */
      readonly rejected: Readonly<Record<string, number>>;
    }
  | {
      readonly kind: 'plant';
      readonly atUs: number;
      /** Outcome and instruments of the plant by name, for the view. */
      readonly values: Readonly<Record<string, number | boolean | string | null>>;
      readonly survived: boolean;
      /** Of what the description has tracked, in its unit; null where nothing is compared. */
      readonly maxAbsError: number | null;
      readonly description: PlantDescription;
    };
