/**
 * The problem with triple modular redundancy. Source: Lamport's slides of that name: three replicas, each takes the
 * middle of three readings; one sensor system is two-faced, 777 to one and 10777 to the other. Acceptance cases B4, V1.
 */
import { describe, expect, test } from 'vitest';
import type { FusedReading, Hypothesis, PeerMessage } from '../../src/core/types.js';
import type { LawOutcome } from '../../src/core/replica.js';
import { fuse, type FusionRule } from '../../src/core/voting/fusion.js';
import { findDisagreements, findUnsafeOutputs, Lockstep, PLAIN_SENSOR } from '../support/lockstep.js';
import { decodeEntry, encodeEntry } from '../support/toy-codec.js';

const ALTITUDE: FusionRule = { type: 'number', min: 0, max: 50_000, spread: 100, method: 'mid-value' };
const THRESHOLD = 10219.5;
const DIVE = -1;
const CLIMB = 1;

test('V1: {10217, 10219, 10220} and {777, 10219, 10220} give the same mid value 10219', () => {
  expect(fuse(ALTITUDE, [10217, 10219, 10220], 1).value).toBe(10219);
  expect(fuse(ALTITUDE, [777, 10219, 10220], 1)).toEqual({
    value: 10219,
    quality: 'degraded',
    outliers: [0],
  });
});

test('B4: {777,…} and {10777,…} give 10219 and 10220, Dive and Climb', () => {
  const low = fuse(ALTITUDE, [777, 10219, 10220], 1).value as number;
  const high = fuse(ALTITUDE, [10777, 10219, 10220], 1).value as number;
  expect([low, high]).toEqual([10219, 10220]);
  expect([low, high].map((altitude) => (altitude > THRESHOLD ? CLIMB : DIVE))).toEqual([DIVE, CLIMB]);
});

/** Replica 0 is two-faced from this tick on. */
const FROM_TICK = 20;

function fly(n: number, hypothesis: Hypothesis): Lockstep {
  const law = (state: Uint8Array, readings: readonly FusedReading[]): LawOutcome => {
    const altitude = readings[0]?.value;
    return { ok: true, state, counts: [typeof altitude === 'number' && altitude > THRESHOLD ? CLIMB : DIVE] };
  };
  const lie = (message: PeerMessage, to: number): PeerMessage => {
    if (message.kind !== 'round' || message.round !== 1 || message.tick < FROM_TICK) return message;
    const items = message.items.map((item) => {
      const entry = item.value === null ? null : decodeEntry(item.value);
      if (entry === null) return item;
      return { ...item, value: encodeEntry({ ...entry, readings: [to === 1 ? 777 : 10777] }) };
    });
    return { ...message, items };
  };
  const truth = [10217, 10219, 10220, 10219];
  return new Lockstep({
    n,
    hypothesis,
    sensors: [{ ...PLAIN_SENSOR, ...ALTITUDE }],
    law,
    sample: (replica) => [truth[replica] ?? null],
    liars: [0],
    interpose: (message, { from, to }) => [from === 0 ? lie(message, to) : message],
  })
    .startAll()
    .runTo(FROM_TICK + 20);
}

/** What a replica ordered in the first tick of the lie. */
function orderOf(world: Lockstep, replica: number): number | null {
  const one = world.commands.find(
    (other) => other.replica === replica && other.command.tick === FROM_TICK,
  )?.command;
  return one?.order.kind === 'output' ? one.order.count : null;
}

describe('the lesson, flown', () => {
  test('three replicas and one exchange: one dives, the other climbs', () => {
    const world = fly(3, { kind: 'none' });
    expect(orderOf(world, 1)).toBe(DIVE);
    expect(orderOf(world, 2)).toBe(CLIMB);
    expect(findDisagreements(world, [1, 2]).length).toBeGreaterThan(0);
  });

  test.each([
    ['four replicas, oral messages', 4, { kind: 'byzantine', f: 1, authenticators: 'mac' }],
    ['three replicas with signatures', 3, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
  ] as const)('%s: nothing happens', (_, n, hypothesis) => {
    const world = fly(n, hypothesis);
    const correct = [1, 2, 3].slice(0, n - 1);
    expect(findDisagreements(world, correct)).toEqual([]);
    expect(findUnsafeOutputs(world, correct)).toEqual([]);
    expect(new Set(correct.map((id) => orderOf(world, id))).size).toBe(1);
    expect(world.voted('missed')).toEqual([]);
    expect(world.stateOf(1).health.suspects()).toEqual([0]);
  });
});
