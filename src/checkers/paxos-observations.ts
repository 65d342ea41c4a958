/**
 * What the checkers of Simplified Paxos are told (protocol.md §9; Lamport's Paxos): a neutral feed of what devices keep,
 * say, apply and answer, and of what clients ask for. Nobody tells the checkers what is chosen: they work it out from
 * the votes that devices keep. The feed never asks a device for its opinion.
 */
import type { ReplicaIndex } from '../core/types.js';

/** Number of a proposal; those of replica i are ≡ i mod n. */
export type CheckedBallot = number;

/** Position in the command log: 1, 2, …; 0 is before the first. */
export type CheckedSlot = number;

/** Stands for the content of a value: same content, same key. A witness that keeps a digest votes for the same key. */
export type ValueKey = string;

/** Names a request for good. */
export interface RequestName {
  readonly client: string;
  readonly sequence: number;
}

/** What a value holds, as far as it matters here. */
export interface ValueContent {
  /** In the order in which they are executed. */
  readonly requests: readonly RequestName[];
  /** The operational quorum that it makes, bit i for replica i; null for any other value. */
  readonly quorum: number | null;
  /** Whom it lets vote again, as the process that showed this nonce; null for any other value. */
  readonly admits: { readonly replica: ReplicaIndex; readonly nonce: string } | null;
}

/** A vote that a promise tells of. */
export interface ToldVote {
  readonly slot: CheckedSlot;
  readonly ballot: CheckedBallot;
  readonly value: ValueKey;
}

/**
 * The feed, in the order in which things happen. "Keeps" means that a power cut cannot take it any more; whatever a
 * device finds on its disk when it starts is kept from then on. "Says" means that it leaves the device.
 */
export interface PaxosObservations {
  /** Before the key is used otherwise. */
  onValue(key: ValueKey, content: ValueContent): void;

  /** It keeps that it is provisioned: that it remembers whatever it promised and voted. */
  onStampKept(replica: ReplicaIndex): void;
  onPromiseKept(replica: ReplicaIndex, ballot: CheckedBallot): void;
  onVoteKept(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void;

  /** It promises, says that all slots up to `prefix` are chosen, and tells of its votes above. */
  onPromiseSaid(
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    prefix: CheckedSlot,
    votes: readonly ToldVote[],
  ): void;
  /** It names the highest ballot that it has promised or voted in, without answering a proposer. */
  onBallotSaid(replica: ReplicaIndex, ballot: CheckedBallot): void;
  onVoteSaid(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot): void;
  /** It asks for votes; `hasVote`: its own is inside. */
  onProposed(
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    slot: CheckedSlot,
    value: ValueKey,
    hasVote: boolean,
  ): void;
  /** It tells somebody that the value is chosen. */
  onChosenSaid(replica: ReplicaIndex, slot: CheckedSlot, value: ValueKey): void;
  /** It tells somebody that all slots up to `prefix` are chosen. */
  onPrefixSaid(replica: ReplicaIndex, prefix: CheckedSlot): void;

  /** The process starts, shows this nonce wherever it asks to be let in, and has applied nothing. */
  onStarted(replica: ReplicaIndex, nonce: string): void;
  /** It loses all that it kept, and knows who it is. */
  onAmnesia(replica: ReplicaIndex): void;
  /** It takes itself for one that does not remember all that it promised and voted. */
  onForgotten(replica: ReplicaIndex): void;
  /** It says, to the process that showed this nonce, that it has promised, voted for and learnt nothing. */
  onVouched(replica: ReplicaIndex, nonce: string): void;
  /** The slot's value is handed on; `executes`: requests in it are executed and not known from before. */
  onApplied(replica: ReplicaIndex, slot: CheckedSlot, value: ValueKey, executes: boolean): void;
  /** It goes on from a state in which all slots up to `slot` are, and which has executed so many requests. */
  onStateTaken(replica: ReplicaIndex, slot: CheckedSlot, executed: number): void;
  /** What it holds in memory and on disk, bytes, by one measure throughout. */
  onHeld(replica: ReplicaIndex, bytes: number): void;

  /** A client asks for the first time. */
  onAsked(request: RequestName): void;
  /** A device tells the client that its request is chosen at the slot. */
  onAnswered(replica: ReplicaIndex, request: RequestName, slot: CheckedSlot): void;

  /** Every fault has been over for long enough; where each device stands, in the rig's order. */
  onCalm(standings: readonly CalmStanding[]): void;
}

/** Where a device stands in the end. */
export interface CalmStanding {
  /** The last slot that it applied; null for one that keeps no state. */
  readonly applied: CheckedSlot | null;
  /** It promises and votes. */
  readonly votes: boolean;
}

/** What the checkers know of the group: plain data, none of it from the code that they check. */
export interface CheckedGroup {
  /** Ids, in the rig's order; the witness is one of them. */
  readonly replicas: readonly string[];
  /** The device that votes for the operational quorum alone; null where there is none. */
  readonly witness: ReplicaIndex | null;
  /** Nobody is provisioned: the devices have to find out that they are new. */
  readonly isNew?: boolean;
  /** What a device may hold, bytes. No limit unless given. */
  readonly heldMaxBytes?: number;
}

/** One thing that must never happen, and did. */
export interface PaxosViolation {
  readonly checker: string;
  /** Paragraph of the protocol, and a word for the rule. */
  readonly rule: string;
  /** null where the rule is about no slot. */
  readonly slot: CheckedSlot | null;
  /** Id of the device, or name of the client. */
  readonly who: string;
  /** A sentence. */
  readonly what: string;
}
