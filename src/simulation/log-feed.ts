/**
 * What the checkers of Simplified Paxos are told of a whole rig: what its devices keep on their disks, say to each other, hand
 * to the rounds and tell operators. What they find is taken from here, with the tick in which it came to light.
 */
import { createPaxosCheckers, type PaxosCheckers } from '../checkers/create-paxos-checkers.js';
import type { Violation } from '../checkers/observations.js';
import type { Entry, PaxosMessage, Slot, Snapshot } from '../core/paxos/types.js';
import type { ReplicaIndex, Tick } from '../core/types.js';
import type { RecordChange } from '../ports.js';
import { recordCodec, type RecordCodec } from '../process/order-records.js';
import { listDevices, requireOrderLimits } from '../process/order-config.js';
import type { Rig } from '../rig/rig.js';
import { PaxosFeed, writeBytes } from './paxos-feed.js';

/** One for a run of a rig whose commands a log orders. */
export class LogFeed {
  private readonly checkers: PaxosCheckers;
  private readonly feed: PaxosFeed;
  private readonly codec: RecordCodec;
  private readonly found: Violation[] = [];
  private taken = 0;
  /** By slot, how many requests are executed up to it. */
  private readonly executed: number[] = [0];

  constructor(rig: Rig) {
    this.checkers = createPaxosCheckers({ replicas: listDevices(rig), witness: null, isNew: true });
    this.feed = new PaxosFeed(this.checkers);
    this.codec = recordCodec(requireOrderLimits(rig));
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
      const record = this.codec.decode(bytes);
      if (record === null) throw new Error(`device ${device} keeps "${key}", which nobody can read`);
      this.feed.kept(device, record);
    }
  }

  /** The store of the device is empty. */
  emptied(device: ReplicaIndex): void {
    this.checkers.onAmnesia(device);
  }

  started(device: ReplicaIndex, nonce: Uint8Array): void {
    this.checkers.onStarted(device, writeBytes(nonce));
  }

  said(device: ReplicaIndex, messages: readonly PaxosMessage[]): void {
    for (const message of messages) this.feed.said(device, message);
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
