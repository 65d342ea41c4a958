/**
 * A clock that is corrected by going faster or slower, never by running back (protocol.md §6; coulouris 14.3): piecewise
 * linear over the machine's monotonic clock, strictly increasing, its rate within a declared distance of 1. Times are
 * µs: *own* ones of the machine's clock, *round* ones of this.
 */
import { assert } from '../assert.js';

export interface SlewedClockOptions {
  /** How much faster or slower than the machine's clock it may go, parts in a million. */
  readonly maxSlewPpm: number;
  /** In about this time a correction is to be done, µs. */
  readonly horizonUs: number;
}

/** Shows the machine's time until it is set or steered. Mutable. */
export class SlewedClock {
  private anchorOwnUs = 0;
  private anchorRoundUs = 0;
  private rate = 1;
  /** How it went before the anchor: arrivals are stamped a little before they are looked at. */
  private rateBefore = 1;

  constructor(private readonly options: SlewedClockOptions) {
    assert(
      options.maxSlewPpm > 0 && options.maxSlewPpm < 1e6,
      'a slewed clock neither stands still nor runs back',
    );
  }

  /** What it shows at `ownUs`, whole µs. */
  read(ownUs: number): number {
    const sinceUs = ownUs - this.anchorOwnUs;
    return Math.floor(this.anchorRoundUs + sinceUs * (sinceUs < 0 ? this.rateBefore : this.rate));
  }

  /** The first whole µs of the machine's clock at which it shows `roundUs` or more, as it goes now. */
  ownAt(roundUs: number): number {
    const sinceUs = roundUs - this.anchorRoundUs;
    let ownUs = Math.ceil(this.anchorOwnUs + sinceUs / (sinceUs < 0 ? this.rateBefore : this.rate));
    while (this.read(ownUs) < roundUs) ownUs += 1;
    return ownUs;
  }

  /** From `ownUs` on it makes for `offsetUs` ahead of the machine's clock. */
  steer(ownUs: number, offsetUs: number): void {
    const { maxSlewPpm, horizonUs } = this.options;
    const shownUs = this.anchorRoundUs + (ownUs - this.anchorOwnUs) * this.rate;
    const limit = maxSlewPpm / 1e6;
    const wanted = (ownUs + offsetUs - shownUs) / horizonUs;
    this.rateBefore = this.rate;
    this.anchorOwnUs = ownUs;
    this.anchorRoundUs = shownUs;
    this.rate = 1 + Math.max(-limit, Math.min(limit, wanted));
  }

  /** Sets it outright: for a clock by which nobody else goes. */
  set(ownUs: number, roundUs: number): void {
    this.anchorOwnUs = ownUs;
    this.anchorRoundUs = roundUs;
    this.rate = 1;
    this.rateBefore = 1;
  }
}
