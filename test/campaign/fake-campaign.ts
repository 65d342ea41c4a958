/** A campaign whose runs are made up: results drawn from each job's name, so that they are the same everywhere. */
import path from 'node:path';
import type { Campaign } from '../../src/campaign/campaign.js';
import { identifyCampaign } from '../../src/campaign/campaign.js';
import type { Job, JobResult, Outcome } from '../../src/campaign/job.js';
import { planCampaign, type CampaignPlan } from '../../src/campaign/plan-campaign.js';
import { chooseShrinkable, chooseWorst, composeResult, listAssumptions } from '../../src/campaign/result.js';
import type { CampaignResult, Row } from '../../src/campaign/result.js';
import { Random } from '../../src/faults/random.js';
import { loadRig, type LoadedRig } from '../../src/rig/load-rig.js';
import { ROOT } from '../support/rig-runner.js';

export const PITCH = path.join(ROOT, 'hardware', 'rigs', 'pitch');

/** A campaign of the pitch rig, altered as a test needs. */
export function makeCampaign(changes: Partial<Campaign> = {}): Campaign {
  return {
    name: 'pitch',
    rigPath: PITCH,
    ticks: 400,
    seeds: { first: 1, last: 2 },
    ticksPerKind: null,
    wire: 'none',
    include: null,
    exclude: [],
    places: 'all',
    several: 3,
    network: null,
    ...changes,
  };
}

/** A job of its own, altered as a test needs. */
export function makeJob(changes: Partial<Job> = {}): Job {
  return {
    id: 'lie@c#1',
    at: 0,
    kind: 'lie',
    place: 'c',
    seed: 1,
    ticks: 400,
    wire: 'none',
    expectation: 'masked',
    faults: ['lie on c at 50 for 20'],
    network: null,
    rigText: null,
    ...changes,
  };
}

/** A result, altered as a test needs. */
export function makeResult(outcome: Outcome, changes: Partial<JobResult> = {}): JobResult {
  return {
    outcome,
    reasons: outcome === 'failed' ? ['agreement §11'] : outcome === 'broken' ? ['hung'] : [],
    findings: outcome === 'failed' ? ['Tick 60, b: it holds another vector <than> "a" & all.'] : [],
    traceDigest: outcome === 'broken' ? null : '00ff',
    figures:
      outcome === 'broken'
        ? null
        : {
            ticks: 400,
            replicaTicks: 1_600,
            completedTicks: 398,
            ticksOutside: 0,
            disagreements: outcome === 'failed' ? 3 : 0,
            disagreementsOutside: 0,
            unsafeOutputs: 0,
            uncoveredTicks: 0,
            trips: outcome === 'fail-safe' ? 1 : 0,
            missedTicks: 2,
            affected: outcome === 'idle' ? 0 : 40,
            latencyP50Us: 2_100,
            latencyP99Us: 22_000,
            latencyMaxUs: 24_000,
            maxPlantError: 0.2,
            survived: true,
          },
    events: [],
    plant: [],
    ...changes,
  };
}

/** A run that is drawn from its name: most hold. */
export function fakeRun(job: Job, detail = false): JobResult {
  const random = new Random(`fake ${job.id}`);
  const dice = random.nextUnit();
  const outcome: Outcome =
    job.expectation === 'fail-safe' ? 'fail-safe' : dice < 0.0015 ? 'failed' : dice < 0.05 ? 'idle' : 'held';
  const base = makeResult(outcome);
  const late = /delay|pause|crash|broker/.test(job.kind);
  const latencyP99Us = 2_500 + (late ? 20_000 : 0) + 400 * Math.abs(random.nextNormal());
  const figures = base.figures && {
    ...base.figures,
    ticks: job.ticks,
    replicaTicks: job.ticks * 4,
    latencyP99Us,
    latencyMaxUs: latencyP99Us + 100,
    maxPlantError: 0.12 + 0.05 * Math.abs(random.nextNormal()),
  };
  if (!detail) return { ...base, figures };
  const plant = Array.from({ length: 200 }, (_, at) => ({
    tick: Math.round((at * job.ticks) / 200),
    error: 0.3 * Math.sin(at / 9) * Math.exp(-(((at - 90) / 60) ** 2)) + 0.02 * random.nextNormal(),
  }));
  const events = job.faults.flatMap((text) => {
    const match = / at (\d+) for (\d+)$/.exec(text);
    const tick = Number(match?.[1]);
    const until = tick + Number(match?.[2]);
    return [
      { tick, until, kind: 'fault' as const, text },
      { tick: tick + 9, until: tick + 12, kind: 'trip' as const, text: 'elevator fell to fail-safe' },
      { tick: tick + 5, until: null, kind: 'disagreement' as const, text: 'a and b hold different vectors' },
    ];
  });
  return { ...base, figures, plant, events };
}

/** The campaign's plan on its rig. */
export async function planFake(campaign: Campaign): Promise<{ loaded: LoadedRig; plan: CampaignPlan }> {
  const loaded = await loadRig(campaign.rigPath);
  return { loaded, plan: planCampaign(campaign, loaded.rig) };
}

/** The result of made-up runs of some of a campaign's jobs. */
export function composeFake(
  campaign: Campaign,
  { loaded, plan }: { readonly loaded: LoadedRig; readonly plan: CampaignPlan },
  jobs: readonly Job[] = plan.jobs,
  shard: CampaignResult['shard'] = null,
): CampaignResult {
  const rows: Row[] = jobs.map((job) => ({ job, result: fakeRun(job) }));
  const worst = chooseWorst(rows);
  return composeResult({
    identity: identifyCampaign(campaign, loaded, '0.0.0-test', {
      kinds: plan.kinds,
      jobs: plan.jobs.length,
    }),
    assumptions: listAssumptions(loaded.rig),
    rigPath: 'hardware/rigs/pitch',
    shard,
    complete: true,
    leftOut: plan.leftOut,
    rows,
    shrunk: chooseShrinkable(rows).map(({ job, result }) => ({
      id: job.id,
      job: { ...job, ticks: 60 },
      result,
      runs: 31,
      minimal: true,
    })),
    worst: worst && { job: worst.job, result: fakeRun(worst.job, true) },
    timing: { startedAt: '2030-01-02T03:04:05.000Z', wallMs: 61_000, threads: 2, machines: ['a test'] },
  });
}
