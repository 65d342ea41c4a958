import { describe, expect, test } from 'vitest';
import type { StoreRefusal } from '../../src/ports.js';
import { CutDisk, type Operation } from '../support/cut-disk.js';
import { load, openProvisioned, provision, put, refusalOf, textsOf, write } from './store-kit.js';

async function openedDisk(): Promise<{ disk: CutDisk; store: Awaited<ReturnType<typeof openProvisioned>> }> {
  const disk = new CutDisk();
  await provision(disk);
  return { disk, store: await openProvisioned(disk) };
}

const countSyncs = (log: readonly Operation[]): number => log.filter(({ kind }) => kind === 'sync').length;

describe('what is kept', () => {
  test('comes back in the order in which it was written last', async () => {
    const { disk, store } = await openedDisk();
    await write(store, [put('v/1', 'x'), put('v/2', 'y'), put('v/3', '')]);
    await write(store, [put('v/1', 'z'), { key: 'v/2', bytes: null }, { key: 'nowhere', bytes: null }]);
    await store.close();
    const again = await openProvisioned(disk);
    expect([...again.loaded.keys()]).toEqual(['stamp', 'v/3', 'v/1']);
    expect(textsOf(again)).toEqual({ stamp: 'one', 'v/3': '', 'v/1': 'z' });
  });

  test('outlives many turns of the two journals, deletions too', async () => {
    const { disk, store } = await openedDisk();
    for (let slot = 0; slot < 100; slot += 1) {
      const changes = [put(`v/${slot}`, `vote ${slot}`), { key: `v/${slot - 5}`, bytes: null }];
      expect(await write(store, changes)).toBeNull();
    }
    // Far more than both hold without a turn.
    expect(store.figures().flushes).toBeGreaterThan(100 + 100 / 6);
    await store.close();
    const again = await load(disk);
    expect(again).toEqual({
      stamp: 'one',
      ...Object.fromEntries([95, 96, 97, 98, 99].map((slot) => [`v/${slot}`, `vote ${slot}`])),
    });
  });

  test('a key that is none is a mistake of the caller', async () => {
    const { store } = await openedDisk();
    for (const key of ['', 'a b', 'é', 'k'.repeat(65)]) {
      expect(() => store.write([put(key, 'x')], () => undefined)).toThrow(/no key of a record/);
    }
  });
});

describe('group commit', () => {
  test('what waits while a flush runs shares the next one; answers come in order, and later', async () => {
    const { disk, store } = await openedDisk();
    const before = { syncs: countSyncs(disk.log), ...store.figures() };
    const answers: number[] = [];
    const done = Array.from({ length: 40 }, async (_, index) => {
      // The first eight at once, the others while flushes run.
      for (let pass = 0; pass < index - 7; pass += 1) await Promise.resolve();
      await new Promise<void>((resolve) => {
        let hasReturned = false;
        store.write([put(`v/${index}`, 'x')], (refusal) => {
          expect(refusal).toBeNull();
          expect(hasReturned).toBe(true);
          answers.push(index);
          resolve();
        });
        hasReturned = true;
      });
    });
    await Promise.all(done);
    const figures = store.figures();
    expect(answers).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(figures.writes - before.writes).toBe(40);
    expect(countSyncs(disk.log) - before.syncs).toBe(figures.flushes - before.flushes);
    expect(figures.flushes - before.flushes).toBeLessThan(20);
    expect(figures.records).toBe(41);
  });

  test('the disk is at the first write at once; those that come meanwhile make one frame of whole blocks', async () => {
    const { disk, store } = await openedDisk();
    const { diskBytes } = store.figures();
    const from = disk.log.length;
    const first = write(store, [put('v/0', 'w')]);
    expect(disk.log.slice(from).map(({ kind }) => kind)).toEqual(['write']);
    await Promise.all([first, write(store, [put('v/1', 'x')]), write(store, [put('v/2', 'y'.repeat(5000))])]);
    expect(disk.log.slice(from).map(({ kind }) => kind)).toEqual(['write', 'sync', 'write', 'sync']);
    expect(store.figures().diskBytes - diskBytes).toBe(4096 + 8192);
  });
});

describe('bounded', () => {
  test('what would make it too large is refused with the cure, and smaller writes are taken', async () => {
    const { disk, store } = await openedDisk();
    const { maxLiveBytes, liveBytes } = store.figures();
    expect(await write(store, [put('v/1', 'x'.repeat(maxLiveBytes - liveBytes - 9))])).toBeNull();
    expect(store.figures().liveBytes).toBe(maxLiveBytes);
    const refusal = await write(store, [put('v/2', '')]);
    expect(refusal).toMatchObject({ code: 'full' });
    expect(refusal?.message).toMatch(/store-journal.*more than 12288 bytes; .*truncated sooner/);
    expect(await write(store, [{ key: 'v/1', bytes: null }, put('v/2', 'small')])).toBeNull();
    await store.close();
    expect(await load(disk)).toEqual({ stamp: 'one', 'v/2': 'small' });
  });

  test('full to the brim, it turns again and again', async () => {
    const { disk, store } = await openedDisk();
    const { maxLiveBytes, liveBytes } = store.figures();
    const length = maxLiveBytes - liveBytes - 9;
    for (let turn = 0; turn < 10; turn += 1) {
      expect(await write(store, [put('v/1', String(turn).repeat(length))])).toBeNull();
    }
    await store.close();
    expect((await load(disk))['v/1']).toBe('9'.repeat(length));
  });

  test('a disk that does not keep up is told of, and not waited for without a bound', async () => {
    const { store } = await openedDisk();
    const answers = Array.from({ length: 40 }, () => write(store, [put('v/1', 'x'.repeat(1000))]));
    const codes = (await Promise.all(answers)).map((refusal) => refusal?.code ?? 'durable');
    expect(new Set(codes)).toEqual(new Set(['durable', 'full']));
    expect((await write(store, [put('v/1', 'x')])) ?? 'durable').toBe('durable');
  });
});

describe('what the disk answers', () => {
  const FAULTS: readonly [string, StoreRefusal['code'], RegExp][] = [
    ['ENOSPC', 'disk-full', /make room/],
    ['EDQUOT', 'disk-full', /make room/],
    ['EIO', 'io-error', /replace the disk/],
    ['EROFS', 'read-only', /writable/],
  ];
  const failWith = (code: string): never => {
    throw Object.assign(new Error(code), { code });
  };

  test.each(FAULTS)(
    '%s at any operation: %s, and nothing is durable any more',
    async (answer, code, cure) => {
      // Behind how many operations the disk fails: each of those of several flushes and a turn.
      for (let after = 0; after < 20; after += 1) {
        const { disk, store } = await openedDisk();
        let left = after;
        disk.fault = () => {
          left -= 1;
          if (left < 0) failWith(answer);
        };
        const answers: (string | null)[] = [];
        for (let slot = 0; slot < 12; slot += 1) {
          const refusal = await write(store, [put(`v/${slot}`, 'x')]);
          if (refusal !== null) expect(refusal.message).toMatch(cure);
          answers.push(refusal?.code ?? null);
        }
        const first = answers.indexOf(code);
        expect(first).toBeGreaterThanOrEqual(0);
        expect(answers.slice(0, first).every((one) => one === null)).toBe(true);
        expect(answers.slice(first).every((one) => one === code)).toBe(true);
        // It works again and yet nothing is taken: what it holds is not known before it is opened anew.
        disk.fault = () => undefined;
        expect(await write(store, [put('v/x', 'x')])).toMatchObject({ code });
        await store.close();
        const again = await load(disk);
        for (let slot = 0; slot < first; slot += 1) expect(again[`v/${slot}`]).toBe('x');
        expect(again['v/x']).toBeUndefined();
      }
    },
  );

  test('those that waited for the flush that failed are refused with it', async () => {
    const { disk, store } = await openedDisk();
    disk.fault = () => failWith('EIO');
    const first = write(store, [put('v/1', 'x')]);
    await Promise.resolve();
    const codes = await Promise.all([
      first,
      write(store, [put('v/2', 'x')]),
      write(store, [put('v/3', 'x')]),
    ]);
    expect(codes.map((refusal) => refusal?.code)).toEqual(['io-error', 'io-error', 'io-error']);
    expect(store.figures().writes).toBe(0);
  });

  test('a store that cannot be opened for writing is refused', async () => {
    const { disk, store } = await openedDisk();
    await store.close();
    for (const [answer, code] of FAULTS) {
      disk.fault = ({ kind }) => (kind === 'write' ? failWith(answer) : undefined);
      expect((await refusalOf(openProvisioned(disk))).code).toBe(code);
    }
    disk.fault = () => undefined;
    expect(await load(disk)).toEqual({ stamp: 'one' });
  });
});

describe('opening', () => {
  test('flushes what a process before may have left, then writes all anew, then closes the file before', async () => {
    const { disk, store } = await openedDisk();
    await write(store, [put('v/1', 'x')]);
    const from = disk.log.length;
    await openProvisioned(disk);
    const calls = disk.log
      .slice(from)
      .map((operation) => (operation.kind === 'write' ? operation.position : operation.kind));
    // Two ends are the last two of eight blocks.
    expect(calls).toEqual(['sync', 'sync', 0, 'sync', 6 * 4096, 'sync']);
  });
});

describe('closing', () => {
  test('finishes what was written, and takes nothing more', async () => {
    const { disk, store } = await openedDisk();
    const written = write(store, [put('v/1', 'x')]);
    const closed = store.close();
    expect(await write(store, [put('v/2', 'x')])).toMatchObject({ code: 'closed' });
    expect(await written).toBeNull();
    await closed;
    expect(await load(disk)).toEqual({ stamp: 'one', 'v/1': 'x' });
  });
});
