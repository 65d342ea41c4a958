/** Logs on disk: whole, torn, altered, foreign. */
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  CALL_LOG_VERSION,
  CallLogReader,
  CallLogWriter,
  type CallLogHeader,
} from '../../src/recording/call-log.js';
import type { PortCall } from '../../src/recording/port-call.js';
import { RecordingError } from '../../src/recording/recording-error.js';

const HEADER: CallLogHeader = {
  rig: 'pitch',
  process: 'a',
  kind: 'replica',
  life: 1,
  seed: '7',
  digests: { rig: '00', law: '01', arithmetic: null },
  versions: { voteplane: '0.1.0', node: 'v20.0.0' },
  principals: ['a', 'b'],
};

let folder: string;
let file: string;
const failures: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'voteplane-test-'));
  file = path.join(folder, 'a-1.calls');
  failures.length = 0;
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function openWriter(): CallLogWriter {
  return new CallLogWriter(file, HEADER, (what) => failures.push(what));
}

function frameOf(us: number, length = 40): PortCall {
  const frame = new Uint8Array(length).fill(us);
  return { kind: 'frame', from: 'b', purpose: 'round', frame, arrivedUs: us, nested: false };
}

/** As text, which compares fast. */
function show(calls: readonly PortCall[]): readonly string[] {
  return calls.map((call) =>
    JSON.stringify(call, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ),
  );
}

function readAll(from = file): { readonly calls: readonly PortCall[]; readonly isTorn: boolean } {
  const reader = new CallLogReader(from);
  try {
    const calls: PortCall[] = [];
    for (let call = reader.next(); call !== null; call = reader.next()) calls.push(call);
    return { calls, isTorn: reader.isTorn };
  } finally {
    reader.close();
  }
}

test('what was written is read, with its header, by its owner only', async () => {
  const writer = openWriter();
  const calls = Array.from({ length: 5_000 }, (_, at) => frameOf(at, 100));
  for (const call of calls) writer.write(call);
  await writer.close();
  expect(show(readAll().calls)).toEqual(show(calls));
  const reader = new CallLogReader(file);
  expect(reader.header).toEqual(HEADER);
  reader.close();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(failures).toEqual([]);
});

test('a look at the next call does not step over it', async () => {
  const writer = openWriter();
  writer.write(frameOf(1));
  writer.write(frameOf(2));
  await writer.close();
  const reader = new CallLogReader(file);
  expect(reader.peek()).toEqual(frameOf(1));
  expect(reader.peek()).toBe(reader.next());
  expect([reader.next(), reader.peek(), reader.next()]).toEqual([frameOf(2), null, null]);
  reader.close();
});

test('a torn tail is read up to the last whole block, wherever it is torn', () => {
  const writer = openWriter();
  writer.write(frameOf(1));
  writer.flushNow();
  const whole = statSync(file).size;
  writer.write(frameOf(2));
  writer.write(frameOf(3));
  writer.flushNow();
  const end = statSync(file).size;
  for (let size = whole; size < end; size += 1) {
    const torn = path.join(folder, 'torn.calls');
    copyFileSync(file, torn);
    truncateSync(torn, size);
    expect(readAll(torn), `torn at ${size}`).toEqual({ calls: [frameOf(1)], isTorn: size > whole });
  }
  expect(readAll()).toEqual({ calls: [frameOf(1), frameOf(2), frameOf(3)], isTorn: false });
});

test('any altered byte is found, and its place said', () => {
  const writer = openWriter();
  writer.flushNow();
  const start = statSync(file).size;
  writer.write(frameOf(1));
  writer.flushNow();
  const whole = readFileSync(file);
  // A length that reaches beyond the end is a torn tail; every other byte is caught.
  for (let at = start + 4; at < whole.length; at += 1) {
    const altered = Buffer.from(whole);
    altered[at] = (altered[at] ?? 0) ^ 0x10;
    writeFileSync(file, altered);
    expect(() => readAll(), `byte ${at}`).toThrow(
      `${file}: the block at byte ${start} has been altered or damaged; record the flight anew`,
    );
  }
});

test('all that was written is there at once for a process that dies', () => {
  const writer = openWriter();
  const calls = Array.from({ length: 3_000 }, (_, at) => frameOf(at, 500));
  // The first of these blocks is on its way to the disk when the rest is forced there.
  for (const call of calls) writer.write(call);
  writer.flushNow();
  const read = readAll();
  expect(read.isTorn).toBe(false);
  expect(show(read.calls)).toEqual(show(calls));
});

test('a disk that does not keep up ends the recording and nothing else', async () => {
  const writer = openWriter();
  // Nothing can be written meanwhile: this turn of the event loop does not end.
  for (let at = 0; at < 700; at += 1) writer.write(frameOf(at, 60_000));
  expect(failures).toEqual(['the disk does not keep up']);
  await writer.close();
  expect(readAll().calls.length).toBeLessThan(700);
  expect(failures).toHaveLength(1);
});

test('a log that is there already is not written over', async () => {
  await openWriter().close();
  expect(openWriter).toThrow(/EEXIST/);
});

test('files of other kinds and versions are refused with the cure', async () => {
  await openWriter().close();
  const whole = readFileSync(file);
  const refuse = (content: Uint8Array): string => {
    writeFileSync(file, content);
    try {
      new CallLogReader(file);
    } catch (error) {
      expect(error).toBeInstanceOf(RecordingError);
      return (error as Error).message;
    }
    return 'accepted';
  };
  const foreign = Buffer.from(whole);
  foreign[7] = CALL_LOG_VERSION + 1;
  expect(refuse(foreign)).toBe(
    `${file}: it is of format version 2, this release reads version 1; replay it with the release that recorded it`,
  );
  expect(refuse(Buffer.from('rig: pitch\nhypothesis: none\n'))).toMatch(/it is no call log/);
  expect(refuse(Buffer.alloc(0))).toMatch(/it is no call log/);
  expect(refuse(whole.subarray(0, 20))).toMatch(/ends before its header is whole/);
  rmSync(file);
  expect(() => new CallLogReader(file)).toThrow(/it cannot be read: ENOENT/);
});
