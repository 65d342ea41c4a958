/** Every command of README.md, as it stands there, in a folder like a checkout; the long ones made short. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HandProcess, type HandExit } from '../../support/hand-process.js';
import { findMosquitto } from '../../support/mosquitto.js';
import { ENTRY, ROOT } from '../../support/rig-runner.js';
import { isSpoiltByMachine, type Report } from '../demo/demo-run.js';

const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');

/** Lines of the shell blocks, continued ones joined. */
const COMMANDS: readonly string[] = [...README.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap((block) =>
  (block[1] as string)
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== ''),
);

/** Of what `simulate --json` writes. */
interface Simulated {
  readonly violations: number;
  readonly traceDigest: string;
  readonly faults: readonly unknown[];
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'voteplane-readme-'));
  symlinkSync(path.join(ROOT, 'hardware'), path.join(folder, 'hardware'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The line as a shell runs it, with the checkout's command in place of npx's. */
function shell(line: string): HandProcess {
  const command = line.replaceAll('npx voteplane', `"${process.execPath}" "${ENTRY}"`);
  return new HandProcess(['-c', `exec ${command}`], { command: 'sh', cwd: folder });
}

function expectKept(exit: HandExit, json: string): void {
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  const shown = `${exit.stdout}\n${exit.stderr}`;
  for (const flight of report.flights.length > 0 ? report.flights : [report]) {
    expect(flight.ticks, shown).toBeGreaterThan(0);
    if (!isSpoiltByMachine(flight)) expect(flight.exitCode, shown).toBe(0);
  }
}

test('names no command that is not tried here', () => {
  const tried = [
    ...[...SCRIPTS, ...LESSONS, ...SCENARIO_DEMOS, ...RECORDINGS, ...READERS],
    ...[...SIMULATIONS, ...CAMPAIGNS, ...REPLAYS, ...EXHAUSTS],
    ...[...GENERATE, ...PROCESSES, ...ORDERS, ...WATCHERS],
  ];
  expect(COMMANDS.filter((command) => !tried.includes(command))).toEqual([]);
  expect(COMMANDS.length).toBeGreaterThan(10);
});

const pick = (pattern: RegExp): readonly string[] => COMMANDS.filter((command) => pattern.test(command));
const SCRIPTS = pick(/^npm (ci|test|start|run \S+)$/);
const LESSONS = pick(/^npx voteplane demo hardware\/rigs\/tmr-lesson$/);
const RECORDINGS = pick(/^npx voteplane demo\b.*--record/);
const SCENARIO_DEMOS = pick(/^npx voteplane demo\b.*--scenario/);
const SIMULATIONS = pick(/^npx voteplane simulate\b/);
const CAMPAIGNS = pick(/^npx voteplane campaign\b/);
const REPLAYS = pick(/^npx voteplane replay\b/);
const EXHAUSTS = pick(/^npx voteplane exhaust\b/);
const READERS = pick(/^npx voteplane (check|faults)\b/);
const GENERATE = pick(/^npx voteplane keys generate\b/);
const PROCESSES = pick(/^npx voteplane (plant|actuator|replica)\b.* &$/);
const ORDERS = pick(/^npx voteplane (fault|submit|log)\b/);
const WATCHERS = pick(/^mosquitto_sub\b/);

test('npm scripts are there', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const command of SCRIPTS) {
    const name = command.replace(/^npm (run )?/, '');
    if (name !== 'ci') expect(Object.keys(scripts)).toContain(name);
  }
  expect(SCRIPTS).toContain('npm start');
});

test('npm start flies', async () => {
  const json = path.join(folder, 'start.json');
  const args = ['start', '--silent', '--', '--quick', '--headless', '--json', json];
  const exit = await new HandProcess(args, { command: 'npm', cwd: ROOT }).ended;
  expectKept(exit, json);
});

test.each(LESSONS)('%s: without agreement the wings come off, with it nothing happens', async (line) => {
  const json = path.join(folder, 'lesson.json');
  const exit = await shell(`${line} --ticks 120 --headless --json "${json}"`).ended;
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  const text = `${exit.stdout}\n${exit.stderr}`;
  expect(
    report.flights.map(({ rig }) => rig),
    text,
  ).toEqual(['tmr-lesson', 'tmr-four', 'tmr-signed']);
  const [alone, four, signed] = report.flights;
  expect(report).toMatchObject({ rig: 'tmr-lesson', disagreements: alone?.disagreements });
  expect(alone?.disagreements, text).toBeGreaterThan(0);
  expect(alone?.plant, text).toMatchObject({ survived: false });
  expect(alone?.exitCode, text).toBe(0);
  for (const flight of [four, signed]) {
    expect(flight, text).toMatchObject({ disagreements: 0, unsafeOutputs: 0, plant: { survived: true } });
    expect(flight?.faults[0]?.affected, text).toBeGreaterThan(0);
  }
  if (report.flights.every((flight) => !isSpoiltByMachine(flight))) expect(exit.code, text).toBe(0);
});

test.each(SCENARIO_DEMOS)('%s', async (line) => {
  const json = path.join(folder, 'scenario.json');
  const exit = await shell(`${line} --headless --json "${json}"`).ended;
  expectKept(exit, json);
});

test.each(SIMULATIONS)('%s, and the same trace again', async (line) => {
  const json = path.join(folder, 'out.json');
  const short = line.replace(/--ticks \d+/, '--ticks 300').replace(/ --json \S+/, '');
  const digests: string[] = [];
  for (let flight = 0; flight < 2; flight += 1) {
    const exit = await shell(`${short} --json "${json}"`).ended;
    const outcome = JSON.parse(readFileSync(json, 'utf8')) as Simulated;
    expect([exit.code, outcome.violations], `${exit.stdout}\n${exit.stderr}`).toEqual([0, 0]);
    expect(outcome.faults.length).toBeGreaterThan(0);
    expect(exit.stdout).toContain(outcome.traceDigest.slice(0, 16));
    digests.push(outcome.traceDigest);
  }
  expect(digests[1]).toBe(digests[0]);
});

test.each(CAMPAIGNS)('%s', async (line) => {
  const exit = await shell(`${line} --shard 1/100`).ended;
  expect(exit.code, `${exit.stdout}\n${exit.stderr}`).toBe(0);
  expect(exit.stdout).toMatch(/: [1-9]\d* held, 0 failed\.$/m);
  const html = readFileSync(
    path.join(folder, (/--html (\S+)/.exec(line) as RegExpExecArray)[1] as string),
    'utf8',
  );
  expect(html).toContain('</html>');
});

test('a recording, and its replay', async () => {
  expect([RECORDINGS.length, REPLAYS.length]).toEqual([1, 1]);
  const json = path.join(folder, 'recorded.json');
  expectKept(await shell(`${RECORDINGS[0]} --ticks 80 --headless --json "${json}"`).ended, json);
  const exit = await shell(REPLAYS[0] as string).ended;
  expect(exit.code, `${exit.stdout}\n${exit.stderr}`).toBe(0);
  expect(exit.stdout.trimEnd()).toMatch(/\nidentical$/);
});

test.each(EXHAUSTS)('%s, as many as it says', async (line) => {
  const exit = await shell(line).ended;
  expect(exit.code, exit.stdout).toBe(0);
  const counts = [...exit.stdout.matchAll(/behaviours +(\d+)/g)].map((match) => match[1] as string);
  expect(counts).toHaveLength(2);
  for (const count of counts) expect(README).toMatch(new RegExp(`\\b${count}\\b`));
});

test.each(READERS)('%s', async (line) => {
  const exit = await shell(line).ended;
  expect(exit.code, exit.stderr).toBe(0);
  expect(exit.stdout.length).toBeGreaterThan(100);
});

describe('a rig by hand', () => {
  const hands: HandProcess[] = [];
  afterAll(async () => {
    for (const hand of hands) hand.kill('SIGKILL');
    await Promise.all(hands.map((hand) => hand.ended));
  });

  test.each(['pitch', 'valve'])('%s: keys, processes, orders, a look, and an orderly end', async (rig) => {
    const started: HandProcess[] = [];
    const begin = (line: string): HandProcess => {
      const hand = shell(line);
      hands.push(hand);
      started.push(hand);
      return hand;
    };
    const ofRig = (line: string): boolean => line.includes(` hardware/rigs/${rig} `);
    const processes = PROCESSES.filter((line) => ofRig(line.replace('&', ' ')));
    expect(processes.length).toBeGreaterThan(4);
    for (const line of GENERATE.filter(ofRig)) {
      const exit = await shell(line).ended;
      expect(exit.code, exit.stderr).toBe(0);
    }
    for (const line of processes) begin(line.replace(/ &$/, ''));
    const voter = started.find((_, at) => / actuator /.test(processes[at] as string)) as HandProcess;
    await voter.untilPrints(/armed at tick/);
    const orders = ORDERS.filter(ofRig);
    expect(orders.length).toBeGreaterThan(1);
    for (const line of orders) {
      const exit = await shell(line).ended;
      expect(exit.code, `${exit.stdout}\n${exit.stderr}`).toBe(0);
    }
    if (findMosquitto()) {
      for (const line of WATCHERS.filter(ofRig)) {
        const watcher = begin(line);
        await watcher.untilPrints(/voteplane\/pitch\/a\/[bcd]\/round/);
        watcher.kill('SIGTERM');
      }
    }
    for (const hand of started) {
      hand.kill('SIGTERM');
      await hand.ended;
    }
    const ended = await Promise.all(started.slice(0, processes.length).map((hand) => hand.ended));
    expect(ended.map((exit) => exit.code)).toEqual(processes.map(() => 0));
  });
});
