/**
 * The result of a campaign, as its JSON file holds it. Everything but `timing` follows from the campaign and the
 * version: shards that are merged give the same text as a campaign in one piece.
 */
import { describePlant } from '../../hardware/plants/plants.js';
import type { ReliabilityPart, Rig } from '../rig/rig.js';
import type { CampaignIdentity, Shard } from './campaign.js';
import { isFailure, OUTCOMES, type Job, type JobResult, type Outcome } from './job.js';
import type { LeftOut } from './places.js';

/** Version of this form. */
export const RESULT_FORMAT = 1;

/** A job that is done. */
export interface Row {
  readonly job: Job;
  readonly result: JobResult;
}

/** A failure that was made small. */
export interface ShrunkFailure {
  /** The job that failed. */
  readonly id: string;
  readonly job: Job;
  readonly result: JobResult;
  readonly runs: number;
  readonly minimal: boolean;
}

/** What every run took for granted. */
export interface Assumptions {
  readonly rig: string;
  readonly hypothesis: Rig['hypothesis'];
  readonly replicas: readonly string[];
  readonly sensors: readonly string[];
  readonly actuators: readonly string[];
  readonly periodUs: number;
  readonly roundUs: number;
  readonly processingUs: number;
  readonly plant: string | null;
  /** Of every plant error; null where the plant has none. */
  readonly plantErrorUnit: string | null;
  readonly reliability: ReliabilityPart;
}

/** When and where it ran; the only part that differs between two runs of one campaign. */
export interface Timing {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly wallMs: number;
  readonly threads: number;
  /** Machines, one line each. */
  readonly machines: readonly string[];
}

export interface CampaignResult {
  readonly format: typeof RESULT_FORMAT;
  readonly identity: CampaignIdentity;
  readonly assumptions: Assumptions;
  /** As commands name the rig. */
  readonly rigPath: string;
  /** Null: all of it. */
  readonly shard: Shard | null;
  /** Whether every job of the campaign, or of this shard, is in it. */
  readonly complete: boolean;
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly ticks: number;
  readonly replicaTicks: number;
  readonly leftOut: readonly LeftOut[];
  readonly rows: readonly Row[];
  readonly shrunk: readonly ShrunkFailure[];
  /** The run that came closest to harm, with its events; null where nothing ran to its end. */
  readonly worst: Row | null;
  readonly timing: Timing;
}

/** Failures that are made small: the first of each kind, for so many kinds. */
const MAX_SHRUNK = 10;

/** What a rig makes every run take for granted. */
export function listAssumptions(rig: Rig): Assumptions {
  return {
    rig: rig.id,
    hypothesis: rig.hypothesis,
    replicas: rig.replicas.map(({ id }) => id),
    sensors: rig.sensors.map(({ id }) => id),
    actuators: rig.actuators.map(({ id }) => id),
    periodUs: rig.periodUs,
    roundUs: rig.roundUs,
    processingUs: rig.processingUs,
    plant: rig.plant?.model ?? null,
    plantErrorUnit: rig.plant === null ? null : (describePlant(rig.plant.model)?.tracked?.unit ?? null),
    reliability: rig.reliability,
  };
}

/** Composes a result. `rows` stand in the order of the campaign. */
export function composeResult(
  parts: Pick<
    CampaignResult,
    | 'identity'
    | 'assumptions'
    | 'rigPath'
    | 'shard'
    | 'complete'
    | 'leftOut'
    | 'rows'
    | 'shrunk'
    | 'worst'
    | 'timing'
  >,
): CampaignResult {
  const { identity, assumptions, rigPath, shard, complete, leftOut, rows, shrunk, worst, timing } = parts;
  const sum = (of: 'ticks' | 'replicaTicks'): number =>
    rows.reduce((total, { result }) => total + (result.figures?.[of] ?? 0), 0);
  const counts = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, rows.filter(({ result }) => result.outcome === outcome).length]),
  ) as Record<Outcome, number>;
  return {
    format: RESULT_FORMAT,
    identity,
    assumptions,
    rigPath,
    shard,
    complete,
    counts,
    ticks: sum('ticks'),
    replicaTicks: sum('replicaTicks'),
    leftOut,
    rows,
    shrunk,
    worst,
    timing,
  };
}

/** The text of a result file. */
export function formatResult(result: CampaignResult): string {
  const { rows, ...rest } = result;
  // One run a line: a campaign has many, and a person looks for one.
  const lines = rows.map((row) => JSON.stringify(row)).join(',\n');
  const head = JSON.stringify({ ...rest, rows: [] }, null, 1);
  return `${head.replace(/"rows": \[\]\n\}$/, () => `"rows": [\n${lines}\n]\n}`)}\n`;
}

/** The failures to make small, of rows in order: in every shard at least those of the whole campaign. */
export function chooseShrinkable(rows: readonly Row[]): readonly Row[] {
  const first = new Map<string, Row>();
  for (const row of rows) {
    // Without its figures a run is not known to fail in the same way twice.
    if (row.result.outcome === 'failed' && !first.has(row.job.kind)) first.set(row.job.kind, row);
  }
  return [...first.values()].slice(0, MAX_SHRUNK);
}

/** The run that came closest to harm; of equals the first. */
export function chooseWorst(rows: readonly Row[]): Row | null {
  let worst: Row | null = null;
  for (const row of rows) {
    if (row.result.figures === null) continue;
    if (worst === null || compareHarm(row.result, worst.result) > 0) worst = row;
  }
  return worst;
}

/** Positive where `one` came closer to harm. */
function compareHarm(one: JobResult, other: JobResult): number {
  const [a, b] = [rankHarm(one), rankHarm(other)];
  for (let at = 0; at < a.length; at += 1) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function rankHarm({ outcome, figures }: JobResult): readonly number[] {
  return [
    isFailure(outcome) ? 1 : 0,
    figures?.unsafeOutputs ?? 0,
    figures?.disagreements ?? 0,
    figures?.survived === false ? 1 : 0,
    figures?.trips ?? 0,
    figures?.maxPlantError ?? 0,
    figures?.latencyMaxUs ?? 0,
  ];
}

/** Number of runs that stand against the software. */
export function countFailures(result: CampaignResult): number {
  return result.counts.failed + result.counts.broken;
}
