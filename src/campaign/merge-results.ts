/** Puts the results of shards together: to what the whole campaign would have given, or to a refusal that names why not. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { findDifference, type CampaignIdentity } from './campaign.js';
import { OUTCOMES } from './job.js';
import { CampaignError } from './plan-campaign.js';
import {
  chooseShrinkable,
  chooseWorst,
  composeResult,
  RESULT_FORMAT,
  type CampaignResult,
} from './result.js';

const row = z
  .object({
    job: z.object({ id: z.string(), at: z.number(), kind: z.string(), seed: z.number() }).loose(),
    result: z.object({ outcome: z.enum(OUTCOMES) }).loose(),
  })
  .loose();

const schema = z
  .object({
    format: z.literal(RESULT_FORMAT),
    identity: z.object({ campaign: z.string(), version: z.string(), jobs: z.number() }).loose(),
    assumptions: z.object({}).loose(),
    rigPath: z.string(),
    shard: z.object({ index: z.number(), count: z.number() }).nullable(),
    complete: z.boolean(),
    leftOut: z.array(z.object({ kind: z.string(), why: z.string() })),
    rows: z.array(row),
    shrunk: z.array(z.object({ id: z.string() }).loose()),
    worst: row.nullable(),
    timing: z.object({ machines: z.array(z.string()) }).loose(),
  })
  .loose();

/** A result with the file that it is from. */
export interface NamedResult {
  readonly file: string;
  readonly result: CampaignResult;
}

/** Reads a result file. Throws `CampaignError` where it is none. */
export function readResult(file: string): NamedResult {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CampaignError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')})`;
    throw new CampaignError(`${file} is no result of a campaign${where}; name what --json wrote`);
  }
  return { file, result: value as CampaignResult };
}

/** Merges results of one campaign. Throws `CampaignError` where two are of different campaigns or share a run. */
export function mergeResults(parts: readonly NamedResult[]): CampaignResult {
  const [first] = parts;
  if (first === undefined) throw new CampaignError('there is nothing to merge; name results of shards');
  const owners = new Map<string, string>();
  for (const { file, result } of parts) {
    refuseOthers(first, { file, result });
    for (const { job } of result.rows) {
      const owner = owners.get(job.id);
      if (owner !== undefined) throw new CampaignError(`${owner} and ${file} both hold the run ${job.id}`);
      owners.set(job.id, file);
    }
  }
  const isWhole = owners.size === first.result.identity.jobs;
  const rows = parts.flatMap(({ result }) => result.rows).sort((a, b) => a.job.at - b.job.at);
  const chosen = new Set(chooseShrinkable(rows).map(({ job }) => job.id));
  const worst = chooseWorst(rows)?.job.id;
  const { identity, assumptions, rigPath, leftOut } = first.result;
  return composeResult({
    identity,
    assumptions,
    rigPath,
    shard: null,
    complete: isWhole,
    leftOut,
    rows,
    shrunk: parts
      .flatMap(({ result }) => result.shrunk)
      .filter(({ id }) => chosen.has(id))
      .sort((a, b) => a.job.at - b.job.at),
    worst: parts.map(({ result }) => result.worst).find((one) => one?.job.id === worst) ?? null,
    timing: {
      startedAt: parts.map(({ result }) => result.timing.startedAt).sort()[0] ?? '',
      wallMs: Math.max(...parts.map(({ result }) => result.timing.wallMs)),
      threads: parts.reduce((sum, { result }) => sum + result.timing.threads, 0),
      machines: [...new Set(parts.flatMap(({ result }) => result.timing.machines))],
    },
  });
}

/** What a merge lacks of its campaign, for people; null where it is whole. */
export function describeMissing(parts: readonly NamedResult[]): string | null {
  const [first] = parts;
  if (first === undefined) return null;
  const missing = first.result.identity.jobs - parts.reduce((sum, { result }) => sum + result.rows.length, 0);
  if (missing === 0) return null;
  const count = parts.find(({ result }) => result.shard !== null)?.result.shard?.count ?? 1;
  const there = new Set(parts.map(({ result }) => result.shard?.index ?? 1));
  const absent = Array.from({ length: count }, (_, at) => at + 1).filter((index) => !there.has(index));
  const cut = parts.filter(({ result }) => !result.complete).map(({ file }) => file);
  return [
    `${missing} of ${first.result.identity.jobs} runs are missing`,
    ...(absent.length > 0 ? [`shards ${absent.join(', ')} of ${count}`] : []),
    ...(cut.length > 0 ? [`stopped before their end: ${cut.join(', ')}`] : []),
  ].join('; ');
}

function refuseOthers(first: NamedResult, other: NamedResult): void {
  const difference = findDifference(first.result.identity as CampaignIdentity, other.result.identity);
  if (difference !== null)
    throw new CampaignError(`${first.file} and ${other.file} are of different campaigns: ${difference}`);
  const [one, two] = [first.result, other.result];
  if (JSON.stringify(one.assumptions) !== JSON.stringify(two.assumptions))
    throw new CampaignError(
      `${first.file} and ${other.file} assume different things of the rig ${one.identity.rig}`,
    );
  if (one.shard?.count !== two.shard?.count)
    throw new CampaignError(
      `${first.file} and ${other.file} are cut differently: ${one.shard?.count ?? 1} and ${two.shard?.count ?? 1} shards`,
    );
}
