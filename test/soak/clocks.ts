/** Clocks of hosts that have nothing to do with one another, and how well the ticks of a rig on them begin together. */
import type { RigRunner } from '../support/rig-runner.js';

/** By process, the value of VOTEPLANE_TEST_CLOCK: seconds ahead of the machine's clock, and parts in a million too fast. */
export const CLOCKS: Readonly<Record<string, string>> = {
  a: '86400 200',
  b: '3 -200',
  c: '7200 150',
  d: '0 -150',
  elevator: '36000 200',
};

/** Takes from what replicas told how far apart their ticks began. */
export class SkewMeter {
  private readonly skewsUs: number[] = [];
  private takenTick: number;

  /** Ticks count from the newest of now on. */
  constructor(private readonly runner: RigRunner) {
    this.takenTick = runner.newestTick;
  }

  /** Everything since the last time. */
  take(): void {
    const starts = new Map<number, number[]>();
    for (const { id } of this.runner.rig.replicas) {
      for (const { tick, mode, startUs, overrun } of this.runner.ticksOf(id)) {
        if (tick <= this.takenTick || mode !== 'running' || startUs === null || overrun !== null) continue;
        starts.set(tick, [...(starts.get(tick) ?? []), startUs]);
      }
    }
    for (const times of starts.values())
      if (times.length > 1) this.skewsUs.push(Math.max(...times) - Math.min(...times));
    this.takenTick = this.runner.newestTick;
  }

  /** Sorted, µs. */
  sorted(): readonly number[] {
    return this.skewsUs.sort((a, b) => a - b);
  }
}
