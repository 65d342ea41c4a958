/** The log of a real process: what stands on its standard error, for machines, for the journal and for people. */
import { spawn, type StdioOptions } from 'node:child_process';
import { fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { ENTRY, ROOT } from '../../support/rig-runner.js';

const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MODULE = pathToFileURL(path.join(ROOT, 'dist', 'src', 'cli', 'stderr-log.js')).href;
const SCRIPT = path.join(folder, 'speak.mjs');
writeFileSync(
  SCRIPT,
  `import { createStderrLog } from ${JSON.stringify(MODULE)};
   const log = createStderrLog('info');
   log.debug('not asked for');
   log.info('up', { port: 18801 });
   log.warn('odd; do this');
   log.error('bad; do that');
   for (let tick = 0; tick < 100; tick += 1) log.info('tick ' + tick);
   process.exitCode = 3;
   if (process.connected) process.disconnect();`,
);

/** Runs the script with its standard error in a file; gives the lines. */
async function speak(
  name: string,
  env: (error: number) => NodeJS.ProcessEnv,
  ipc = false,
): Promise<string[]> {
  const file = path.join(folder, name);
  const error = openSync(file, 'w');
  const stdio: StdioOptions = ipc ? ['ignore', 'ignore', error, 'ipc'] : ['ignore', 'ignore', error];
  const child = spawn(process.execPath, [SCRIPT], { stdio, env: { ...process.env, ...env(error) } });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(3);
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

test('JSON lines, each with level, times and text; of a hundred of one kind a few', async () => {
  const lines = await speak('json', () => ({}));
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(parsed.slice(0, 3)).toEqual([
    { level: 'info', time: expect.any(String), atUs: expect.any(Number), port: 18801, msg: 'up' },
    { level: 'warn', time: expect.any(String), atUs: expect.any(Number), msg: 'odd; do this' },
    { level: 'error', time: expect.any(String), atUs: expect.any(Number), msg: 'bad; do that' },
  ]);
  expect(parsed.slice(3).map(({ msg }) => msg)).toEqual([0, 1, 2, 3, 4].map((tick) => `tick ${tick}`));
});

test('for journald each line begins with its priority', async () => {
  const lines = await speak('journal', (error) => {
    const { dev, ino } = fstatSync(error);
    return { JOURNAL_STREAM: `${dev}:${ino}` };
  });
  expect(lines.slice(0, 3).map((line) => line.slice(0, 4))).toEqual(['<6>{', '<4>{', '<3>{']);
});

test('why a command cannot run is an error in the journal, on every line', async () => {
  const file = path.join(folder, 'refusal');
  const error = openSync(file, 'w');
  const { dev, ino } = fstatSync(error);
  const child = spawn(process.execPath, [ENTRY, 'plant', '/nowhere/rig'], {
    stdio: ['ignore', 'ignore', error],
    env: { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` },
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(2);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(/^<3>\S/);
});

test('where the journal of another process is named there is no priority', async () => {
  const lines = await speak('other', () => ({ JOURNAL_STREAM: '1:1' }));
  expect(lines[0]).toMatch(/^\{/);
});

test('a process with a channel to the one that started it writes for people', async () => {
  const lines = await speak('people', () => ({}), true);
  expect(lines.slice(0, 3)).toEqual(['info  up {"port":18801}', 'warn  odd; do this', 'error bad; do that']);
});
