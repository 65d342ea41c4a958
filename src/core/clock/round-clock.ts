/**
 * The clock that a replica's ticks follow (protocol.md §6): the machine's monotonic clock, slewed towards what enough
 * peers show. It sends nothing of its own: stamps ride on round 1, and are worked out and read here. Tick k starts when
 * it shows k·P.
 *
 * Where n > 3f it follows the fault-tolerant midpoint of all clocks, the own one among them, and so it does where nobody
 * lies, of those present: extremes are dropped there too, as many as can be, since a slow link makes a clock look wrong;
 * with signatures and n ≤ 3f it follows the moments at which f+1 replicas have signed that a tick has begun.
 *
 * While its replica speaks it is slewed, never set; no wall clock takes part. Times are µs: *own* ones of the machine's
 * clock, *round* ones of this.
 */
import { usesSignedStarts } from '../membership/cold-start.js';
import type { Hypothesis, ReplicaIndex, Stamp, Tick } from '../types.js';
import { chooseMidpoint } from './midpoint.js';
import { PeerClocks, type ClockReading, type LinkAccount } from './peer-clocks.js';
import { SignedStarts, acceptanceTarget } from './signed-starts.js';
import { SlewedClock } from './slewed-clock.js';

export interface RoundClockRules {
  readonly n: number;
  readonly self: ReplicaIndex;
  readonly maxFaulty: number;
  readonly hypothesis: Hypothesis;
  readonly periodUs: number;
  /** How much faster or slower than the machine's clock it may go. */
  readonly maxSlewPpm: number;
}

/** How well a clock keeps with the others, for people. */
export interface ClockAccount {
  /** From the own clock to the one that it follows; positive: it is behind. */
  readonly offsetUs: number;
  /** No correct clock is further from the own one, as far as measured delays tell; null where that is not known. */
  readonly skewBoundUs: number | null;
}

/**
 * A clock makes for its target in so many periods: sooner, where the target is the best of many readings and drift is
 * what holds clocks apart, than where it is one message and the delay of that.
 */
const HORIZON_PERIODS = { midpoint: 8, 'signed-starts': 16 } as const;

/** The horizon of the slew, µs: for `boundSkewUs`. */
export function slewHorizonUs(method: keyof typeof HORIZON_PERIODS, periodUs: number): number {
  return HORIZON_PERIODS[method] * periodUs;
}

/** Own sends and arrivals are remembered for this many ticks. */
const REMEMBERED_TICKS = 4;

/** Mutable, owned by one replica state. */
export class RoundClock {
  private readonly slewed: SlewedClock;
  private readonly peers: PeerClocks;
  private readonly starts: SignedStarts | null;
  /** Of the last ticks, each in its place: the tick, and when its stamped message left. */
  private readonly sentTicks = new Float64Array(REMEMBERED_TICKS).fill(-1);
  private readonly sentUs = new Float64Array(REMEMBERED_TICKS);
  /** The same for arrivals, peer by peer. */
  private readonly arrivedTicks: Float64Array;
  private readonly arrivedUs: Float64Array;
  /** From the start of the last tick to this replica's message in it. */
  private lagUs = 0;
  private latest: ClockAccount = { offsetUs: 0, skewBoundUs: null };

  constructor(private readonly rules: RoundClockRules) {
    const { n, maxFaulty, maxSlewPpm, periodUs } = rules;
    this.peers = new PeerClocks(n, periodUs);
    this.starts = usesSignedStarts(rules) ? new SignedStarts(n, maxFaulty) : null;
    const method = this.followsStarts ? 'signed-starts' : 'midpoint';
    this.slewed = new SlewedClock({ maxSlewPpm, horizonUs: slewHorizonUs(method, periodUs) });
    this.arrivedTicks = new Float64Array(REMEMBERED_TICKS * n).fill(-1);
    this.arrivedUs = new Float64Array(REMEMBERED_TICKS * n);
  }

  /** Whether it follows signed starts, and not the midpoint. */
  get followsStarts(): boolean {
    return this.starts !== null;
  }

  /** What it shows at `ownUs`. */
  read(ownUs: number): number {
    return this.slewed.read(ownUs);
  }

  /** The first time of the machine's clock at which it shows `roundUs` or more, as it goes now. */
  ownAt(roundUs: number): number {
    return this.slewed.ownAt(roundUs);
  }

  /** How it keeps with the others. */
  get account(): ClockAccount {
    return this.latest;
  }

  /** What messages to and from a peer take. */
  link(peer: ReplicaIndex): LinkAccount | null {
    return this.peers.account(peer);
  }

  /** Sets it: for a replica that does not speak, or together with all others. */
  set(offsetUs: number, ownUs: number): void {
    this.slewed.set(ownUs, ownUs + offsetUs);
    this.peers.forget();
    this.sentTicks.fill(-1);
    this.arrivedTicks.fill(-1);
  }

  /** The stamp of this replica's message of `tick`, which leaves at `ownUs`. */
  stamp(tick: Tick, ownUs: number): Stamp {
    const { n, self, periodUs } = this.rules;
    const at = tick % REMEMBERED_TICKS;
    this.sentTicks[at] = tick;
    this.sentUs[at] = ownUs;
    const before = ((tick + REMEMBERED_TICKS - 1) % REMEMBERED_TICKS) * n;
    const heldUs = new Array<number | null>(n);
    for (let peer = 0; peer < n; peer += 1) {
      const came = peer !== self && this.arrivedTicks[before + peer] === tick - 1;
      heldUs[peer] = came ? Math.max(0, Math.round(ownUs - (this.arrivedUs[before + peer] as number))) : null;
    }
    this.lagUs = Math.max(0, Math.round(this.read(ownUs) - tick * periodUs));
    return { lagUs: this.lagUs, heldUs };
  }

  /** A peer's stamped message of `tick` came at `ownUs`. */
  note(peer: ReplicaIndex, tick: Tick, stamp: Stamp, ownUs: number): void {
    const { n, self, periodUs } = this.rules;
    const place = (tick % REMEMBERED_TICKS) * n + peer;
    this.arrivedTicks[place] = tick;
    this.arrivedUs[place] = ownUs;
    const peerUs = tick * periodUs + stamp.lagUs;
    const heldUs = stamp.heldUs[self] ?? null;
    const before = (tick + REMEMBERED_TICKS - 1) % REMEMBERED_TICKS;
    if (heldUs !== null && this.sentTicks[before] === tick - 1)
      this.peers.note(peer, this.sentUs[before] as number, peerUs, heldUs, ownUs);
    else this.peers.noteOneWay(peer, peerUs, ownUs);
  }

  /** A verified signature says that `signer` has begun `tick`; it came at `ownUs`, or is the own one. */
  noteStart(signer: ReplicaIndex, tick: Tick, ownUs: number): void {
    const acceptedUs = this.starts?.note(tick, signer, ownUs) ?? null;
    if (acceptedUs === null) return;
    // Others take as long from the start of a tick to their message as this replica does.
    const delayUs = this.lagUs + this.peers.shortestTripUs(ownUs) / 2;
    const offsetUs = acceptanceTarget(tick * this.rules.periodUs, acceptedUs, delayUs);
    this.follow(offsetUs, ownUs, null);
  }

  /**
   * Once a tick: goes towards what the clocks of `active` replicas show. A replica that does not speak leaves its own
   * clock out: it is the one that has to learn.
   */
  discipline(ownUs: number, active: number, speaks: boolean): void {
    if (this.starts !== null && speaks) return;
    const { n, self, maxFaulty, hypothesis } = this.rules;
    const readings: (ClockReading | null)[] = [];
    for (let id = 0; id < n; id += 1) {
      if (id === self) {
        if (speaks) readings.push({ offsetUs: this.read(ownUs) - ownUs, errorUs: 0 });
        continue;
      }
      let reading = (active & (1 << id)) === 0 ? null : this.peers.read(id, ownUs);
      // Nobody goes by what came one way: all would be a delay late, and slow one another down.
      if (reading !== null && reading.errorUs >= this.rules.periodUs) reading = null;
      // Where somebody may lie, whoever is absent is one of the f; a clock that learns takes what there is.
      if (reading !== null || (speaks && hypothesis.kind === 'byzantine')) readings.push(reading);
    }
    const most = Math.max(0, (readings.length - 1) >> 1);
    const dropped = speaks && hypothesis.kind === 'byzantine' ? maxFaulty : Math.min(maxFaulty, most);
    const midpoint = chooseMidpoint(readings, dropped);
    if (midpoint === null) return;
    // Nobody goes by the clock of a silent replica: it need not be slewed.
    if (!speaks) this.slewed.set(ownUs, ownUs + Math.round(midpoint.offsetUs));
    const shownUs = this.read(ownUs) - ownUs;
    const { offsetUs, lowestUs, highestUs, errorUs } = midpoint;
    const boundUs = Math.max(Math.abs(lowestUs - shownUs), Math.abs(highestUs - shownUs)) + errorUs;
    this.follow(offsetUs, ownUs, Math.ceil(boundUs));
  }

  private follow(offsetUs: number, ownUs: number, skewBoundUs: number | null): void {
    this.latest = { offsetUs: Math.round(offsetUs - (this.read(ownUs) - ownUs)), skewBoundUs };
    this.slewed.steer(ownUs, offsetUs);
  }
}
