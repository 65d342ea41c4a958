/**
 * Stores on the machine's own disk: a process that is killed in mid-write again and again, the system calls behind a write that
 * was reported durable, and a kernel that answers with errors. A killed process leaves the page cache as it is; what a
 * power cut takes from it is tested in memory (test/store/power-cut.test.ts).
 */
import { randomBytes } from 'node:crypto';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileDisk } from '../../../src/store/file-disk.js';
import { openStore, provisionStore } from '../../../src/store/store-folder.js';
import { StoreError } from '../../../src/store/store-error.js';

const WRITER = fileURLToPath(new URL('../../support/store-writer.mjs', import.meta.url));
const KILLS = Number(process.env.VOTEPLANE_STORE_KILLS ?? 5);
const hasStrace = spawnSync('strace', ['-V']).status === 0;
const isRoot = process.getuid?.() === 0;

const OWNER = { kind: 'journal', rigId: 'test-rig', replicaId: 'a' } as const;
const entropy = { bytes: (length: number): Uint8Array => new Uint8Array(randomBytes(length)) };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voteplane-store-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const provision = (into = folder): Promise<unknown> =>
  provisionStore(new FileDisk(into), OWNER, { entropy, records: [], journalBytes: 16 * 4096 });

/** Opens the store, and holds all that is in it against how far it came. */
async function countOnDisk(): Promise<number> {
  const opened = await openStore(new FileDisk(folder), OWNER, entropy);
  if (opened.kind !== 'opened') throw new Error('the stamp is gone');
  await opened.store.close();
  const { loaded } = opened.store;
  const count = countOf(loaded);
  const texts = [...loaded].map(([key, bytes]) => [key, Buffer.from(bytes).toString()] as const);
  expect(new Map(texts)).toEqual(recordsAfter(count));
  return count;
}

/** How many writes of store-writer.mjs these records are the outcome of. */
function countOf(records: ReadonlyMap<string, Uint8Array>): number {
  return Number(Buffer.from(records.get('count') ?? '0').toString());
}

/** All that is there after so many: the count, and the last write of each of fifty records. */
function recordsAfter(count: number): ReadonlyMap<string, string> {
  const records = new Map<string, string>(count === 0 ? [] : [['count', `${count}`]]);
  for (let i = Math.max(1, count - 49); i <= count; i += 1) {
    records.set(`v/${i % 50}`, `${i}:${'x'.repeat((i * 37) % 600)}`);
  }
  return records;
}

function startWriter(writes: number, inFlight: number, launcher: readonly string[] = []): ChildProcess {
  const [command = '', ...args] = [...launcher, process.execPath, WRITER, folder, `${writes}`, `${inFlight}`];
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Each line a process says, until it ends. */
function linesOf(child: ChildProcess): AsyncIterable<string> {
  if (child.stdout === null) throw new Error('a writer speaks');
  return createInterface({ input: child.stdout });
}

describe('kill -9 in mid-write', () => {
  test(
    `${KILLS} times: all that was durable is there, and nothing in part`,
    { timeout: 60_000 + KILLS * 10_000 },
    async () => {
      await provision();
      let durable = 0;
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const child = startWriter(1_000_000, 1 + (kill % 5));
        const exited = once(child, 'exit');
        let left = 1 + ((kill * 7919) % 150);
        for await (const line of linesOf(child)) {
          const [what, number] = line.split(' ');
          if (what !== 'durable') continue;
          durable = Math.max(durable, Number(number));
          left -= 1;
          if (left === 0) child.kill('SIGKILL');
        }
        expect((await exited)[1]).toBe('SIGKILL');
        const count = await countOnDisk();
        expect(count).toBeGreaterThanOrEqual(durable);
        durable = count;
      }
      expect(durable).toBeGreaterThan(KILLS);
    },
  );
});

describe.skipIf(!hasStrace)('what the kernel is asked, as strace sees it', () => {
  const TRACE = ['strace', '-f', '-y', '-qq', '-e', 'signal=none'];

  test('every write that was told as durable was written through to the disk before', async () => {
    await provision();
    const file = join(folder, 'trace');
    const calls = 'trace=openat,pwrite64,write';
    const child = startWriter(60, 1, [...TRACE, '-e', calls, '-o', file]);
    for await (const line of linesOf(child)) expect(line).toMatch(/^(ready|durable) \d+$/);
    const trace = joinUnfinished((await readFile(file, 'utf8')).split('\n'));
    const through = new Set<string>();
    let written: string | null = null;
    let told = 0;
    for (const line of trace) {
      const opened = /openat\(.*O_DSYNC.* = \d+<.*(store-journal\.\d)>$/.exec(line);
      const wrote = /pwrite64\(\d+<.*(store-journal\.\d)>.* = (\d+)$/.exec(line);
      if (opened) through.add(opened[1] ?? '');
      if (wrote) written = wrote[1] ?? null;
      if (/write\(1<.*"durable /.test(line)) {
        told += 1;
        expect(written, line).not.toBeNull();
        expect(through, line).toContain(written);
        written = null;
      }
    }
    expect(told).toBe(60);
  });

  test.each([
    ['pwrite64', 'EIO', 'io-error'],
    ['pwrite64', 'ENOSPC', 'disk-full'],
    ['pwrite64', 'EROFS', 'read-only'],
  ])('%s answers %s: %s, and what was durable before is there', async (call, answer, code) => {
    await provision();
    const inject = [
      '-e',
      `trace=${call}`,
      '-e',
      `inject=${call}:error=${answer}:when=25+`,
      '-o',
      '/dev/null',
    ];
    const child = startWriter(200, 1, [...TRACE, ...inject]);
    let durable = 0;
    let refused: string | undefined;
    for await (const line of linesOf(child)) {
      const [what, word] = line.split(' ');
      if (what === 'durable') durable = Number(word);
      if (what === 'refused') refused = word;
    }
    expect(refused).toBe(code);
    expect(durable).toBeGreaterThan(5);
    expect(await countOnDisk()).toBeGreaterThanOrEqual(durable);
  });
});

/** strace cuts calls in two where another thread comes between. */
function joinUnfinished(lines: readonly string[]): readonly string[] {
  const begun = new Map<string, string>();
  return lines.flatMap((line) => {
    const [thread = ''] = line.split(' ', 1);
    if (line.endsWith('<unfinished ...>')) {
      begun.set(thread, line.replace(' <unfinished ...>', ''));
      return [];
    }
    const resumed = /<\.\.\. \w+ resumed>(.*)$/.exec(line);
    return [resumed ? `${begun.get(thread) ?? ''}${resumed[1] ?? ''}` : line];
  });
}

describe.skipIf(!isRoot || process.platform !== 'linux')('a file system of its own', () => {
  const mount = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('mount', [...args, folder], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => null,
      (error: unknown) => (error instanceof StoreError ? error.code : error),
    );

  test('too small for a store: refused, without a stamp; mounted read-only: refused', async () => {
    mount('-t', 'tmpfs', '-o', 'size=128k', 'voteplane-test');
    try {
      const records = { entropy, records: [], journalBytes: 2 ** 20 };
      expect(await codeOf(provisionStore(new FileDisk(folder), OWNER, records))).toBe('disk-full');
      expect(await readdir(folder)).not.toContain('store-stamp.json');
      mount('-o', 'remount,size=64m');
      await provision();
      mount('-o', 'remount,ro');
      expect(await codeOf(openStore(new FileDisk(folder), OWNER, entropy))).toBe('read-only');
      mount('-o', 'remount,rw');
      expect(await countOnDisk()).toBe(0);
    } finally {
      spawnSync('umount', [folder]);
    }
  });
});
