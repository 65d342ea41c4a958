/**
 * A simulated network: every directed link between two principals delays, loses, repeats and reorders frames as its
 * model says, by chance that the seed decides. A receiver's inbox is part of the receiver: it goes with it, and it
 * cuts a sender that exceeds its rate, as the embedded inbox does.
 */
import type { Random } from '../faults/random.js';
import { deriveInboxLimits } from '../mqtt/inbox-limits.js';
import { TokenBucket, type BucketRates } from '../mqtt/token-bucket.js';
import type { FrameHandler, Principal, Purpose, Transport } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { RANK, ScheduledEvent } from './event-queue.js';
import type { Host, World } from './host.js';

/** How one directed link behaves. */
export interface LinkModel {
  /** Every frame takes at least so long, microseconds. */
  readonly delayUs: number;
  /** And so much more on average, exponentially distributed, microseconds. */
  readonly jitterUs: number;
  /** Probabilities for each frame. */
  readonly loss: number;
  readonly duplicate: number;
  /** Probability that a frame may overtake those before it; the rest arrive in the order in which they left. */
  readonly reorder: number;
}

/** A wired network of small boards. */
export const QUIET_LINK: LinkModel = { delayUs: 250, jitterUs: 120, loss: 0, duplicate: 0, reorder: 0 };

/** Links that differ from `default`, by `from>to`. */
export interface NetworkModel {
  readonly default: LinkModel;
  readonly links?: Readonly<Record<string, LinkModel>>;
}

export const QUIET_NETWORK: NetworkModel = { default: QUIET_LINK };

/** Clients of an inbox try again so often, as those of the live rig do. */
const RECONNECT_MIN_US = 20_000;
const RECONNECT_SPAN_US = 180_000;
/** For how long an inbox keeps a sender out that has exceeded its rate. */
const PENALTY_US = 500_000;
/** What a frame may take of a round without having been late for anybody. */
const TOLERATED_SHARE = 0.5;

interface Link {
  readonly model: LinkModel;
  /** Whom it leads to while it is up; null while it is down. */
  receiver: Station | null;
  /** Whether a way to come up is under way. */
  connecting: boolean;
  /** When the last frame that keeps its place arrives. */
  lastArrivalUs: number;
  bucket: TokenBucket;
  barredUntilUs: number;
}

interface Station {
  readonly host: Host;
  /** Its links to others, by their names. */
  readonly links: Map<Principal, Link>;
  handler: FrameHandler | null;
  onLink: ((to: Principal, up: boolean) => void) | null;
  inboxOpen: boolean;
  attached: boolean;
}

interface Twin {
  readonly key: string;
  readonly reaches: (other: Principal) => boolean;
}

export interface NetworkWatch {
  /** A frame has left its sender's process; called before the network does anything to it. */
  onSent(from: Principal, to: Principal, purpose: Purpose, frame: Uint8Array): void;
  /** The network itself lost a frame of this sender, or held it up for longer than a round can bear. */
  onTrouble(from: Principal): void;
}

export class Network {
  private readonly stations = new Map<Principal, Station>();
  private readonly links = new Map<Principal, Map<Principal, Link>>();
  /** Second processes under names that are taken, by those names. */
  private readonly twins = new Map<Principal, Twin>();
  private readonly rates: BucketRates;
  private readonly toleratedUs: number;
  /** Frames that no process was there to take, that the links lost, and that inboxes refused. */
  readonly dropped = { absent: 0, lost: 0, rate: 0 };

  constructor(
    private readonly world: World,
    rig: Rig,
    private readonly model: NetworkModel,
    private readonly random: Random,
    private readonly watch: NetworkWatch,
  ) {
    this.rates = deriveInboxLimits(rig);
    this.toleratedUs = rig.roundUs * TOLERATED_SHARE;
  }

  /** A process starts at a host: its inbox opens, and it connects to those of the others. */
  attach(id: Principal, host: Host): Transport {
    const station: Station = {
      host,
      links: this.linksOf(id),
      handler: null,
      onLink: null,
      inboxOpen: true,
      attached: true,
    };
    this.stations.set(id, station);
    for (const other of this.stations.keys()) {
      if (other === id) continue;
      this.resetLink(id, other);
      this.resetLink(other, id);
      this.connect(id, other);
      this.connect(other, id);
    }
    return {
      send: (to, purpose, frame) => {
        if (station.attached) this.sendFrom(station, id, id, to, purpose, frame);
      },
      onFrame: (handler) => {
        station.handler = handler;
      },
      onLink: (handler) => {
        station.onLink = handler;
      },
      close: async () => this.detach(id),
    };
  }

  /**
   * A second process under a name that is taken. Those in `peers` reach both, and it reaches them; everybody where that is
   * null. What is returned takes it away again.
   */
  attachTwin(
    id: Principal,
    host: Host,
    peers: readonly Principal[] | null,
  ): { readonly transport: Transport; readonly detach: () => void } {
    const key = `${id}\u2032`;
    const reaches = (other: Principal): boolean => peers === null || peers.includes(other);
    const own = this.attach(key, host);
    this.twins.set(id, { key, reaches });
    return {
      transport: {
        ...own,
        send: (to, purpose, frame) => {
          if (this.twins.get(id)?.key === key && to !== id && reaches(to))
            this.send(key, id, to, purpose, frame);
        },
        onLink: (handler) =>
          own.onLink((to, up) => {
            if (to !== id) handler(to, up);
          }),
      },
      detach: () => {
        this.twins.delete(id);
        this.detach(key);
      },
    };
  }

  /** The process is gone, and its inbox with it. */
  detach(id: Principal): void {
    const station = this.stations.get(id);
    if (station === undefined) return;
    station.attached = false;
    this.stations.delete(id);
    for (const other of this.stations.keys()) {
      this.cut(other, id);
      this.cut(id, other);
    }
  }

  /** Sends a frame from one process under another's name, past every rule of the receiver's inbox. */
  sendAs(from: Principal, claimed: Principal, to: Principal, purpose: Purpose, frame: Uint8Array): void {
    this.send(from, claimed, to, purpose, frame);
  }

  /** Nobody reaches the inbox for a while. */
  closeInbox(id: Principal, us: number): void {
    const station = this.stations.get(id);
    if (station === undefined) return;
    station.inboxOpen = false;
    for (const other of this.stations.keys()) if (other !== id) this.cut(other, id);
    this.world.at(station.host.presentUs() + us, RANK.arrival, () => {
      if (this.stations.get(id) !== station) return;
      station.inboxOpen = true;
      for (const other of this.stations.keys()) if (other !== id) this.connect(other, id);
    });
  }

  private send(
    from: Principal,
    claimed: Principal,
    to: Principal,
    purpose: Purpose,
    frame: Uint8Array,
  ): void {
    const sender = this.stations.get(from);
    if (sender !== undefined) this.sendFrom(sender, from, claimed, to, purpose, frame);
  }

  private sendFrom(
    sender: Station,
    from: Principal,
    claimed: Principal,
    to: Principal,
    purpose: Purpose,
    frame: Uint8Array,
  ): void {
    const twin = this.twins.size === 0 ? undefined : this.twins.get(to);
    if (twin !== undefined && from !== twin.key && twin.reaches(claimed))
      this.sendFrom(sender, from, claimed, twin.key, purpose, frame);
    const { random } = this;
    this.watch.onSent(from, to, purpose, frame);
    const link = sender.links.get(to) ?? this.resetLink(from, to);
    const { model, receiver } = link;
    if (receiver === null) {
      this.dropped.absent += 1;
      return;
    }
    const leavesUs = sender.host.presentUs();
    if (!link.bucket.take(frame.length, leavesUs)) {
      this.dropped.rate += 1;
      link.barredUntilUs = leavesUs + PENALTY_US;
      this.cut(from, to);
      this.connect(from, to);
      return;
    }
    if (model.loss > 0 && random.nextChance(model.loss)) {
      this.dropped.lost += 1;
      this.watch.onTrouble(from);
      return;
    }
    const copies = model.duplicate > 0 && random.nextChance(model.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      let atUs = leavesUs + model.delayUs + Math.floor(-Math.log(1 - random.nextUnit()) * model.jitterUs);
      if (model.reorder === 0 || !random.nextChance(model.reorder)) {
        atUs = Math.max(atUs, link.lastArrivalUs);
        link.lastArrivalUs = atUs;
      }
      if (atUs - leavesUs > this.toleratedUs) this.watch.onTrouble(from);
      this.world.add(atUs, RANK.arrival, new Delivery(this.dropped, claimed, receiver, purpose, frame));
    }
  }

  private connect(from: Principal, to: Principal): void {
    const link = this.linkOf(from, to);
    if (link.receiver !== null || link.connecting) return;
    link.connecting = true;
    const restUs = RECONNECT_MIN_US + this.random.nextInteger(RECONNECT_SPAN_US);
    const sender = this.stations.get(from);
    const receiver = this.stations.get(to);
    this.world.at(Math.max(this.world.nowUs + restUs, link.barredUntilUs), RANK.arrival, () => {
      if (this.linkOf(from, to) !== link) return;
      link.connecting = false;
      const stand = this.stations.get(from) === sender && this.stations.get(to) === receiver;
      if (!stand || sender === undefined || receiver?.inboxOpen !== true) return;
      link.receiver = receiver;
      link.bucket = new TokenBucket(this.rates, this.world.nowUs);
      if (!this.isTwin(to))
        sender.host.schedule(this.world.nowUs, RANK.arrival, () => sender.onLink?.(to, true));
    });
  }

  private cut(from: Principal, to: Principal): void {
    const link = this.linkOf(from, to);
    if (link.receiver === null) return;
    link.receiver = null;
    const sender = this.stations.get(from);
    if (!this.isTwin(to))
      sender?.host.schedule(this.world.nowUs, RANK.arrival, () => sender.onLink?.(to, false));
  }

  /** Nobody knows that there are two. */
  private isTwin(key: Principal): boolean {
    for (const twin of this.twins.values()) if (twin.key === key) return true;
    return false;
  }

  private linkOf(from: Principal, to: Principal): Link {
    return this.links.get(from)?.get(to) ?? this.resetLink(from, to);
  }

  private linksOf(from: Principal): Map<Principal, Link> {
    const known = this.links.get(from);
    if (known !== undefined) return known;
    const links = new Map<Principal, Link>();
    this.links.set(from, links);
    return links;
  }

  private resetLink(from: Principal, to: Principal): Link {
    const row = this.linksOf(from);
    const link: Link = {
      model: this.model.links?.[`${from}>${to}`] ?? this.model.default,
      receiver: null,
      connecting: false,
      lastArrivalUs: 0,
      bucket: new TokenBucket(this.rates, this.world.nowUs),
      barredUntilUs: row.get(to)?.barredUntilUs ?? 0,
    };
    row.set(to, link);
    return link;
  }
}

/** A frame under way: it is lost with the connection where its receiver's process ends before it arrives. */
class Delivery extends ScheduledEvent {
  constructor(
    private readonly dropped: { absent: number },
    private readonly from: Principal,
    private readonly station: Station,
    private readonly purpose: Purpose,
    private readonly frame: Uint8Array,
  ) {
    super();
  }

  run(): void {
    const { station } = this;
    if (!station.attached || !station.inboxOpen) this.dropped.absent += 1;
    else if (station.host.isRunning) this.hand();
    else this.handLater();
  }

  private handLater(): void {
    this.station.host.runNow(RANK.arrival, () => this.hand());
  }

  private hand(): void {
    const { handler, host } = this.station;
    handler?.(this.from, this.purpose, this.frame, host.clock.nowUs());
  }
}
