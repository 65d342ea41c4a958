/**
 * A simulated group of devices that run Simplified Paxos, with clients, faults and checkers, in virtual time. One seed
 * decides everything; the machine's time and chance play no part: same seed and version, same digest.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Outcome, PaxosMessage, Request } from '../core/paxos/types.js';
import type { ReplicaIndex } from '../core/types.js';
import { createPaxosCheckers, type PaxosCheckers } from '../checkers/create-paxos-checkers.js';
import type { PaxosViolation } from '../checkers/paxos-observations.js';
import { Random } from '../faults/random.js';
import { RANK } from './event-queue.js';
import { World } from './host.js';
import { PaxosClient } from './paxos-client.js';
import { PaxosDevice } from './paxos-device.js';
import type { StartCore } from './paxos-core.js';
import type { PaxosCut } from './paxos-disk.js';
import { PaxosFaults, type PaxosFault } from './paxos-faults.js';
import { PaxosFeed } from './paxos-feed.js';
import { drawConfig, PAXOS_GROUPS, TICK_US, type PaxosGroupName } from './paxos-groups.js';
import { PaxosLinks } from './paxos-links.js';

/** What decides a run. */
export interface PaxosRunOptions {
  readonly seed: string;
  readonly group: PaxosGroupName;
  readonly fault: PaxosFault;
  /** Requests that clients make, all together. */
  readonly commands: number;
  readonly start: StartCore;
  /** Besides the fault: the power of one device goes while its so many-th record, counted from 1, is handed to its disk. */
  readonly cut?: { readonly device: ReplicaIndex; readonly write: number; readonly how: PaxosCut };
  /** Hears of everything that happens, line by line. */
  readonly onLine?: (line: string) => void;
}

/** What came of a run. */
export interface PaxosRunResult {
  /** Requests that were answered. */
  readonly answered: number;
  readonly slots: number;
  /** How often something was struck, messages that were lost, and processes that died. */
  readonly strikes: number;
  readonly lost: number;
  readonly crashes: number;
  /** Ballots that somebody led in. */
  readonly ballots: number;
  readonly messages: number;
  /** Records that became safe, and flushes that they shared. */
  readonly writes: number;
  readonly flushes: number;
  /** The most that a device held in memory and on disk, bytes. */
  readonly heldBytes: number;
  readonly virtualUs: number;
  readonly violationCount: number;
  readonly violations: readonly PaxosViolation[];
  readonly violationsByRule: Readonly<Record<string, number>>;
  /** SHA-256 of all that happened, hexadecimal. */
  readonly digest: string;
}

const CLIENTS = 6;
/** So long a group may take for its commands under faults, each; what is not done then is done in calm. */
const MAX_COMMAND_US = 60_000;
/** So long all that is open may take once everything is well. */
const CALM_US = 3_000_000;
const CALM_STEP_US = 10_000;
/** What a device may hold, by the measure of `measureMemory`; more than twice what runs come to. */
const HELD_MAX_BYTES = 96 * 1024;
/** Within so long the devices of a new group are switched on, one after another. */
const UNPACK_US = 100_000;
/** The power is back after so long. */
const CUT_LASTS_US = 15_000;
const CHUNK_CHARACTERS = 1 << 15;

/** Runs one group through its commands and faults, and judges it. */
export function simulatePaxos(options: PaxosRunOptions): PaxosRunResult {
  return new PaxosRun(options).run();
}

class PaxosRun {
  private readonly world = new World();
  /** Stores are empty at first. */
  private readonly isNew: boolean;
  private readonly unpacking: Random;
  private readonly links: PaxosLinks;
  private readonly checkers: PaxosCheckers;
  private readonly feed: PaxosFeed;
  private readonly devices: readonly PaxosDevice[];
  private readonly clients: readonly PaxosClient[];
  private readonly faults: PaxosFaults;
  private readonly hash: Hash = createHash('sha256');
  private readonly leaders = new Set<number>();
  private chunk = '';
  /** By device, records handed to its disk so far. */
  private readonly writes: number[] = [];
  private asked = 0;
  private starts = 0;
  private messages = 0;
  private heldBytes = 0;

  constructor(private readonly options: PaxosRunOptions) {
    const { seed, start } = options;
    const group = PAXOS_GROUPS[options.group];
    const { world } = this;
    const chance = (of: string): Random => new Random(`${seed} ${options.group} ${options.fault} ${of}`);
    this.links = new PaxosLinks(world, chance('links'));
    this.unpacking = chance('unpacking');
    this.isNew = options.fault === 'genesis' || (options.fault === 'all' && this.unpacking.nextChance(0.5));
    this.checkers = createPaxosCheckers({
      replicas: group.ids,
      witness: group.witness,
      isNew: this.isNew,
      heldMaxBytes: HELD_MAX_BYTES,
    });
    this.feed = new PaxosFeed(this.checkers);
    const names = Array.from({ length: CLIENTS }, (_, at) => `client-${at}`);
    const makeConfig = drawConfig(group, names.length, chance('limits'), this.feed.digestEntries);
    this.devices = group.ids.map(
      (id, index) =>
        new PaxosDevice(
          world,
          index,
          (nonce) => makeConfig(index, nonce),
          start,
          chance(`device ${id}`),
          this.feed,
          {
            onSend: (from, to, message) => this.carry(from, to, message),
            onAnswer: (from, client, sequence, outcome) => this.answer(from, client, sequence, outcome),
            onNote: (from, what) => this.noteStatus(from, what),
            onWrite: (from) => this.write(from),
            onStarted: (replica, nonce) => this.begin(replica, nonce),
            onHeld: (replica, bytes) => this.hold(replica, bytes),
          },
          TICK_US,
        ),
    );
    const targets = group.ids.map((_, index) => index).filter((index) => index !== group.witness);
    this.clients = names.map(
      (name) =>
        new PaxosClient(world, name, targets, chance(name), {
          onRequest: (client, to, request) => this.request(client, to, request),
          onAsked: (_, request) => {
            this.asked += 1;
            this.checkers.onAsked(request);
          },
          onDone: () => this.asked < options.commands,
        }),
    );
    this.faults = new PaxosFaults(
      {
        world,
        links: this.links,
        devices: this.devices,
        clients: names,
        isWhole: () => this.isWhole(),
        majority: Math.floor(group.ids.length / 2) + 1,
        onAmnesia: (replica) => this.checkers.onAmnesia(replica),
        onNote: (what) => this.note(`! ${what}`),
      },
      options.fault,
      chance('faults'),
    );
  }

  run(): PaxosRunResult {
    const { devices, clients, options, world, checkers, faults } = this;
    for (const device of devices) {
      if (this.isNew)
        world.at(world.nowUs + this.unpacking.nextInteger(UNPACK_US), RANK.timer, () => device.boot());
      else {
        device.provision();
        device.boot();
      }
    }
    for (const client of clients) if (this.asked < options.commands) client.next();
    const endUs = options.commands * MAX_COMMAND_US;
    while (this.isBusy() && world.nowUs < endUs && checkers.violationCount === 0) if (!world.advance()) break;
    faults.calm();
    for (const device of devices) device.boot();
    this.settle();
    if (checkers.violationCount === 0)
      checkers.onCalm(
        devices.map(({ index, applied, status }) => ({
          applied: index === PAXOS_GROUPS[options.group].witness ? null : applied,
          votes: status !== null && status.role !== 'amnesiac',
        })),
      );
    this.hash.update(this.chunk);
    return {
      answered: checkers.answered,
      slots: checkers.prefix,
      strikes: faults.strikes,
      lost: this.links.lost,
      crashes: this.starts - devices.length,
      ballots: this.leaders.size,
      messages: this.messages,
      writes: devices.reduce((sum, { disk }) => sum + disk.writes, 0),
      flushes: devices.reduce((sum, { disk }) => sum + disk.flushes, 0),
      heldBytes: this.heldBytes,
      virtualUs: world.nowUs,
      violationCount: checkers.violationCount,
      violations: checkers.violations,
      violationsByRule: checkers.violationsByRule,
      digest: this.hash.digest('hex'),
    };
  }

  /** Whether clients have something left to ask or to hear. */
  private isBusy(): boolean {
    return this.asked < this.options.commands || this.clients.some(({ isWaiting }) => isWaiting);
  }

  /** The operational quorum is everybody that keeps state; all know it, and who was let in; nobody is about to change it. */
  private isWhole(): boolean {
    const { ids, witness } = PAXOS_GROUPS[this.options.group];
    const { quorum, changeSlot, isChanging } = this.checkers;
    return (
      !isChanging &&
      ids.every(
        (_, index) =>
          index === witness ||
          (((quorum >>> index) & 1) === 1 && (this.devices[index]?.applied ?? 0) >= changeSlot),
      )
    );
  }

  /** Until nothing is open any more, or the time for it is over. */
  private settle(): void {
    const { world } = this;
    const endUs = world.nowUs + CALM_US;
    let nextUs = world.nowUs;
    while (world.nowUs < endUs && this.checkers.violationCount === 0) {
      if (!world.advance()) return;
      if (world.nowUs < nextUs) continue;
      nextUs = world.nowUs + CALM_STEP_US;
      if (!this.isBusy() && this.isSettled()) return;
    }
  }

  private isSettled(): boolean {
    const { witness } = PAXOS_GROUPS[this.options.group];
    const { prefix } = this.checkers;
    return (
      this.isWhole() &&
      this.devices.every(
        ({ index, applied, status }) =>
          status !== null && status.role !== 'amnesiac' && (index === witness || applied === prefix),
      )
    );
  }

  private begin(replica: ReplicaIndex, nonce: string): void {
    this.starts += 1;
    this.note(`${replica} starts`);
    this.checkers.onStarted(replica, nonce);
  }

  private hold(replica: ReplicaIndex, bytes: number): void {
    this.heldBytes = Math.max(this.heldBytes, bytes);
    this.checkers.onHeld(replica, bytes);
  }

  private carry(from: ReplicaIndex, to: ReplicaIndex, message: PaxosMessage): void {
    this.messages += 1;
    this.note(`${from}>${to} ${this.describe(message)}`);
    this.feed.said(from, message);
    if (message.kind === 'promise' || message.kind === 'witness-promise') this.faults.onPromise(from);
    this.links.send(String(from), String(to), () => this.devices[to]?.receive(from, message));
  }

  private request(client: string, to: ReplicaIndex, request: Request): void {
    this.note(`${client}>${to} ${request.sequence}`);
    this.links.send(client, String(to), () => this.devices[to]?.ask(request));
  }

  private answer(from: ReplicaIndex, client: string, sequence: number, outcome: Outcome): void {
    this.note(`${from}>${client} ${sequence} ${outcome.kind === 'chosen' ? outcome.slot : outcome.kind}`);
    if (outcome.kind === 'chosen') this.checkers.onAnswered(from, { client, sequence }, outcome.slot);
    this.links.send(String(from), client, () => {
      const heard = this.clients.find(({ name }) => name === client);
      heard?.hear(sequence, outcome);
    });
  }

  private write(from: ReplicaIndex): PaxosCut | null {
    const { cut } = this.options;
    this.writes[from] = (this.writes[from] ?? 0) + 1;
    if (cut?.device !== from || cut.write !== this.writes[from]) return this.faults.onWrite(from);
    this.note(`! power cut at ${from}`);
    this.world.at(this.world.nowUs + CUT_LASTS_US, RANK.timer, () => this.devices[from]?.boot());
    return cut.how;
  }

  private noteStatus(from: ReplicaIndex, what: string): void {
    const { status } = this.devices[from] ?? {};
    if (status?.role === 'leads') this.leaders.add(status.ballot);
    this.note(`${from} ${what}`);
  }

  private note(what: string): void {
    const line = `${this.world.nowUs} ${what}\n`;
    this.options.onLine?.(line.trimEnd());
    this.chunk += line;
    if (this.chunk.length < CHUNK_CHARACTERS) return;
    this.hash.update(this.chunk);
    this.chunk = '';
  }

  private describe(message: PaxosMessage): string {
    const { kind, incarnation } = message;
    const head = `${kind} (${incarnation})`;
    switch (message.kind) {
      case 'prepare':
        return `${head} ${message.ballot} from ${message.from}`;
      case 'promise':
        return `${head} ${message.ballot} ≤${message.prefix} ${message.votes.map(({ slot, ballot, entry }) => `${slot}@${ballot} ${this.feed.keyOf(entry)}`).join()}`;
      case 'witness-promise':
        return `${head} ${message.ballot} ${message.change === null ? '-' : describeChange(message.change)}`;
      case 'refuse':
        return `${head} ${message.ballot} for ${message.promised}`;
      case 'propose':
        return `${head} ${message.slot}@${message.ballot} ${this.feed.keyOf(message.entry)} ≤${message.prefix}${message.hasVote ? '' : ' ahead'}`;
      case 'vote':
        return `${head} ${message.from}–${message.slot}@${message.ballot} ≤${message.prefix}`;
      case 'propose-change':
      case 'admit':
        return `${head} ${describeChange(message.change)}`;
      case 'fetch':
        return `${head} from ${message.from}`;
      case 'entries':
        return `${head} ${message.from}+${message.entries.length} ≤${message.prefix}`;
      case 'snapshot':
        return `${head} ≤${message.snapshot.slot}`;
      case 'beat':
        return `${head} ${message.promised}${message.leads ? '!' : ''} ≤${message.prefix} ${message.votedFrom}–${message.votedTo}${message.nonce === null ? '' : ' asks'}`;
    }
  }
}

function describeChange({
  ballot,
  from,
  slot,
  quorum,
}: {
  ballot: number;
  from: number;
  slot: number;
  quorum: number;
}): string {
  return `${from}–${slot}@${ballot} quorum ${quorum}`;
}
