/**
 * Which tick of the run it is, for a voter. Its commands name ticks of the rig's grid, and between them its own clock
 * goes on. The run began where whoever started the process says that it did; where nobody says, with the first tick for
 * which the voter was armed, which is a few ticks later. It only counts; nothing is decided by it.
 */

/** Counts from the first tick that a voter knows of. */
export class RunTicks {
  private toldStart: number | null = null;
  private firstTick: number | null = null;
  private anchor: { readonly tick: number; readonly atUs: number } | null = null;

  constructor(private readonly periodUs: number) {}

  /** The run's first tick on the grid, for whoever knows it; the first word counts. */
  setStart(startTick: number): void {
    this.toldStart ??= startTick;
  }

  /** The voter was armed for a tick of the grid, or has put it out. */
  note(tick: number, atUs: number): void {
    this.firstTick ??= tick;
    this.anchor = { tick, atUs };
  }

  /** The tick of the run by now; null before the first that is known. */
  read(nowUs: number): number | null {
    if (this.anchor === null) return null;
    const tick = this.anchor.tick + Math.max(0, Math.floor((nowUs - this.anchor.atUs) / this.periodUs));
    return Math.max(0, tick - (this.toldStart ?? this.firstTick ?? tick));
  }
}
