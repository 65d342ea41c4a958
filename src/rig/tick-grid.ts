/**
 * Where a rig's ticks lie on the clock of somebody who only watches: a plant, an observer. Whatever is heard of a tick is
 * heard no earlier than it began, so the promptest of what came lately is the best witness; the round clocks of a rig
 * drift against any other, so what came long ago is none.
 */

/** Notes after which the older half is forgotten. */
const GENERATION_NOTES = 512;

/** An estimate from what has been heard. Times are µs on the watcher's clock. */
export class TickGrid {
  private currentUs = Infinity;
  private beforeUs = Infinity;
  private notes = 0;

  constructor(private readonly periodUs: number) {}

  /** Something of tick `tick` came at `atUs`, however late. */
  note(tick: number, atUs: number): void {
    const originUs = atUs - tick * this.periodUs;
    if (originUs < this.currentUs) this.currentUs = originUs;
    this.notes += 1;
    if (this.notes < GENERATION_NOTES) return;
    this.notes = 0;
    this.beforeUs = this.currentUs;
    this.currentUs = originUs;
  }

  /** Ticks are numbered anew. */
  forget(): void {
    this.currentUs = Infinity;
    this.beforeUs = Infinity;
    this.notes = 0;
  }

  /** Where tick 0 would lie; null before anything has been heard. */
  get originUs(): number | null {
    const originUs = Math.min(this.currentUs, this.beforeUs);
    return originUs === Infinity ? null : originUs;
  }

  /** The tick that `atUs` lies in; null before anything has been heard. */
  tickAt(atUs: number): number | null {
    const { originUs } = this;
    return originUs === null ? null : Math.floor((atUs - originUs) / this.periodUs);
  }
}
