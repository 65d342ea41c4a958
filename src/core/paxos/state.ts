/**
 * What a device holds: its promises and votes (acceptor), what it knows to be chosen (learner), what it does while it
 * leads, and whom it hears. Plain data: changed in place by `stepPaxos` alone, opaque to everyone else, and copied by
 * whoever explores many futures of one state.
 */
import type { ReplicaIndex } from '../types.js';
import type { ClientTable } from './client-table.js';
import type { LeaderChoice } from './leader-choice.js';
import type { Governance } from './operational-quorum.js';
import type { Pace, Sparing } from './pace.js';
import type {
  Ballot,
  Entry,
  Members,
  PaxosStatus,
  QuorumChange,
  Request,
  Slot,
  Snapshot,
  Vote,
} from './types.js';

/** A chosen entry, and the ballot of one's own vote for it; 0 where it was learnt from others. */
export interface ChosenEntry {
  readonly entry: Entry;
  readonly ballot: Ballot;
}

/** Who has voted for a slot in the highest ballot that votes were heard of in. */
export interface Tally {
  readonly ballot: Ballot;
  readonly members: Members;
}

/** What a replica promised to a leader, and how far it knew what is chosen. */
export interface PromiseNote {
  readonly incarnation: number;
  /** Its votes above this slot are known; what is chosen up to it must be learnt first. */
  readonly prefix: Slot;
}

/** A replica that leads or tries to: phase 1 and phase 2 of one ballot. */
export interface Leadership {
  readonly ballot: Ballot;
  phase: 'prepares' | 'leads';
  /** Since when it is in this phase. */
  sinceUs: number;
  preparedUs: number;
  /** By replica. */
  readonly promises: Map<ReplicaIndex, PromiseNote>;
  /** By slot: the vote with the highest ballot that phase 1 told of (fast, column 16). */
  readonly found: Map<Slot, Vote>;
  next: Slot;
  /** An entry that changes who governs, proposed and not yet known to be chosen; 0: none. */
  changeAt: Slot;
  /** By slot that is not known to be chosen: when it was last sent, and how often. */
  readonly sent: Map<Slot, { readonly atUs: number; readonly times: number }>;
  readonly sparing: Sparing;
  /** By replica: slots that were proposed to it in this step, ahead of this device's vote. */
  readonly unsaid: Map<ReplicaIndex, { readonly from: Slot; readonly to: Slot }>;
}

export interface HeardOf {
  incarnation: number;
  promised: Ballot;
  voted: Slot;
}

export interface WitnessMemory {
  promised: Ballot;
  change: QuorumChange | null;
}

/** Mutable inside, opaque outside: made by `recoverPaxos`, changed by `stepPaxos` alone. */
export interface PaxosState {
  /** 0: amnesiac. */
  incarnation: number;
  /** It votes only once it knows all slots up to this one. */
  since: Slot;
  /** Its store held nothing when its process started, not even a void stamp, and it has lost nothing since. */
  isBlank: boolean;
  /** Who has vouched for this start of its process (genesis.ts). */
  vouchers: Members;

  // The acceptor.
  promised: Ballot;
  /** Above the chosen prefix. */
  readonly votes: Map<Slot, Vote>;

  // The learner.
  prefix: Slot;
  /** The last ones; `firstKept` is the lowest slot. */
  readonly chosen: Map<Slot, ChosenEntry>;
  firstKept: Slot;
  clients: ClientTable;
  governance: Governance;
  snapshot: Snapshot | null;
  /** A snapshot that waits for the driver's state. */
  taking: Snapshot | null;
  readonly tallies: Map<Slot, Tally>;
  /** Highest prefix told in a `prefix` record. */
  notedPrefix: Slot;

  // The leader.
  leadership: Leadership | null;
  readonly queue: Request[];
  /** Which replicas operators want in the operational quorum. */
  wanted: Members;
  /** Requests that came again while they were under way: their client has missed the answer. */
  readonly repeated: Set<string>;

  // Whom it hears.
  readonly choice: LeaderChoice;
  /** Highest ballot seen anywhere. */
  seen: Ballot;
  readonly heard: HeardOf[];
  /** By replica: how far it says to know what is chosen. */
  readonly prefixes: Slot[];
  /** By replica: the nonce of one that asks to be admitted. */
  readonly asking: (Uint8Array | null)[];
  /** By replica: when it last asked. */
  readonly askedUs: number[];
  /** When entries were last asked for. */
  fetchedUs: number;
  beatUs: number;
  /** Of votes for others' proposals, or of one's own proposals. */
  readonly pace: Pace;
  /** Votes since the last acknowledgement. */
  unacknowledged: number;
  told: PaxosStatus | null;

  /** Of the witness alone. */
  readonly witness: WitnessMemory | null;
}
