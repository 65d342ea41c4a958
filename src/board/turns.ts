/** What the accounts of a replica and the status turns of a voter say about being in time. */
import type { TickRecord } from '../process/telemetry.js';
import type { Turn } from './service-notifier.js';

/** A replica's tick as a turn, in whatever mode: one that waits for others is in time as long as its ticks are. */
export function readTickTurn(record: TickRecord): Turn {
  const { tick, startTick, mode } = record;
  return {
    met: isInTime(record.overrun),
    doing: startTick === null ? mode : `${mode} at tick ${tick - startTick}`,
  };
}

function isInTime(overrun: TickRecord['overrun']): boolean {
  switch (overrun) {
    case 'overslept':
      return false;
    // The others, or the way to them: a restart of this process mends neither.
    case 'misses-too-many':
    case null:
      return true;
  }
}

/** A turn of a voter comes once a period; this many late, and it was not in time. */
const LATE_PERIODS = 2;

/** Makes turns of a voter's status turns. */
export class StatusTurns {
  private lastUs: number | null = null;

  constructor(private readonly periodUs: number) {}

  /** A status turn at `nowUs`, in which the voter is `phase`. */
  note(phase: string, nowUs: number): Turn {
    const met = this.lastUs === null || nowUs - this.lastUs <= LATE_PERIODS * this.periodUs;
    this.lastUs = nowUs;
    return { met, doing: phase };
  }
}
