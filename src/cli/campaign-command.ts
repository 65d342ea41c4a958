/**
 * `voteplane campaign FILE|RIG`: simulates a rig under every kind of fault at every place with every seed, over threads,
 * and says what failed, with the command that reproduces it. Exit 0: nothing failed; 1: something did; 2: usage or rig
 * error; 130: stopped before its end.
 */
import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  DEFAULT_SEEDS,
  DEFAULT_SEVERAL,
  DEFAULT_TICKS,
  identifyCampaign,
  parseSeedRange,
  type Campaign,
  type SeedRange,
  type Shard,
} from '../campaign/campaign.js';
import type { Job, WireMode } from '../campaign/job.js';
import { Journal } from '../campaign/journal.js';
import { chooseShard, MIN_RUN_TICKS, planCampaign } from '../campaign/plan-campaign.js';
import { Progress } from '../campaign/progress.js';
import { isCampaignText, readCampaign, type CampaignFile } from '../campaign/read-campaign.js';
import { composeResult, countFailures, listAssumptions } from '../campaign/result.js';
import { runCampaign } from '../campaign/run-campaign.js';
import { deriveSmallerRigs } from '../campaign/smaller-rig.js';
import { WorkerPool } from '../campaign/worker-pool.js';
import { isPaintable } from '../demo/painter.js';
import { readVersions } from '../demo/report.js';
import { collectAlone } from '../process/v8-flags.js';
import { loadRig, type LoadedRig } from '../rig/load-rig.js';
import {
  addReportOptions,
  describeResult,
  openReports,
  readRigText,
  writeSmallerRigs,
  type ReportOptions,
} from './campaign-reports.js';
import { parseTicks, readVersion } from './flight-options.js';
import { UsageError } from './usage-error.js';

interface CampaignOptions extends ReportOptions {
  readonly ticks?: number;
  readonly seeds?: SeedRange;
  readonly wire?: WireMode;
  readonly jobs: number;
  readonly shard?: Shard;
  readonly journal?: string;
  readonly resume?: boolean;
  readonly shrink: boolean;
}

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
/** A run whose simulated time has not moved for so long is hung: a thousand ticks take seconds. */
const STALL_MS = 120_000;
/** What a simulated rig never needs. */
const MEMORY_MIB = 1_024;
const MAX_THREADS = 256;
const MAX_SHARDS = 100_000;

/** Adds the command. */
export function registerCampaignCommand(program: Command): void {
  const command = program
    .command('campaign')
    .description('simulate a rig under every fault at every place, with many seeds, and report what failed')
    .argument('<what>', 'rig folder, rig.yaml, or a campaign file')
    .option('--ticks <number>', `length of each run; without it ${DEFAULT_TICKS}`, parseRunTicks)
    .option('--seeds <first..last>', 'seeds of every cell; without it 1', parseSeeds)
    .addOption(
      new Option('--wire <how>', 'none: pass messages unencoded, several times as fast').choices([
        'full',
        'none',
      ]),
    )
    .option('--jobs <number>', 'threads', parseThreads, availableParallelism())
    .option('--shard <i/n>', 'the i-th of n parts, to spread it over machines', parseShard)
    .option('--journal <file>', 'where finished runs are kept; without it below .voteplane')
    .option('--resume', 'go on with a campaign that was stopped')
    .option('--no-shrink', 'leave failures as large as they are');
  addReportOptions(command).action(runCommand);
}

async function runCommand(what: string, options: CampaignOptions): Promise<void> {
  collectAlone();
  const campaign = await readWhat(what, options);
  const loaded = await loadRig(campaign.rigPath);
  const { rig } = loaded;
  if (rig.plant === null)
    throw new UsageError(`${loaded.file}: the rig names no plant to simulate; write plant: { model: pitch }`);
  if (!rig.faultInjection)
    throw new UsageError(`${loaded.file}: a campaign needs faults; write faults: enabled`);
  const plan = planCampaign(campaign, rig);
  const shard = options.shard ?? null;
  const jobs = chooseShard(plan.jobs, shard);
  const version = readVersion();
  const identity = identifyCampaign(campaign, loaded, version, { kinds: plan.kinds, jobs: plan.jobs.length });
  const write = await openReports(options);
  const file = options.journal ?? nameJournal(campaign, shard);
  const journal = Journal.open(file, identity, shard, options.resume === true);
  const startedAt = new Date();
  const pool = new WorkerPool({
    entry: new URL('../campaign/worker.js', import.meta.url),
    setup: { rigPath: campaign.rigPath },
    threads: Math.min(options.jobs, Math.max(1, jobs.length)),
    stallMs: STALL_MS,
    memoryMiB: MEMORY_MIB,
  });
  const { stdout } = process;
  const progress = new Progress(jobs, rig.replicas.length, {
    columns: isPaintable(stdout, process.env) ? (stdout.columns ?? 80) : null,
    write: (text) => void stdout.write(text),
    nowMs: () => performance.now(),
  });
  const stopper = listenForStop(() => {
    progress.say(`stopping; "--resume" goes on from ${file}`);
    void pool.close();
  });
  progress.say(
    `campaign ${campaign.name}: ${jobs.length} runs of ${campaign.ticks} ticks of ${rig.id}` +
      `${shard === null ? '' : `, shard ${shard.index} of ${shard.count}`}, journal ${file}`,
  );
  const rigText = readRigText(loaded.file);
  try {
    const given = await runCampaign({
      jobs,
      runner: pool,
      journal,
      watch: {
        onRow: (row, fresh) => progress.onRow(row, fresh),
        onBeat: (job, ticks) => progress.onBeat(job, ticks),
        onPhase: (text) => progress.say(text),
      },
      smallerRigs: (job) => deriveSmallerRigs(job.rigText ?? rigText, listNeeds(job, loaded)),
      stopped: stopper.stopped,
      shrink: options.shrink,
    });
    progress.close();
    if (given.complete) journal.end();
    const machine = readVersions(version);
    const result = composeResult({
      identity,
      assumptions: listAssumptions(rig),
      rigPath: campaign.rigPath,
      shard,
      ...given,
      leftOut: plan.leftOut,
      timing: {
        startedAt: startedAt.toISOString(),
        wallMs: Date.now() - startedAt.getTime(),
        threads: options.jobs,
        machines: [`${machine.os} ${machine.arch}, node ${machine.node}, ${machine.cpus} processors`],
      },
    });
    writeSmallerRigs(result, loaded.folder);
    await write(result);
    for (const line of describeResult(result)) stdout.write(`${line}\n`);
    if (stopper.stopped()) process.exitCode = EXIT_INTERRUPTED;
    else if (countFailures(result) > 0) process.exitCode = EXIT_FAILED;
  } finally {
    stopper.close();
    journal.close();
    await pool.close();
  }
}

/** A campaign file, or the standard campaign of a rig; options go before what a file says. */
async function readWhat(what: string, options: CampaignOptions): Promise<Campaign> {
  const file = await readCampaignFile(what);
  const rigPath = file === null ? what : path.join(path.dirname(what), file.rig);
  const seeds = options.seeds ?? file?.seeds ?? DEFAULT_SEEDS;
  return {
    name: file?.name ?? (await loadRig(what)).rig.id,
    rigPath,
    ticks: options.ticks ?? file?.ticks ?? DEFAULT_TICKS,
    seeds,
    ticksPerKind: options.seeds === undefined ? (file?.ticksPerKind ?? null) : null,
    wire: options.wire ?? file?.wire ?? 'full',
    include: file?.include ?? null,
    exclude: file?.exclude ?? [],
    places: file?.places ?? 'all',
    several: file?.several ?? DEFAULT_SEVERAL,
    network: file?.network ?? null,
  };
}

/** Null where it is a rig, or nothing that can be read as a text; then loading the rig says what is wrong. */
async function readCampaignFile(what: string): Promise<CampaignFile | null> {
  const isFile = await stat(what).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return null;
  const text = await readFile(what, 'utf8');
  if (!isCampaignText(text)) return null;
  const read = readCampaign(text, what);
  if (!read.ok) throw new UsageError(read.mistakes.join('\n'));
  return read.file;
}

function nameJournal(campaign: Campaign, shard: Shard | null): string {
  const part = shard === null ? '' : `-${shard.index}-of-${shard.count}`;
  return path.join('.voteplane', 'campaigns', `${campaign.name}${part}.jsonl`);
}

/** What a smaller rig has to keep for a job. */
function listNeeds(job: Job, loaded: LoadedRig): Parameters<typeof deriveSmallerRigs>[1] {
  return {
    ids: new Set(job.faults.flatMap((text) => text.split(/[^a-z0-9-]+/))),
    sensors: loaded.law.sensors === null ? null : Object.keys(loaded.law.sensors),
  };
}

interface CampaignStopper {
  readonly stopped: () => boolean;
  close(): void;
}

/** The first signal stops in order; the second ends the process at once. */
function listenForStop(stop: () => void): CampaignStopper {
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) process.exit(EXIT_INTERRUPTED);
    stopping = true;
    stop();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    stopped: () => stopping,
    close: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

function parseRunTicks(text: string): number {
  const ticks = parseTicks(text);
  if (ticks < MIN_RUN_TICKS)
    throw new InvalidArgumentError(`Give at least ${MIN_RUN_TICKS}: a fault and its end have to fit in.`);
  return ticks;
}

function parseSeeds(text: string): SeedRange {
  const range = parseSeedRange(text);
  if (range === null) throw new InvalidArgumentError('Give seeds like 1..20, or one number.');
  return range;
}

function parseShard(text: string): Shard {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || index < 1 || index > count || count > MAX_SHARDS)
    throw new InvalidArgumentError('Give a part and their number, such as 1/8 to 8/8.');
  return { index, count };
}

function parseThreads(text: string): number {
  const threads = Number(text);
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS)
    throw new InvalidArgumentError(`Give a whole number from 1 to ${MAX_THREADS}.`);
  return threads;
}
