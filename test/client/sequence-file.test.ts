/** Numbers of requests outlive the process that took them, and no two processes have the same one. */
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SequenceFile, SequenceFileError } from '../../src/client/sequence-file.js';

const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-sequence-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function fresh(): string {
  files += 1;
  return path.join(folder, `${files}.sequence`);
}

test('the same thing has the same number until its answer is known, over restarts too', async () => {
  const file = fresh();
  const first = await new SequenceFile(file, () => 1_000).take('up');
  expect(first).toEqual({ sequence: 1_000, isRepeat: false });
  expect(await new SequenceFile(file).take('up')).toEqual({ sequence: 1_000, isRepeat: true });
  expect(await new SequenceFile(file).take('down')).toEqual({ sequence: 1_001, isRepeat: false });
  await new SequenceFile(file).settle(1_000);
  expect(await new SequenceFile(file).take('up')).toEqual({ sequence: 1_002, isRepeat: false });
});

test('a file that is lost is begun anew above all that was given out', async () => {
  const file = fresh();
  await new SequenceFile(file, () => 5_000).take('up');
  rmSync(file);
  expect((await new SequenceFile(file, () => 6_000).take('up')).sequence).toBe(6_000);
});

test('processes side by side have a number each', async () => {
  const file = fresh();
  const taken = await Promise.all(
    Array.from({ length: 4 }, (_, at) => new SequenceFile(file, () => 0).take(`request ${at}`)),
  );
  expect(taken.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
});

test('no more requests are remembered as open than replicas take', async () => {
  const file = fresh();
  for (let at = 0; at < 9; at += 1) await new SequenceFile(file, () => 0).take(`request ${at}`);
  const { open, next } = JSON.parse(readFileSync(file, 'utf8')) as { open: unknown[]; next: number };
  expect(open).toHaveLength(4);
  expect(next).toBe(9);
});

test('the lock of a process that died is taken over', async () => {
  const file = fresh();
  writeFileSync(`${file}.lock`, '');
  utimesSync(`${file}.lock`, 1, 1);
  expect((await new SequenceFile(file).take('up')).isRepeat).toBe(false);
});

test.each([
  ['no JSON', 'nonsense'],
  ['another form', '{"next":"7","open":[]}'],
  ['a number that was not given out', '{"next":7,"open":[{"sequence":7,"what":"up"}]}'],
  [
    'too many open',
    `{"next":70,"open":[${Array.from({ length: 5 }, (_, at) => `{"sequence":${at},"what":"up"}`).join()}]}`,
  ],
])('a file with %s is refused by name, with the cure', async (_, text) => {
  const file = fresh();
  writeFileSync(file, text);
  await expect(new SequenceFile(file).take('up')).rejects.toThrow(SequenceFileError);
  await expect(new SequenceFile(file).take('up')).rejects.toThrow(/remove it, and look at voteplane log/);
});
