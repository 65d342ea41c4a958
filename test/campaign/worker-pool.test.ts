/** Threads: what a job does to its thread is that job's result and nobody else's. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Job } from '../../src/campaign/job.js';
import { PoolError, WorkerPool } from '../../src/campaign/worker-pool.js';
import { makeJob } from './fake-campaign.js';

const pools: WorkerPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

function openPool(threads: number, stallMs = 60_000, rigPath = 'rig'): WorkerPool {
  const entry = new URL('./fake-worker.mjs', import.meta.url);
  const pool = new WorkerPool({ entry, setup: { rigPath }, threads, stallMs, memoryMiB: 64 });
  pools.push(pool);
  return pool;
}

const job = (kind: string, id = kind): Job => makeJob({ id, kind });

test('every job has the result of its own run', async () => {
  const pool = openPool(3);
  const jobs = Array.from({ length: 20 }, (_, at) => job('held', `job-${at}`));
  const results = await Promise.all(jobs.map((one) => pool.run(one)));
  expect(results.map(({ result }) => result.traceDigest)).toEqual(jobs.map(({ id }) => id));
  expect((await pool.run(job('held'), true)).result.findings).toEqual(['in detail']);
});

describe('a thread that is lost is one job lost', () => {
  test.each([
    ['exit', 'died', /ended by itself with code 7/],
    ['throw', 'died', /a bug in the simulator/],
    ['memory', 'died', /memory/],
    ['hang', 'hung', /stood still for 2 s/],
  ])('%s', async (kind, reason, finding) => {
    const pool = openPool(1, kind === 'memory' ? 60_000 : 2_000);
    const [before, bad, after] = await Promise.all([
      pool.run(job('held', 'before')),
      pool.run(job(kind)),
      pool.run(job('held', 'after')),
    ]);
    expect(bad.result).toMatchObject({ outcome: 'broken', reasons: [reason], figures: null });
    expect(bad.result.findings[0]).toMatch(finding);
    expect([before, after].map(({ result }) => result.traceDigest)).toEqual(['before', 'after']);
  });
});

test('a long job whose time moves is not hung', async () => {
  const beats: number[] = [];
  const { result } = await openPool(1, 600).run(job('slow'), false, (ticks) => beats.push(ticks));
  expect(result.outcome).toBe('held');
  expect(beats).toEqual([1, 2, 3, 4, 5, 6]);
});

describe('threads that cannot start', () => {
  test.each(['refuse', 'throw'])('%s', async (rigPath) => {
    await expect(openPool(2, 60_000, rigPath).run(job('held'))).rejects.toThrow(PoolError);
  });
});

test('closing ends what hangs and refuses what waits', async () => {
  const pool = openPool(1);
  const both = Promise.allSettled([pool.run(job('hang')), pool.run(job('held'))]);
  await pool.close();
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(pool.run(job('held'))).rejects.toThrow(/stopped/);
});
