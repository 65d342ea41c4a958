/**
 * A simulated computer: one process of a rig with its own clock, which can stand still, run wrong and be killed. What
 * happens to it while it stands still waits, as it would in the buffers of a real one. It never touches the code that
 * runs on it.
 */
import type { Cancel, Clock } from '../ports.js';
import { EventQueue, RANK, ScheduledCall, ScheduledEvent } from './event-queue.js';

/** More than any rig does in one instant: somebody wakes again and again for what is not yet due. */
const MAX_AT_ONCE = 1_000_000;

/** The world's own time. Virtual microseconds from 0; it runs as fast as the processor allows. */
export class World {
  readonly queue = new EventQueue();
  nowUs = 0;
  private atOnce = 0;

  at(atUs: number, rank: number, call: () => void): ScheduledEvent {
    const event = new ScheduledCall(call);
    this.add(atUs, rank, event);
    return event;
  }

  /** The same for what is more than a call. */
  add(atUs: number, rank: number, event: ScheduledEvent): void {
    this.queue.add(Math.max(atUs, this.nowUs), rank, event);
  }

  /** It will not happen; harmless when it has. */
  cancel(event: ScheduledEvent): void {
    this.queue.cancel(event);
  }

  /** Lets the next thing happen; false when there is none. Throws an Error where time no longer passes. */
  advance(): boolean {
    const { queue } = this;
    const next = queue.take();
    if (next === null) return false;
    const { takenAtUs } = queue;
    this.atOnce = takenAtUs === this.nowUs ? this.atOnce + 1 : 0;
    if (this.atOnce > MAX_AT_ONCE)
      throw new Error(`${MAX_AT_ONCE} things happened at ${this.nowUs} µs: virtual time stands still`);
    this.nowUs = takenAtUs;
    next.run();
    return true;
  }
}

/** How a host's clock goes: what it shows when the world begins, and how many parts in a million it is too fast. */
export interface ClockModel {
  readonly offsetUs: number;
  readonly driftPpm: number;
}

/** How far a crystal may be from its rate, parts in a million. */
export const MAX_DRIFT_PPM = 200;

export const PERFECT_CLOCK: ClockModel = { offsetUs: 0, driftPpm: 0 };

/** One computer, from power-on to power-off. Its processes come and go; see `boot`. */
export class Host {
  /** Counts the processes that have run here; what was planned for an earlier one never happens. */
  private life = 0;
  private alive = false;
  /** Until then it does not run, in the world's time. */
  private busyUntilUs = 0;
  private readonly rate: number;
  private readonly isPerfect: boolean;

  constructor(
    private readonly world: World,
    private readonly model: ClockModel = PERFECT_CLOCK,
  ) {
    this.rate = 1 + model.driftPpm / 1e6;
    this.isPerfect = model.driftPpm === 0 && model.offsetUs === 0;
  }

  get isAlive(): boolean {
    return this.alive;
  }

  /** Number of the process that runs here, or ran here last. */
  get lifeNumber(): number {
    return this.life;
  }

  /** A new process starts here; whatever the one before had planned is gone. */
  boot(): void {
    this.life += 1;
    this.alive = true;
    this.busyUntilUs = this.world.nowUs;
  }

  /** The process is gone at once. */
  kill(): void {
    this.life += 1;
    this.alive = false;
  }

  /** The process stands still from now on for so long, in the middle of whatever it is doing. */
  stall(us: number): void {
    this.busyUntilUs = this.presentUs() + us;
  }

  /** The present of whoever runs here, in the world's time: later than the world's own while it stands still. */
  presentUs(): number {
    return Math.max(this.world.nowUs, this.busyUntilUs);
  }

  /** What its clock shows. */
  readonly clock: Clock = {
    nowUs: () => this.toLocalUs(this.presentUs()),
    schedule: (atUs, callback) => this.schedule(this.toWorldUs(atUs), RANK.timer, callback),
  };

  /** Lets the process do something at `atUs` of the world's time, or as soon as it runs again; never if it has died by then. */
  schedule(atUs: number, rank: number, run: () => void): Cancel {
    const { world } = this;
    const plan = new Plan(world, this, rank, run);
    world.add(Math.max(atUs, this.presentUs()), rank, plan);
    return () => world.cancel(plan);
  }

  /** Whether the process runs in the world's present: it is alive and does not stand still. */
  get isRunning(): boolean {
    return this.alive && this.busyUntilUs <= this.world.nowUs;
  }

  /** The same as `schedule` for the present, without a turn of the queue where the process runs. */
  runNow(rank: number, run: () => void): void {
    if (this.busyUntilUs > this.world.nowUs) this.schedule(this.world.nowUs, rank, run);
    else if (this.alive) run();
  }

  /** The time of the world at which its clock showed `localUs`, a time that has been. */
  toWorldTime(localUs: number): number {
    return this.isPerfect ? localUs : Math.round((localUs - this.model.offsetUs) / this.rate);
  }

  private toLocalUs(worldUs: number): number {
    return this.isPerfect ? worldUs : Math.floor(this.model.offsetUs + worldUs * this.rate);
  }

  /** The first instant of the world at which the clock shows `localUs` or more. */
  private toWorldUs(localUs: number): number {
    return this.isPerfect ? localUs : Math.ceil((localUs - this.model.offsetUs) / this.rate);
  }
}

/** What a process has planned: put off while its host stands still, and void when the process is gone. */
class Plan extends ScheduledEvent {
  private readonly life: number;

  constructor(
    private readonly world: World,
    private readonly host: Host,
    private readonly rank: number,
    private readonly call: () => void,
  ) {
    super();
    this.life = host.lifeNumber;
  }

  run(): void {
    const { world, host, rank } = this;
    if (host.lifeNumber !== this.life || !host.isAlive) return;
    if (host.isRunning) this.call();
    else world.add(host.presentUs(), rank, this);
  }
}
