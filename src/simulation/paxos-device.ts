/**
 * A simulated device of a group: one process after another of the core on one host, a disk, and the driver between them.
 * The driver keeps the core's contract (core/paxos/types.ts): records of many steps share a flush, and nothing that
 * comes after a record with a barrier leaves before that record is safe.
 */
import type {
  Members,
  Outcome,
  PaxosConfig,
  PaxosEffect,
  PaxosInput,
  PaxosMessage,
  PaxosStatus,
  Request,
  Slot,
} from '../core/paxos/types.js';
import { isAheadOfVote } from '../core/paxos/run.js';
import type { ReplicaIndex } from '../core/types.js';
import type { Random } from '../faults/random.js';
import { RANK } from './event-queue.js';
import { Host, type World } from './host.js';
import { measureMemory } from './measure-memory.js';
import type { RunningCore, StartCore } from './paxos-core.js';
import { PaxosDisk, type PaxosCut } from './paxos-disk.js';
import { writeBytes, type PaxosFeed } from './paxos-feed.js';
import { decodeState, encodeState } from './paxos-state.js';

/** How long a flush takes: at least so long, and so much more on average. */
const FLUSH_US = 600;
const FLUSH_JITTER_US = 900;
/** What nobody waits for goes with the next flush, or after so long. */
const LAZY_US = 20_000;
const NONCE_BYTES = 16;
/** What it holds is measured once in so many steps. */
const SAMPLE_STEPS = 512;

/** What leaves a device. */
export interface PaxosDeviceWatch {
  onSend(from: ReplicaIndex, to: ReplicaIndex, message: PaxosMessage): void;
  onAnswer(from: ReplicaIndex, client: string, sequence: number, outcome: Outcome): void;
  /** Something that belongs into a trace. */
  onNote(from: ReplicaIndex, what: string): void;
  /** A record has been handed to the disk; not null: the power goes now. */
  onWrite(from: ReplicaIndex): PaxosCut | null;
  onStarted(replica: ReplicaIndex, nonce: string): void;
  onHeld(replica: ReplicaIndex, bytes: number): void;
}

/** An effect that waits for a record: the so many-th that was handed to the disk. */
interface Held {
  readonly effect: PaxosEffect;
  readonly after: number;
}

/** Crashes and restarts come from outside. */
export class PaxosDevice {
  readonly host: Host;
  readonly disk: PaxosDisk;
  status: PaxosStatus | null = null;
  /** The last slot that it applied. */
  applied: Slot = 0;
  /** Requests that its state has executed. */
  private executed = 0;
  private core: RunningCore | null = null;
  private readonly held: Held[] = [];
  /** Proposals ahead of their votes. */
  private readonly ahead: Held[] = [];
  /** Records handed to the disk in this life, those of them that are safe, and the last that something waits for. */
  private handed = 0;
  private safe = 0;
  private barrier = 0;
  /** The last record that a proposal ahead of its vote waits for. */
  private aheadBarrier = 0;
  private isLazyPlanned = false;
  private wanted: Members | null = null;
  private steps = 0;

  constructor(
    private readonly world: World,
    readonly index: ReplicaIndex,
    private readonly makeConfig: (nonce: Uint8Array) => PaxosConfig,
    private readonly start: StartCore,
    private readonly random: Random,
    private readonly feed: PaxosFeed,
    private readonly watch: PaxosDeviceWatch,
    private readonly tickUs: number,
  ) {
    this.host = new Host(world);
    this.disk = new PaxosDisk(random, (record) => this.feed.kept(index, record));
  }

  get isRunning(): boolean {
    return this.core !== null;
  }

  /** Its store is stamped before the first start: whatever it will promise and vote is there. */
  provision(): void {
    const { self, witness } = this.makeConfig(new Uint8Array(NONCE_BYTES));
    this.disk.provision(
      self === witness
        ? { kind: 'witness', incarnation: 1, promised: 0, change: null }
        : { kind: 'stamp', incarnation: 1, since: 0 },
    );
  }

  /** A process starts on what the disk holds. */
  boot(): void {
    if (this.core !== null) return;
    const nonce = this.random.nextBytes(NONCE_BYTES);
    this.host.boot();
    this.applied = 0;
    this.executed = 0;
    this.status = null;
    this.watch.onStarted(this.index, writeBytes(nonce));
    const { core, effects } = this.start(this.makeConfig(nonce), this.disk.records, this.nowUs());
    this.core = core;
    this.take(effects);
    if (this.wanted !== null) this.feedIn({ kind: 'wanted', nowUs: this.nowUs(), members: this.wanted });
    this.tick(this.host.lifeNumber);
  }

  /** The process dies, and what it had not kept with it. */
  crash(how: PaxosCut): void {
    if (this.core === null) return;
    this.core = null;
    this.host.kill();
    this.held.length = 0;
    this.ahead.length = 0;
    this.handed = 0;
    this.safe = 0;
    this.barrier = 0;
    this.aheadBarrier = 0;
    this.isLazyPlanned = false;
    this.disk.cut(how);
  }

  receive(from: ReplicaIndex, message: PaxosMessage): void {
    this.host.runNow(RANK.arrival, () =>
      this.feedIn({ kind: 'received', nowUs: this.nowUs(), from, message }),
    );
  }

  ask(request: Request): void {
    this.host.runNow(RANK.arrival, () => this.feedIn({ kind: 'request', nowUs: this.nowUs(), request }));
  }

  /** Operators want these in the operational quorum: the process that runs hears of it, and those after it. */
  want(members: Members): void {
    this.wanted = members;
    this.host.runNow(RANK.arrival, () => this.feedIn({ kind: 'wanted', nowUs: this.nowUs(), members }));
  }

  private nowUs(): number {
    return this.host.clock.nowUs();
  }

  private tick(life: number): void {
    this.host.clock.schedule(this.nowUs() + this.tickUs, () => {
      if (this.host.lifeNumber !== life) return;
      this.feedIn({ kind: 'time', nowUs: this.nowUs() });
      this.tick(life);
    });
  }

  private feedIn(input: PaxosInput): void {
    if (this.core === null) return;
    this.take(this.core.step(input));
    this.steps += 1;
    if (this.steps % SAMPLE_STEPS === 0 && this.core !== null)
      this.watch.onHeld(this.index, measureMemory(this.core.root, []) + measureMemory(this.disk.records, []));
  }

  private take(effects: readonly PaxosEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'persist') {
        this.disk.add(effect.record);
        this.handed += 1;
        if (effect.barrier) this.barrier = this.handed;
        if (effect.barrier && effect.record.kind !== 'vote') this.aheadBarrier = this.handed;
        const cut = this.watch.onWrite(this.index);
        if (cut !== null) {
          // The disk is at it while the power goes.
          if (!this.disk.isFlushing) this.disk.beginFlush();
          this.crash(cut);
          return;
        }
      } else if (effect.kind === 'send' && isAheadOfVote(effect.message)) {
        this.ahead.push({ effect, after: this.aheadBarrier });
        this.release();
      } else this.held.push({ effect, after: this.barrier });
    }
    this.release();
    this.flush();
  }

  private flush(): void {
    const { disk } = this;
    if (disk.isFlushing || !disk.hasWaiting) return;
    if (this.barrier > this.safe) this.beginFlush();
    else if (!this.isLazyPlanned) {
      this.isLazyPlanned = true;
      this.host.schedule(this.world.nowUs + LAZY_US, RANK.timer, () => {
        this.isLazyPlanned = false;
        if (!disk.isFlushing && disk.hasWaiting) this.beginFlush();
      });
    }
  }

  private beginFlush(): void {
    const { disk, random, world } = this;
    disk.beginFlush();
    const upTo = this.handed;
    const us = FLUSH_US + Math.floor(-Math.log(1 - random.nextUnit()) * FLUSH_JITTER_US);
    this.host.schedule(world.nowUs + us, RANK.arrival, () => {
      disk.endFlush();
      this.safe = upTo;
      this.release();
      this.flush();
    });
  }

  private release(): void {
    for (const held of [this.ahead, this.held]) {
      let count = 0;
      for (const { effect, after } of held) {
        if (after > this.safe) break;
        count += 1;
        this.carryOut(effect);
      }
      held.splice(0, count);
    }
  }

  private carryOut(effect: PaxosEffect): void {
    switch (effect.kind) {
      case 'persist':
        return;
      case 'send':
        this.watch.onSend(this.index, effect.to, effect.message);
        return;
      case 'answer':
        this.watch.onAnswer(this.index, effect.client, effect.sequence, effect.outcome);
        return;
      case 'chosen':
        this.applied = effect.slot;
        if (effect.executes && effect.entry.kind === 'command') this.executed += 1;
        this.feed.applied(this.index, effect.slot, effect.entry, effect.executes);
        return;
      case 'install': {
        const { slot, executed } = decodeState(effect.snapshot.state);
        this.applied = slot;
        this.executed = executed;
        this.feed.installed(this.index, effect.snapshot, executed);
        return;
      }
      case 'take-snapshot': {
        const state = encodeState({ slot: this.applied, executed: this.executed });
        const { slot } = effect;
        this.host.schedule(this.world.nowUs, RANK.arrival, () =>
          this.feedIn({ kind: 'snapshot-taken', nowUs: this.nowUs(), slot, state }),
        );
        return;
      }
      case 'status':
        this.status = effect.status;
        this.watch.onNote(this.index, `${effect.status.role} ${effect.status.ballot}`);
        return;
    }
  }
}
