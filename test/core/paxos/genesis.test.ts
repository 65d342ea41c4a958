/** Genesis: a new rig whose stores are all empty begins by itself, and nothing that forgot takes itself for new. */
import { describe, expect, test } from 'vitest';
import type { PaxosRecord } from '../../../src/core/paxos/types.js';
import { PaxosWorld } from '../../support/paxos-world.js';

const STAMP: PaxosRecord = { kind: 'stamp', incarnation: 1, since: 0 };
const EMPTY = (): readonly PaxosRecord[] => [];

function ask(world: PaxosWorld, sequence: number): void {
  world.request(world.leader(), 'c', sequence, `v${sequence}`);
  world.run(60_000);
}

function incarnations(world: PaxosWorld): readonly number[] {
  return world.devices.map(({ state }) => state.incarnation);
}

describe.each([
  ['three replicas', 3, {}],
  ['five replicas', 5, {}],
  ['two replicas and a witness', 3, { witness: 2 }],
])('%s with empty stores', (_, n, changes) => {
  test('become the first incarnation, durably, and go to work', () => {
    const world = new PaxosWorld(n, changes, EMPTY);
    expect(world.run(500_000, () => world.leader() >= 0)).toBe(true);
    for (const { config, records } of world.devices)
      expect(records[0]).toEqual(
        config.self === config.witness
          ? { kind: 'witness', incarnation: 1, promised: 0, change: null }
          : STAMP,
      );
    ask(world, 1);
    expect(world.answers[0]?.outcome).toEqual({ kind: 'chosen', slot: 1 });
  });

  test('wait for the last one, and say so', () => {
    const world = new PaxosWorld(n, changes, EMPTY);
    world.stop(n - 1);
    world.run(1_000_000);
    for (let self = 0; self < n - 1; self += 1) {
      const { state } = world.device(self);
      expect(state.incarnation).toBe(0);
      expect(state.told).toMatchObject({
        role: 'amnesiac',
        waits: { for: 1 << (n - 1), why: 'admission' },
      });
    }
    world.start(n - 1);
    expect(world.run(500_000, () => world.leader() >= 0)).toBe(true);
  });

  test('begin although each is stopped once in the middle of it', () => {
    for (let self = 0; self < n; self += 1) {
      const world = new PaxosWorld(n, changes, EMPTY);
      world.run(500_000, () => world.device(self).state.incarnation === 1);
      world.stop(self);
      world.run(50_000);
      world.start(self);
      expect(world.run(2_000_000, () => world.leader() >= 0)).toBe(true);
      ask(world, 1);
      expect(world.answers.at(-1)?.outcome.kind).toBe('chosen');
      world.run(1_000_000);
      expect(Math.min(...incarnations(world))).toBeGreaterThan(0);
    }
  });
});

describe('whoever forgot', () => {
  test('is vouched for by nobody who has promised or learnt anything', () => {
    const world = new PaxosWorld(3, {}, EMPTY);
    world.run(500_000, () => world.leader() >= 0);
    ask(world, 1);
    world.stop(2);
    world.start(2, []);
    world.run(20_000);
    expect(world.device(2).state.vouchers).toBe(0);
    world.run(500_000);
    expect(incarnations(world)).toEqual([1, 1, 2]);
  });

  test('does not believe what was said to an earlier life of it', () => {
    const world = new PaxosWorld(3, {}, EMPTY);
    world.run(500_000, () => world.leader() >= 0);
    const early = world.sent.filter(({ to, message }) => to === 2 && message.kind === 'beat');
    expect(early.some(({ message }) => message.kind === 'beat' && message.vouches.length > 0)).toBe(true);
    ask(world, 1);
    world.stop(2);
    world.delay = (): null => null;
    world.start(2, []);
    for (const { from, message } of early)
      world.step(2, { kind: 'received', nowUs: world.nowUs, from, message });
    expect(world.device(2).state.incarnation).toBe(0);
  });

  test('two of three: the one that is left does not let them begin anew, and all wait', () => {
    const world = new PaxosWorld(3, {}, EMPTY);
    world.run(500_000, () => world.leader() >= 0);
    ask(world, 1);
    for (const lost of [0, 1]) world.stop(lost);
    for (const lost of [0, 1]) world.start(lost, []);
    world.run(2_000_000);
    expect(incarnations(world)).toEqual([0, 0, 1]);
    expect(world.leader()).toBe(-1);
    expect(world.device(2).state.told?.waits).toEqual({ for: 0b011, why: 'majority' });
  });

  test('all of them: a new log begins', () => {
    const world = new PaxosWorld(3, {}, EMPTY);
    world.run(500_000, () => world.leader() >= 0);
    ask(world, 1);
    for (const self of [0, 1, 2]) world.stop(self);
    world.letters = [];
    for (const self of [0, 1, 2]) {
      world.device(self).chosen.clear();
      world.start(self, []);
    }
    expect(world.run(500_000, () => world.leader() >= 0)).toBe(true);
    expect(incarnations(world)).toEqual([1, 1, 1]);
    ask(world, 2);
    expect(world.answers.at(-1)?.outcome).toEqual({ kind: 'chosen', slot: 1 });
  });

  test.each<readonly [string, readonly PaxosRecord[]]>([
    ['a void stamp', [{ kind: 'stamp', incarnation: 0, since: 0 }]],
    ['a gap', [STAMP, { kind: 'prefix', slot: 3 }]],
  ])('and has a store with %s in it neither begins anew nor vouches', (_, records) => {
    const world = new PaxosWorld(3, {}, ({ self }) => (self === 1 ? records : []));
    world.run(1_000_000);
    expect(incarnations(world)).toEqual([0, 0, 0]);
    const vouched = world.sent.some(
      ({ from, message }) => from === 1 && message.kind === 'beat' && message.vouches.length > 0,
    );
    expect(vouched).toBe(false);
  });

  test('and is told in this life that it said more than it knows does not begin anew', () => {
    const world = new PaxosWorld(3, {}, EMPTY);
    world.run(500_000, () => world.device(1).state.incarnation === 1);
    world.step(1, {
      kind: 'received',
      nowUs: world.nowUs,
      from: 0,
      message: {
        kind: 'beat',
        incarnation: 1,
        promised: 0,
        leads: false,
        prefix: 0,
        votedFrom: 1,
        votedTo: 0,
        nonce: null,
        heard: [0, 1, 2].map(() => ({ incarnation: 1, promised: 40, voted: 0 })),
        vouches: [world.device(1).config.nonce],
      },
    });
    expect(world.device(1).state.incarnation).toBe(0);
  });
});
