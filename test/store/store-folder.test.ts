import {
  chmod,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileDisk } from '../../src/store/file-disk.js';
import { claimStateFolder } from '../../src/store/state-folder.js';
import type { StoreOwner } from '../../src/store/stamp.js';
import type { StoreOpenCode } from '../../src/store/store-error.js';
import { openStore, provisionStore, readStamp } from '../../src/store/store-folder.js';
import { CutDisk, type DiskImage } from '../support/cut-disk.js';
import { seededEntropy } from '../wire/make-rig.js';
import {
  initialOf,
  load,
  openProvisioned,
  ownerOf,
  provision,
  put,
  refusalOf,
  SHORT_JOURNAL_BYTES,
  textsOf,
  write,
} from './store-kit.js';

let folder: string;
let disk: FileDisk;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voteplane-store-'));
  disk = new FileDisk(folder);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const entropy = seededEntropy('folder');
const at = (name: string): string => join(folder, name);
const STAMP = 'store-stamp.json';
const JOURNALS = ['store-journal.0', 'store-journal.1'];

/** Every file with its bytes. */
async function readFolder(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(at(name), 'latin1')] as const)),
  );
}

/** A refusal names the file, its code and a cure, and changes nothing in the folder. */
async function expectRefusal(
  code: StoreOpenCode,
  file: string,
  cure: RegExp,
  owner: StoreOwner = ownerOf('journal'),
): Promise<void> {
  const before = await readFolder();
  const error = await refusalOf(openStore(disk, owner, entropy));
  expect(error.code).toBe(code);
  expect(error.message).toContain(at(file));
  expect(error.message).toMatch(cure);
  expect(await readFolder()).toEqual(before);
}

describe('provisioning', () => {
  test('makes a store with a stamp, for its owner only, and what it begins with', async () => {
    const stamp = await provisionStore(disk, ownerOf('journal'), { entropy, records: initialOf('journal') });
    expect(stamp).toMatchObject({ rigId: 'test-rig', replicaId: 'a', kind: 'journal' });
    expect(stamp.incarnation).toHaveLength(16);
    expect((await readdir(folder)).sort()).toEqual([...JOURNALS, STAMP]);
    expect(await readStamp(disk, ownerOf('journal'))).toEqual(stamp);
    const store = await openProvisioned(disk);
    expect(textsOf(store)).toEqual({ stamp: 'one' });
    expect(await write(store, [put('v/1', 'x')])).toBeNull();
    await store.close();
    const again = await openProvisioned(disk);
    expect(textsOf(again)).toEqual({ stamp: 'one', 'v/1': 'x' });
    await again.close();
  });

  test('shares the folder with the claim that keeps other processes out', async () => {
    const release = claimStateFolder(folder, 'replica a of rig test-rig');
    await provision(disk);
    expect(await load(disk)).toEqual({ stamp: 'one' });
    release();
    expect((await readdir(folder)).sort()).toEqual([...JOURNALS, STAMP]);
  });

  test('two are never alike', async () => {
    const one = new CutDisk();
    const other = new CutDisk();
    const options = { entropy, records: [], journalBytes: SHORT_JOURNAL_BYTES };
    const stamps = [one, other].map((each) => provisionStore(each, ownerOf('journal'), options));
    const [first, second] = await Promise.all(stamps);
    expect(first?.incarnation).not.toEqual(second?.incarnation);
  });

  test('never where there is a store already, be it damaged', async () => {
    await provision(disk);
    for (const text of [null, '', '{']) {
      if (text !== null) await writeFile(at(STAMP), text);
      const before = await readFolder();
      const error = await refusalOf(provision(disk));
      expect(error.code).toBe('exists');
      expect(error.message).toMatch(/move the folder away/);
      expect(await readFolder()).toEqual(before);
    }
  });

  test('a witness begins with its record', async () => {
    const owner = ownerOf('witness');
    await expect(provisionStore(disk, owner, { entropy, records: [] })).rejects.toThrow(RangeError);
  });
});

describe('amnesia is news, and no error', () => {
  test('an empty folder', async () => {
    expect(await openStore(disk, ownerOf('journal'), entropy)).toEqual({ kind: 'amnesia', left: [] });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a stamp that is gone; what it leaves is told, and kept when the replica is provisioned anew', async () => {
    await provision(disk);
    await rm(at(STAMP));
    const left = await readFolder();
    expect(await openStore(disk, ownerOf('journal'), entropy)).toEqual({ kind: 'amnesia', left: JOURNALS });
    expect(await readFolder()).toEqual(left);
    await provision(disk);
    const now = await readFolder();
    for (const name of JOURNALS) expect(now.get(`${name}.left-1`)).toBe(left.get(name));
    await (await openProvisioned(disk)).close();
  });
});

describe('refused, as it is', () => {
  test.each([
    ['wrong-rig', /"test-rig", not of "other"/, ownerOf('journal', { rigId: 'other' })],
    ['wrong-replica', /"a", not of "b"; give every replica its own/, ownerOf('journal', { replicaId: 'b' })],
    ['wrong-kind', /made for a replica, not for a witness/, ownerOf('witness')],
  ] as const)('%s', async (code, cure, owner) => {
    await provision(disk);
    await expectRefusal(code, STAMP, cure, owner);
  });

  test('a newer or older format', async () => {
    await provision(disk);
    const text = await readFile(at(STAMP), 'utf8');
    for (const format of ['voteplane-store/2', 'voteplane-store/0']) {
      await writeFile(at(STAMP), text.replace('voteplane-store/1', format));
      await expectRefusal('other-format', STAMP, /run the release that made it/);
    }
  });

  test('a stamp of which only the beginning is there, or that says what none says', async () => {
    await provision(disk);
    const text = await readFile(at(STAMP), 'utf8');
    for (let length = 0; length < text.length - 1; length += 7) {
      await writeFile(at(STAMP), text.slice(0, length));
      await expectRefusal('damaged', STAMP, /move the folder away/);
    }
    const fields = JSON.parse(text) as Record<string, unknown>;
    for (const odd of [
      { ...fields, more: 1 },
      { ...fields, format: 'another' },
      { ...fields, incarnation: 'x' },
      { ...fields, journalBytes: 4097 },
      { ...fields, journalBytes: 2 ** 40 },
      [],
      null,
    ]) {
      await writeFile(at(STAMP), JSON.stringify(odd));
      await expectRefusal('damaged', STAMP, /move the folder away/);
    }
  });

  test('journals of another incarnation, of another length, exchanged, gone or empty', async () => {
    await provision(disk);
    const mine = await readFolder();
    const put = async (name: string, bytes: string): Promise<void> =>
      writeFile(at(name), bytes, { encoding: 'latin1' });
    const restore = async (): Promise<void> => {
      for (const [name, bytes] of mine) await put(name, bytes);
    };
    // The first generation is in the second file.
    const current = 'store-journal.1';
    const bytes = mine.get(current) ?? '';
    const spoil: (() => Promise<void>)[] = [
      () => rm(at(current)),
      () => put(current, ''),
      () => put(current, `${bytes}x`),
      () => put(current, '\0'.repeat(bytes.length)),
      async () => {
        await put('store-journal.0', bytes);
        await put(current, mine.get('store-journal.0') ?? '');
      },
      ...[1, 512, 4096, 4096 + 100, bytes.length - 1].map((length) => () => truncate(at(current), length)),
      async () => {
        for (const name of [...mine.keys()]) await rename(at(name), at(`${name}.mine`));
        await provision(disk, 'journal', 'another');
        await rename(at(`${STAMP}.mine`), at(STAMP));
      },
    ];
    for (const how of spoil) {
      await how();
      await expectRefusal('damaged', 'store-journal.', /move the folder away/);
      await restore();
    }
    expect(await load(disk)).toEqual({ stamp: 'one' });
  });

  test.each([0, 63, 64, 4096, 4096 + 64, 8191, 8193])('a witness file of %i bytes', async (length) => {
    await provision(disk, 'witness');
    await truncate(at('store-witness'), length);
    await expectRefusal('damaged', 'store-witness', /move the folder away/, ownerOf('witness'));
  });

  test('what is a link, or another may not read', async () => {
    await provision(disk);
    await rename(at(JOURNALS[0] ?? ''), at('elsewhere'));
    await symlink(at('elsewhere'), at(JOURNALS[0] ?? ''));
    expect((await refusalOf(openStore(disk, ownerOf('journal'), entropy))).message).toMatch(/ELOOP/);
  });

  test.skipIf(process.getuid?.() === 0)('a file that may not be written', async () => {
    await provision(disk);
    await chmod(at('store-journal.1'), 0o400);
    await expectRefusal('read-only', 'store-journal.1', /writable/);
  });
});

describe('what a superseded journal has become does not matter', () => {
  test.each(['gone', 'empty', 'longer'] as const)('%s: made anew', async (how) => {
    await provision(disk);
    const superseded = at('store-journal.0');
    if (how === 'gone') await rm(superseded);
    if (how === 'empty') await truncate(superseded, 0);
    if (how === 'longer') await truncate(superseded, SHORT_JOURNAL_BYTES + 1);
    for (let life = 0; life < 3; life += 1) {
      const store = await openProvisioned(disk);
      expect(textsOf(store).stamp).toBe('one');
      await store.close();
    }
  });
});

describe('a disk that alters what it holds', () => {
  const alter = (image: DiskImage, name: string, from: number, fill: number): DiskImage => {
    const altered = new Map([...image].map(([each, bytes]) => [each, Uint8Array.from(bytes)]));
    altered.get(name)?.fill(fill, from, from + 512);
    return altered;
  };

  test('any one sector: after a close all is there or the store is refused', async () => {
    const cut = new CutDisk();
    await provision(cut);
    const store = await openProvisioned(cut);
    // A turn with the fifth; two frames of their own, and that of the close, come behind it.
    for (let slot = 0; slot < 7; slot += 1) await write(store, [put(`v/${slot}`, 'x'.repeat(slot * 100))]);
    await store.close();
    const image = cut.read();
    const whole = await load(new CutDisk(image));
    expect(Object.keys(whole)).toHaveLength(8);
    let refused = 0;
    for (const name of JOURNALS) {
      for (let from = 0; from < SHORT_JOURNAL_BYTES; from += 512) {
        for (const fill of [0, 0xff, 0x5a]) {
          const opened = await openProvisioned(new CutDisk(alter(image, name, from, fill))).then(
            textsOf,
            (error: unknown) => error,
          );
          if (opened instanceof Error) {
            expect(opened).toMatchObject({ code: 'damaged' });
            refused += 1;
          } else expect(opened).toEqual(whole);
        }
      }
    }
    // The head, and every frame that holds something, in a sector that is not all padding.
    expect(refused).toBeGreaterThan(3 * 6);
  });

  test('a value that looks like a frame is none', async () => {
    const cut = new CutDisk();
    await provision(cut);
    const store = await openProvisioned(cut);
    await write(store, [put('v/1', 'x')]);
    await store.close();
    const journal = [...cut.read()].find(([name]) => name === 'store-journal.0')?.[1] ?? new Uint8Array();
    // A block of the journal, as a value that begins at a block, in a frame whose first sector is then lost.
    const forged = Buffer.concat([Buffer.alloc(4096 - 24 - 6 - 3), journal.subarray(4096, 8192)]);
    const again = await openProvisioned(cut);
    await write(again, [{ key: 'v/2', bytes: new Uint8Array(forged) }]);
    const image = alter(cut.read(), 'store-journal.1', 8192, 0);
    expect(Buffer.from(image.get('store-journal.1') ?? []).indexOf('VPFR', 3 * 4096)).toBe(3 * 4096);
    expect(await load(new CutDisk(image))).toEqual({ stamp: 'one', 'v/1': 'x' });
  });
});
