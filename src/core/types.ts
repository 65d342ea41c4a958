/**
 * The words that every protocol of the core shares (glossary: src/README.md).
 * Values are opaque canonical bytes here: equality of values is equality of bytes, and only the pure
 * functions in `Config` can read one. Nothing in this folder may import from outside it.
 */

/** Position of a replica in the rig file's list, 0 … n−1. Ties that go to "the lowest id" go to the lowest index. */
export type ReplicaIndex = number;

/** Number of a control cycle, an integer ≥ 0; tick k starts at epoch + k·P. */
export type Tick = number;

/** Number of an exchange inside a tick, 1 … f+1. */
export type Round = number;

/** Canonical bytes. Never mutated once it has entered the core. */
export type Value = Uint8Array;

/** A value, or *absent*: a value of its own, never 0 and never empty bytes. */
export type MaybeValue = Value | null;

/** The agreed inputs of a tick: entry i is what commander i said, or absent. */
export type Vector = readonly MaybeValue[];

/** What the rig states about faults; what follows from it is in `agreement/hypothesis.ts`. */
export type Hypothesis =
  | { readonly kind: 'byzantine'; readonly f: number; readonly authenticators: 'mac' | 'signature' }
  | { readonly kind: 'crash'; readonly f: number }
  | { readonly kind: 'none' };

/**
 * One value under way. `path` holds the replicas it went through before the sender of the message that carries
 * it: empty in round 1, where the sender is the commander; r−1 ids in round r, the commander's first.
 * The receiver appends the authenticated sender.
 */
export interface RelayItem {
  readonly path: readonly ReplicaIndex[];
  readonly value: MaybeValue;
  /**
   * Signed messages only: the signature chain as it was received (one signature per id in `path` plus the
   * sender's when it arrived), opaque here and already verified. The sender's own signature is added by `wire`
   * when the message leaves.
   */
  readonly proof?: Uint8Array;
}

/** Everything that one replica says to one peer in one round: one message carries all instances. */
export interface RoundMessage {
  readonly kind: 'round';
  readonly tick: Tick;
  readonly round: Round;
  /** Identity of the run, 16 bytes; all zero before the rig's cold start has been agreed on. */
  readonly run: Uint8Array;
  readonly items: readonly RelayItem[];
  /** In round 1, by which receivers read the sender's clock; in later rounds there is none. */
  readonly stamp?: Stamp;
}

/** When a message left by its sender's clock, and when those of the receivers had come (protocol.md §6). */
export interface Stamp {
  /** From the start of the tick to the sending, on the sender's round clock, µs. */
  readonly lagUs: number;
  /**
   * By replica: from the arrival of its stamped message of the tick before to this sending, on the sender's own clock,
   * µs; null where none had come.
   */
  readonly heldUs: readonly (number | null)[];
}

/** Sent once a tick by a replica that joins: lets its clock be read, and asks to be waited for when it is ready. */
export interface JoinRequest {
  readonly kind: 'join';
  readonly tick: Tick;
  readonly ready: boolean;
  readonly stamp: Stamp;
}

/** Before there are ticks: ready to begin, or certain that enough are (protocol.md §6, cold start). */
export interface StartSignal {
  readonly kind: 'start';
  readonly step: 'init' | 'echo';
}

/** Asks a peer for the replicated state whose digest is `digest`, from byte `offset` on. */
export interface StateRequest {
  readonly kind: 'state-request';
  readonly digest: Uint8Array;
  readonly offset: number;
}

/** A piece of an encoded replicated state; the whole is believed only if its digest is the agreed one. */
export interface StateReply {
  readonly kind: 'state-reply';
  readonly digest: Uint8Array;
  /** Length of the whole, bytes. */
  readonly length: number;
  readonly offset: number;
  readonly piece: Uint8Array;
}

/** Asks a peer for the content of an operator's request that is due, by its digest. */
export interface ContentRequest {
  readonly kind: 'content-request';
  readonly digest: Uint8Array;
}

/** The content; believed only if its digest is the one that was agreed on. */
export interface ContentReply {
  readonly kind: 'content-reply';
  readonly content: Uint8Array;
}

export type PeerMessage =
  RoundMessage | StateRequest | StateReply | JoinRequest | StartSignal | ContentRequest | ContentReply;

/** One channel's reading: a finite number in the sensor's unit, a boolean, or absent. */
export type Reading = number | boolean | null;

/** What a voter says of itself to the replicas. */
export interface ActuatorStatus {
  /** Drawn afresh at every start of the voter, 8 bytes. */
  readonly bootNonce: Uint8Array;
  readonly phase: 'fail-safe' | 'armed';
  /** How often it has fallen to fail-safe since its start. */
  readonly trips: number;
  /** Tick of its last output; −1 before the first. */
  readonly lastTick: Tick;
}

/** What a replica brings into a tick. Encoded, it is the value that the replicas agree on. */
export interface Entry {
  readonly standing: Standing;
  /** One per sensor, in the rig's order. */
  readonly readings: readonly Reading[];
  /** One per actuator, in the rig's order; null when the replica has not heard from it lately. */
  readonly actuators: readonly (ActuatorStatus | null)[];
  /** Bit i: something of active replica i was absent or late in the tick before. */
  readonly missed: number;
  /** Bit i: replica i asks to be waited for again. */
  readonly joins: number;
  /** Requests of operators that it has checked and that are not agreed on yet; where the vector orders commands. */
  readonly requests?: readonly RequestName[];
  /** All slots of the command log up to this one it knows to be chosen, durably; where the log orders commands. */
  readonly prefix?: number;
}

/** One request of an operator: who asked, as its how manieth, and for what. */
export interface RequestName {
  /** Place of the operator in the rig's list. */
  readonly client: number;
  /** Chosen by the operator; a request has one effect, however often it is sent. */
  readonly sequence: number;
  /** Of the request's content, which names client and sequence too. */
  readonly digest: Uint8Array;
}

/** A request that has had its effect, or never will. */
export interface AppliedRequest extends RequestName {
  /** The tick whose state was the first with it. */
  readonly tick: Tick;
  readonly outcome: RequestOutcome;
  /** Where the command log holds it; absent where the vector orders commands. */
  readonly slot?: number;
}

/** `lapsed`: the rig stood still for so long that nobody may mean it any more. */
export type RequestOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'lapsed' };

/** Where a replica stands: before the start of the run, or in it with a state. */
export type Standing =
  | { readonly kind: 'waiting'; readonly nonce: Uint8Array; readonly waitedTicks: number }
  | { readonly kind: 'running'; readonly stateTick: Tick; readonly stateDigest: Uint8Array };

/** One sensor's fused reading, as the control law sees it. */
export interface FusedReading {
  /** In the sensor's unit; the last good one while `lost`, null when there has been none. */
  readonly value: number | boolean | null;
  readonly quality: 'good' | 'degraded' | 'lost';
}

/** What a replica orders an actuator to do in a tick. Voters compare it byte by byte. */
export interface ActuatorCommand {
  readonly tick: Tick;
  /** `output`: a signed 32-bit count of the actuator's resolution. `trip`: go to fail-safe. `none`: arming only. */
  readonly order:
    | { readonly kind: 'output'; readonly count: number }
    | { readonly kind: 'trip' }
    | { readonly kind: 'none' };
  /** Present while the replicas agree that the voter waits to be armed. */
  readonly arm: Arming | null;
  /**
   * Digest of the vector that it was worked out on, 16 bytes; exactly where replicas command on what they foresee
   * (`TickAgreement.foresee`). Orders are equal only if their bases are.
   */
  readonly basis?: Uint8Array;
}

/** Arming is bound to one boot of the voter, to how often it has tripped, and to a first tick. */
export interface Arming {
  readonly bootNonce: Uint8Array;
  readonly trips: number;
  readonly firstTick: Tick;
}
