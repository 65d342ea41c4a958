import { describe, expect, test } from 'vitest';
import type { Beat, PaxosMessage } from '../../src/core/paxos/types.js';
import { readReturn } from '../../src/faults/host-faults.js';
import { FaultInjector, type FaultEvent } from '../../src/faults/injector.js';
import { parseFault, type Injection } from '../../src/faults/spec.js';
import type { LogStore, RecordChange, StoreRefusal } from '../../src/ports.js';
import type { Rig } from '../../src/rig/rig.js';
import { CODEC, makeBareInjector, makeRig, ManualClock } from './support.js';

/** Three replicas that may crash, whose commands a log orders. */
const RIG: Rig = makeRig({
  hypothesis: { kind: 'crash', f: 1 },
  replicas: makeRig().replicas.slice(0, 3),
  commands: [{ id: 'stop', effect: 'law', by: ['operator'], arguments: [] }],
});

const CHANGES: readonly RecordChange[] = [{ key: 'promise', bytes: new Uint8Array(3) }];

/** Replica c with a store that takes everything at once, and tells later. */
class StoreBench {
  readonly clock = new ManualClock();
  readonly events: FaultEvent[] = [];
  readonly calls: string[] = [];
  readonly sent: { readonly to: number; readonly messages: readonly PaxosMessage[] }[] = [];
  readonly told: string[] = [];
  readonly injector: FaultInjector;
  readonly store: LogStore;
  readonly order;
  private writes = 0;

  constructor(rig: Rig = RIG) {
    const note = (call: string): void => void this.calls.push(call);
    this.injector = new FaultInjector({
      rig,
      self: 2,
      seed: 1,
      clock: this.clock,
      host: {
        kill: () => note('kill'),
        stall: () => {},
        killBroker: () => {},
        restart: () => note('restart'),
        loseStore: (how) => note(`lose ${how}`),
      },
      ...CODEC,
      onEvent: (event) => this.events.push(event),
    });
    this.store = this.open();
    this.order = this.injector.wrapOrder({
      send: (to, messages) => this.sent.push({ to, messages }),
    });
    this.injector.onTick(0);
  }

  /** As a process does when it starts. */
  open(): LogStore {
    const take = (_: readonly RecordChange[], onDurable: (refusal: StoreRefusal | null) => void): void => {
      this.calls.push('disk');
      this.clock.schedule(this.clock.nowUs() + 500, () => onDurable(null));
    };
    return this.injector.wrapStore({
      place: 'state/c',
      loaded: new Map(),
      write: take,
      provision: take,
      figures: () => null,
      close: () => Promise.resolve(),
    });
  }

  strike(fault: string): void {
    expect(this.injector.handle(`${fault} at 1`)).toMatchObject({ ok: true });
    this.injector.onTick(1);
  }

  /** Writes and lets the disk finish; what the process is told. */
  write(store: LogStore = this.store): string {
    const name = `${(this.writes += 1)}`;
    store.write(CHANGES, (refusal) => this.told.push(`${name} ${refusal?.code ?? 'durable'}`));
    expect(this.told.at(-1)?.startsWith(`${name} `), 'told from inside the call').not.toBe(true);
    this.clock.advance(1_000);
    return this.told.at(-1) ?? '';
  }
}

describe.each(['disk-full', 'io-error', 'read-only'])('%s', (name) => {
  test('takes k writes more, then none, and names itself, the place and the cure', () => {
    const bench = new StoreBench();
    bench.strike(`${name} on c k=2`);
    expect([1, 2, 3, 4].map(() => bench.write())).toEqual([
      '1 durable',
      '2 durable',
      `3 ${name}`,
      `4 ${name}`,
    ]);
    const messages: string[] = [];
    bench.store.write(CHANGES, (refusal) => messages.push(refusal?.message ?? ''));
    bench.clock.advance(0);
    expect(messages[0]).toMatch(new RegExp(`state/c.*${name}.*clear it`));
    expect(bench.calls.filter((call) => call === 'disk')).toHaveLength(2);
    // Refusals that follow from the first one are not of its doing any more.
    expect(bench.injector.list()[0]?.affected).toBe(1);
  });

  test('cleared, the store that was refused stays so, and the replica is started again with one that takes writes', () => {
    const bench = new StoreBench();
    bench.strike(`${name} on c`);
    expect(bench.write()).toBe(`1 ${name}`);
    expect(bench.injector.handle(`clear ${name} on c`)).toMatchObject({ ok: true });
    expect(bench.calls).toEqual(['restart']);
    expect(bench.write()).toBe(`2 ${name}`);
    expect(bench.write(bench.open())).toBe('3 durable');
  });

  test('what else is at work on the replica ends, though one that has started again tells no ticks for a while', () => {
    const bench = new StoreBench();
    bench.strike(`${name} on c`);
    expect(bench.injector.handle('omit-send on c at 2 for 8')).toMatchObject({ ok: true });
    bench.injector.onTick(2);
    bench.injector.handle(`clear ${name} on c`);
    bench.clock.advance(8 * RIG.periodUs);
    expect(bench.events.at(-1)).toMatchObject({ spec: 'omit-send on c at 2 for 8', event: 'cleared' });
    bench.injector.onTick(11);
    expect(bench.injector.list()).toEqual([]);
  });

  test('a store cannot be made either', () => {
    const bench = new StoreBench();
    bench.strike(`${name} on c`);
    const told: (string | null)[] = [];
    bench.store.provision(CHANGES, (refusal) => told.push(refusal?.code ?? null));
    bench.clock.advance(1_000);
    expect(told).toEqual([name]);
    expect(bench.calls).toEqual([]);
  });
});

describe('power-cut', () => {
  test('at once where no write is named', () => {
    const bench = new StoreBench();
    bench.strike('power-cut on c how=reordered');
    expect(bench.calls).toEqual(['lose reordered', 'kill']);
    expect(bench.events.at(-1)).toMatchObject({ event: 'applied', affected: 1 });
  });

  test.each([
    ['lost', ['disk', 'lose lost', 'kill']],
    ['torn', ['disk', 'disk', 'lose torn', 'kill']],
  ])('at its k-th write: %s', (how, calls) => {
    const bench = new StoreBench();
    bench.strike(`power-cut on c k=2 how=${how}`);
    expect(bench.write()).toBe('1 durable');
    expect(bench.calls).toEqual(['disk']);
    bench.store.write(CHANGES, () => {});
    expect(bench.calls).toEqual(calls);
  });
});

describe('amnesia', () => {
  test('empties the store and ends the process', () => {
    const bench = new StoreBench();
    bench.strike('amnesia on c');
    expect(bench.calls).toEqual(['lose all', 'kill']);
  });

  test.each([
    ['amnesia on c at 1', 0],
    ['amnesia on c at 1 for 7', 7],
    ['power-cut on c at 1', null],
    ['power-cut on c at 1 for 7', 7],
    ['io-error on c at 1 for 7', undefined],
  ])('%s: started again after %s ticks', (text, ticks) => {
    const parsed = parseFault(text);
    expect(readReturn((parsed as { readonly spec: Injection }).spec, 50_000)).toBe(ticks);
  });
});

describe('ballot-regression', () => {
  const BEAT: Beat = {
    kind: 'beat',
    incarnation: 1,
    promised: 9,
    leads: true,
    prefix: 4,
    votedFrom: 5,
    votedTo: 4,
    nonce: null,
    heard: [],
    vouches: [],
  };

  test('asks everybody, in every tick, for the highest ballot of its own below what it has promised', () => {
    const bench = new StoreBench();
    bench.strike('ballot-regression on c');
    expect(bench.sent).toEqual([]);
    bench.order.send(0, [BEAT]);
    expect(bench.sent).toEqual([{ to: 0, messages: [BEAT] }]);
    bench.injector.onTick(2);
    const prepare: PaxosMessage = { kind: 'prepare', incarnation: 1, ballot: 8, from: 1 };
    expect(bench.sent.slice(1)).toEqual([
      { to: 0, messages: [prepare] },
      { to: 1, messages: [prepare] },
    ]);
    bench.order.send(0, [{ ...BEAT, promised: 8 }]);
    bench.injector.onTick(3);
    expect(bench.sent.at(-1)?.messages).toEqual([prepare]);
  });

  test('has nothing to ask for while nothing is promised, or nothing remembered', () => {
    const bench = new StoreBench();
    bench.strike('ballot-regression on c');
    bench.order.send(0, [{ ...BEAT, promised: 2 }]);
    bench.injector.onTick(2);
    bench.order.send(0, [{ ...BEAT, incarnation: 0 }]);
    bench.injector.onTick(3);
    expect(bench.sent).toHaveLength(2);
    expect(bench.injector.list()[0]?.affected).toBe(0);
  });
});

test.each(['amnesia', 'power-cut', 'disk-full', 'io-error', 'read-only', 'ballot-regression'])(
  '%s is refused where no log orders commands',
  (name) => {
    const { commands, ...rest } = RIG;
    expect(commands).toHaveLength(1);
    const answer = new StoreBench({ ...rest, commands: [] }).injector.handle(`${name} on c at 1`);
    expect(answer).toMatchObject({ ok: false, what: expect.stringContaining('keeps no command log') });
  },
);

test('a process without a store refuses by name', () => {
  expect(makeBareInjector(RIG).handle('io-error on c at 1')).toMatchObject({
    ok: false,
    what: expect.stringContaining('a durable store that can be struck'),
  });
});
