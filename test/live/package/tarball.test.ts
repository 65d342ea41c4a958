/** The package as a stranger gets it: packed, installed into an empty folder, and flown for 100 ticks; on 64-bit Arm, checked and simulated. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchArm64Node, findArm64 } from '../../support/arm64.js';
import { HandProcess, type HandExit } from '../../support/hand-process.js';
import { ROOT } from '../../support/rig-runner.js';
import { isSpoiltByMachine, type Report } from '../demo/demo-run.js';

let folder = '';
const run = (command: string, args: readonly string[], cwd = folder): Promise<HandExit> =>
  new HandProcess(args, { command, cwd }).ended;

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}
let packed: Packed = { filename: '', files: [] };

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'voteplane-package-'));
  // What is packed is what has been built; building again would take it away from tests under way.
  const pack = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], ROOT);
  expect(pack.code, pack.stderr).toBe(0);
  packed = (JSON.parse(pack.stdout) as Packed[])[0] as Packed;
  const tarball = path.join(folder, packed.filename);
  const install = await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball]);
  expect(install.code, install.stderr).toBe(0);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('holds what it needs and nothing of the workshop', () => {
  const files = packed.files.map((file) => file.path);
  for (const needed of [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'SECURITY.md',
    'bin/voteplane.js',
    'dist/src/cli/main.js',
    'dist/src/rig/law.d.ts',
    'schema/rig.schema.json',
    'hardware/rigs/pitch/rig.yaml',
    'hardware/rigs/pitch/law.ts',
    'firmware-bridge/PROTOCOL.md',
    'src/wire/WIRE.md',
  ])
    expect(files).toContain(needed);
  expect(files.filter((file) => /^(test|node_modules|\.ci|\.git)\/|tsbuildinfo|\.tgz$/.test(file))).toEqual(
    [],
  );
});

test('npx voteplane runs, and says its version and its commands', async () => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  const told = await run('npx', ['voteplane', '--version']);
  expect([told.code, told.stdout.trim()]).toEqual([0, version]);
  const help = await run('npx', ['voteplane', '--help']);
  for (const command of ['demo', 'check', 'keys', 'replica', 'actuator', 'plant', 'fault'])
    expect(help.stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
});

test('checks the packaged rig, and a copy of it elsewhere alike', async () => {
  const rigs = path.join('node_modules', 'voteplane', 'hardware', 'rigs');
  const packaged = await run('npx', ['voteplane', 'check', path.join(rigs, 'pitch'), '--json']);
  expect(packaged.code, packaged.stdout).toBe(0);
  cpSync(path.join(folder, rigs, 'pitch'), path.join(folder, 'mine'), { recursive: true });
  const mine = await run('npx', ['voteplane', 'check', 'mine', '--json']);
  expect(mine.code, mine.stdout).toBe(0);
  const digests = (exit: HandExit): unknown => (JSON.parse(exit.stdout) as { digests: unknown }).digests;
  expect(digests(mine)).toEqual(digests(packaged));
});

test('flies 100 ticks', async () => {
  const json = path.join(folder, 'flight.json');
  const flown = await run('npx', [
    ...['voteplane', 'demo', '--headless', '--ticks', '100', '--json', json],
    ...['--fault', 'equivocate on b at 30 for 40'],
  ]);
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  const shown = `${flown.stdout}\n${flown.stderr}`;
  expect(report.ticks, shown).toBe(100);
  expect([report.unsafeOutputs, report.disagreements], shown).toEqual([0, 0]);
  expect(report.faults[0]?.affected, shown).toBeGreaterThan(0);
  if (!isSpoiltByMachine(report)) expect(flown.code, shown).toBe(0);
});

describe.skipIf(!findArm64())('on 64-bit Arm', () => {
  const rig = path.join('node_modules', 'voteplane', 'hardware', 'rigs', 'pitch');
  let node: readonly [string, ...string[]];
  const runThere = (...args: readonly string[]): Promise<HandExit> => {
    const [command, ...rest] = node;
    return run(command, [...rest, path.join('node_modules', 'voteplane', 'bin', 'voteplane.js'), ...args]);
  };

  beforeAll(async () => {
    node = await fetchArm64Node(folder);
    const [command, ...rest] = node;
    const told = await run(command, [...rest, '--print', 'process.arch']);
    expect([told.code, told.stdout.trim()], told.stderr).toEqual([0, 'arm64']);
  }, 120_000);

  // Emulation is slow: the two share the processors.
  test.concurrent('the packaged rig is the same rig and the same law', async () => {
    const [there, here] = await Promise.all([
      runThere('check', rig, '--json'),
      run('npx', ['voteplane', 'check', rig, '--json']),
    ]);
    expect(there.code, `${there.stdout}${there.stderr}`).toBe(0);
    const [ofThere, ofHere] = [there, here].map(
      ({ stdout }) => (JSON.parse(stdout) as { digests: { rig: string; law: string } }).digests,
    );
    expect([ofThere?.rig, ofThere?.law]).toEqual([ofHere?.rig, ofHere?.law]);
    expect(ofThere?.rig).toMatch(/^[0-9a-f]{16,}$/);
  });

  test.concurrent('a simulated flight keeps all promises', async () => {
    const json = path.join(folder, 'arm64.json');
    const flown = await runThere('simulate', rig, '--ticks', '50', '--seed', '7', '--json', json);
    expect(flown.code, `${flown.stdout}${flown.stderr}`).toBe(0);
    const report = JSON.parse(readFileSync(json, 'utf8')) as Report & { readonly violations: number };
    const { ticks, completedTicks, violations, unsafeOutputs } = report;
    expect([ticks, completedTicks, violations, unsafeOutputs]).toEqual([50, 50, 0, 0]);
  });
});
