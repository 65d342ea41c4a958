/** A campaign from its jobs to its result: journals, shards and merging, with made-up runs. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { identifyCampaign, type Campaign, type Shard } from '../../src/campaign/campaign.js';
import type { Job } from '../../src/campaign/job.js';
import { Journal } from '../../src/campaign/journal.js';
import { describeMissing, mergeResults, readResult } from '../../src/campaign/merge-results.js';
import { CampaignError, chooseShard } from '../../src/campaign/plan-campaign.js';
import { composeResult, formatResult, listAssumptions } from '../../src/campaign/result.js';
import type { CampaignResult } from '../../src/campaign/result.js';
import { runCampaign } from '../../src/campaign/run-campaign.js';
import { fakeRun, makeCampaign, makeJob, makeResult, planFake } from './fake-campaign.js';

const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-campaign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => path.join(folder, `${(files += 1)}.jsonl`);

const campaign = makeCampaign({ seeds: { first: 1, last: 4 } });
const { loaded, plan } = await planFake(campaign);
const identity = identifyCampaign(campaign, loaded, '1.2.3', { kinds: plan.kinds, jobs: plan.jobs.length });

interface Flown {
  readonly result: CampaignResult;
  readonly ran: readonly string[];
}

/** Runs a campaign in which `fail` says which jobs fail, until `limit` runs were done. */
async function fly(
  shard: Shard | null,
  file: string,
  how: {
    readonly resume?: boolean;
    readonly limit?: number;
    readonly of?: Campaign;
    readonly fail?: (job: Job) => boolean;
  } = {},
): Promise<Flown> {
  const ran: string[] = [];
  const { limit = Infinity, fail = ({ id }) => id === 'lie@c#3' || id === 'lie@d#1' || id === 'delay@a#2' } =
    how;
  const jobs = chooseShard(plan.jobs, shard);
  const journal = Journal.open(file, identity, shard, how.resume === true);
  let stopped = false;
  const given = await runCampaign({
    jobs,
    runner: {
      run: async (job, detail) => {
        if (ran.length >= limit) {
          stopped = true;
          throw new Error('the campaign is being stopped');
        }
        ran.push(job.id);
        const small = job.ticks < 90;
        const { plant, events } = fakeRun(job, detail);
        const result = makeResult(fail(job) && !small ? 'failed' : 'held', { plant, events });
        return { result, wallMs: ran.length };
      },
    },
    journal,
    watch: { onRow: () => {}, onBeat: () => {}, onPhase: () => {} },
    smallerRigs: () => [],
    stopped: () => stopped,
    shrink: true,
  });
  if (given.complete) journal.end();
  journal.close();
  const timing = { startedAt: `now ${files}`, wallMs: files, threads: 1, machines: [`machine ${files}`] };
  return {
    ran,
    result: composeResult({
      identity,
      assumptions: listAssumptions(loaded.rig),
      rigPath: 'hardware/rigs/pitch',
      shard,
      ...given,
      leftOut: plan.leftOut,
      timing,
    }),
  };
}

function write(result: CampaignResult): string {
  const file = newFile();
  writeFileSync(file, formatResult(result));
  return file;
}

const withoutTiming = (result: CampaignResult): string =>
  formatResult({ ...result, timing: whole.result.timing });
const whole = await fly(null, newFile());

describe('shards', () => {
  test.each([1, 2, 7, 50])('%i of them merge to the campaign in one piece, byte by byte', async (count) => {
    const parts: string[] = [];
    for (let index = 1; index <= count; index += 1)
      parts.push(write((await fly({ index, count }, newFile())).result));
    // In whatever order they are named.
    const merged = mergeResults([...parts].reverse().map(readResult));
    expect(withoutTiming(merged)).toBe(withoutTiming(whole.result));
    expect(merged).toMatchObject({ complete: true, shard: null });
    expect(merged.shrunk.map(({ id }) => id)).toEqual(['delay@a#2', 'lie@d#1']);
    expect(merged.worst?.result.plant.length).toBeGreaterThan(10);
    expect(describeMissing(parts.map(readResult))).toBeNull();
  });

  test('what is missing is named', async () => {
    const first = readResult(write((await fly({ index: 1, count: 3 }, newFile())).result));
    const cut = readResult(write((await fly({ index: 3, count: 3 }, newFile(), { limit: 5 })).result));
    const merged = mergeResults([first, cut]);
    expect(merged.complete).toBe(false);
    expect(describeMissing([first, cut])).toMatch(
      /runs are missing; shards 2 of 3; stopped before their end: .*\.jsonl$/,
    );
    expect(merged.rows.map(({ job }) => job.at)).toEqual(
      merged.rows.map(({ job }) => job.at).sort((a, b) => a - b),
    );
  });

  test('overlaps and strangers are refused by name', async () => {
    const one = write((await fly({ index: 1, count: 2 }, newFile())).result);
    expect(() => mergeResults([readResult(one), readResult(one)])).toThrow(
      `${one} and ${one} both hold the run no-fault@rig#1`,
    );
    const other = (changes: object): string =>
      write({ ...whole.result, identity: { ...identity, ...changes }, rows: [] });
    const merge = (file: string) => (): unknown => mergeResults([readResult(one), readResult(file)]);
    expect(merge(other({ version: '9.9.9' }))).toThrow(/different campaigns: version 1\.2\.3 and 9\.9\.9/);
    expect(merge(other({ rigDigest: 'ff' }))).toThrow(/different campaigns: rigDigest/);
    expect(merge(other({ seeds: '5' }))).toThrow(/different campaigns: seeds 1\.\.4 and 5/);
    expect(merge(write({ ...whole.result, rows: [] }))).toThrow(/cut differently: 2 and 1 shards/);
    const assumptions = { ...whole.result.assumptions, roundUs: 1 };
    expect(merge(write({ ...whole.result, assumptions, rows: [] }))).toThrow(/assume different things/);
    expect(() => readResult(path.join(folder, 'none.json'))).toThrow(CampaignError);
    const file = newFile();
    writeFileSync(file, '{"format":1}');
    expect(() => readResult(file)).toThrow(/no result of a campaign \(identity\)/);
  });
});

describe('journals', () => {
  test('a stopped campaign goes on where it was, to the same result', async () => {
    const file = newFile();
    const cut = await fly(null, file, { limit: 100 });
    expect(cut.result).toMatchObject({ complete: false, worst: null, shrunk: [] });
    expect(cut.result.rows).toHaveLength(100);
    const rest = await fly(null, file, { resume: true });
    expect(
      rest.ran.filter(
        (id) => cut.ran.includes(id) && id !== rest.result.worst?.job.id && !/^(lie@d#1|delay@a#2)$/.test(id),
      ),
    ).toEqual([]);
    expect(withoutTiming(rest.result)).toBe(withoutTiming(whole.result));
  });

  test('a line that was cut off is run again', async () => {
    const file = newFile();
    await fly(null, file, { limit: 10 });
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.slice(0, -20));
    const rest = await fly(null, file, { resume: true });
    expect(rest.result.complete).toBe(true);
    expect(withoutTiming(rest.result)).toBe(withoutTiming(whole.result));
    expect(
      readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .every((line) => JSON.parse(line) as unknown),
    ).toBe(true);
  });

  test('without --resume one that was stopped is left alone, one at its end is taken over', async () => {
    const file = newFile();
    await fly(null, file, { limit: 3 });
    await expect(fly(null, file)).rejects.toThrow(
      /3 finished runs of a campaign that was stopped; add --resume/,
    );
    await fly(null, file, { resume: true });
    expect((await fly(null, file)).result.complete).toBe(true);
  });

  test('one of another campaign, version, rig or shard is refused by what differs', async () => {
    const file = newFile();
    await fly({ index: 1, count: 2 }, file, { limit: 3 });
    const open = (changes: object, shard: Shard | null) => () =>
      Journal.open(file, { ...identity, ...changes }, shard, true);
    expect(open({}, { index: 2, count: 2 })).toThrow(/shard 1\/2 and 2\/2/);
    expect(open({}, null)).toThrow(/shard 1\/2 and none/);
    expect(open({ ticks: 5 }, { index: 1, count: 2 })).toThrow(/another campaign: ticks 400 and 5/);
    expect(open({ version: '2' }, { index: 1, count: 2 })).toThrow(/version 1\.2\.3 and 2/);
    expect(open({ rigDigest: 'x' }, { index: 1, count: 2 })).toThrow(/rigDigest/);
    const other = newFile();
    writeFileSync(other, 'hello\n');
    expect(() => Journal.open(other, identity, null, true)).toThrow(/:1: this is no journal/);
    appendFileSync(file, '{"kind":"job"}\n');
    expect(open({}, { index: 1, count: 2 })).toThrow(/this is no journal/);
  });
});

test('a failure of a thread that cannot start is no result', async () => {
  const journal = Journal.open(newFile(), identity, null, false);
  await expect(
    runCampaign({
      jobs: [makeJob()],
      runner: { run: () => Promise.reject(new Error('no rig')) },
      journal,
      watch: { onRow: () => {}, onBeat: () => {}, onPhase: () => {} },
      smallerRigs: () => [],
      stopped: () => false,
      shrink: true,
    }),
  ).rejects.toThrow('no rig');
  journal.close();
});
