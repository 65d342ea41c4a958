/** Every command of README.md, as it stands there, in a folder like a checkout; the long ones with `--quick`. */
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
  const tried = [...SCRIPTS, ...DEMOS, ...READERS, ...GENERATE, ...PROCESSES, ...STRIKES, ...WATCHERS];
  expect(COMMANDS.filter((command) => !tried.includes(command))).toEqual([]);
  expect(COMMANDS.length).toBeGreaterThan(10);
});

const pick = (pattern: RegExp): readonly string[] => COMMANDS.filter((command) => pattern.test(command));
const SCRIPTS = pick(/^npm (ci|test|start|run \S+)$/);
const DEMOS = pick(/^npx voteplane demo\b/);
const READERS = pick(/^npx voteplane (check|faults)\b/);
const GENERATE = pick(/^npx voteplane keys generate\b/);
const PROCESSES = pick(/^npx voteplane (plant|actuator|replica)\b.* &$/);
const STRIKES = pick(/^npx voteplane fault\b/);
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

test.each(DEMOS)('%s', async (line) => {
  const json = path.join(folder, 'demo.json');
  const exit = await shell(`${line} --quick --headless --json "${json}"`).ended;
  expectKept(exit, json);
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

  test('keys, processes, a fault, a look, and an orderly end', async () => {
    for (const line of GENERATE) {
      const exit = await shell(line).ended;
      expect(exit.code, exit.stderr).toBe(0);
    }
    for (const line of PROCESSES) hands.push(shell(line.replace(/ &$/, '')));
    const voter = hands.find((_, at) => / actuator /.test(PROCESSES[at] as string)) as HandProcess;
    await voter.untilPrints(/armed at tick/);
    for (const line of STRIKES) {
      const exit = await shell(line).ended;
      expect(exit.code, `${exit.stdout}\n${exit.stderr}`).toBe(0);
    }
    if (WATCHERS.length > 0 && findMosquitto()) {
      for (const line of WATCHERS) {
        const watcher = shell(line);
        hands.push(watcher);
        await watcher.untilPrints(/voteplane\/pitch\/a\/[bcd]\/round/);
        watcher.kill('SIGTERM');
      }
    }
    for (const hand of hands) {
      hand.kill('SIGTERM');
      await hand.ended;
    }
    const ended = await Promise.all(hands.slice(0, PROCESSES.length).map((hand) => hand.ended));
    expect(ended.map((exit) => exit.code)).toEqual(PROCESSES.map(() => 0));
  });
});
