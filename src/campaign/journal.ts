/**
 * The journal of a campaign under way: a line of JSON for the campaign, then one for every finished job, so that a
 * campaign that was stopped, or whose machine was, goes on where it was. It must never mix two campaigns.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
} from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { findDifference, type CampaignIdentity, type Shard } from './campaign.js';
import { OUTCOMES, type JobResult } from './job.js';
import { CampaignError } from './plan-campaign.js';

/** A finished job, as the journal keeps it. */
export interface JournalEntry {
  readonly id: string;
  readonly result: JobResult;
  /** How long it took. */
  readonly wallMs: number;
}

const head = z.object({
  kind: z.literal('campaign'),
  identity: z.record(z.string(), z.unknown()),
  shard: z.unknown(),
});
const entry = z.object({
  kind: z.literal('job'),
  id: z.string(),
  wallMs: z.number(),
  result: z
    .object({ outcome: z.enum(OUTCOMES), reasons: z.array(z.string()), findings: z.array(z.string()) })
    .loose(),
});
const end = z.object({ kind: z.literal('end') });
const line = z.union([head, entry, end]);

/** An open journal. */
export class Journal {
  private constructor(
    readonly file: string,
    private readonly descriptor: number,
    /** What it held when it was opened. */
    readonly entries: readonly JournalEntry[],
  ) {}

  /**
   * Opens the journal of a campaign. Without `resume` one that is not at its end is left alone and refused; with it one
   * of another campaign is. Throws `CampaignError`.
   */
  static open(file: string, identity: CampaignIdentity, shard: Shard | null, resume: boolean): Journal {
    const found = existsSync(file) ? readJournal(file) : null;
    if (found !== null && !resume && !found.ended && found.entries.length > 0) {
      throw new CampaignError(
        `${file} holds ${found.entries.length} finished runs of a campaign that was stopped; ` +
          'add --resume to go on with it, or remove the file',
      );
    }
    if (found !== null && resume) {
      const difference =
        found.shard === formatShard(shard)
          ? findDifference(found.identity, identity)
          : `shard ${found.shard} and ${formatShard(shard)}`;
      if (difference !== null)
        throw new CampaignError(
          `${file} is the journal of another campaign: ${difference}; name another with --journal`,
        );
      // A line that was cut off when the machine stopped is not a line.
      truncateSync(file, found.soundBytes);
      return new Journal(file, openSync(file, 'a'), found.entries);
    }
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    const journal = new Journal(file, openSync(file, 'w'), []);
    journal.write({ kind: 'campaign', identity, shard: formatShard(shard) });
    return journal;
  }

  /** Keeps a finished job. It is on its way to the disk when this returns. */
  append({ id, result, wallMs }: JournalEntry): void {
    this.write({ kind: 'job', id, wallMs, result });
  }

  /** All jobs are done: the next campaign may take the file. */
  end(): void {
    this.write({ kind: 'end' });
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private write(value: unknown): void {
    appendFileSync(this.descriptor, `${JSON.stringify(value)}\n`);
  }
}

interface FoundJournal {
  readonly identity: CampaignIdentity;
  readonly shard: string;
  readonly entries: readonly JournalEntry[];
  readonly ended: boolean;
  /** Length up to the end of its last whole line. */
  readonly soundBytes: number;
}

function readJournal(file: string): FoundJournal {
  const text = readFileSync(file, 'utf8');
  const sound = text.slice(0, text.lastIndexOf('\n') + 1);
  const lines = sound.split('\n').slice(0, -1);
  const refuse = (at: number): CampaignError =>
    new CampaignError(
      `${file}:${at + 1}: this is no journal of a campaign; name another file with --journal`,
    );
  let identity: CampaignIdentity | null = null;
  let shard = '';
  let ended = false;
  const entries = new Map<string, JournalEntry>();
  lines.forEach((each, at) => {
    const parsed = line.safeParse(parseJson(each));
    if (!parsed.success || (at === 0) !== (parsed.data.kind === 'campaign')) throw refuse(at);
    const { data } = parsed;
    if (data.kind === 'campaign') {
      identity = data.identity as unknown as CampaignIdentity;
      shard = String(data.shard);
    } else if (data.kind === 'end') ended = true;
    else
      entries.set(data.id, { id: data.id, wallMs: data.wallMs, result: data.result as unknown as JobResult });
  });
  if (identity === null) throw refuse(0);
  return { identity, shard, entries: [...entries.values()], ended, soundBytes: Buffer.byteLength(sound) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is no line of a journal either, and is refused as such.
    return undefined;
  }
}

function formatShard(shard: Shard | null): string {
  return shard === null ? 'none' : `${shard.index}/${shard.count}`;
}
