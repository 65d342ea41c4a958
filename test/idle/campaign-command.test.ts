/** `voteplane campaign` and `report merge` as a user types them, and the way over machines that can be tried on one. */
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatResult, type CampaignResult } from '../../src/campaign/result.js';
import { ENTRY, ROOT } from '../support/rig-runner.js';
import { readXml } from '../campaign/read-xml.js';

const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-campaigns-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CAMPAIGN = path.join(folder, 'small.yaml');
const inFolder = (name: string): string => path.join(folder, name);

function run(...words: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [ENTRY, ...words], { cwd: folder, encoding: 'utf8' });
}

function read(file: string): CampaignResult {
  return JSON.parse(readFileSync(file, 'utf8')) as CampaignResult;
}

/** The text of a result without what differs between two runs of one campaign. */
function withoutTiming(file: string): string {
  return formatResult({ ...read(file), timing: { startedAt: '', wallMs: 0, threads: 0, machines: [] } });
}

beforeAll(() => {
  const rig = path.relative(folder, path.join(ROOT, 'hardware', 'rigs', 'pitch'));
  writeFileSync(
    CAMPAIGN,
    `campaign: small\nrig: ${rig}\nticks: 100\nseeds: 1..2\nwire: none\nfaults: { include: [crash, collude] }\n`,
  );
  const whole = run(
    'campaign',
    CAMPAIGN,
    '--jobs',
    '2',
    '--json',
    'whole.json',
    '--html',
    'whole.html',
    '--junit',
    'whole.xml',
  );
  expect(whole.stderr).toBe('');
  expect(whole.status, whole.stdout).toBe(0);
  expect(whole.stdout).toMatch(/small: 14 runs, 1400 ticks, \d+ replica-ticks: .* 0 failed\.\n$/);
});

test('a campaign leaves its result, a page and test cases', () => {
  const result = read(inFolder('whole.json'));
  expect(result).toMatchObject({ complete: true, shard: null, counts: { failed: 0, broken: 0 } });
  expect(result.rows).toHaveLength(14);
  expect(
    result.rows.filter(({ result: { outcome } }) => outcome === 'fail-safe').length,
  ).toBeGreaterThanOrEqual(2);
  expect(readFileSync(inFolder('whole.html'), 'utf8')).toContain('No promise was broken in 14 runs.');
  expect(readXml(readFileSync(inFolder('whole.xml'), 'utf8')).attributes).toMatchObject({
    tests: '14',
    failures: '0',
  });
});

test('shards merge to the same result, byte by byte', () => {
  for (const index of [1, 2, 3]) {
    const shard = run(
      'campaign',
      CAMPAIGN,
      '--shard',
      `${index}/3`,
      '--jobs',
      '1',
      '--json',
      `part-${index}.json`,
    );
    expect(shard.status, shard.stdout + shard.stderr).toBe(0);
  }
  const merge = (...parts: string[]): SpawnSyncReturns<string> =>
    run('report', 'merge', ...parts, '--json', 'merged.json', '--html', 'merged.html');
  expect(merge('part-3.json', 'part-1.json', 'part-2.json').status).toBe(0);
  expect(withoutTiming(inFolder('merged.json'))).toBe(withoutTiming(inFolder('whole.json')));

  const incomplete = merge('part-1.json', 'part-3.json');
  expect(incomplete).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('shards 2 of 3') as unknown,
  });
  const twice = merge('part-1.json', 'part-1.json');
  expect(twice).toMatchObject({ status: 2, stderr: expect.stringContaining('both hold the run') as unknown });
});

test('Ctrl-C stops with what there is, and --resume goes on to the same result', async () => {
  const words = ['campaign', CAMPAIGN, '--jobs', '1', '--journal', 'stopped.jsonl', '--json', 'stopped.json'];
  const child = spawn(process.execPath, [ENTRY, ...words], { cwd: folder, stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  const finished = (): number =>
    existsSync(inFolder('stopped.jsonl'))
      ? readFileSync(inFolder('stopped.jsonl'), 'utf8').split('\n').length - 2
      : 0;
  await expect.poll(finished, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(3);
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  const cut = read(inFolder('stopped.json'));
  expect(cut.complete).toBe(false);
  expect(cut.rows.length).toBeGreaterThanOrEqual(3);
  expect(cut.rows.length).toBeLessThan(14);

  const again = run(...words);
  expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining('add --resume') as unknown });
  const other = run('campaign', CAMPAIGN, '--ticks', '101', '--journal', 'stopped.jsonl', '--resume');
  expect(other).toMatchObject({ status: 2, stderr: expect.stringContaining('ticks 100 and 101') as unknown });
  expect(run(...words, '--resume').status).toBe(0);
  expect(withoutTiming(inFolder('stopped.json'))).toBe(withoutTiming(inFolder('whole.json')));
});

test('the command of a run does that run again', () => {
  const page = readFileSync(inFolder('whole.html'), 'utf8');
  const command = /<pre>(npx voteplane simulate [^<]*)<\/pre>/.exec(page)?.[1] ?? '';
  expect(command).not.toBe('');
  const { worst } = read(inFolder('whole.json'));
  const words =
    command
      .replaceAll('&gt;', '>')
      .match(/'[^']*'|\S+/g)
      ?.map((word) => word.replaceAll("'", '')) ?? [];
  const again = run(...words.slice(2), '--json', 'again.json');
  expect([0, 3], again.stderr).toContain(again.status);
  const told = JSON.parse(readFileSync(inFolder('again.json'), 'utf8')) as { traceDigest: string };
  expect(told.traceDigest).toBe(worst?.result.traceDigest);
});

describe('what is wrong is said with its cure, exit 2', () => {
  test.each([
    [['campaign', '/nowhere'], /no such file or folder/],
    [['campaign', CAMPAIGN, '--seeds', '5..1'], /Give seeds like 1\.\.20/],
    [['campaign', CAMPAIGN, '--shard', '4/3'], /Give a part and their number/],
    [['campaign', CAMPAIGN, '--ticks', '20'], /Give at least 100/],
    [['report', 'merge', CAMPAIGN], /small\.yaml: /],
  ])('%j', (words, message) => {
    const { status, stderr } = run(...words);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});

/** False where GNU parallel is not installed, with the reason printed; throws where the environment requires it. */
function findParallel(): boolean {
  const { stdout } = spawnSync('parallel', ['--version'], { encoding: 'utf8' });
  if (typeof stdout === 'string' && stdout.startsWith('GNU parallel')) return true;
  const reason = 'GNU parallel is not installed (Debian: apt-get install parallel)';
  if (process.env['VOTEPLANE_REQUIRE_PARALLEL'] === '1')
    throw new Error(`VOTEPLANE_REQUIRE_PARALLEL=1, but ${reason}`);
  console.log(`skipped: the campaign over GNU parallel; ${reason}`);
  return false;
}

test.runIf(findParallel())('the script for GNU parallel gives the same result', () => {
  const script = path.join(ROOT, 'hardware', 'campaigns', 'gnu-parallel.sh');
  const fly = (): SpawnSyncReturns<string> =>
    spawnSync('sh', [script, CAMPAIGN, '4', 'over'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, VOTEPLANE: `${process.execPath} ${ENTRY}` },
    });
  const first = fly();
  expect(first.status, first.stdout + first.stderr).toBe(0);
  expect(withoutTiming(inFolder('over/result.json'))).toBe(withoutTiming(inFolder('whole.json')));
  expect(readFileSync(inFolder('over/report.html'), 'utf8')).toContain('No promise was broken in 14 runs.');
  // Started again it has nothing left to do, and says the same.
  expect(fly().status).toBe(0);
  expect(withoutTiming(inFolder('over/result.json'))).toBe(withoutTiming(inFolder('whole.json')));
});
