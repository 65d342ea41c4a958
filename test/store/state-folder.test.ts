import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimStateFolder, StateFolderError } from '../../src/store/state-folder.js';

const OWNER = 'replica a of rig pitch';
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

let folder = '';
let lock = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'voteplane-state-'));
  lock = path.join(folder, 'process.lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A lock of another process that lives: the one that started this one. */
function leaveLock(boot: string | null): void {
  writeFileSync(lock, JSON.stringify({ owner: OWNER, pid: process.ppid, boot }));
}

test('a claim is held until it is given back', () => {
  const release = claimStateFolder(folder, OWNER);
  expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ owner: OWNER, pid: process.pid });
  release();
  expect(existsSync(lock)).toBe(false);
});

test.skipIf(!existsSync(BOOT_ID_FILE))('a living process of this boot holds its folder (needs Linux)', () => {
  leaveLock(readFileSync(BOOT_ID_FILE, 'utf8').trim());
  expect(() => claimStateFolder(folder, OWNER)).toThrow(StateFolderError);
});

test('where the machine names no boot, a living process holds its folder', () => {
  leaveLock(null);
  expect(() => claimStateFolder(folder, OWNER)).toThrow(
    /already runs as replica a of rig pitch; stop it first/,
  );
});

test.skipIf(!existsSync(BOOT_ID_FILE))(
  'after the power was cut, whoever has the process id now is somebody else (needs Linux)',
  () => {
    leaveLock('00000000-0000-0000-0000-000000000000');
    claimStateFolder(folder, OWNER)();
    expect(existsSync(lock)).toBe(false);
  },
);
