/**
 * The drive loop of a device of Simplified Paxos: turns arrivals, requests and time into the core's inputs and carries out
 * its effects over ports by the core's contract (core/paxos/types.ts). The live rig and the simulator run this same loop.
 *
 * The store is given one write at a time: inputs that come meanwhile are taken, and their records go together into the next
 * one. What follows a record with a barrier is held back until the store has told that it is durable, and everything
 * leaves in the order in which it came; what is let go at once goes to each device in one piece.
 *
 * A device whose store refuses a write has said nothing that rests on it, and says nothing of its own any more: it learns
 * what the others choose, without a voice, so that its replica can go on. It must never let anything leave that
 * rests on a record that is not durable.
 */
import { recoverPaxos } from '../core/paxos/recover.js';
import { stepPaxos } from '../core/paxos/paxos.js';
import { isAheadOfVote } from '../core/paxos/run.js';
import { readHeldUntilUs } from '../core/paxos/sparing.js';
import type { PaxosState } from '../core/paxos/state.js';
import type {
  Entry,
  Members,
  Outcome,
  PaxosConfig,
  PaxosEffect,
  PaxosInput,
  PaxosMessage,
  PaxosRecord,
  PaxosStatus,
  Request,
  Slot,
  Snapshot,
} from '../core/paxos/types.js';
import type { ReplicaIndex } from '../core/types.js';
import type { Cancel, Clock, LogStore, OrderPort, StoreRefusal } from '../ports.js';
import { OpenRequests } from './open-requests.js';
import { OrderRecords, OrderStoreError, type RecordCodec } from './order-records.js';

export interface OrderDriveParts {
  readonly config: PaxosConfig;
  readonly clock: Clock;
  readonly store: LogStore;
  readonly records: RecordCodec;
  /**
   * An earlier life in this process may have written to the store what is not durable yet: it is waited for before
   * anything is said.
   */
  readonly isReopened?: boolean;
  /** What leaves together for one device, in order. */
  readonly send: OrderPort['send'];
  /** A slot that is chosen, and durable here as far as this device remembers anything; in order, each once. */
  readonly onChosen: (slot: Slot, entry: Entry, executes: boolean) => void;
  /**
   * This device votes for another operational quorum at `slot`, or remembers to have done so and not what was chosen there.
   * Told before the vote leaves.
   */
  readonly onVotedForQuorum?: (slot: Slot) => void;
  /** What all slots up to that of `snapshot` have come to, in place of them. */
  readonly onInstall: (snapshot: Snapshot) => void;
  /** Whether what commands have made can be read here: by another control law, or under another rig file, it cannot. */
  readonly canRead: (snapshot: Snapshot) => boolean;
  /** What the commands of all slots up to `slot` have made; null where that is not known. */
  readonly takeSnapshot: (slot: Slot) => Uint8Array | null;
  /** What to tell a client; not that it should ask elsewhere or again, as its request is kept. */
  readonly onAnswer: (client: string, sequence: number, outcome: Outcome) => void;
  /** What could be let go has left: whatever its receivers need not wait for. */
  readonly onReleased?: () => void;
  readonly onStatus: (status: PaxosStatus) => void;
  /** From now on this device neither promises nor votes. Told once. */
  readonly onStoreRefusal: (refusal: StoreRefusal) => void;
}

/** What no step waits for is written together with what the next one does, or after so long. */
const LAZY_US = 500_000;
const TIMER_SLACK_US = 1_000;

/** In place of a nonce: whoever shows none is never admitted. */
const NO_NONCE = new Uint8Array(16);

type Answer = Extract<PaxosEffect, { readonly kind: 'answer' }>;

/** An effect that waits for a record: the so many-th that was handed to the store. */
interface Held {
  readonly effect: PaxosEffect;
  readonly after: number;
}

/** One device at work, from `start` until `stop`. */
export class OrderDrive {
  private config: PaxosConfig;
  private state: PaxosState;
  private readonly records: OrderRecords;
  private readonly open = new OpenRequests();
  /** Until it starts. */
  private readonly loaded: PaxosRecord[];
  private readonly inputs: PaxosInput[] = [];
  private held: Held[] = [];
  /** Proposals ahead of their votes, and what they wait for. */
  private ahead: Held[] = [];
  private unwritten: PaxosRecord[] = [];
  /** Messages that have been let go, by receiver; and answers to clients, which leave before them. */
  private readonly leaving = new Map<ReplicaIndex, PaxosMessage[]>();
  private readonly answers: Answer[] = [];
  /** Records that steps have asked for so far; the last that something waits for; the last written, and the last durable. */
  private handed: number;
  private barrier: number;
  /** The last that a proposal ahead of its vote waits for. */
  private aheadBarrier: number;
  private written = 0;
  private durable = 0;
  private isWriting = false;
  private isStored: boolean;
  private writtenUs: number;
  private offeredUs = -Infinity;
  private prefix: Slot = 0;
  /** Null until it has been said: then all are. */
  private wanted: Members | null = null;
  private status: PaxosStatus | null = null;
  /** Its store has refused a write. */
  private isMute = false;
  private isBusy = false;
  private isOver = false;
  private onSettled: (() => void) | null = null;
  private cancelTimer: Cancel | null = null;
  private heldUntilUs: number | null = null;
  private cancelHeld: Cancel | null = null;

  /** Recovers what the store holds. Throws OrderStoreError where that, or what it means, cannot be read. */
  constructor(private readonly parts: OrderDriveParts) {
    const { config, store, clock, records, isReopened, canRead } = parts;
    this.config = config;
    this.records = new OrderRecords(records);
    this.isStored = store.loaded !== null;
    this.loaded = store.loaded === null ? [] : [...this.records.load(store.loaded, store.place)];
    for (const record of this.loaded)
      if (record.kind === 'snapshot' && !canRead(record.snapshot))
        throw new OrderStoreError(
          `${store.place}: it holds what commands have come to under another control law or rig file; run the replicas with the rig folder that they had, or move the state folders of all of them away and give the commands again`,
        );
    this.handed = isReopened === true && this.isStored ? 1 : 0;
    this.barrier = this.handed;
    this.aheadBarrier = this.handed;
    this.writtenUs = clock.nowUs();
    const { state, effects } = recoverPaxos(config, this.loaded, this.writtenUs);
    this.state = state;
    this.hold(effects);
  }

  /** Tells what was known before, and takes part. */
  start(): void {
    if (this.handed > 0) this.write([]);
    for (const record of this.loaded.splice(0))
      if (record.kind === 'vote' && record.slot > this.state.prefix) this.noteVote(record);
    this.run();
    this.keepTime();
  }

  /** Authenticated, decoded messages of another device that came together. */
  receive(from: ReplicaIndex, messages: readonly PaxosMessage[], arrivedUs: number): void {
    this.feed(...messages.map((message) => ({ kind: 'received', nowUs: arrivedUs, from, message }) as const));
  }

  /** A client's request that has been checked. */
  request(request: Request): void {
    const nowUs = this.parts.clock.nowUs();
    if (this.isOver) return;
    if (!this.open.add(request, nowUs)) {
      this.parts.onAnswer(request.client, request.sequence, { kind: 'busy' });
      return;
    }
    this.feed({ kind: 'request', nowUs, request });
  }

  /** Whom operators want in the operational quorum, by what is chosen; whoever says it again says nothing new. */
  want(members: Members): void {
    if (members === this.wanted) return;
    this.wanted = members;
    this.feed({ kind: 'wanted', nowUs: this.parts.clock.nowUs(), members });
  }

  /** Every slot up to this one has been told as chosen. */
  readPrefix(): Slot {
    return this.prefix;
  }

  /** Who leads, as far as this device knows; null where nobody does. */
  readLeader(): ReplicaIndex | null {
    return this.status?.leader ?? null;
  }

  /** Makes durable what is known and stops; resolves when nothing more will leave this device. */
  async stop(): Promise<void> {
    this.cancelTimer?.();
    this.writeAll();
    if (this.durable < this.handed && !this.isMute)
      await new Promise<void>((resolve) => {
        this.onSettled = resolve;
      });
    this.halt();
  }

  /** Stops at once; nothing more is taken in or carried out. */
  halt(): void {
    this.isOver = true;
    this.cancelTimer?.();
    this.cancelHeld?.();
    this.inputs.length = 0;
    this.held = [];
    this.ahead = [];
    this.unwritten = [];
    this.leaving.clear();
    this.answers.length = 0;
  }

  private keepTime(): void {
    const { clock } = this.parts;
    const { beatUs, retryUs } = this.config;
    const nowUs = clock.nowUs();
    this.cancelTimer = clock.schedule(
      nowUs + Math.min(beatUs ?? retryUs, retryUs),
      () => {
        this.onTime();
        if (!this.isOver) this.keepTime();
      },
      TIMER_SLACK_US,
    );
  }

  private onTime(): void {
    const nowUs = this.parts.clock.nowUs();
    this.feed({ kind: 'time', nowUs });
    if (nowUs - this.writtenUs >= LAZY_US) this.writeAll();
    if (this.status?.role === 'leads' && nowUs - this.offeredUs >= this.config.retryUs) this.offer(nowUs);
  }

  /** Gives the core once more what is not known to be chosen. */
  private offer(nowUs: number): void {
    this.offeredUs = nowUs;
    this.feed(...this.open.list(nowUs).map((request) => ({ kind: 'request', nowUs, request }) as const));
  }

  private feed(...inputs: readonly PaxosInput[]): void {
    if (this.isOver) return;
    this.inputs.push(...inputs);
    this.run();
  }

  /** Takes what there is to take, has written what there is to write, and lets go what may go, until nothing is left. */
  private run(): void {
    if (this.isBusy) return;
    this.isBusy = true;
    do {
      for (const input of this.inputs.splice(0)) this.hold(stepPaxos(this.config, this.state, input).effects);
      if (this.barrier > this.written) this.writeAll();
      this.release();
    } while (this.inputs.length > 0);
    this.isBusy = false;
    this.sendGathered();
    this.awaitHeld();
    this.parts.onReleased?.();
  }

  /** Requests that the core holds back are looked at again when they must not wait any longer. */
  private awaitHeld(): void {
    const heldUntilUs = readHeldUntilUs(this.state);
    if (heldUntilUs === this.heldUntilUs) return;
    this.cancelHeld?.();
    this.cancelHeld = null;
    this.heldUntilUs = heldUntilUs;
    if (heldUntilUs === null) return;
    const { clock } = this.parts;
    this.cancelHeld = clock.schedule(
      heldUntilUs,
      () => {
        this.heldUntilUs = null;
        this.feed({ kind: 'time', nowUs: clock.nowUs() });
      },
      TIMER_SLACK_US,
    );
  }

  private hold(effects: readonly PaxosEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send' && isAheadOfVote(effect.message)) {
        this.ahead.push({ effect, after: this.aheadBarrier });
        continue;
      }
      if (effect.kind !== 'persist') {
        this.held.push({ effect, after: this.barrier });
        continue;
      }
      // Without a voice nothing rests on what is kept.
      if (this.isMute) continue;
      this.noteVote(effect.record);
      this.unwritten.push(effect.record);
      this.handed += 1;
      if (!effect.barrier) continue;
      this.barrier = this.handed;
      if (effect.record.kind !== 'vote') this.aheadBarrier = this.handed;
    }
  }

  private noteVote(record: PaxosRecord): void {
    if (record.kind === 'vote' && record.entry.kind === 'quorum') this.parts.onVotedForQuorum?.(record.slot);
  }

  /** What is waited for, and what nobody waits for with it; after the write that is under way. */
  private writeAll(): void {
    const { unwritten } = this;
    if (this.isWriting || unwritten.length === 0) return;
    this.unwritten = [];
    this.write(unwritten);
  }

  private write(records: readonly PaxosRecord[]): void {
    const { store, clock } = this.parts;
    const upTo = this.handed;
    const changes = this.records.change(records);
    const onDurable = (refusal: StoreRefusal | null): void => this.onWritten(upTo, refusal);
    this.isWriting = true;
    this.written = upTo;
    this.writtenUs = clock.nowUs();
    if (this.isStored) {
      store.write(changes, onDurable);
      return;
    }
    this.isStored = true;
    store.provision(changes, onDurable);
  }

  private onWritten(upTo: number, refusal: StoreRefusal | null): void {
    if (this.isOver) return;
    this.isWriting = false;
    if (refusal === null) this.durable = upTo;
    else this.mute(refusal);
    this.run();
    if (this.onSettled === null) return;
    this.writeAll();
    if (this.durable >= this.handed || this.isMute) this.onSettled();
  }

  /** Begins anew as one that remembers nothing and that nobody will admit. */
  private mute(refusal: StoreRefusal): void {
    this.isMute = true;
    this.held = [];
    this.ahead = [];
    this.unwritten = [];
    this.barrier = 0;
    this.aheadBarrier = 0;
    this.config = { ...this.config, nonce: NO_NONCE };
    this.state = recoverPaxos(this.config, [], this.parts.clock.nowUs()).state;
    this.status = null;
    this.parts.onStoreRefusal(refusal);
  }

  private release(): void {
    for (const effect of this.takeFree(this.ahead)) this.carryOut(effect);
    for (const effect of this.takeFree(this.held)) this.carryOut(effect);
  }

  /** Those at the front that wait for nothing any more. */
  private takeFree(held: Held[]): readonly PaxosEffect[] {
    let count = 0;
    for (const { after } of held) {
      if (after > this.durable) break;
      count += 1;
    }
    return held.splice(0, count).map(({ effect }) => effect);
  }

  private carryOut(effect: PaxosEffect): void {
    const { parts, isMute } = this;
    switch (effect.kind) {
      case 'persist':
        return;
      case 'send':
        if (!isMute || effect.message.kind === 'fetch') this.gather(effect.to, effect.message);
        return;
      case 'chosen':
        if (effect.entry.kind === 'command') {
          const { client, sequence } = effect.entry.request;
          this.open.settle(client, sequence);
        }
        if (effect.slot <= this.prefix) return;
        this.prefix = effect.slot;
        parts.onChosen(effect.slot, effect.entry, effect.executes);
        return;
      case 'install':
        if (effect.snapshot.slot <= this.prefix) return;
        this.prefix = effect.snapshot.slot;
        parts.onInstall(effect.snapshot);
        return;
      case 'take-snapshot': {
        const state = parts.takeSnapshot(effect.slot);
        // The core asks for the next one all the same.
        if (state === null) return;
        this.inputs.push({ kind: 'snapshot-taken', nowUs: parts.clock.nowUs(), slot: effect.slot, state });
        return;
      }
      case 'answer':
        this.answers.push(effect);
        return;
      case 'status':
        if (!isMute) this.noteStatus(effect.status);
        return;
    }
  }

  private gather(to: ReplicaIndex, message: PaxosMessage): void {
    const messages = this.leaving.get(to);
    if (messages === undefined) {
      this.leaving.set(to, [message]);
      return;
    }
    // A later beat says all that an earlier one does.
    const earlier = message.kind === 'beat' ? messages.findIndex(({ kind }) => kind === 'beat') : -1;
    if (earlier >= 0) messages.splice(earlier, 1);
    messages.push(message);
  }

  private sendGathered(): void {
    const answers = this.answers.splice(0);
    const leaving = [...this.leaving];
    this.leaving.clear();
    // Clients first: who asks again is there when the leader hears that it may go on.
    for (const { client, sequence, outcome } of answers) this.answer(client, sequence, outcome);
    for (const [to, messages] of leaving) this.parts.send(to, messages);
  }

  private answer(client: string, sequence: number, outcome: Outcome): void {
    switch (outcome.kind) {
      case 'redirect':
      case 'busy':
        // It is kept, and so it is at whoever leads.
        return;
      case 'waits': {
        // The others may well go on without this device.
        const why = this.status?.waits?.why;
        if (why === 'majority' || why === 'operational-quorum')
          this.parts.onAnswer(client, sequence, outcome);
        return;
      }
      case 'chosen':
      case 'stale':
      case 'refused':
        this.open.settle(client, sequence);
        this.parts.onAnswer(client, sequence, outcome);
    }
  }

  private noteStatus(status: PaxosStatus): void {
    const led = this.status?.role === 'leads';
    this.status = status;
    this.parts.onStatus(status);
    if (status.role === 'leads' && !led) this.offer(this.parts.clock.nowUs());
  }
}
