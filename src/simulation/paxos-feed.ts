/**
 * Tells the checkers of Simplified Paxos what devices keep and say: takes records and messages apart into votes,
 * promises and claims. A value is known by its content, written out; the vote of a witness, which names entries by
 * their digest, counts for each of them.
 */
import { createHash } from 'node:crypto';
import type {
  Entry,
  PaxosMessage,
  PaxosRecord,
  QuorumChange,
  Slot,
  Snapshot,
  Vote,
} from '../core/paxos/types.js';
import type { ReplicaIndex } from '../core/types.js';
import type { PaxosObservations, ToldVote, ValueContent, ValueKey } from '../checkers/paxos-observations.js';

const DIGEST_BYTES = 16;

/** One for a run. */
export class PaxosFeed {
  private readonly keys = new WeakMap<Entry, ValueKey>();
  private readonly known = new Set<ValueKey>();
  /** By digest, the values of the entries that it was made of. */
  private readonly digested = new Map<string, readonly ValueKey[]>();

  constructor(private readonly to: PaxosObservations) {}

  /** The digest that devices use; the feed remembers what it stands for. */
  readonly digestEntries = (from: Slot, entries: readonly Entry[]): Uint8Array => {
    const values = entries.map((entry) => this.keyOf(entry));
    const digest = createHash('sha256')
      .update(`${from}\n${values.join('\n')}`)
      .digest();
    const bytes = new Uint8Array(digest.subarray(0, DIGEST_BYTES));
    this.digested.set(writeBytes(bytes), values);
    return bytes;
  };

  /** A digest that devices have made by themselves stands for these entries. */
  noteDigest(digest: Uint8Array, entries: readonly Entry[]): void {
    const key = writeBytes(digest);
    if (!this.digested.has(key))
      this.digested.set(
        key,
        entries.map((entry) => this.keyOf(entry)),
      );
  }

  /** Same content, same key; the checkers know it from now on. */
  keyOf(entry: Entry): ValueKey {
    const cached = this.keys.get(entry);
    if (cached !== undefined) return cached;
    const key = writeEntry(entry);
    this.keys.set(entry, key);
    if (!this.known.has(key)) {
      this.known.add(key);
      this.to.onValue(key, describe(entry));
    }
    return key;
  }

  kept(replica: ReplicaIndex, record: PaxosRecord): void {
    switch (record.kind) {
      case 'stamp':
        if (record.incarnation > 0) this.to.onStampKept(replica);
        else this.to.onForgotten(replica);
        return;
      case 'promise':
        this.to.onPromiseKept(replica, record.ballot);
        return;
      case 'vote':
        this.to.onVoteKept(replica, record.ballot, record.slot, this.keyOf(record.entry));
        return;
      case 'witness':
        if (record.incarnation > 0) this.to.onStampKept(replica);
        // Above its promise: no vote of its own, but what it was told to be chosen when it was let in.
        if ((record.change?.ballot ?? 0) <= record.promised)
          for (const { slot, ballot, value } of this.votesOf(record.change))
            this.to.onVoteKept(replica, ballot, slot, value);
        this.to.onPromiseKept(replica, record.promised);
        return;
      case 'entry':
      case 'prefix':
      case 'snapshot':
        // What a device believes to be chosen; it is judged when it acts on it.
        return;
    }
  }

  said(replica: ReplicaIndex, message: PaxosMessage): void {
    const { to } = this;
    switch (message.kind) {
      case 'prepare':
      case 'fetch':
        return;
      case 'promise':
        to.onPromiseSaid(
          replica,
          message.ballot,
          message.prefix,
          message.votes.map((vote) => this.tell(vote)),
        );
        return;
      case 'witness-promise':
        to.onPromiseSaid(
          replica,
          message.ballot,
          (message.change?.from ?? 1) - 1,
          this.votesOf(message.change),
        );
        return;
      case 'refuse':
        to.onBallotSaid(replica, message.promised);
        return;
      case 'propose':
        to.onProposed(replica, message.ballot, message.slot, this.keyOf(message.entry), message.hasVote);
        to.onPrefixSaid(replica, message.prefix);
        return;
      case 'vote':
        for (let { from } = message; from <= message.slot; from += 1)
          to.onVoteSaid(replica, message.ballot, from);
        to.onPrefixSaid(replica, message.prefix);
        return;
      case 'propose-change':
        for (const { slot, ballot, value } of this.votesOf(message.change))
          to.onProposed(replica, ballot, slot, value, true);
        return;
      case 'admit':
        for (const { slot, value } of this.votesOf(message.change)) to.onChosenSaid(replica, slot, value);
        return;
      case 'entries':
        for (const [at, entry] of message.entries.entries())
          to.onChosenSaid(replica, message.from + at, this.keyOf(entry));
        to.onPrefixSaid(replica, message.prefix);
        return;
      case 'snapshot':
        to.onPrefixSaid(replica, message.snapshot.slot);
        return;
      case 'beat':
        if (message.incarnation > 0) to.onBallotSaid(replica, message.promised);
        else to.onForgotten(replica);
        to.onPrefixSaid(replica, message.prefix);
        for (const nonce of message.vouches) to.onVouched(replica, writeBytes(nonce));
        for (let slot = message.votedFrom; slot <= message.votedTo; slot += 1)
          to.onVoteSaid(replica, message.promised, slot);
        return;
    }
  }

  applied(replica: ReplicaIndex, slot: Slot, entry: Entry, executes: boolean): void {
    this.to.onApplied(replica, slot, this.keyOf(entry), executes);
  }

  installed(replica: ReplicaIndex, snapshot: Snapshot, executed: number): void {
    this.to.onStateTaken(replica, snapshot.slot, executed);
  }

  private tell({ slot, ballot, entry }: Vote): ToldVote {
    return { slot, ballot, value: this.keyOf(entry) };
  }

  private votesOf(change: QuorumChange | null): readonly ToldVote[] {
    // The quorum of the beginning was chosen at no slot.
    if (change === null || change.slot === 0) return [];
    const { ballot, from, slot, quorum, digest } = change;
    const below = this.digested.get(writeBytes(digest)) ?? [];
    return [
      ...below.map((value, at) => ({ slot: from + at, ballot, value })),
      { slot, ballot, value: this.keyOf({ kind: 'quorum', members: quorum }) },
    ];
  }
}

function describe(entry: Entry): ValueContent {
  return {
    requests:
      entry.kind === 'command' ? [{ client: entry.request.client, sequence: entry.request.sequence }] : [],
    quorum: entry.kind === 'quorum' ? entry.members : null,
    admits: entry.kind === 'incarnation' ? { replica: entry.replica, nonce: writeBytes(entry.nonce) } : null,
  };
}

function writeEntry(entry: Entry): ValueKey {
  switch (entry.kind) {
    case 'command':
      return `${entry.request.client}/${entry.request.sequence}=${writeBytes(entry.request.value)}`;
    case 'nothing':
      return 'nothing';
    case 'quorum':
      return `quorum ${entry.members}`;
    case 'incarnation':
      return `incarnation ${entry.incarnation} of ${entry.replica} (${writeBytes(entry.nonce)})`;
  }
}

/** Hexadecimal. */
export function writeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
