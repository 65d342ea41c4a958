/**
 * Whether an actuator does what it is ordered: holds what its device reads back against what the voter handed to it. The
 * voter cannot mend a device that does something else; people can. It must never touch what goes out.
 *
 * A device needs time to travel, and nobody knows how much. So it is right wherever it stands among what it was ordered
 * during the last `holdUs`, within a tolerance; and where it does not, as long as it comes nearer by the tolerance in
 * each `holdUs`. A device that stands still where it was ordered to stand cannot be told from one that is stuck there.
 */

export interface ReadBackConfig {
  /** How long the output that was handed last may stand without a new one: what the device is given to follow. */
  readonly holdUs: number;
  /** Counts that it may be off. */
  readonly toleranceCount: number;
  /** How long after an output a device may say nothing. */
  readonly silenceUs: number;
}

/** What people should know, told once when it begins and once when it is over. */
export type ReadBackFinding =
  /** It is not where it was ordered, and does not go there. */
  | { readonly kind: 'strayed'; readonly ordered: number; readonly measured: number }
  /** It says nothing any more. */
  | { readonly kind: 'silent'; readonly ordered: number }
  /** It answers and has been right for `holdUs`. */
  | { readonly kind: 'recovered'; readonly ordered: number; readonly measured: number };

interface Output {
  readonly count: number;
  readonly atUs: number;
}

/** Outputs remembered at most; a voter hands out one a period. */
const MAX_OUTPUTS = 1_024;

/** Watches one device. Times come from one clock and never fall. */
export class ReadBackMonitor {
  /** Those of the last `holdUs`, and the one that was in force when these began. */
  private readonly outputs: Output[] = [];
  /** The first output that nothing has been heard since; null where all have been answered, or none ever was. */
  private unansweredUs: number | null = null;
  private hasAnswered = false;
  private alarm: 'strayed' | 'silent' | null = null;
  /** Since when it has been away, or came nearer last, and where it stood then. */
  private away: { readonly sinceUs: number; readonly count: number; readonly side: number } | null = null;
  private rightSinceUs: number | null = null;

  constructor(private readonly config: ReadBackConfig) {}

  /** The voter has handed an output to the device. */
  noteOutput(count: number, atUs: number): void {
    this.outputs.push({ count, atUs });
    if (this.outputs.length > MAX_OUTPUTS) this.outputs.shift();
    if (this.hasAnswered) this.unansweredUs ??= atUs;
  }

  /** The device has said where it stands. */
  noteReadBack(measured: number, atUs: number): ReadBackFinding | null {
    this.hasAnswered = true;
    this.unansweredUs = null;
    this.forgetBefore(atUs - this.config.holdUs);
    const ordered = this.outputs[this.outputs.length - 1]?.count;
    if (ordered === undefined) return null;
    const side = this.findSide(measured);
    if (side === 0) return this.noteRight(ordered, measured, atUs);
    this.rightSinceUs = null;
    const { away, config } = this;
    if (away === null || (measured - away.count) * -away.side >= config.toleranceCount) {
      this.away = { sinceUs: atUs, count: measured, side };
      return null;
    }
    if (side !== away.side) this.away = { ...away, count: measured, side };
    if (this.alarm !== null || atUs - away.sinceUs <= config.holdUs) return null;
    this.alarm = 'strayed';
    return { kind: 'strayed', ordered, measured };
  }

  /** To be called now and then: silence makes no event of its own. */
  check(nowUs: number): ReadBackFinding | null {
    const { unansweredUs, config } = this;
    if (this.alarm !== null || unansweredUs === null || nowUs - unansweredUs <= config.silenceUs) return null;
    this.alarm = 'silent';
    this.rightSinceUs = null;
    return { kind: 'silent', ordered: this.outputs[this.outputs.length - 1]?.count ?? 0 };
  }

  private noteRight(ordered: number, measured: number, atUs: number): ReadBackFinding | null {
    this.away = null;
    this.rightSinceUs ??= atUs;
    if (this.alarm === null || atUs - this.rightSinceUs < this.config.holdUs) return null;
    this.alarm = null;
    return { kind: 'recovered', ordered, measured };
  }

  /** 1 above everything that it was ordered lately, −1 below, 0 among it. */
  private findSide(measured: number): number {
    const { toleranceCount } = this.config;
    let low = Infinity;
    let high = -Infinity;
    for (const { count } of this.outputs) {
      low = Math.min(low, count);
      high = Math.max(high, count);
    }
    return measured > high + toleranceCount ? 1 : measured < low - toleranceCount ? -1 : 0;
  }

  private forgetBefore(atUs: number): void {
    while (this.outputs.length > 1 && (this.outputs[1] as Output).atUs <= atUs) this.outputs.shift();
  }
}
