/**
 * The words of Simplified Paxos: what is agreed on, said, kept and answered (protocol.md §9; simplified [0093]–[00118];
 * fast, columns 14–20). Slots and ballots are integers; slot 0 and ballot 0 stand for "none yet". What a command means
 * is nobody's business here: its value is opaque bytes.
 *
 * The driver's contract. Effects are carried out in order. `persist` with `barrier` holds back every effect after it,
 * of the same step and of all later ones, until its record is durable; a driver may therefore feed further inputs
 * meanwhile and let the records of many steps share one flush, as long as the effects leave in the order in which they
 * came. The state runs ahead of the disk, the world never does: whoever crashes has said nothing that rests on a record
 * that is lost. `persist` without `barrier` waits for the next flush. Records become durable in the order in which they
 * come. A proposal ahead of its vote (`isAheadOfVote`) is held back by no vote: it leaves as soon as every record with a
 * barrier before it that is none is durable.
 */
import type { ReplicaIndex, Value } from '../types.js';

/** A position in the command log, 1, 2, …; 0 is before the first. */
export type Slot = number;

/** A proposal number; those of replica i are ≡ i mod n (fast, column 16). 0 is below all. */
export type Ballot = number;

/**
 * Above all ballots: in which a new incarnation of a witness remembers a change that it was told to be chosen. No vote
 * is as recent, so nobody makes anything of it for the slots below.
 */
export const KNOWN_BALLOT: Ballot = Number.MAX_SAFE_INTEGER;

/** A set of replicas: bit i stands for replica i. */
export type Members = number;

/** What an operator's client asks for: once per (client, sequence), whatever is sent again. */
export interface Request {
  /** Name of the client, 1 … 64 characters. */
  readonly client: string;
  /** Integer ≥ 1, larger with every new request of this client. */
  readonly sequence: number;
  readonly value: Value;
}

/** What is chosen for a slot. */
export type Entry =
  | { readonly kind: 'command'; readonly request: Request }
  /** Fills a slot that a new leader found empty below others. */
  | { readonly kind: 'nothing' }
  /** From the next slot on, these members are the operational quorum (simplified [00107]). */
  | { readonly kind: 'quorum'; readonly members: Members }
  /** From the next slot on, `replica` votes as this incarnation, which showed this nonce; earlier ones are void. */
  | {
      readonly kind: 'incarnation';
      readonly replica: ReplicaIndex;
      readonly incarnation: number;
      readonly nonce: Uint8Array;
    };

/** A vote as it is reported in phase 1. */
export interface Vote {
  readonly slot: Slot;
  readonly ballot: Ballot;
  readonly entry: Entry;
}

/**
 * All that a witness votes for, in one vote: the slots from `from` to below `slot`, by their digest, and at `slot` the
 * new operational quorum. As the leader's own vote came with the proposal, a witness's vote is also proof that all of
 * them are chosen.
 */
export interface QuorumChange {
  readonly ballot: Ballot;
  readonly from: Slot;
  readonly slot: Slot;
  readonly quorum: Members;
  /** `Config.digestEntries` of the entries from `from` to below `slot`. */
  readonly digest: Uint8Array;
}

/** Every message says which incarnation of its sender speaks; 0: one that remembers nothing and may not vote. */
export interface Spoken {
  readonly incarnation: number;
}

/** Phase 1 for all slots ≥ `from` (fast, column 19). */
export interface Prepare extends Spoken {
  readonly kind: 'prepare';
  readonly ballot: Ballot;
  readonly from: Slot;
}

/** Every vote of the sender above its chosen prefix; what is chosen, the leader fetches before it proposes anything. */
export interface PromiseMessage extends Spoken {
  readonly kind: 'promise';
  readonly ballot: Ballot;
  readonly prefix: Slot;
  readonly votes: readonly Vote[];
}

/** A witness's promise, with its last vote. */
export interface WitnessPromise extends Spoken {
  readonly kind: 'witness-promise';
  readonly ballot: Ballot;
  readonly change: QuorumChange | null;
}

/** `ballot` is refused: `promised`, a higher one, has been answered (fast, column 17). */
export interface Refuse extends Spoken {
  readonly kind: 'refuse';
  readonly ballot: Ballot;
  readonly promised: Ballot;
}

/**
 * Phase 2, with the leader's own vote inside (simplified [0095]), or ahead of it: then a `vote` follows once it is
 * durable.
 */
export interface Propose extends Spoken {
  readonly kind: 'propose';
  readonly ballot: Ballot;
  readonly slot: Slot;
  readonly entry: Entry;
  /** All slots up to it are chosen for the leader; 0 ahead of its vote, as that may rest on votes that are not durable. */
  readonly prefix: Slot;
  readonly hasVote: boolean;
}

/**
 * Votes for the slots from `from` to `slot`: where the leader's and one's own are no quorum, told to all; a leader's that
 * proposed ahead of them; and a witness's, told to the leader. `prefix`: all slots up to it are chosen for the sender.
 */
export interface VoteMessage extends Spoken {
  readonly kind: 'vote';
  readonly ballot: Ballot;
  readonly from: Slot;
  readonly slot: Slot;
  readonly prefix: Slot;
}

/** Phase 2 towards the witness, as the incarnation `voter` of it: another one's vote would not count. */
export interface ProposeChange extends Spoken {
  readonly kind: 'propose-change';
  readonly voter: number;
  readonly change: QuorumChange;
}

/**
 * Tells a witness that showed `nonce` which incarnation it has been chosen as, and what it must remember: the change that
 * governs, in the ballot `KNOWN_BALLOT`.
 */
export interface Admit extends Spoken {
  readonly kind: 'admit';
  readonly admitted: number;
  readonly nonce: Uint8Array;
  readonly promised: Ballot;
  readonly change: QuorumChange;
}

/** Asks for what is chosen from `from` on. */
export interface Fetch extends Spoken {
  readonly kind: 'fetch';
  readonly from: Slot;
}

/** Chosen entries of the slots `from`, `from`+1, …; `prefix`: how far the sender knows. */
export interface Entries extends Spoken {
  readonly kind: 'entries';
  readonly from: Slot;
  readonly entries: readonly Entry[];
  readonly prefix: Slot;
}

/** For a laggard whose next slot has been truncated; the tail follows as entries (fast, column 19). */
export interface SnapshotMessage extends Spoken {
  readonly kind: 'snapshot';
  readonly snapshot: Snapshot;
}

/**
 * Sign of life, batched acknowledgement (simplified [0101], [0102]) and claim to lead, in one. It may ride on round 1
 * (`readBeat`), or is sent every `beatUs`.
 */
export interface Beat extends Spoken {
  readonly kind: 'beat';
  /** Highest ballot promised, voted in or led with. */
  readonly promised: Ballot;
  /** The sender leads with `promised`. */
  readonly leads: boolean;
  /** Durable chosen prefix. */
  readonly prefix: Slot;
  /** Votes in ballot `promised`, without a gap, from `votedFrom` to `votedTo`; none where `votedTo` < `votedFrom`. */
  readonly votedFrom: Slot;
  readonly votedTo: Slot;
  /** Present where the sender has no stamp: it asks to be chosen as a new incarnation. */
  readonly nonce: Uint8Array | null;
  /** By replica: what it has told the sender so far, so that one whose store was rolled back notices it. */
  readonly heard: readonly Heard[];
  /** Nonces of those who ask, as long as the sender has promised, voted for and learnt nothing (genesis.ts). */
  readonly vouches: readonly Uint8Array[];
}

/** The highest promise and the highest voted slot that a replica has told, in the incarnation that it told them in. */
export interface Heard {
  readonly incarnation: number;
  readonly promised: Ballot;
  readonly voted: Slot;
}

export type PaxosMessage =
  | Prepare
  | PromiseMessage
  | WitnessPromise
  | Refuse
  | Propose
  | VoteMessage
  | ProposeChange
  | Admit
  | Fetch
  | Entries
  | SnapshotMessage
  | Beat;

/** A client's requests that were executed lately: (sequence, slot), oldest first. */
export interface ClientAnswers {
  readonly client: string;
  readonly answers: readonly { readonly sequence: number; readonly slot: Slot }[];
}

/** All that slots up to `slot` have come to. */
export interface Snapshot {
  readonly slot: Slot;
  /** What the commands have made, opaque: given by the driver. */
  readonly state: Uint8Array;
  readonly clients: readonly ClientAnswers[];
  /** The operational quorum that governs the next slot, and the slot that it was chosen at (0: from the beginning). */
  readonly quorum: Members;
  readonly quorumSlot: Slot;
  /** By replica. */
  readonly incarnations: readonly { readonly incarnation: number; readonly nonce: Uint8Array }[];
}

/**
 * What must outlive a power cut. A store gives them back in the order in which they were persisted; it may leave out
 * those that a later one replaces: `promise`, `prefix`, `snapshot` and `witness` by the next of their kind; `vote` and
 * `entry` by the next for their slot, or by a snapshot of that slot or a later one.
 */
export type PaxosRecord =
  /**
   * Provisioned: this store remembers every promise and vote of this incarnation, which votes once it knows all slots up
   * to `since`. It makes all records before it void. A store without one, or with incarnation 0, is amnesia. The
   * first devices of a rig are incarnation 1 with `since` 0: by provisioning, or by genesis (genesis.ts).
   */
  | { readonly kind: 'stamp'; readonly incarnation: number; readonly since: Slot }
  | { readonly kind: 'promise'; readonly ballot: Ballot }
  | { readonly kind: 'vote'; readonly slot: Slot; readonly ballot: Ballot; readonly entry: Entry }
  /** Chosen, and learnt from another replica. */
  | { readonly kind: 'entry'; readonly slot: Slot; readonly entry: Entry }
  /** Every slot up to this one is chosen, as the last record for it says. */
  | { readonly kind: 'prefix'; readonly slot: Slot }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** All that a witness keeps, a few dozen bytes: stamp, promise and vote in one. */
  | {
      readonly kind: 'witness';
      readonly incarnation: number;
      readonly promised: Ballot;
      readonly change: QuorumChange | null;
    };

/** Who learns that a slot is chosen, and how. */
export type Learning =
  /** Whoever votes, at once, where the leader's vote and its own are a quorum; else on votes to all (Fig. 7). */
  | 'leader-vote'
  /** The leader sends to one replica only, which answers and informs the third (Fig. 8). */
  | 'one-learner'
  /** Votes go to all: standard Paxos, one delay more (Fig. 6). */
  | 'votes-to-all';

export interface PaxosConfig {
  /** Devices that vote, the witness included. */
  readonly n: number;
  readonly self: ReplicaIndex;
  /** The device that votes on the operational quorum alone; asks for n = 3. */
  readonly witness: ReplicaIndex | null;
  readonly learning: Learning;
  /**
   * A leader proposes new commands while its own vote for them becomes durable; where they are durable at once there is
   * nothing to gain. It has no part in `one-learner`, whose leader says one thing in one message.
   */
  readonly proposesAhead: boolean;
  /** False: it executes nothing and keeps no snapshot (simplified [0099]); control replicas always keep state. */
  readonly keepsState: boolean;
  /** Fresh for every start of the process, 16 bytes. */
  readonly nonce: Uint8Array;
  /** How often a beat is sent; null: the driver lets it ride on round 1. */
  readonly beatUs: number | null;
  /** Whoever was not heard for so long is taken for dead. */
  readonly silenceUs: number;
  /** Nobody tries to lead again within so long of seeing a leader or a try. */
  readonly holdDownUs: number;
  /** What was not answered is sent again after so long. */
  readonly retryUs: number;
  /** Slots that may be proposed beyond the chosen prefix. */
  readonly windowSlots: number;
  /** Entries in one message at most. */
  readonly batchSlots: number;
  /** Votes after which an acknowledgement does not wait for the next beat. */
  readonly ackSlots: number;
  /** Proposals in 10 ms from which on a leader of three asks one follower alone to vote (sparing.ts); Infinity: never. */
  readonly busySlots: number;
  /** Requests that wait for a slot at most. */
  readonly maxQueued: number;
  readonly maxValueBytes: number;
  /** Clients remembered at most; a further one is refused. */
  readonly maxClients: number;
  /** Answers remembered of each client; older sequences are refused as stale. */
  readonly answersPerClient: number;
  /** Slots between snapshots. */
  readonly snapshotSlots: number;
  /** At most 16 bytes; equal for equal entries. */
  readonly digestEntries: (from: Slot, entries: readonly Entry[]) => Uint8Array;
}

/** Every input says what the machine's monotonic clock shows, integer µs. */
export type PaxosInput =
  /** At least every `retryUs` and `beatUs`. */
  | { readonly kind: 'time'; readonly nowUs: number }
  /** An authenticated message of `from`. */
  | {
      readonly kind: 'received';
      readonly nowUs: number;
      readonly from: ReplicaIndex;
      readonly message: PaxosMessage;
    }
  | { readonly kind: 'request'; readonly nowUs: number; readonly request: Request }
  /**
   * Which replicas operators want in the operational quorum of a group with a witness, from now on; all until said, and
   * again after a restart. Where none of them is there, it is left as it is.
   */
  | { readonly kind: 'wanted'; readonly nowUs: number; readonly members: Members }
  /** Answer to `take-snapshot`: the state after all slots up to `slot`. */
  | {
      readonly kind: 'snapshot-taken';
      readonly nowUs: number;
      readonly slot: Slot;
      readonly state: Uint8Array;
    };

/** What a client is told. */
export type Outcome =
  | { readonly kind: 'chosen'; readonly slot: Slot }
  /** Ask this replica, or any other where nobody is known to lead. */
  | { readonly kind: 'redirect'; readonly leader: ReplicaIndex | null }
  /** Too many requests are waiting: try again. */
  | { readonly kind: 'busy' }
  /** Nothing can be chosen until one of these replicas is back (Fig. 13). */
  | { readonly kind: 'waits'; readonly for: Members }
  /** It is older than all that is remembered of this client; whether it was executed is not known any more. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused'; readonly reason: 'value-too-large' | 'too-many-clients' | 'malformed' };

export type PaxosEffect =
  | { readonly kind: 'persist'; readonly record: PaxosRecord; readonly barrier: boolean }
  | { readonly kind: 'send'; readonly to: ReplicaIndex; readonly message: PaxosMessage }
  | {
      readonly kind: 'answer';
      readonly client: string;
      readonly sequence: number;
      readonly outcome: Outcome;
    }
  /** Slot by slot, in order, once in the life of a process. `executes`: false for what was executed before. */
  | { readonly kind: 'chosen'; readonly slot: Slot; readonly entry: Entry; readonly executes: boolean }
  /** The state becomes that of `snapshot`; slots up to its own are not told one by one. */
  | { readonly kind: 'install'; readonly snapshot: Snapshot }
  /** Answer with `snapshot-taken`, as soon as the state after all slots up to `slot` is there. */
  | { readonly kind: 'take-snapshot'; readonly slot: Slot }
  | { readonly kind: 'status'; readonly status: PaxosStatus };

/** Where a device stands, for people; told whenever it changes. */
export interface PaxosStatus {
  /** `amnesiac`: its store has no stamp, and it votes only when the others have chosen it anew, or the rig is new. */
  readonly role: 'amnesiac' | 'follows' | 'prepares' | 'leads' | 'witness';
  readonly leader: ReplicaIndex | null;
  readonly ballot: Ballot;
  readonly incarnation: number;
  /** The operational quorum as far as this device knows; all replicas where there is no witness. */
  readonly quorum: Members;
  /** Nothing can be chosen, and of these devices one must come back, or all. */
  readonly waits: Waits | null;
}

export interface Waits {
  readonly for: Members;
  readonly why:
    /** Too few devices answer to lead. */
    | 'majority'
    /** The operational quorum went on alone: only its members know what was chosen (simplified [00116]). */
    | 'operational-quorum'
    /** They hold chosen entries that this device lacks. */
    | 'entries'
    /** They must choose this device as a new incarnation or, in a new rig, all say that they hold nothing either. */
    | 'admission';
}
