/**
 * What the checkers are told (protocol.md §11): a neutral feed of what replicas decided, voters did and links carried,
 * and the truth about who was faulty when, from whoever injects the faults. The replicas never see this feed, and the
 * feed never asks a replica for its opinion of another.
 */
import type { ActuatorCommand, AppliedRequest, ReplicaIndex, Tick } from '../core/types.js';

/**
 * How a replica is faulty. `omits`: it, or a link of it, is silent, late or asleep, or its sensor is wrong, and it says
 * to all alike what it took for true. `lingers`, told of rigs with a witness alone: it omits, and is heard all the same, so that
 * nobody votes it out. `lies`: anything else, and whatever is in doubt.
 */
export type FaultKind = 'omits' | 'lingers' | 'lies';

/** What keeps a witness from its part. */
export type WitnessTrouble = 'faulty' | 'away';

/** What a replica orders an actuator: a count, a trip, or nothing. */
export type Order = number | 'trip' | null;

/** Position in the command log: 1, 2, …; 0 is before the first. */
export type CheckedSlot = number;

/** A request of an operator, by his name. */
export interface OperatorRequest {
  readonly client: string;
  readonly sequence: number;
}

/** The replicas whose votes choose commands, bit i for replica i, and the slot at which that was chosen. */
export interface CheckedQuorum {
  readonly members: number;
  readonly slot: CheckedSlot;
}

/** Why a voter stands in fail-safe. */
export type FailSafeCause = 'start' | 'hold-expired' | 'ordered';

/**
 * The feed. Byte strings and commands are kept by reference for a window of ticks and must not change. Within one
 * tick calls may come in any order, except that a command comes before what the voter does on it.
 */
export interface Observations {
  /**
   * From `tick` on, inclusive, the replica is faulty in this way; null: not any more. A tick that a fault touched at
   * any moment is a faulty one. One state for each replica: whoever has several faults on one tells the worst.
   * Told before `onTickOver` of that tick.
   */
  onFaulty(replica: ReplicaIndex, tick: Tick, fault: FaultKind | null): void;
  /**
   * From `tick` on the witness is faulty, or `away`: its fault is over, and not all who run have heard that it votes. Null: it
   * is neither. It is away until it has been told of. Where there is none this is not told.
   */
  onWitness(tick: Tick, is: WitnessTrouble | null): void;
  /** No device remembers anything: the command log begins anew. */
  onLogForgotten(tick: Tick): void;
  /**
   * From `tick` on operators want the replica out of the operational quorum, or in it again: it owes nothing meanwhile, and stands
   * in for nobody.
   */
  onRetired(replica: ReplicaIndex, tick: Tick, isRetired: boolean): void;
  /** The entry that the replica's own drive handed out for round 1, before any fault touched it. */
  onProposed(replica: ReplicaIndex, tick: Tick, value: Uint8Array): void;
  /** What the replica says it agreed on. */
  onVector(replica: ReplicaIndex, tick: Tick, vector: readonly (Uint8Array | null)[]): void;
  /** The replica stepped the tick; `stateDigest` is that of the state after it, `commands` one order an actuator. */
  onStepped(
    replica: ReplicaIndex,
    tick: Tick,
    stateDigest: Uint8Array,
    commands: readonly (Order | undefined)[],
  ): void;

  /** Requests of operators took effect at the replica in the tick, in this order; `startTick` is the first of its run. */
  onCommanded(replica: ReplicaIndex, tick: Tick, startTick: Tick, applied: readonly AppliedRequest[]): void;

  /** Where a log orders commands: how far the commanders of the vector state that they know it; null: absent. */
  onPrefixes(replica: ReplicaIndex, tick: Tick, prefixes: readonly (CheckedSlot | null)[]): void;
  /** The replica begins a run, whose first tick follows on `tick`, because of a vector that states these prefixes. */
  onRunStarted(replica: ReplicaIndex, tick: Tick, prefixes: readonly (CheckedSlot | null)[]): void;
  /** Requests in these slots took effect at the replica in the tick, in this order. */
  onSlotsApplied(
    replica: ReplicaIndex,
    tick: Tick,
    applied: readonly (OperatorRequest & { readonly slot: CheckedSlot })[],
  ): void;
  /** The rounds of the replica are told that the slot is chosen, with this request or none. */
  onSlotChosen(replica: ReplicaIndex, slot: CheckedSlot, request: OperatorRequest | null): void;
  /** The replica tells the operator that his request is chosen at the slot. */
  onToldChosen(replica: ReplicaIndex, request: OperatorRequest, slot: CheckedSlot): void;

  /** A voter started, in fail-safe; `bootNonce` is what arming has to name. */
  onVoterStarted(actuator: number, bootNonce: Uint8Array, atUs: number): void;
  /** A voter ended: it owes nothing until it starts again. */
  onVoterStopped(actuator: number, atUs: number): void;
  /** An authenticated command of a replica was handed to the voter, whatever the voter made of it. */
  onCommand(actuator: number, from: ReplicaIndex, command: ActuatorCommand): void;
  onArmed(actuator: number, tick: Tick, atUs: number): void;
  /** The device was handed `count`. */
  onOutput(actuator: number, tick: Tick, count: number, atUs: number): void;
  /** The device was handed the fail-safe value. */
  onFailSafe(actuator: number, cause: FailSafeCause, count: number, atUs: number): void;

  /**
   * A message left its sender as the sender meant it. `key` stands for its content: equal content, equal key. `tick`
   * is the one that the message names, or where it names none the one under way at the sender.
   */
  onSent(from: ReplicaIndex, to: ReplicaIndex, key: number, tick: Tick): void;
  /** A message that the wire took for genuine and fresh was handed to the replica. */
  onAccepted(from: ReplicaIndex, to: ReplicaIndex, key: number, tick: Tick): void;

  /** What the round clocks of the replicas show at one moment of the tick, µs; null where one shows nothing. */
  onClocks(tick: Tick, shown: readonly (number | null)[]): void;

  /** What the replica holds in memory, bytes, by one measure throughout. */
  onMemory(replica: ReplicaIndex, bytes: number): void;

  /**
   * The tick and all before it are over: at least two more have passed, so that whatever was under way has come or
   * will not come any more. They are judged now and forgotten soon.
   */
  onTickOver(tick: Tick, atUs: number): void;
}

/** One actuator, in counts. */
export interface CheckedActuator {
  readonly id: string;
  /** Envelope, closed. */
  readonly minCount: number;
  readonly maxCount: number;
  readonly failSafeCount: number;
  readonly holdUs: number;
  readonly vote: 'exact' | 'mid-value';
  readonly rearm: 'auto' | 'operator';
}

/** A witness, and what follows from it. */
export interface CheckedWitness {
  readonly id: string;
  /** Ticks within which a replica goes on alone when the other is gone. */
  readonly changeTicks: number;
  /** The operational quorum after a slot, worked out from votes; null while it is not known. */
  readonly quorumAfter: (slot: CheckedSlot) => CheckedQuorum | null;
}

/** What the checkers know of the rig: plain data, none of it from the code that they check. */
export interface CheckedRig {
  /** Ids, in the rig's order. */
  readonly replicas: readonly string[];
  readonly actuators: readonly CheckedActuator[];
  readonly hypothesis: 'byzantine' | 'crash' | 'none';
  /** f of the hypothesis; for `none` it is not used. */
  readonly f: number;
  readonly periodUs: number;
  /** How far apart the round clocks of correct replicas may be, µs. Not judged unless given. */
  readonly skewMaxUs?: number;
  /** Ticks that a round clock has to find back after its replica was faulty. 0 unless given. */
  readonly skewSettleTicks?: number;
  /** The tick that a time of the feed lies in; the n-th period, counted from 0, unless given. */
  readonly tickAt?: (atUs: number) => Tick;
  /**
   * Ticks within which a replica must be a member again once its fault is over and no more than f are faulty; the
   * same for everybody after a start and after ticks outside the hypothesis. 60 unless given.
   */
  readonly returnTicks?: number;
  /** Ticks in a row that a replica must take its full part in before it counts as correct again. 3 unless given. */
  readonly settleTicks?: number;
  /** Ticks that a replica may lack what others know to be chosen, where a log orders commands; absent elsewhere. */
  readonly lagTicks?: number;
  /** The device that votes for the operational quorum alone; absent where there is none. */
  readonly witness?: CheckedWitness;
  /** Ticks within which a voter must be armed, counted from its start or from the last tick outside. 20 unless given. */
  readonly armTicks?: number;
  /** How late a timer of a voter may be noticed. 2 000 µs unless given. */
  readonly slackUs?: number;
  /** What a replica may hold in memory. No limit unless given; growth without end is found all the same. */
  readonly memoryMaxBytes?: number;
}

/** One thing that must never happen, and did. */
export interface Violation {
  readonly checker: string;
  /** Paragraph of the protocol, and a word for the rule. */
  readonly rule: string;
  readonly tick: Tick;
  /** Id of the replica or actuator. */
  readonly who: string;
  /** A sentence. */
  readonly what: string;
}
