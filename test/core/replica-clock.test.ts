/**
 * Replicas on machines of their own, whose clocks share nothing (protocol.md §6): they find common ticks in whatever
 * order they start, keep them, lose a member and take it back.
 */
import { describe, expect, test } from 'vitest';
import { boundSkewUs } from '../../src/core/clock/skew-bound.js';
import { slewHorizonUs } from '../../src/core/clock/round-clock.js';
import type { Hypothesis, ReplicaIndex } from '../../src/core/types.js';
import { findDisagreements, findUnsafeOutputs, holdEqualStates, Lockstep } from '../support/lockstep.js';

const HOUR_US = 3_600_000_000;
const CLOCKS = [
  { offsetUs: 3 * HOUR_US, driftPpm: 200 },
  { offsetUs: 17, driftPpm: -200 },
  { offsetUs: 26 * HOUR_US + 12_345, driftPpm: 150 },
  { offsetUs: 999_999, driftPpm: -100 },
  { offsetUs: 5 * HOUR_US, driftPpm: 0 },
  { offsetUs: 123_456_789, driftPpm: 200 },
  { offsetUs: HOUR_US, driftPpm: -200 },
];

const KINDS: readonly (readonly [string, number, Hypothesis])[] = [
  ['OM(1), n=4', 4, { kind: 'byzantine', f: 1, authenticators: 'mac' }],
  ['OM(2), n=7', 7, { kind: 'byzantine', f: 2, authenticators: 'mac' }],
  ['SM(1), n=4', 4, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
  ['SM(1), n=3, signed starts', 3, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
  ['SM(2), n=5, signed starts', 5, { kind: 'byzantine', f: 2, authenticators: 'signature' }],
  ['flooding(1), n=3', 3, { kind: 'crash', f: 1 }],
  ['TMR', 3, { kind: 'none' }],
];

function ids(n: number): ReplicaIndex[] {
  return Array.from({ length: n }, (_, id) => id);
}

/** How far the round clocks of these are apart now, µs. */
function skewUs(world: Lockstep, replicas: readonly ReplicaIndex[]): number {
  const shown = replicas.map((id) => world.stateOf(id).clock.read(world.localUs(id, world.nowUs)));
  return Math.max(...shown) - Math.min(...shown);
}

describe.each(KINDS)('%s', (_, n, hypothesis) => {
  const all = ids(n);
  const f = hypothesis.kind === 'none' ? 1 : hypothesis.f;
  const options = { n, hypothesis, clocks: CLOCKS.slice(0, n) };

  test('started one after the other, in two orders: one run, one grid, every tick put out', () => {
    for (const order of [all, [...all].reverse()]) {
      const world = new Lockstep(options);
      order.forEach((id, at) => world.at(1 + at * 130_000, () => world.start(id)));
      world.at(70_000, () => world.startVoter(0));
      world.runTicks(60);
      expect(new Set(world.reported('started').map(({ report }) => report.run.toString())).size).toBe(1);
      for (const id of all) expect(world.stateOf(id).mode).toBe('running');
      const before = world.voted('output').length;
      world.runTicks(40);
      expect(world.voted('output').length).toBeGreaterThanOrEqual(before + 39);
      expect(world.voted('missed')).toEqual([]);
      expect(holdEqualStates(world, all)).toBe(true);
      expect(findDisagreements(world, all)).toEqual([]);
      expect(findUnsafeOutputs(world, all)).toEqual([]);
    }
  });

  test('the skew of correct clocks stays within its bound', () => {
    // Delays of 300 to 900 µs, the same on no two messages.
    let seed = 1;
    const world = new Lockstep({
      ...options,
      delayUs: () => {
        seed = (seed * 48_271) % 2_147_483_647;
        return 300 + (seed % 601);
      },
    });
    world.startAll().runTicks(400);
    const method = hypothesis.kind === 'byzantine' && n <= 3 * f ? 'signed-starts' : 'midpoint';
    const boundUs = boundSkewUs({
      shortestDelayUs: 300,
      longestDelayUs: 900,
      driftPpm: 200,
      horizonUs: slewHorizonUs(method, 50_000),
      method,
    });
    let largestUs = 0;
    for (let tick = 0; tick < 2_000; tick += 1) {
      world.runTicks(1);
      largestUs = Math.max(largestUs, skewUs(world, all));
    }
    expect(largestUs).toBeLessThanOrEqual(boundUs);
    expect(findDisagreements(world, all)).toEqual([]);
    expect(world.voted('missed')).toEqual([]);
  });

  test('f of them never come: the others wait for them, say so, and begin', () => {
    const world = new Lockstep({ ...options, patienceTicks: 40 });
    const present = all.slice(f);
    for (const id of present) world.start(id);
    world.startVoter(0);
    world.runTicks(120);
    for (const id of present) expect(world.stateOf(id).mode).toBe('running');
    expect(world.voted('output').length).toBeGreaterThan(20);
    expect(findUnsafeOutputs(world, present)).toEqual([]);
    // And in the end they do come.
    for (const id of all.slice(0, f)) world.start(id);
    world.runTicks(40);
    for (const id of all) expect(world.stateOf(id).mode).toBe('running');
    expect(world.voted('missed')).toEqual([]);
    expect(holdEqualStates(world, all)).toBe(true);
  });

  test('one more than f is missing: the others wait, however long, and name them', () => {
    const world = new Lockstep(options);
    const present = all.slice(f + 1);
    for (const id of present) world.start(id);
    world.runTicks(600);
    expect(world.reported('started')).toEqual([]);
    const waits = world.reported('waits', n - 1);
    expect(waits.length).toBeGreaterThan(5);
    const { report } = waits[waits.length - 1] as (typeof waits)[number];
    expect(report.silent).toEqual(expect.arrayContaining(all.slice(0, f + 1)));
    world.start(f);
    world.runTicks(200);
    for (const id of all.slice(f)) expect(world.stateOf(id).mode).toBe('running');
  });

  test('a dead one is waited for no longer, and comes back', () => {
    const world = new Lockstep(options);
    world.startAll().runTicks(60);
    const active = (): number =>
      (world.stateOf(n - 1).snapshot?.state.members ?? []).filter(({ status }) => status === 'active').length;
    expect(active()).toBe(n);
    world.kill(0);
    world.runTicks(20);
    // Without agreement there is nothing by which to exclude anybody.
    const excludes = hypothesis.kind !== 'none';
    if (excludes) expect(active()).toBe(n - 1);
    world.start(0);
    world.runTicks(40);
    expect(world.stateOf(0).mode).toBe('running');
    expect(active()).toBe(n);
    expect(world.voted('missed')).toEqual([]);
    expect(holdEqualStates(world, all)).toBe(true);
    expect(findUnsafeOutputs(world, all)).toEqual([]);
  });

  test('all of them restarted: the voter takes the new run for no old one', () => {
    const world = new Lockstep(options);
    world.startAll().runTicks(100);
    const last = world.voted('output').at(-1)?.tick ?? -1;
    for (const id of all) world.kill(id);
    world.runTicks(10);
    for (const id of all) world.start(id);
    world.runTicks(100);
    const outputs = world.voted('output').map(({ tick }) => tick);
    expect(outputs.at(-1)).toBeGreaterThan(last + 40);
    expect([...outputs].sort((a, b) => a - b)).toEqual(outputs);
    expect(findUnsafeOutputs(world, all)).toEqual([]);
  });
});
