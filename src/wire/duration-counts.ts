/**
 * How often durations came about, in buckets whose width grows with the duration (the layout of HdrHistogram,
 * G. Tene, coarse enough to travel in one answer to an operator). What is read out of them is the upper end of a
 * bucket: never too short, and by at most an eighth, or 8 µs, too long. It must never grow.
 *
 * Counts only ever go up, modulo 2³², so that the difference of two readings is what came in between.
 */

/** Below 2^FINE_BITS units a bucket is one unit wide; from there on each doubling has 2^STEP_BITS of them. */
const UNIT_BITS = 3;
const FINE_BITS = 4;
const STEP_BITS = 3;
const STEPS = 1 << STEP_BITS;
const FINE = 1 << FINE_BITS;
/** The last doubling ends at 2^20 µs; what is longer is counted in its last bucket. */
const LAST_DOUBLING = 16;
const BUCKETS = FINE + (LAST_DOUBLING - FINE_BITS + 1) * STEPS;
const MAX_US = 2 ** (LAST_DOUBLING + 1 + UNIT_BITS) - 1;
/** Digits of an encoded count. */
const RADIX = 36;
const COUNT_PATTERN = /^[0-9a-z]{0,7}$/;

/** Counts by bucket, at least one and at most `BUCKETS` long; what is left out is 0. */
export type BucketCounts = readonly number[];

/** Durations of one kind, counted. */
export class DurationCounts {
  private readonly counts = new Uint32Array(BUCKETS);

  /** Counts one duration, µs; what is negative counts as 0. */
  add(durationUs: number): void {
    const bucket = bucketOf(durationUs);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
  }

  /** As text of at most 960 bytes, for `decodeCounts`. */
  encode(): string {
    let last = BUCKETS - 1;
    while (last > 0 && this.counts[last] === 0) last -= 1;
    return Array.from(this.counts.subarray(0, last + 1), (count) =>
      count === 0 ? '' : count.toString(RADIX),
    ).join('.');
  }
}

/** Counts as a `DurationCounts` writes them; null for anything else. */
export function decodeCounts(text: string): BucketCounts | null {
  const parts = text.split('.', BUCKETS + 1);
  if (parts.length > BUCKETS) return null;
  const counts: number[] = [];
  for (const part of parts) {
    if (!COUNT_PATTERN.test(part)) return null;
    const count = part === '' ? 0 : parseInt(part, RADIX);
    if (count >= 2 ** 32) return null;
    counts.push(count);
  }
  return counts;
}

/** What came between two readings of the same counts. */
export function subtractCounts(later: BucketCounts, earlier: BucketCounts): BucketCounts {
  return later.map((count, bucket) => (count - (earlier[bucket] ?? 0)) >>> 0);
}

/** Of a set of durations, µs, each the upper end of its bucket; null while there is none. */
export interface DurationSummary {
  readonly count: number;
  readonly minUs: number | null;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly maxUs: number | null;
}

/** The shortest, the median, the 99th percentile and the longest. */
export function summarizeCounts(counts: BucketCounts): DurationSummary {
  const count = counts.reduce((sum, one) => sum + one, 0);
  return {
    count,
    minUs: findRank(counts, Math.min(1, count)),
    p50Us: findRank(counts, Math.ceil(0.5 * count)),
    p99Us: findRank(counts, Math.ceil(0.99 * count)),
    maxUs: findRank(counts, count),
  };
}

/** Upper end of the bucket that holds the duration of this rank, 1 the shortest; null for rank 0. */
function findRank(counts: BucketCounts, rank: number): number | null {
  if (rank === 0) return null;
  let seen = 0;
  const bucket = counts.findIndex((count) => (seen += count) >= rank);
  return upperEndOf(bucket);
}

function bucketOf(durationUs: number): number {
  const units = (durationUs > 0 ? Math.min(MAX_US, durationUs) : 0) >>> UNIT_BITS;
  if (units < FINE) return units;
  const doubling = 31 - Math.clz32(units);
  const step = (units >>> (doubling - STEP_BITS)) & (STEPS - 1);
  return FINE + (doubling - FINE_BITS) * STEPS + step;
}

function upperEndOf(bucket: number): number {
  if (bucket < FINE) return (bucket + 1) << UNIT_BITS;
  const doubling = FINE_BITS + ((bucket - FINE) >>> STEP_BITS);
  const step = (bucket - FINE) & (STEPS - 1);
  return (STEPS + step + 1) << (doubling - STEP_BITS + UNIT_BITS);
}
