/** Fusion of redundant channels (protocol.md §4), by examples and by what holds for every set of liars. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reading } from '../../../src/core/types.js';
import { fuse, type FusionMethod, type FusionRule } from '../../../src/core/voting/fusion.js';

function numbers(method: FusionMethod, changes: Partial<FusionRule> = {}): FusionRule {
  return { type: 'number', min: -1e6, max: 1e6, spread: 10, method, ...changes };
}

const BOOLEAN: FusionRule = { type: 'boolean', min: 0, max: 1, spread: 0, method: 'mid-value' };
const LOST = { value: null, quality: 'lost', outliers: [] };

describe('numbers, n=4, f=1', () => {
  test.each<[FusionMethod, Reading[], number]>([
    ['mid-value', [1, 2, 3, 9], 2.5],
    ['midpoint', [1, 2, 4, 9], 3],
    ['mean', [1, 2, 4, 9], 3],
    ['mid-value', [5, null, 1, 4], 4],
    ['midpoint', [5, null, 1, 4], 3],
    ['mean', [5, null, 1, 6], 4],
  ])('%s of %j', (method, entries, value) => {
    expect(fuse(numbers(method), entries, 1).value).toBe(value);
  });

  test('good with all n within the spread, degraded with fewer or with an outlier, who is named', () => {
    expect(fuse(numbers('mid-value'), [1, 2, 3, 4], 1)).toEqual({
      value: 2.5,
      quality: 'good',
      outliers: [],
    });
    expect(fuse(numbers('mid-value'), [1, 2, null, 4], 1)).toEqual({
      value: 2,
      quality: 'degraded',
      outliers: [],
    });
    expect(fuse(numbers('mid-value'), [1, 999, 3, 4], 1)).toEqual({
      value: 3.5,
      quality: 'degraded',
      outliers: [1],
    });
  });

  test('exactly as far from the result as the spread is no outlier', () => {
    expect(fuse(numbers('mid-value'), [0, 0, 0, 10], 1)).toEqual({ value: 0, quality: 'good', outliers: [] });
    expect(fuse(numbers('mid-value'), [-10, 0, 0, 0], 1)).toEqual({
      value: 0,
      quality: 'good',
      outliers: [],
    });
    expect(fuse(numbers('mid-value'), [0, 0, 0, 10.5], 1).outliers).toEqual([3]);
  });

  test('m < n−f present: lost', () => {
    expect(fuse(numbers('mean'), [1, null, null, 1], 1)).toEqual(LOST);
    expect(fuse(numbers('mean'), [null, null, null, null], 1)).toEqual(LOST);
  });

  test('what is out of range, no number, or of another type is absent; the range is closed', () => {
    const rule = numbers('mean', { min: 0, max: 5 });
    expect(fuse(rule, [0, 5, 2, 3], 1)).toMatchObject({ value: 2.5, quality: 'good' });
    for (const odd of [NaN, Infinity, -Infinity, -0.001, 5.001, true, null] as Reading[])
      expect(fuse(rule, [2, 2, 2, odd], 1)).toEqual({ value: 2, quality: 'degraded', outliers: [] });
    expect(fuse(rule, [2, 2, NaN, 9], 1)).toEqual(LOST);
  });

  test('unless n−f lie within the spread of one another, lost', () => {
    expect(fuse(numbers('mid-value'), [0, 10, 5, 100], 1).value).toBe(7.5);
    expect(fuse(numbers('mid-value'), [0, 10.001, 5, 100], 1)).toEqual(LOST);
    expect(fuse(numbers('mid-value'), [-100, 0, 10, 5], 1).value).toBe(2.5);
    expect(fuse(numbers('mid-value'), [0, 20, null, 10], 1)).toEqual(LOST);
  });

  test('−0 is +0', () => {
    for (const method of ['mid-value', 'midpoint', 'mean'] as const)
      expect(Object.is(fuse(numbers(method), [-0, -0, -0, -0], 1).value, 0)).toBe(true);
  });
});

test('the sum runs in ascending order: the same bits whoever read what', () => {
  const rule = numbers('mean', { min: -1e17, max: 1e17, spread: 1e18 });
  // In any other order 1 would survive: −10¹⁶ + 1 rounds back to −10¹⁶.
  for (const entries of [
    [1e16, -1e16, 1],
    [1, 1e16, -1e16],
    [-1e16, 1, 1e16],
  ])
    expect(fuse(rule, entries, 0).value).toBe(0);
  const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
  const forward = fuse(numbers('mean'), tenths, 2).value;
  expect(forward).toBe((0.3 + 0.4 + 0.5) / 3);
  expect(fuse(numbers('mean'), [...tenths].reverse(), 2).value).toBe(forward);
});

test('rounding never carries a mean past what it is the mean of', () => {
  const x = 0.1;
  expect((x + x + x) / 3).not.toBe(x);
  expect(fuse(numbers('mean'), [x, x, x], 0).value).toBe(x);
  const huge = numbers('mean', { min: -Number.MAX_VALUE, max: Number.MAX_VALUE, spread: 0 });
  expect(fuse(huge, [Number.MAX_VALUE, Number.MAX_VALUE, Number.MAX_VALUE], 1).value).toBe(Number.MAX_VALUE);
});

test('two channels of replicas that only crash: what lies between them, or the one that is left', () => {
  for (const method of ['mid-value', 'midpoint', 'mean'] as const) {
    expect(fuse(numbers(method), [4, 2], 1)).toEqual({ value: 3, quality: 'good', outliers: [] });
    expect(fuse(numbers(method), [null, 2], 1)).toEqual({ value: 2, quality: 'degraded', outliers: [] });
    expect(fuse(numbers(method), [null, null], 1)).toEqual(LOST);
  }
});

describe('booleans', () => {
  test('f+1 trues make true unless the rig says how many', () => {
    expect(fuse(BOOLEAN, [true, true, true, true], 1)).toEqual({
      value: true,
      quality: 'good',
      outliers: [],
    });
    expect(fuse(BOOLEAN, [true, true, false, false], 1)).toEqual({
      value: true,
      quality: 'degraded',
      outliers: [2, 3],
    });
    expect(fuse(BOOLEAN, [true, false, false, false], 1)).toEqual({
      value: false,
      quality: 'degraded',
      outliers: [0],
    });
    const three: FusionRule = { ...BOOLEAN, method: { atLeast: 3 } };
    expect(fuse(three, [true, true, false, false], 1)).toEqual({
      value: false,
      quality: 'degraded',
      outliers: [0, 1],
    });
    expect(fuse(three, [true, true, true, false], 1)).toMatchObject({ value: true });
  });

  test('absent, and what is none: degraded, then lost', () => {
    expect(fuse(BOOLEAN, [true, true, null, true], 1)).toEqual({
      value: true,
      quality: 'degraded',
      outliers: [],
    });
    expect(fuse(BOOLEAN, [true, 1, null, true], 1)).toEqual(LOST);
  });

  test('at most f liars never turn what all correct ones say', () => {
    fc.assert(
      fc.property(
        rig,
        fc.boolean(),
        fc.array(fc.option(fc.boolean()), { minLength: 7, maxLength: 7 }),
        ({ n, f, liars }, truth, lies) => {
          const entries = Array.from({ length: n }, (_, id) =>
            liars.includes(id) ? (lies[id] ?? null) : truth,
          );
          expect(fuse(BOOLEAN, entries, f).value).toBe(truth);
        },
      ),
    );
  });
});

/** n replicas, f of them at the most lie or are absent, n ≥ 2f+1. */
const rig = fc
  .constantFrom(
    { n: 3, f: 1 },
    { n: 4, f: 1 },
    { n: 5, f: 1 },
    { n: 5, f: 2 },
    { n: 7, f: 2 },
    { n: 7, f: 3 },
  )
  .chain(({ n, f }) =>
    fc
      .uniqueArray(fc.nat({ max: n - 1 }), { maxLength: f })
      .map((liars) => ({ n, f, liars: liars as readonly number[] })),
  );
const reading = fc.double({ min: -1_000, max: 1_000, noNaN: true });
const lie = fc.oneof(reading, fc.constantFrom<Reading>(null, NaN, Infinity, -Infinity, 1e6, -1e6, true));
const method = fc.constantFrom<FusionMethod>('mid-value', 'midpoint', 'mean');

describe('whoever the f liars are', () => {
  test('the result lies between correct readings, or the reading is lost', () => {
    fc.assert(
      fc.property(
        rig,
        method,
        fc.array(reading, { minLength: 7, maxLength: 7 }),
        fc.array(lie, { minLength: 7, maxLength: 7 }),
        fc.double({ min: 0, max: 2_000, noNaN: true }),
        ({ n, f, liars }, how, truths, lies, spread) => {
          const entries = Array.from({ length: n }, (_, id) =>
            liars.includes(id) ? (lies[id] as Reading) : (truths[id] as number),
          );
          const fused = fuse(numbers(how, { spread }), entries, f);
          const correct = entries.filter((_, id) => !liars.includes(id)) as number[];
          if (fused.value === null) {
            expect(fused).toEqual(LOST);
            // Not by the liars' doing: the correct ones do not fit within the spread either.
            expect(Math.max(...correct) - Math.min(...correct)).toBeGreaterThan(spread);
            return;
          }
          expect(fused.value).toBeGreaterThanOrEqual(Math.min(...correct));
          expect(fused.value).toBeLessThanOrEqual(Math.max(...correct));
          for (const outlier of fused.outliers)
            expect(Math.abs((entries[outlier] as number) - (fused.value as number))).toBeGreaterThan(spread);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('it matters what was read, not by whom', () => {
    fc.assert(
      fc.property(
        rig,
        method,
        fc.array(lie, { minLength: 7, maxLength: 7 }),
        fc.nat({ max: 6 }),
        ({ n, f }, how, all, turn) => {
          const entries = all.slice(0, n);
          const turned = entries.map((_, id) => entries[(id + turn) % n] as Reading);
          const one = fuse(numbers(how, { spread: 500 }), entries, f);
          const other = fuse(numbers(how, { spread: 500 }), turned, f);
          expect(Object.is(one.value, other.value)).toBe(true);
          expect(one.quality).toBe(other.quality);
          expect(other.outliers.map((id) => (id + turn) % n).sort()).toEqual([...one.outliers].sort());
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
