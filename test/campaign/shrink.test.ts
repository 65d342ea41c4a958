/** Failures are made small: against made-up bugs whose smallest cause is known. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Job, JobResult } from '../../src/campaign/job.js';
import { shrinkJob } from '../../src/campaign/shrink.js';
import { parseFault } from '../../src/faults/spec.js';
import { makeJob, makeResult } from './fake-campaign.js';

/** A bug that shows when all of these faults last so long, no earlier than there, and the run goes on a while. */
interface Bug {
  readonly causes: readonly { readonly text: string; readonly from: number; readonly forTicks: number }[];
  readonly tail: number;
}

const KINDS = [
  'crash on a',
  'lie on b',
  'delay on c ms=40',
  'equivocate on d',
  'pause on a',
  'sensor-stuck on b',
];

function isShown(bug: Bug, job: Job): boolean {
  return bug.causes.every(({ text, from, forTicks }) =>
    job.faults.some((fault) => {
      const parsed = parseFault(fault);
      if (!parsed.ok || parsed.spec.kind !== 'inject' || !fault.startsWith(`${text} `)) return false;
      const { at, forTicks: lasts } = parsed.spec;
      const needed = Math.max(from, at.tick) + forTicks;
      return at.tick >= from && (lasts ?? Infinity) >= forTicks && job.ticks >= needed + bug.tail;
    }),
  );
}

function runWith(bug: Bug): (job: Job) => JobResult {
  return (job) => makeResult(isShown(bug, job) ? 'failed' : 'held');
}

const arbitraryBug = fc
  .record({
    kinds: fc.subarray(KINDS, { minLength: 1, maxLength: 3 }),
    from: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 3, maxLength: 3 }),
    lasts: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 3, maxLength: 3 }),
    tail: fc.integer({ min: 1, max: 30 }),
  })
  .map(({ kinds, from, lasts, tail }) => ({
    causes: kinds.map((text, at) => ({ text, from: from[at] ?? 0, forTicks: lasts[at] ?? 1 })),
    tail,
  }));

test('what is left is the cause and nothing else: its faults, as early and short as they can be, and no tick more', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryBug, fc.shuffledSubarray(KINDS, { minLength: 6 }), async (bug, order) => {
      const faults = order.map((kind, at) => `${kind} at ${100 + 7 * at} for ${60 + at}`);
      const job = makeJob({ kind: 'several', faults, ticks: 1_000 });
      const run = runWith(bug);
      const shrunk = await shrinkJob(job, run(job), { run, budget: 2_000, smallerRigs: () => [] });
      const wanted = bug.causes.map(({ text, from, forTicks }) => `${text} at ${from} for ${forTicks}`);
      expect([...shrunk.job.faults].sort()).toEqual(wanted.sort());
      expect(shrunk.job.ticks).toBe(
        Math.max(...bug.causes.map(({ from, forTicks }) => from + forTicks)) + bug.tail,
      );
      expect(shrunk).toMatchObject({ minimal: true, result: { outcome: 'failed' } });
    }),
    { numRuns: 60 },
  );
});

test('however strange the bug, what is left fails, is no larger, and stays in the budget', async () => {
  await fc.assert(
    fc.asyncProperty(fc.func(fc.boolean()), fc.integer({ min: 0, max: 60 }), async (isBad, budget) => {
      const job = makeJob({ faults: KINDS.map((kind) => `${kind} at 90 for 20`), ticks: 500 });
      const key = (one: Job): string => JSON.stringify([one.faults, one.ticks]);
      const run = (one: Job): JobResult =>
        makeResult(key(one) === key(job) || isBad(key(one)) ? 'failed' : 'held');
      let runs = 0;
      const shrunk = await shrinkJob(job, run(job), {
        run: (one) => {
          runs += 1;
          return run(one);
        },
        budget,
        smallerRigs: () => [],
      });
      expect(run(shrunk.job).outcome).toBe('failed');
      expect(shrunk.job.ticks).toBeLessThanOrEqual(job.ticks);
      expect(shrunk.job.faults.length).toBeLessThanOrEqual(job.faults.length);
      expect(runs).toBeLessThanOrEqual(budget);
      expect(shrunk.runs).toBe(runs);
    }),
  );
});

describe('a step is taken only when the run fails in the same way', () => {
  const job = makeJob({ faults: ['lie on c at 50 for 20', 'crash on a at 90 for 20'] });

  test('another failure on the way is not followed', async () => {
    const run = (one: Job): JobResult =>
      one.faults.length === 2
        ? makeResult('failed')
        : makeResult('failed', { reasons: ['fault never struck'] });
    const shrunk = await shrinkJob(job, run(job), { run, budget: 500, smallerRigs: () => [] });
    expect(shrunk.job.faults).toHaveLength(2);
    expect(shrunk.result.reasons).toEqual(['agreement §11']);
  });

  test('a failure without any fault needs none', async () => {
    const run = (): JobResult => makeResult('failed');
    const shrunk = await shrinkJob(job, run(), { run, budget: 500, smallerRigs: () => [] });
    expect(shrunk.job).toMatchObject({ faults: [], ticks: 1 });
  });

  test('parameters that do not matter are dropped', async () => {
    const given = makeJob({ faults: ['delay on c ms=40 jitter=3 at 50 for 20'] });
    const run = (one: Job): JobResult => makeResult(one.faults[0]?.includes('ms=40') ? 'failed' : 'held');
    const shrunk = await shrinkJob(given, run(given), { run, budget: 500, smallerRigs: () => [] });
    expect(shrunk.job.faults).toEqual(['delay on c ms=40 at 0 for 1']);
  });

  test('the smallest rig that still fails is taken', async () => {
    const run = (one: Job): JobResult => makeResult(one.rigText === 'three' ? 'held' : 'failed');
    const smallerRigs = (one: Job): readonly string[] =>
      one.rigText === null ? ['three', 'four', 'five'] : [];
    const shrunk = await shrinkJob(job, run(job), { run, budget: 500, smallerRigs });
    expect(shrunk.job.rigText).toBe('four');
  });
});
