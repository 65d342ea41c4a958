/**
 * Decides when the watchdog is stroked: when a stroke is due and more than half of the turns since the last decision met
 * their deadlines. No turn, no decision: a process whose event loop stands still, or which is late most of the time, is
 * not stroked, and its service manager restarts it.
 */

/** What came of the turns since the last decision. */
export interface StrokeDecision {
  readonly stroke: boolean;
  readonly met: number;
  readonly turns: number;
}

/** Counts turns from `startUs` on and decides once per `intervalUs`, in the first turn after it is over. */
export class StrokeGate {
  private met = 0;
  private turns = 0;

  constructor(
    private readonly intervalUs: number,
    private startUs: number,
  ) {}

  /** A turn is over; null where nothing is due. */
  noteTurn(isMet: boolean, nowUs: number): StrokeDecision | null {
    this.turns += 1;
    if (isMet) this.met += 1;
    if (nowUs - this.startUs < this.intervalUs) return null;
    const { met, turns } = this;
    this.met = 0;
    this.turns = 0;
    this.startUs = nowUs;
    return { stroke: 2 * met > turns, met, turns };
  }
}
