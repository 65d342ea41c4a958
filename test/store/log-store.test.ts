/** The store of a device as its process is given it: opened, or made when others have let the device in. */
import { expect, test } from 'vitest';
import type { LogStore, RecordChange, StoreRefusal } from '../../src/ports.js';
import { openLogStore } from '../../src/store/log-store.js';
import { CutDisk } from '../support/cut-disk.js';
import { seededEntropy } from '../wire/make-rig.js';
import { ownerOf, put, provision, bytesOf } from './store-kit.js';

const OWNER = ownerOf('journal');

async function open(disk: CutDisk): Promise<LogStore> {
  return (await openLogStore(disk, OWNER, seededEntropy('log-store'))).store;
}

const write = (store: LogStore, changes: readonly RecordChange[]): Promise<StoreRefusal | null> =>
  new Promise((resolve) => store.write(changes, resolve));

test('a folder with a stamp is opened with what is in it', async () => {
  const disk = new CutDisk();
  await provision(disk);
  const store = await open(disk);
  expect(store.loaded).toEqual(new Map([['stamp', bytesOf('one')]]));
  expect(await write(store, [put('slot-1', 'vote')])).toBeNull();
  await store.close();
  expect((await open(disk)).loaded?.get('slot-1')).toEqual(bytesOf('vote'));
});

test('an empty folder stays empty until the store is made, and then holds what was written meanwhile too', async () => {
  const disk = new CutDisk();
  const store = await open(disk);
  expect(store.loaded).toBeNull();
  expect(store.figures()).toBeNull();
  expect(await disk.list()).toEqual([]);
  expect(() => store.write([put('slot-1', 'vote')], () => {})).toThrow(/no store to write to/);
  const told: string[] = [];
  const later = new Promise<void>((resolve) => {
    store.provision([put('stamp', 'new')], (refusal) => told.push(`stamp ${String(refusal)}`));
    store.write([put('slot-1', 'vote')], (refusal) => {
      told.push(`vote ${String(refusal)}`);
      resolve();
    });
  });
  expect(() => store.provision([], () => {})).toThrow(/a store already/);
  await later;
  expect(told).toEqual(['stamp null', 'vote null']);
  await store.close();
  expect((await open(disk)).loaded).toEqual(
    new Map([
      ['stamp', bytesOf('new')],
      ['slot-1', bytesOf('vote')],
    ]),
  );
});

test('to close it waits for the making', async () => {
  const disk = new CutDisk();
  const store = await open(disk);
  store.provision([put('stamp', 'new')], () => {});
  await store.close();
  expect((await open(disk)).loaded?.has('stamp')).toBe(true);
});

test('a disk that refuses the making refuses all that comes after it', async () => {
  const disk = new CutDisk();
  disk.fault = (operation) => {
    if (operation.kind === 'sync') throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  };
  const store = await open(disk);
  const refusals = await Promise.all([
    new Promise<StoreRefusal | null>((resolve) => store.provision([put('stamp', 'new')], resolve)),
    write(store, [put('slot-1', 'vote')]),
  ]);
  expect(refusals.map((refusal) => refusal?.code)).toEqual(['disk-full', 'disk-full']);
  expect((await write(store, []))?.code).toBe('disk-full');
  await store.close();
});

test('what is left of a store that was not finished is told', async () => {
  const disk = new CutDisk();
  await disk.create('store-journal.0');
  expect((await openLogStore(disk, OWNER, seededEntropy('left'))).left).toEqual(['store-journal.0']);
});
