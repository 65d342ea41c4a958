/**
 * What the checkers of Simplified Paxos are told of a whole rig: what its devices keep on their disks, say to each other, hand
 * to the rounds and tell operators. What they find is taken from here, with the tick in which it came to light.
 */
import { createPaxosCheckers, type PaxosCheckers } from '../checkers/create-paxos-checkers.js';
import type { CheckedQuorum, Violation } from '../checkers/observations.js';
import { sameBytes } from '../core/bytes.js';
import type { Entry, PaxosMessage, QuorumChange, Slot, Snapshot, Vote } from '../core/paxos/types.js';
import type { ReplicaIndex, Tick } from '../core/types.js';
import type { RecordChange } from '../ports.js';
import { witnessCodec } from '../store/witness-codec.js';
import { recordCodec, type RecordCodec } from '../process/order-records.js';
import { digestEntries, listDevices, requireOrderLimits } from '../process/order-config.js';
import type { Rig } from '../rig/rig.js';
import { PaxosFeed, writeBytes } from './paxos-feed.js';

/** One for a run of a rig whose commands a log orders. */
export class LogFeed {
  private readonly checkers: PaxosCheckers;
  private readonly feed: PaxosFeed;
  /** By device. */
  private readonly codecs: readonly RecordCodec[];
  /** By device and slot, the last vote that it keeps: what a change of the operational quorum has below it. */
  private readonly votes: readonly Map<Slot, Vote>[];
  private readonly found: Violation[] = [];
  private taken = 0;
  /** By slot, how many requests are executed up to it. */
  private readonly executed: number[] = [0];

  constructor(rig: Rig) {
    const devices = listDevices(rig);
    const witness = rig.witness === null ? null : devices.indexOf(rig.witness.id);
    this.checkers = createPaxosCheckers({ replicas: devices, witness, isNew: true });
    this.feed = new PaxosFeed(this.checkers);
    this.votes = devices.map(() => new Map<Slot, Vote>());
    const codec = recordCodec(requireOrderLimits(rig));
    this.codecs = devices.map((_, device) => (device === witness ? witnessCodec : codec));
  }

  /** What was found so far, the first of it. */
  get violations(): readonly Violation[] {
    return this.found;
  }

  get violationCount(): number {
    return this.checkers.violationCount;
  }

  /** By checker and rule. */
  get violationsByRule(): Readonly<Record<string, number>> {
    return this.checkers.violationsByRule;
  }

  /** The disk of the device holds these from now on. Throws an Error for a record that is none. */
  kept(device: ReplicaIndex, changes: readonly RecordChange[]): void {
    for (const { key, bytes } of changes) {
      if (bytes === null) continue;
      const record = this.codecs[device]?.decode(bytes) ?? null;
      if (record === null) throw new Error(`device ${device} keeps "${key}", which nobody can read`);
      this.feed.kept(device, record);
      if (record.kind === 'vote') this.votes[device]?.set(record.slot, record);
      if (record.kind === 'snapshot') this.forgetVotes(device, record.snapshot.slot);
    }
  }

  /** The store of the device is empty. True where nobody remembers anything any more: the log begins anew. */
  emptied(device: ReplicaIndex): boolean {
    this.checkers.onAmnesia(device);
    return this.checkers.isForgotten;
  }

  started(device: ReplicaIndex, nonce: Uint8Array): void {
    this.checkers.onStarted(device, writeBytes(nonce));
  }

  said(device: ReplicaIndex, messages: readonly PaxosMessage[]): void {
    for (const message of messages) {
      if (message.kind === 'propose-change') this.readDigest(device, message.change);
      this.feed.said(device, message);
    }
  }

  /** The operational quorum after the slot, by the votes that devices keep; null while nobody can know it. */
  quorumAfter(slot: Slot): CheckedQuorum | null {
    return this.checkers.quorumAfter(slot);
  }

  chosen(device: ReplicaIndex, slot: Slot, entry: Entry, executes: boolean): void {
    this.executed[slot] ??= (this.executed[slot - 1] ?? 0) + (executes && entry.kind === 'command' ? 1 : 0);
    this.feed.applied(device, slot, entry, executes);
  }

  installed(device: ReplicaIndex, snapshot: Snapshot): void {
    // What the state has executed is for the rounds to show: it is told as what the log holds.
    this.feed.installed(device, snapshot, this.executed[snapshot.slot] ?? 0);
  }

  /** An operator asks for the first time. */
  asked(client: string, sequence: number): void {
    this.checkers.onAsked({ client, sequence });
  }

  /** The device tells the operator that his request is chosen at the slot. */
  answered(device: ReplicaIndex, client: string, sequence: number, slot: Slot): void {
    this.checkers.onAnswered(device, { client, sequence }, slot);
  }

  /** A witness is told what lies below a change by digest alone: it is that of what its leader has voted for. */
  private readDigest(leader: ReplicaIndex, { ballot, from, slot, digest }: QuorumChange): void {
    const entries: Entry[] = [];
    for (let at = from; at < slot; at += 1) {
      const vote = this.votes[leader]?.get(at);
      if (vote?.ballot !== ballot) return;
      entries.push(vote.entry);
    }
    if (sameBytes(digestEntries(from, entries), digest)) this.feed.noteDigest(digest, entries);
  }

  private forgetVotes(device: ReplicaIndex, last: Slot): void {
    for (const slot of this.votes[device]?.keys() ?? []) if (slot <= last) this.votes[device]?.delete(slot);
  }

  /** Once a tick. */
  turn(tick: Tick): void {
    const { violations } = this.checkers;
    for (; this.taken < violations.length; this.taken += 1) {
      const violation = violations[this.taken];
      if (violation === undefined) return;
      const { checker, rule, slot, who, what } = violation;
      this.found.push({ checker, rule, tick, who, what: slot === null ? what : `Slot ${slot}: ${what}` });
    }
  }
}
