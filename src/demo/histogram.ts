/**
 * Percentiles of any number of durations in bounded memory: buckets whose width grows with the value, 128 to each
 * doubling (the layout of HdrHistogram, G. Tene). A percentile is off by less than 0.8 % of itself; the largest value
 * is exact. It must never grow.
 */

/** Below this every value has a bucket of its own. */
const EXACT = 256;
const PER_DOUBLING = EXACT / 2;
/** 2^31 µs is over half an hour; what is longer is counted there. */
const MAX_VALUE = 2 ** 31 - 1;

/** p50, p99 and maximum of a set of durations, microseconds; null while there is none. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  readonly count: number;
}

/** Counts durations in microseconds. */
export class Histogram {
  private readonly counts = new Float64Array(indexOf(MAX_VALUE) + 1);
  private total = 0;
  private largest = 0;

  /** Counts one duration; what is negative or no number counts as 0. */
  add(durationUs: number): void {
    const value = durationUs > 0 ? Math.min(MAX_VALUE, Math.round(durationUs)) : 0;
    const index = indexOf(value);
    this.counts[index] = (this.counts[index] as number) + 1;
    this.total += 1;
    this.largest = Math.max(this.largest, value);
  }

  /** The smallest bucket below or at which the share `share` (0 … 1) of the durations lies; null without any. */
  percentile(share: number): number | null {
    if (this.total === 0) return null;
    const rank = Math.max(1, Math.ceil(share * this.total));
    let seen = 0;
    for (let index = 0; index < this.counts.length; index += 1) {
      seen += this.counts[index] as number;
      if (seen >= rank) return Math.min(valueOf(index), this.largest);
    }
    return this.largest;
  }

  summarize(): Percentiles {
    return {
      p50: this.percentile(0.5),
      p99: this.percentile(0.99),
      max: this.total === 0 ? null : this.largest,
      count: this.total,
    };
  }
}

function indexOf(value: number): number {
  if (value < EXACT) return value;
  const doublings = 24 - Math.clz32(value);
  return EXACT + (doublings - 1) * PER_DOUBLING + ((value >>> doublings) - PER_DOUBLING);
}

/** Middle of a bucket. */
function valueOf(index: number): number {
  if (index < EXACT) return index;
  const doublings = Math.floor((index - EXACT) / PER_DOUBLING) + 1;
  const width = 2 ** doublings;
  return (((index - EXACT) % PER_DOUBLING) + PER_DOUBLING) * width + width / 2;
}
