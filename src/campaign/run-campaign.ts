/**
 * Runs a campaign: the jobs that the journal does not hold yet, then the worst run once more for its timeline, then the
 * failures once more and smaller. When it is stopped it ends with what it has.
 */
import { isFailure, type Job, type JobResult } from './job.js';
import type { Journal } from './journal.js';
import { chooseShrinkable, chooseWorst, type Row, type ShrunkFailure } from './result.js';
import { SHRINK_BUDGET, shrinkJob } from './shrink.js';

/** What runs jobs: the pool of threads, or a stand-in. */
export interface JobRunner {
  run(
    job: Job,
    detail?: boolean,
    onBeat?: (ticks: number) => void,
  ): Promise<{ readonly result: JobResult; readonly wallMs: number }>;
}

/** What a person is told on the way. */
export interface CampaignWatch {
  /** A job is done; `fresh` is false where the journal held it. */
  onRow(row: Row, fresh: boolean): void;
  /** A running job is so far. */
  onBeat(job: Job, ticks: number): void;
  onPhase(text: string): void;
}

export interface CampaignRun {
  readonly jobs: readonly Job[];
  readonly runner: JobRunner;
  readonly journal: Journal;
  readonly watch: CampaignWatch;
  readonly smallerRigs: (job: Job) => readonly string[];
  /** Set when it is to stop. */
  readonly stopped: () => boolean;
  readonly shrink: boolean;
}

/** What a campaign gave. */
export interface CampaignYield {
  readonly complete: boolean;
  readonly rows: readonly Row[];
  readonly shrunk: readonly ShrunkFailure[];
  readonly worst: Row | null;
}

/** Runs all jobs. Rejects when none can be run at all. */
export async function runCampaign(run: CampaignRun): Promise<CampaignYield> {
  const { jobs, runner, journal, watch, stopped } = run;
  const results = new Map<string, JobResult>(journal.entries.map(({ id, result }) => [id, result]));
  for (const job of jobs) {
    const result = results.get(job.id);
    if (result !== undefined) watch.onRow({ job, result }, false);
  }
  await Promise.all(
    jobs
      .filter(({ id }) => !results.has(id))
      .map(async (job) => {
        const done = await unlessStopped(
          stopped,
          runner.run(job, false, (ticks) => watch.onBeat(job, ticks)),
        );
        if (done === null) return;
        results.set(job.id, done.result);
        journal.append({ id: job.id, ...done });
        watch.onRow({ job, result: done.result }, true);
      }),
  );
  const rows = jobs.flatMap((job): Row[] => {
    const result = results.get(job.id);
    return result === undefined ? [] : [{ job, result }];
  });
  const complete = rows.length === jobs.length;
  if (!complete) return { complete, rows, shrunk: [], worst: null };
  const worst = chooseWorst(rows);
  if (worst !== null) watch.onPhase(`the worst run once more, for its timeline: ${worst.job.id}`);
  const detailed = worst === null ? null : await unlessStopped(stopped, runner.run(worst.job, true));
  const shrunk = run.shrink ? await shrinkAll(run, rows) : [];
  return {
    complete,
    rows,
    shrunk,
    worst: worst === null || detailed === null ? null : { job: worst.job, result: detailed.result },
  };
}

async function shrinkAll(run: CampaignRun, rows: readonly Row[]): Promise<readonly ShrunkFailure[]> {
  const { runner, watch, stopped } = run;
  const shrinkable = chooseShrinkable(rows);
  if (shrinkable.length > 0) watch.onPhase(`making ${shrinkable.length} of the failures small`);
  const shrunk = await Promise.all(
    shrinkable.map(async ({ job, result }): Promise<ShrunkFailure | null> => {
      const small = await unlessStopped(
        stopped,
        shrinkJob(job, result, {
          run: async (candidate) => (await runner.run(candidate)).result,
          budget: SHRINK_BUDGET,
          smallerRigs: run.smallerRigs,
        }),
      );
      return small === null ? null : { id: job.id, ...small };
    }),
  );
  return shrunk.filter((one) => one !== null);
}

/** What a promise gives; null when it is rejected because the campaign is being stopped. */
async function unlessStopped<T>(stopped: () => boolean, promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (stopped()) return null;
    throw error;
  }
}

/** Rows that stand against the software, in order. */
export function listFailures(rows: readonly Row[]): readonly Row[] {
  return rows.filter(({ result }) => isFailure(result.outcome));
}
