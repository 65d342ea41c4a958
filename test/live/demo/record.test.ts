/** A recorded flight of real processes, run again as a user does. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReplayReport } from '../../../src/cli/replay-recording.js';
import { CallLogReader, CallLogWriter } from '../../../src/recording/call-log.js';
import type { PortCall } from '../../../src/recording/port-call.js';
import { runToEnd, type HandExit } from '../../support/hand-process.js';
import { ENTRY } from '../../support/rig-runner.js';
import { DemoRun, type DemoExit } from './demo-run.js';

let parent: string;
let folder: string;
let run: DemoRun;
let flown: DemoExit;

beforeAll(async () => {
  parent = mkdtempSync(path.join(tmpdir(), 'voteplane-record-'));
  folder = path.join(parent, 'recording');
  const faults = ['equivocate on c at 20 for 30', 'crash on d at 40 for 20'];
  run = new DemoRun([
    ...['--ticks', '100', '--seed', '5', '--record', folder],
    ...faults.flatMap((fault) => ['--fault', fault]),
  ]);
  flown = await run.ended;
}, 120_000);

afterAll(async () => {
  await run.dispose();
  rmSync(parent, { recursive: true, force: true });
});

function logOf(name: string): string {
  return path.join(folder, 'flight-1', 'calls', name);
}

async function replay(): Promise<HandExit & { readonly report: ReplayReport | null }> {
  const json = path.join(parent, 'replay.json');
  rmSync(json, { force: true });
  const exit = await runToEnd([ENTRY, 'replay', folder, '--json', json]);
  const report = exit.code === 2 ? null : (JSON.parse(readFileSync(json, 'utf8')) as ReplayReport);
  return { ...exit, report };
}

test('every process does the same again: vectors, commands, outputs, every frame', async () => {
  expect(flown.text).toContain(`run it again with: voteplane replay ${folder}`);
  expect(flown.report.faults.map(({ appliedAt }) => appliedAt)).toEqual([20, 40]);
  const { code, stdout, stderr, report } = await replay();
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/identical\n$/);
  expect(report?.identical).toBe(true);
  const [flight] = report?.flights ?? [];
  expect(flight).toMatchObject({ rig: 'pitch', seed: '5' });
  const lives = flight?.lives ?? [];
  expect([...new Set(lives.map(({ process }) => process))]).toEqual(['a', 'b', 'c', 'd', 'elevator']);
  expect(lives.find(({ process }) => process === 'd')?.end).toBe('killed');
  for (const { process, life, kind, compared, framesReceived } of lives.filter((one) => one.life === 1)) {
    const name = `${process} ${life}`;
    expect(framesReceived, name).toBeGreaterThan(50);
    expect(compared.framesSent, name).toBeGreaterThan(50);
    if (kind === 'actuator') expect(compared.outputs, name).toBeGreaterThan(0);
    else {
      expect(compared.ticks, name).toBeGreaterThan(30);
      expect(compared.vectors, name).toBeGreaterThan(0);
      expect(compared.commands, name).toBeGreaterThan(0);
    }
  }
  expect(flight?.frames).toMatchObject({ unsent: 0, firstUnsent: null });
  expect(flight?.frames.matched).toBeGreaterThan(500);
});

test('an altered byte of a recorded frame shows', async () => {
  const whole = logOf('b-1.calls');
  const kept = path.join(parent, 'kept');
  const reader = new CallLogReader(whole);
  const altered = path.join(parent, 'altered');
  const writer = new CallLogWriter(altered, reader.header, (what) => expect.unreachable(what));
  let frames = 0;
  for (let call = reader.next(); call !== null; call = reader.next()) {
    if (call.kind === 'frame' && call.purpose === 'round') frames += 1;
    writer.write(frames === 100 && call.kind === 'frame' ? flip(call) : call);
    if (frames === 100) frames += 1;
  }
  reader.close();
  await writer.close();
  renameSync(whole, kept);
  renameSync(altered, whole);
  try {
    const { code, stdout, report } = await replay();
    expect(code, stdout).toBe(1);
    expect(report?.identical).toBe(false);
    expect(stdout).toMatch(/NOT identical\n$/);
    const differing = report?.flights[0]?.lives.filter(({ difference }) => difference !== null) ?? [];
    const unsent = report?.flights[0]?.frames.firstUnsent;
    // It was altered on its way to b, and nowhere else.
    expect(differing.every(({ process }) => process === 'b')).toBe(true);
    expect(differing.length > 0 || unsent?.to === 'b').toBe(true);
  } finally {
    renameSync(kept, whole);
  }
});

test('a damaged folder is refused, and so is one to record into that is not empty', async () => {
  const log = logOf('a-1.calls');
  const bytes = readFileSync(log);
  const damaged = Buffer.from(bytes);
  damaged[5_000] = (damaged[5_000] ?? 0) ^ 1;
  writeFileSync(log, damaged);
  try {
    const { code, stderr } = await replay();
    expect(code).toBe(2);
    expect(stderr).toMatch(/a-1\.calls: the block at byte \d+ has been altered or damaged; record/);
  } finally {
    writeFileSync(log, bytes);
  }
  const before = readdirSync(folder);
  const again = await runToEnd([ENTRY, 'demo', '--headless', '--ticks', '10', '--record', folder]);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain(
    `${folder}: there is something in it already; name a new folder for the recording`,
  );
  expect(readdirSync(folder)).toEqual(before);
  const empty = path.join(parent, 'empty');
  mkdirSync(empty);
  const none = await runToEnd([ENTRY, 'replay', empty]);
  expect(none.code).toBe(2);
  expect(none.stderr).toMatch(/there is no recording in it/);
});

function flip(call: Extract<PortCall, { readonly kind: 'frame' }>): PortCall {
  const frame = call.frame.slice();
  frame[frame.length - 1] = (frame[frame.length - 1] ?? 0) ^ 1;
  return { ...call, frame };
}
