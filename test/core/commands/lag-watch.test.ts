import { expect, test } from 'vitest';
import { LagWatch } from '../../../src/core/commands/lag-watch.js';
import type { Entry } from '../../../src/core/types.js';

function entry(prefix: number): Entry {
  return {
    standing: { kind: 'waiting', nonce: new Uint8Array(16), waitedTicks: 0 },
    readings: [],
    actuators: [],
    missed: 0,
    joins: 0,
    prefix,
  };
}

test('what was known a while ago is due, and what is new is not', () => {
  const watch = new LagWatch(4);
  watch.note(10, [entry(4), entry(5), null]);
  expect(watch.due(13)).toBe(0);
  expect(watch.due(14)).toBe(5);
  watch.note(12, [entry(7), entry(5), null]);
  expect(watch.due(15)).toBe(5);
  expect(watch.due(16)).toBe(7);
});

test('what was known stays due, whoever is absent', () => {
  const watch = new LagWatch(4);
  watch.note(10, [entry(5), entry(2)]);
  watch.note(11, [null, entry(2)]);
  expect(watch.due(15)).toBe(5);
});

test('counts who knew so much in the last vector', () => {
  const watch = new LagWatch(4);
  watch.note(10, [entry(5), entry(9), null, entry(4)]);
  expect(watch.countKnowing(5, 3)).toBe(2);
  expect(watch.countKnowing(5, 0)).toBe(1);
  expect(watch.countKnowing(0, 0)).toBe(2);
  watch.note(11, [entry(5), null, null, null]);
  expect(watch.countKnowing(5, 3)).toBe(1);
});

test('a busy log does not fill it', () => {
  const watch = new LagWatch(4);
  for (let tick = 0; tick < 1_000; tick += 1) watch.note(tick, [entry(tick * 3)]);
  expect(watch.due(999)).toBe(995 * 3);
  expect(Object.values(watch).flat().length).toBeLessThan(8);
});

test('ticks with other numbers begin anew', () => {
  const watch = new LagWatch(4);
  watch.note(10, [entry(5)]);
  watch.forget();
  expect(watch.due(20)).toBe(0);
  expect(watch.countKnowing(0, 1)).toBe(0);
});
