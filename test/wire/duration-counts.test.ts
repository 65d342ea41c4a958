/** Counted durations: what is read out of them is never too short and hardly too long, and they fit into an answer. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeCounts,
  DurationCounts,
  subtractCounts,
  summarizeCounts,
  type BucketCounts,
} from '../../src/wire/duration-counts.js';

function count(...durationsUs: readonly number[]): DurationCounts {
  const counts = new DurationCounts();
  for (const durationUs of durationsUs) counts.add(durationUs);
  return counts;
}

function read(counts: DurationCounts): BucketCounts {
  return decodeCounts(counts.encode()) ?? [];
}

describe('what is counted', () => {
  test('is never read as shorter, and as longer by at most an eighth or 8 µs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 20 - 1 }), (us) => {
        const { minUs, p50Us, p99Us, maxUs } = summarizeCounts(read(count(us)));
        expect(new Set([minUs, p50Us, p99Us, maxUs]).size).toBe(1);
        expect(maxUs).toBeGreaterThan(us);
        expect(maxUs).toBeLessThanOrEqual(Math.max(us + 8, us * 1.125));
      }),
    );
  });

  test('falls where its rank is', () => {
    const durations = Array.from({ length: 100 }, (_, at) => (at + 1) * 8 - 1);
    expect(summarizeCounts(read(count(...durations)))).toEqual({
      count: 100,
      minUs: 8,
      p50Us: 416, // 50 · 8 = 400 lies in the bucket up to 416
      p99Us: 832, // 99 · 8 = 792 in the bucket up to 832
      maxUs: 832,
    });
  });

  test('out of bounds counts at the bounds', () => {
    const { minUs, maxUs } = summarizeCounts(read(count(-5, 1e9, 7.5)));
    expect([minUs, maxUs]).toEqual([8, 2 ** 20]);
    expect(summarizeCounts(read(count(NaN))).maxUs).toBe(8);
  });

  test('nothing counted: nothing read', () => {
    expect(summarizeCounts(read(count()))).toEqual({
      count: 0,
      minUs: null,
      p50Us: null,
      p99Us: null,
      maxUs: null,
    });
  });
});

describe('the difference of two readings', () => {
  test('is what came in between', () => {
    const durations = fc.array(fc.integer({ min: 0, max: 2_000_000 }), { maxLength: 50 });
    fc.assert(
      fc.property(durations, durations, (early, late) => {
        const counts = count(...early);
        const before = read(counts);
        for (const us of late) counts.add(us);
        expect(summarizeCounts(subtractCounts(read(counts), before))).toEqual(
          summarizeCounts(read(count(...late))),
        );
      }),
    );
  });

  test('survives a count that has begun again at 0', () => {
    expect(subtractCounts([1, 5], [2 ** 32 - 2, 3])).toEqual([3, 2]);
  });
});

describe('as text', () => {
  test('the longest fits into an answer', () => {
    const counts = new DurationCounts();
    const cells = (counts as unknown as { counts: Uint32Array }).counts;
    cells.fill(2 ** 32 - 1);
    const text = counts.encode();
    expect(text.length).toBeLessThanOrEqual(960);
    expect(decodeCounts(text)).toEqual(Array.from(cells));
  });

  test.each(['1.x!', '1..-2', `${'1.'.repeat(120)}1`, '4294967296', '12345678', '1 2', 'zzzzzzz'])(
    '%s is none',
    (text) => expect(decodeCounts(text)).toBeNull(),
  );

  test('what is none is refused and never thrown', () => {
    fc.assert(fc.property(fc.string(), (text) => void decodeCounts(text)));
  });
});
