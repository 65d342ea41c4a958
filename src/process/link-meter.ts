/**
 * What a replica counts of its links and of its own timeliness, for `voteplane check --measure` (protocol.md §6, last
 * point: R ≥ delay + skew + processing). Fed with what the process sees anyway: stamped messages, and the record of
 * each tick once it is over. It takes part in no decision, keeps nothing but counts, and never grows.
 *
 * What a peer's stamp says may be a lie: that falsifies the delay of this peer's link and of no other.
 */
import type { LinkAccount } from '../core/clock/peer-clocks.js';
import type { Mode } from '../core/replica.js';
import type { ReplicaIndex, Tick } from '../core/types.js';
import type { Rig } from '../rig/rig.js';
import { DurationCounts } from '../wire/duration-counts.js';
import {
  formatCounters,
  formatDurations,
  parseMeasureRequest,
  type LinkCounters,
  type LinkDuration,
  type OwnDuration,
} from '../wire/measure-codec.js';
import type { TickRecord } from './telemetry.js';

/** A peer that was not heard for longer was not there: that says nothing of the link. */
const GAP_TICKS = 16;
/** What arrives further from its tick belongs to ticks that are numbered otherwise. */
const FAR_US = 2_000_000;

interface MeteredLink {
  readonly durations: Readonly<Record<LinkDuration, DurationCounts>>;
  /** Newest tick of which a stamped message came; −1 before the first. */
  lastTick: Tick;
  expected: number;
  heard: number;
  late: number;
}

export interface LinkMeterParts {
  readonly rig: Pick<Rig, 'replicas' | 'periodUs'>;
  readonly self: ReplicaIndex;
  /** What messages to and from a peer take, by the round clock. */
  readonly readTrips: (peer: ReplicaIndex) => LinkAccount | null;
}

/** The counts of one replica's process. */
export class LinkMeter {
  private readonly links: readonly (MeteredLink | null)[];
  private readonly own: Readonly<Record<OwnDuration, DurationCounts>> = {
    start: new DurationCounts(),
    processing: new DurationCounts(),
    offset: new DurationCounts(),
    skew: new DurationCounts(),
  };
  private mode: Mode = 'listening';
  private bornUs: number | null = null;
  private ticks = 0;
  private unspoken = 0;
  private overruns = 0;
  /** Newest tick of which there is a record. */
  private lastTick: Tick = -1;
  /** Newest tick in which this replica has said something to a peer. */
  private spokenTick: Tick = -1;
  /** Its first command of the tick under way left then; −1 before. */
  private commandedUs = -1;

  constructor(private readonly parts: LinkMeterParts) {
    this.links = parts.rig.replicas.map((_, at) =>
      at === parts.self
        ? null
        : {
            durations: { delay: new DurationCounts(), arrival: new DurationCounts() },
            lastTick: -1,
            expected: 0,
            heard: 0,
            late: 0,
          },
    );
  }

  /** A stamped message of `tick` leaves for a peer. */
  noteSent(tick: Tick): void {
    this.spokenTick = tick;
  }

  /** A command leaves for an actuator at `atUs`, own clock. */
  noteCommanded(atUs: number): void {
    if (this.commandedUs < 0) this.commandedUs = atUs;
  }

  /**
   * A peer's stamped message of `tick` came at `atUs`, when the round clock showed `roundUs`; it had left `lagUs` after
   * the start of the tick by the peer's.
   */
  noteArrival(peer: ReplicaIndex, tick: Tick, lagUs: number, roundUs: number, atUs: number): void {
    const link = this.links[peer];
    if (link === undefined || link === null) return;
    this.bornUs ??= Math.max(0, Math.floor(atUs));
    const sinceStartUs = roundUs - tick * this.parts.rig.periodUs;
    if (!(Math.abs(sinceStartUs) < FAR_US)) return;
    const ahead = tick - link.lastTick;
    const isNew = link.lastTick < 0 || Math.abs(ahead) > GAP_TICKS;
    if (isNew) link.expected += 1;
    else if (ahead > 0) link.expected += ahead;
    if (isNew || ahead > 0) link.lastTick = tick;
    link.heard += 1;
    link.durations.arrival.add(sinceStartUs);
    link.durations.delay.add(sinceStartUs - lagUs);
  }

  /** A tick is over. */
  noteRecord(record: TickRecord): void {
    this.mode = record.mode;
    const { commandedUs } = this;
    this.commandedUs = -1;
    // Nobody shares the ticks of a replica whose clock is not set.
    if (record.clockOffsetUs === null) return;
    const { tick, overrun, skewBoundUs } = record;
    const knownUs = record.foreseenUs ?? record.agreedUs;
    const passed = tick - this.lastTick;
    const slept = this.lastTick >= 0 && passed > 0 && passed <= GAP_TICKS ? passed - 1 : 0;
    this.lastTick = tick;
    this.ticks += slept + 1;
    this.unspoken += slept + (this.spokenTick === tick ? 0 : 1);
    this.overruns += slept + (overrun === null ? 0 : 1);
    this.own.start.add(record.startLatenessUs);
    this.own.offset.add(Math.abs(record.clockOffsetUs));
    if (skewBoundUs !== null) this.own.skew.add(skewBoundUs);
    if (knownUs !== null && commandedUs >= 0) this.own.processing.add(commandedUs - knownUs);
    // What this replica was too late to read says nothing of the link.
    if (overrun !== null || record.late === 0) return;
    this.links.forEach((link, peer) => {
      if (link !== null && (record.late & (1 << peer)) !== 0) link.late += 1;
    });
  }

  /** Answers an operator's text that is meant for it. */
  answer(text: string): { readonly ok: boolean; readonly text: string } {
    const request = parseMeasureRequest(text);
    switch (request.kind) {
      case 'refused':
        return { ok: false, text: request.why };
      case 'counters': {
        const { mode, bornUs, ticks, unspoken, overruns } = this;
        const links = this.links.map((link, peer) => this.readLink(link, peer));
        return { ok: true, text: formatCounters({ mode, bornUs, ticks, unspoken, overruns, links }) };
      }
      case 'delay':
      case 'arrival': {
        const link = this.links[this.parts.rig.replicas.findIndex(({ id }) => id === request.from)];
        return link === undefined || link === null
          ? { ok: false, text: 'there is no such peer; name another replica of the rig' }
          : { ok: true, text: formatDurations(link.durations[request.kind]) };
      }
      default:
        return { ok: true, text: formatDurations(this.own[request.kind]) };
    }
  }

  private readLink(link: MeteredLink | null, peer: ReplicaIndex): LinkCounters | null {
    if (link === null) return null;
    const { expected, heard, late } = link;
    const tripUs = this.parts.readTrips(peer)?.medianTripUs ?? null;
    return { expected, heard, late, tripUs: tripUs === null ? null : Math.round(tripUs) };
  }
}
