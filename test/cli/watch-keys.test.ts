import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openKeyWatch, type KeyWatch } from '../../src/cli/watch-keys.js';
import type { Log } from '../../src/ports.js';
import { expectKeys, readKeyFile, writeKeyFile } from '../../src/store/key-file.js';
import { rotateKeys } from '../../src/wire/change-keys.js';
import { generateKeys, type PrincipalKeys } from '../../src/wire/keys.js';
import { makeRig, seededEntropy } from '../wire/make-rig.js';

const rig = makeRig();
const entropy = seededEntropy('files');
const first = generateKeys(rig, seededEntropy('keys'));
const second = rotateKeys(rig, first, entropy);
/** Nobody looks by time in these tests. */
const NEVER_MS = 3_600_000;

let folder: string;
let file: string;
let watch: KeyWatch;
const heard: number[] = [];
const told: string[] = [];
const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: (text) => void told.push(text) };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voteplane-watch-'));
  file = join(folder, 'a.keys.json');
  heard.length = 0;
  told.length = 0;
  await put(first);
  watch = await open(NEVER_MS);
});
afterEach(async () => {
  watch.close();
  await rm(folder, { recursive: true });
});

async function open(
  intervalMs: number,
  onKeys = (keys: PrincipalKeys): void => void heard.push(keys.keyEpoch),
) {
  const load = () => readKeyFile(file, expectKeys(rig, 'a'));
  const opened = await openKeyWatch({ file, load, log, intervalMs });
  opened.start(onKeys);
  return opened;
}

const put = (keys: readonly PrincipalKeys[], at = file): Promise<void> =>
  writeKeyFile(at, keys[0] as PrincipalKeys, { entropy, force: true });

test('a file that takes the place of the one before is read without being asked', async () => {
  const noticed = new Promise<PrincipalKeys>((resolve) => {
    void open(5, resolve).then((opened) => {
      watch.close();
      watch = opened;
      return put(second);
    });
  });
  expect((await noticed).keyEpoch).toBe(2);
});

test('a file caught half written changes nothing, is told once, and is read when it is whole', async () => {
  await put(second, join(folder, 'next'));
  const text = await readFile(join(folder, 'next'), 'utf8');
  for (const length of [0, 40, text.length - 5]) {
    await writeFile(file, text.slice(0, length));
    await watch.look();
  }
  expect(heard).toEqual([]);
  expect(told).toEqual([
    expect.stringMatching(/^the keys stay as they are: .*a\.keys\.json: the key file is not JSON; restore/),
  ]);
  await writeFile(file, text);
  await watch.look();
  expect(heard).toEqual([2]);
});

test('the file of another rig or part, readable by others, or gone: refused by name', async () => {
  const refused = async (pattern: RegExp): Promise<void> => {
    await watch.look();
    expect(told.at(-1)).toMatch(pattern);
    expect(heard).toEqual([]);
  };
  await writeKeyFile(file, { ...(second[0] as PrincipalKeys), rigId: 'other' }, { entropy, force: true });
  await refused(/these are keys for the rig "other", not "test-rig"; give the file of this rig/);
  await writeKeyFile(file, second[1] as PrincipalKeys, { entropy, force: true });
  await refused(/these are the keys of "b", not of "a"; give a\.keys\.json/);
  if (process.platform !== 'win32') {
    await put(second);
    await chmod(file, 0o644);
    await refused(/others than its owner may use the key file \(mode 644\); run: chmod 600/);
  }
  await rename(file, join(folder, 'elsewhere'));
  await refused(/the key file is gone; put the newest there/);
  await put(second);
  await watch.look();
  expect(heard).toEqual([2]);
});

test('nothing is handed on after the end', async () => {
  await put(second);
  const looking = watch.look();
  watch.close();
  await looking;
  expect(heard).toEqual([]);
});
