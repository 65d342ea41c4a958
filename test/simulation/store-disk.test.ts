/** The simulated store: what is durable when, and what is left of writes under way when a process dies or the power goes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/faults/random.js';
import type { LogStore, RecordChange, StoreRefusal } from '../../src/ports.js';
import { Host, World } from '../../src/simulation/host.js';
import { POWER_CUTS } from '../../src/simulation/paxos-disk.js';
import { StoreDisk } from '../../src/simulation/store-disk.js';

const put = (key: string, ...bytes: readonly number[]): RecordChange => ({
  key,
  bytes: Uint8Array.from(bytes),
});

class Bench {
  readonly world = new World();
  readonly host = new Host(this.world);
  readonly kept: string[] = [];
  readonly disk: StoreDisk;
  /** Names of writes as they were told of, with the refusal's code. */
  readonly told: string[] = [];

  constructor(seed = 1) {
    this.disk = new StoreDisk(this.world, 'store of a', new Random(`disk ${seed}`), (changes) =>
      this.kept.push(changes.map(({ key }) => key).join('+')),
    );
    this.host.boot();
  }

  /** A store with nothing in it. */
  begin(): LogStore {
    const store = this.disk.open(this.host);
    store.provision([], () => {});
    this.run();
    return store;
  }

  tell(name: string): (refusal: StoreRefusal | null) => void {
    return (refusal) => this.told.push(refusal === null ? name : `${name} ${refusal.code}`);
  }

  run(): void {
    while (this.world.advance());
  }

  /** The next process finds this. */
  reopen(): readonly string[] | null {
    this.host.boot();
    const { loaded } = this.disk.open(this.host);
    return loaded === null ? null : [...loaded.keys()];
  }
}

describe('a simulated store', () => {
  it('has no store before it is made, and then what it was made with', () => {
    const bench = new Bench();
    const store = bench.disk.open(bench.host);
    expect(store.loaded).toBeNull();
    expect(store.figures()).toBeNull();
    expect(() => store.write([put('x', 1)], () => {})).toThrow(RangeError);
    store.provision([put('stamp', 1)], bench.tell('made'));
    store.write([put('promise', 2)], bench.tell('promise'));
    expect(bench.told).toEqual([]);
    bench.run();
    expect(bench.told).toEqual(['made', 'promise']);
    expect(store.figures()).toMatchObject({ writes: 2, flushes: 2, records: 2 });
    expect(bench.reopen()).toEqual(['stamp', 'promise']);
  });

  it('tells of writes in their order, after a flush that those which waited share', () => {
    const bench = new Bench();
    const store = bench.begin();
    store.write([put('first', 1)], bench.tell('first'));
    for (const key of ['second', 'third']) store.write([put(key, 1)], bench.tell(key));
    bench.run();
    expect(bench.told).toEqual(['first', 'second', 'third']);
    expect(store.figures()).toMatchObject({ writes: 4, flushes: 3 });
  });

  it('a killed process leaves what the disk was at, and not what waited', () => {
    const bench = new Bench();
    const store = bench.begin();
    store.write([put('under-way', 1)], bench.tell('under-way'));
    store.write([put('waits', 1)], bench.tell('waits'));
    bench.host.kill();
    bench.disk.cut('killed');
    bench.run();
    expect(bench.told).toEqual([]);
    expect(bench.reopen()).toEqual(['under-way']);
  });

  it.each(POWER_CUTS)('%s: what was told of is there; of the rest the first ones, whole, or none', (how) => {
    const left = new Set<number>();
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 4 }), (seed, behind) => {
        const bench = new Bench(seed);
        const store = bench.begin();
        store.write([put('told', 1)], bench.tell('told'));
        bench.run();
        store.write([put('opens', 1)], bench.tell('opens'));
        // These share the second flush.
        for (let at = 0; at < behind; at += 1)
          store.write([put(`a${at}`, at), put(`b${at}`, at)], bench.tell(`${at}`));
        while (bench.told.length < 2 && bench.world.advance());
        bench.host.kill();
        bench.disk.cut(how);
        const found = bench.reopen() ?? [];
        expect(found.slice(0, 2)).toEqual(['told', 'opens']);
        const rest = found.slice(2);
        const whole = Array.from({ length: rest.length / 2 }, (_, at) => [`a${at}`, `b${at}`]).flat();
        expect(rest).toEqual(whole);
        left.add(rest.length / 2);
      }),
      { seed: 7, numRuns: 200 },
    );
    expect([...left].sort()).toEqual(how === 'lost' ? [0] : expect.arrayContaining([0, 1, 2]));
  });

  it('an emptied folder has no store, and who had it open is told nothing more', () => {
    const bench = new Bench();
    const store = bench.begin();
    store.write([put('x', 1)], bench.tell('x'));
    bench.disk.wipe();
    bench.run();
    expect(bench.told).toEqual([]);
    expect(bench.reopen()).toBeNull();
  });

  it('one that is closed has finished what it took, and refuses the rest', async () => {
    const bench = new Bench();
    const store = bench.begin();
    store.write([put('x', 1)], bench.tell('x'));
    await store.close();
    store.write([put('y', 1)], bench.tell('y'));
    bench.run();
    expect(bench.told).toEqual(['x', 'y closed']);
    expect(bench.reopen()).toEqual(['x']);
  });

  it('what does not fit is refused, and smaller ones are still taken', () => {
    const bench = new Bench();
    const store = bench.begin();
    store.write([{ key: 'big', bytes: new Uint8Array(1_000_001) }], bench.tell('big'));
    store.write([put('small', 1)], bench.tell('small'));
    bench.run();
    expect(bench.told.sort()).toEqual(['big full', 'small']);
  });

  it('the same seed, the same times', () => {
    const times = (seed: number): number => {
      const bench = new Bench(seed);
      bench.begin().write([put('x', 1)], () => {});
      bench.run();
      return bench.world.nowUs;
    };
    expect(times(4)).toBe(times(4));
    expect(times(4)).not.toBe(times(5));
  });
});
