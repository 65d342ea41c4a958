/**
 * What strikes a simulated group of devices, one kind or all of them, again and again until the world is to be calm.
 * Amnesia strikes a healthy group alone: a device that forgets while another is away is beyond the hypothesis. Where so
 * many forget at once that the others cannot go on, all are set up anew after a while, as people would have to.
 */
import type { ReplicaIndex } from '../core/types.js';
import type { Random } from '../faults/random.js';
import { RANK } from './event-queue.js';
import type { World } from './host.js';
import type { PaxosDevice } from './paxos-device.js';
import { POWER_CUTS, type PaxosCut } from './paxos-disk.js';
import { GOOD_LINK, POOR_LINK, type PaxosLinks } from './paxos-links.js';

/** Every kind, and all of them together. */
export const PAXOS_FAULTS = [
  'none',
  'poor-links',
  'partition',
  'crash',
  'power-cut',
  'amnesia',
  'amnesia-of-two',
  'amnesia-of-all',
  'genesis',
  'leader-killed',
  'two-proposers',
  'retire',
  'all',
] as const;

export type PaxosFault = (typeof PAXOS_FAULTS)[number];

/** Between one strike and the next, on average, and how much longer than `LASTS_US` one lasts at most: one of each for a run. */
const GAPS_US = [12_000, 30_000, 60_000] as const;
const SPANS_US = [15_000, 50_000, 120_000] as const;
const LASTS_US = 2_000;
/** A device that has promised dies within so long, and is back within so long. */
const TRAP_US = 3_000;
/** Writes that a power cut waits for, at most. */
const WRITES = 8;

/** What it strikes. */
export interface PaxosScene {
  readonly world: World;
  readonly links: PaxosLinks;
  readonly devices: readonly PaxosDevice[];
  readonly clients: readonly string[];
  /** Whether the group has every device to count on. */
  isWhole(): boolean;
  /** Devices that can go on without the others. */
  readonly majority: number;
  onAmnesia(replica: ReplicaIndex): void;
  onNote(what: string): void;
}

export class PaxosFaults {
  /** How often something was struck. */
  strikes = 0;
  private readonly gapUs: number;
  private readonly spanUs: number;
  private isOver = false;
  private readonly heals = new Set<() => void>();
  /** Whoever promises to follow somebody else dies of it: an old leader is about. */
  private isTrapSet = false;
  /** By device, how many more writes until its power goes. */
  private readonly fuses = new Map<ReplicaIndex, number>();

  constructor(
    private readonly scene: PaxosScene,
    private readonly kind: PaxosFault,
    private readonly random: Random,
  ) {
    this.gapUs = this.pick(GAPS_US);
    this.spanUs = this.pick(SPANS_US);
    if (kind === 'none') return;
    if (kind === 'poor-links') this.strikePoorLinks(null);
    else this.plan();
  }

  /** No more strikes, and all that was struck is well again. */
  calm(): void {
    this.isOver = true;
    this.fuses.clear();
    for (const heal of [...this.heals]) heal();
  }

  /** A device hands a record to its disk; not null: its power goes. */
  onWrite(replica: ReplicaIndex): PaxosCut | null {
    const fuse = this.fuses.get(replica);
    if (fuse === undefined) return null;
    if (fuse > 0) {
      this.fuses.set(replica, fuse - 1);
      return null;
    }
    this.fuses.delete(replica);
    this.count(`power cut at ${replica}`);
    this.later(() => this.scene.devices[replica]?.boot());
    return this.pick(POWER_CUTS);
  }

  /** A device promises, and has kept that. */
  onPromise(replica: ReplicaIndex): void {
    const device = this.scene.devices[replica];
    if (!this.isTrapSet || device === undefined || !this.random.nextChance(0.5)) return;
    const { world } = this.scene;
    world.at(world.nowUs + this.random.nextInteger(TRAP_US), RANK.timer, () => {
      if (!this.isOver && device.isRunning) this.kill(device, this.random.nextInteger(TRAP_US));
    });
  }

  private plan(): void {
    const { world } = this.scene;
    const gapUs = Math.floor(-Math.log(1 - this.random.nextUnit()) * this.gapUs);
    world.at(world.nowUs + gapUs, RANK.timer, () => {
      if (this.isOver) return;
      this.strike(this.kind);
      this.plan();
    });
  }

  private strike(kind: PaxosFault): void {
    switch (kind) {
      case 'none':
        return;
      case 'poor-links':
        this.strikePoorLinks(this.lastsUs());
        return;
      case 'partition':
        this.strikeLinks();
        return;
      case 'crash':
        this.strikeProcess(this.pick(this.scene.devices));
        return;
      case 'power-cut':
        this.fuses.set(this.random.nextInteger(this.scene.devices.length), this.random.nextInteger(WRITES));
        return;
      case 'amnesia':
        this.strikeMemory(1);
        return;
      case 'amnesia-of-two':
        this.strikeMemory(2);
        return;
      case 'amnesia-of-all':
        this.strikeMemory(this.scene.devices.length);
        return;
      case 'genesis':
        if (this.random.nextChance(0.7)) this.strikeProcess(this.pick(this.scene.devices));
        else this.strikeMemory(this.random.nextChance(0.5) ? 1 : this.scene.devices.length);
        return;
      case 'leader-killed': {
        const leader = this.findLeader();
        if (leader !== null) this.strikeProcess(leader);
        return;
      }
      case 'two-proposers':
        this.strikeLeadership();
        return;
      case 'retire':
        this.strikeMembers();
        return;
      case 'all':
        this.strike(this.pick(PAXOS_FAULTS.filter((one) => one !== 'none' && one !== 'all')));
        return;
    }
  }

  private strikePoorLinks(us: number | null): void {
    const { links } = this.scene;
    this.count('poor links');
    links.model = POOR_LINK;
    this.later(() => {
      links.model = GOOD_LINK;
    }, us);
  }

  /** Some devices, and with them some clients, are apart from the rest, in both directions or in one. */
  private strikeLinks(): void {
    const { devices, clients } = this.scene;
    const apart = new Set<string>();
    for (const { index } of devices) if (this.random.nextChance(0.4)) apart.add(String(index));
    for (const client of clients) if (this.random.nextChance(0.3)) apart.add(client);
    const all = [...devices.map(({ index }) => String(index)), ...clients];
    const isOneWay = this.random.nextChance(0.4);
    const pairs: (readonly [string, string])[] = [];
    for (const from of all)
      for (const to of all)
        if (apart.has(from) && !apart.has(to))
          pairs.push([from, to], ...(isOneWay ? [] : [[to, from] as const]));
    if (pairs.length === 0) return;
    this.count(`partition ${[...apart].join()}${isOneWay ? ' one way' : ''}`);
    this.cutLinks(pairs);
  }

  private strikeProcess(device: PaxosDevice): void {
    if (device.isRunning) this.kill(device, this.lastsUs());
  }

  private kill(device: PaxosDevice, us: number): void {
    this.count(`kill ${device.index}`);
    device.crash('killed');
    this.later(() => device.boot(), us);
  }

  private strikeMemory(count: number): void {
    const { devices, links } = this.scene;
    const isHealthy = devices.every(
      ({ isRunning, status }) => isRunning && status !== null && status.role !== 'amnesiac',
    );
    if (!isHealthy || !links.isWhole || !this.scene.isWhole()) return;
    const struck = new Set<PaxosDevice>();
    while (struck.size < count) struck.add(this.pick(devices));
    this.wipe(struck);
    const left = devices.length - struck.size;
    if (left > 0 && left < this.scene.majority) this.later(() => this.wipe(devices));
  }

  private wipe(devices: Iterable<PaxosDevice>): void {
    const struck = [...devices];
    this.count(`amnesia ${struck.map(({ index }) => index).join()}`);
    for (const device of struck) {
      device.crash('lost');
      device.disk.wipe();
      this.scene.onAmnesia(device.index);
      this.later(() => device.boot());
    }
    // What an old log is about must not come into a new one.
    if (struck.length === this.scene.devices.length) this.scene.links.clear();
  }

  /** Whoever leads is taken for dead by others, and goes on. */
  private strikeLeadership(): void {
    const leader = this.findLeader();
    if (leader?.host.isRunning !== true) return;
    const name = String(leader.index);
    this.isTrapSet = this.random.nextChance(0.5);
    if (this.random.nextChance(0.5)) {
      this.count(`stall ${name}`);
      leader.host.stall(this.lastsUs());
      return;
    }
    this.count(`unheard ${name}`);
    const others = this.scene.devices.filter((device) => device !== leader && this.random.nextChance(0.7));
    this.cutLinks(others.map(({ index }) => [name, String(index)] as const));
  }

  /** Operators want some of the devices alone in the operational quorum; some of those that they do not want fail. */
  private strikeMembers(): void {
    const { devices } = this.scene;
    const wanted = this.random.nextInteger(2 ** devices.length);
    this.count(`want ${wanted}`);
    for (const device of devices) device.want(wanted);
    for (const device of devices)
      if (((wanted >>> device.index) & 1) === 0 && this.random.nextChance(0.3)) this.strikeProcess(device);
    this.later(() => {
      for (const device of devices) device.want(2 ** devices.length - 1);
    });
  }

  private findLeader(): PaxosDevice | null {
    let found: PaxosDevice | null = null;
    for (const device of this.scene.devices) {
      if (!device.isRunning || device.status?.role !== 'leads') continue;
      if (found === null || device.status.ballot > (found.status?.ballot ?? 0)) found = device;
    }
    return found;
  }

  private cutLinks(pairs: readonly (readonly [string, string])[]): void {
    const { links } = this.scene;
    for (const [from, to] of pairs) links.cut(from, to);
    this.later(() => {
      for (const [from, to] of pairs) links.heal(from, to);
    });
  }

  /** Once, after as long as a fault lasts, or when the world is to be calm; only then where `us` is null. */
  private later(heal: () => void, us: number | null = this.lastsUs()): void {
    const { world } = this.scene;
    const once = (): void => {
      if (this.heals.delete(once)) heal();
    };
    this.heals.add(once);
    if (us !== null) world.at(world.nowUs + us, RANK.timer, once);
  }

  private lastsUs(): number {
    return LASTS_US + this.random.nextInteger(this.spanUs);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random.nextInteger(from.length)] as T;
  }

  private count(what: string): void {
    this.strikes += 1;
    this.scene.onNote(what);
  }
}
