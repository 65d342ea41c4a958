import { expect, test } from 'vitest';
import fc from 'fast-check';
import { Histogram } from '../../src/demo/histogram.js';

test('nothing counted has no percentile', () => {
  expect(new Histogram().summarize()).toEqual({ p50: null, p99: null, max: null, count: 0 });
});

test('percentiles lie within 0.8 % of the exact ones, the maximum is exact', () => {
  const durations = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(durations, (values) => {
      const histogram = new Histogram();
      for (const value of values) histogram.add(value);
      const sorted = [...values].sort((a, b) => a - b);
      for (const share of [0.5, 0.99]) {
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] as number;
        const found = histogram.percentile(share) as number;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.008);
      }
      expect(histogram.summarize().max).toBe(sorted[sorted.length - 1]);
    }),
  );
});

test('hostile durations count as the nearest possible one', () => {
  const histogram = new Histogram();
  for (const value of [NaN, -5, -Infinity]) histogram.add(value);
  expect(histogram.summarize()).toEqual({ p50: 0, p99: 0, max: 0, count: 3 });
  histogram.add(Infinity);
  expect(histogram.summarize().max).toBe(2 ** 31 - 1);
});
