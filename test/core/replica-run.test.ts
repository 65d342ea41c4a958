/** The life of a rig without faults, from cold start to output (protocol.md §3, §4, §6). */
import { describe, expect, test } from 'vitest';
import type { Hypothesis } from '../../src/core/types.js';
import { findDisagreements, findUnsafeOutputs, Lockstep } from '../support/lockstep.js';

const RIGS: readonly (readonly [string, number, Hypothesis])[] = [
  ['OM(1), n=4', 4, { kind: 'byzantine', f: 1, authenticators: 'mac' }],
  ['OM(2), n=7', 7, { kind: 'byzantine', f: 2, authenticators: 'mac' }],
  ['SM(1), n=3', 3, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
  ['SM(2), n=5', 5, { kind: 'byzantine', f: 2, authenticators: 'signature' }],
  ['flooding(1), n=3', 3, { kind: 'crash', f: 1 }],
  ['flooding(2), n=5', 5, { kind: 'crash', f: 2 }],
  ['TMR, n=3', 3, { kind: 'none' }],
];

describe('without faults', () => {
  test.each(RIGS)('%s: starts, arms, and puts out every tick alike', (_, n, hypothesis) => {
    const world = new Lockstep({ n, hypothesis }).startAll().runTo(60);
    const everybody = Array.from({ length: n }, (_, id) => id);
    expect(findDisagreements(world, everybody)).toEqual([]);
    expect(findUnsafeOutputs(world, everybody)).toEqual([]);
    const started = world.reported('started');
    expect(started.map(({ replica }) => replica).sort()).toEqual(everybody);
    const start = started[0]?.report.tick ?? Infinity;
    expect(start).toBeLessThan(10);
    const wanted = Array.from({ length: 60 - start - 1 }, (_, at) => start + 1 + at);
    for (const id of everybody) expect(world.steppedTicks(id)).toEqual(wanted);
    expect(world.voted('armed')).toHaveLength(1);
    expect(world.voted('missed')).toEqual([]);
    expect(world.voted('output').map(({ tick }) => tick)).toEqual(wanted);
    expect(world.reports.filter(({ report }) => report.kind === 'overrun' && report.tick >= start)).toEqual(
      [],
    );
    for (const id of everybody) expect(world.stateOf(id).history.length).toBeLessThanOrEqual(8);
  });

  test('the same options give the same run', () => {
    const fly = (): string => {
      const world = new Lockstep({ n: 4, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' } });
      world.startAll().runTo(20);
      return JSON.stringify([world.reports, world.voterEvents]);
    };
    expect(fly()).toBe(fly());
  });
});
