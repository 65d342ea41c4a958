/**
 * Reads one voter's log and holds it against the rules of protocol.md §5 that need no replica: order of ticks, the
 * envelope, nothing after a trip without arming. What needs the replicas' accounts is in observer.ts.
 */
import type { VoterRecord } from '../process/telemetry.js';
import type { ActuatorPart } from '../rig/rig.js';

export interface ObservedOutput {
  readonly tick: number;
  readonly count: number;
  /** Bit i: replica i had ordered it. */
  readonly votes: number;
  readonly atUs: number;
}

/** Since when a voter has been in fail-safe, and why. */
export interface FailSafePeriod {
  readonly sinceUs: number;
  readonly cause: string;
}

interface PhaseChange {
  readonly atUs: number;
  readonly failSafe: FailSafePeriod | null;
}

/** A fall to fail-safe, for the figures. */
export interface ObservedTrip {
  readonly atUs: number;
  readonly cause: string;
}

const MAX_PENDING = 4_096;
/** Outputs that have been taken out are forgotten so many at a time. */
const FORGET_TOGETHER = 64;
/** Trips that are kept one by one. */
const MAX_NAMED_TRIPS = 20;

/** One actuator's voter over one flight, restarts of it included. */
export class VoterWatch {
  /** Broken by an output whatever the replicas computed. */
  unsafeOutputs = 0;
  failSafeTrips = 0;
  /** The first of them. */
  readonly trips: ObservedTrip[] = [];
  /** Tick of the first arming; null before it. */
  firstArmedTick: number | null = null;
  dissents = 0;
  /** How often the device began to do something else than it was ordered, or to say nothing. */
  readBackAlarms = 0;
  lastOutput: ObservedOutput | null = null;
  private lastTick = -1;
  private phases: PhaseChange[] = [{ atUs: -Infinity, failSafe: { sinceUs: -Infinity, cause: 'start' } }];
  /** In the order of their ticks; the first `taken` of them have been taken out. */
  private readonly outputs: ObservedOutput[] = [];
  private taken = 0;
  private misses: { firstTick: number; ticks: number }[] = [];

  constructor(readonly actuator: ActuatorPart) {}

  note(record: VoterRecord): void {
    switch (record.kind) {
      case 'output':
        this.noteOutput(record);
        break;
      case 'fail-safe':
        if (record.cause !== 'start') this.noteTrip(record);
        this.change(record.atUs, { sinceUs: record.atUs, cause: record.cause });
        break;
      case 'armed':
        this.firstArmedTick ??= record.tick;
        this.change(record.atUs, null);
        break;
      case 'missed':
        this.misses.push({ firstTick: record.firstTick, ticks: record.ticks });
        if (this.misses.length > MAX_PENDING) this.misses.shift();
        break;
      case 'dissent':
        this.dissents += 1;
        break;
      case 'read-back':
        if (record.alarm !== null) this.readBackAlarms += 1;
        break;
      case 'outside-envelope':
      case 'refused':
        break;
    }
  }

  /** The voter's process died: until it is armed anew it does nothing. */
  noteDeath(atUs: number): void {
    this.change(atUs, { sinceUs: atUs, cause: 'died' });
  }

  /** The fail-safe period under way at a time, or null where the voter is armed. */
  failSafeAt(atUs: number): FailSafePeriod | null {
    let found: FailSafePeriod | null = null;
    for (const change of this.phases) if (change.atUs <= atUs) found = change.failSafe;
    return found;
  }

  get phase(): FailSafePeriod | null {
    return this.phases[this.phases.length - 1]?.failSafe ?? null;
  }

  /** Takes the output of a tick out of the log, and drops those of earlier ticks. */
  takeOutput(tick: number): ObservedOutput | null {
    this.dropOutputsBefore(tick);
    const first = this.outputs[this.taken];
    if (first?.tick !== tick) return null;
    this.taken += 1;
    return first;
  }

  /** Whether the voter itself reported the tick as missed. */
  missed(tick: number): boolean {
    return this.misses.some((one) => one.firstTick <= tick && tick < one.firstTick + one.ticks);
  }

  /** Forgets what lies before a tick and the time of its end. */
  prune(tick: number, endUs: number): void {
    while (this.phases.length > 1 && (this.phases[1] as PhaseChange).atUs <= endUs) this.phases.shift();
    if (this.misses.some((one) => one.firstTick + one.ticks <= tick))
      this.misses = this.misses.filter((one) => one.firstTick + one.ticks > tick);
    this.dropOutputsBefore(tick);
  }

  private dropOutputsBefore(tick: number): void {
    while ((this.outputs[this.taken]?.tick ?? Infinity) < tick) this.taken += 1;
    // Many at once: to take the first out of a list moves all others.
    if (this.taken >= FORGET_TOGETHER) this.taken -= this.outputs.splice(0, this.taken).length;
  }

  private noteTrip({ atUs, cause }: ObservedTrip): void {
    this.failSafeTrips += 1;
    if (this.trips.length < MAX_NAMED_TRIPS) this.trips.push({ atUs, cause });
  }

  private noteOutput(record: ObservedOutput): void {
    const { actuator } = this;
    const output = { tick: record.tick, count: record.count, votes: record.votes, atUs: record.atUs };
    const lawful =
      record.tick > this.lastTick &&
      record.count >= actuator.minCount &&
      record.count <= actuator.maxCount &&
      this.phase === null;
    if (!lawful) this.unsafeOutputs += 1;
    this.lastTick = Math.max(this.lastTick, record.tick);
    this.lastOutput = output;
    // One that is unsafe already is not judged a second time. A lawful one is of a later tick than all before it.
    if (lawful && this.outputs.length - this.taken < MAX_PENDING) this.outputs.push(output);
  }

  private change(atUs: number, failSafe: FailSafePeriod | null): void {
    this.phases.push({ atUs, failSafe });
    if (this.phases.length > MAX_PENDING) this.phases.shift();
  }
}
