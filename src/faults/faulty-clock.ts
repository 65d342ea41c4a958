/**
 * The clock of a process that faults can strike: between the host's clock and everything that the process does by it.
 * What it shows is monotonic whatever the faults do: rather than run back it stands still until the host's clock has
 * come as far. A timer fires when this clock shows its time, however often the way from the host's clock to this one
 * changes meanwhile. It must never fire a timer before its time by this clock, and never lose one.
 */
import type { Cancel, Clock } from '../ports.js';

/** How a struck clock goes: a function of the clock below it that never falls. */
export interface ClockMapping {
  /** What it shows when the clock below shows `belowUs`. */
  toLocalUs(belowUs: number): number;
  /** First time of the clock below at which this one shows `localUs`; null: never. */
  toBelowUs(localUs: number): number | null;
}

interface Timer {
  readonly atUs: number;
  readonly callback: () => void;
  readonly slackUs: number | undefined;
  readonly atOnce: boolean | undefined;
  /** Of the host's timer; null while the time never comes. */
  cancel: Cancel | null;
}

/** Shows the host's time until `follow` says otherwise. */
export class FaultyClock implements Clock {
  private mappings: readonly ClockMapping[] = [];
  /** What it showed when its going last changed: it shows less at no time. */
  private floorUs = -Infinity;
  /** In the order in which they were asked for. */
  private readonly timers = new Set<Timer>();

  constructor(private readonly host: Clock) {}

  nowUs(): number {
    return Math.max(this.floorUs, this.mapUs(this.host.nowUs()));
  }

  schedule(atUs: number, callback: () => void, slackUs?: number, atOnce?: boolean): Cancel {
    const timer: Timer = { atUs, callback, slackUs, atOnce, cancel: null };
    this.timers.add(timer);
    this.arm(timer, -Infinity);
    return () => {
      timer.cancel?.();
      this.timers.delete(timer);
    };
  }

  /** What it showed at a time of the host that has just been: of an arrival that was stamped there. */
  localize(hostUs: number): number {
    if (this.mappings.length === 0 && hostUs >= this.floorUs) return hostUs;
    return Math.min(this.nowUs(), Math.max(this.floorUs, this.mapUs(hostUs)));
  }

  /** From now on it goes as these say, the first nearest to the host's clock; without any it shows the host's time. */
  follow(mappings: readonly ClockMapping[]): void {
    const { mappings: before } = this;
    if (mappings.length === before.length && mappings.every((one, at) => one === before[at])) return;
    this.floorUs = this.nowUs();
    this.mappings = mappings;
    // A mapping learns where it begins before it is asked for times to come.
    this.mapUs(this.host.nowUs());
    for (const timer of this.timers) {
      timer.cancel?.();
      this.arm(timer, -Infinity);
    }
  }

  /** Whether it waits for the host's clock to come as far as it had shown. */
  get standsStill(): boolean {
    return this.mapUs(this.host.nowUs()) < this.floorUs;
  }

  private mapUs(hostUs: number): number {
    return this.mappings.reduce((us, mapping) => mapping.toLocalUs(us), hostUs);
  }

  private arm(timer: Timer, notBeforeUs: number): void {
    // What is due by what it shows already, or shows for good, has no later time on the host's clock.
    let hostUs: number | null = timer.atUs <= this.floorUs ? -Infinity : timer.atUs;
    for (const mapping of [...this.mappings].reverse()) {
      if (hostUs !== null && hostUs !== -Infinity) hostUs = mapping.toBelowUs(hostUs);
    }
    if (hostUs === null) {
      timer.cancel = null;
      return;
    }
    const dueUs = Math.max(hostUs, notBeforeUs);
    timer.cancel = this.host.schedule(
      dueUs === -Infinity ? this.host.nowUs() : dueUs,
      () => this.fire(timer),
      timer.slackUs,
      timer.atOnce,
    );
  }

  private fire(timer: Timer): void {
    if (this.nowUs() < timer.atUs) {
      // Times are whole microseconds on both clocks, and what rounds down must not come early.
      this.arm(timer, this.host.nowUs() + 1);
      return;
    }
    this.timers.delete(timer);
    timer.callback();
  }
}
