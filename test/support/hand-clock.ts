/** A clock that stands until a test moves it, with timers that fire when the test says so. */
import type { Clock } from '../../src/ports.js';

interface Timer {
  readonly atUs: number;
  readonly callback: () => void;
}

export class HandClock implements Clock {
  private us = 0;
  private timers: Timer[] = [];

  nowUs(): number {
    return this.us;
  }

  schedule(atUs: number, callback: () => void): () => void {
    const timer = { atUs, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }

  /** Moves on to `us`; what is due on the way fires at its time, or now where that has passed. */
  moveTo(us: number): void {
    for (;;) {
      const [next] = this.timers.filter(({ atUs }) => atUs <= us).sort((a, b) => a.atUs - b.atUs);
      if (next === undefined) break;
      this.timers = this.timers.filter((one) => one !== next);
      this.us = Math.max(this.us, next.atUs);
      next.callback();
    }
    this.us = us;
  }
}
