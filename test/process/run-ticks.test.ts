import { describe, expect, test } from 'vitest';
import { isRunStart } from '../../src/process/run-start.js';
import { RunTicks } from '../../src/process/run-ticks.js';

describe('ticks of the run at a voter', () => {
  test('count from its first arming, and go on by its clock where nothing comes', () => {
    const ticks = new RunTicks(50_000);
    expect(ticks.read(0)).toBeNull();
    ticks.note(1_006, 1_000_000);
    expect(ticks.read(1_000_000)).toBe(0);
    ticks.note(1_007, 1_051_000);
    expect(ticks.read(1_051_000)).toBe(1);
    expect(ticks.read(1_100_999)).toBe(1);
    expect(ticks.read(1_301_000)).toBe(6);
  });

  test('count from the start of the run where somebody tells it; the first word counts', () => {
    const ticks = new RunTicks(50_000);
    ticks.note(1_006, 0);
    ticks.setStart(1_000);
    ticks.setStart(900);
    expect(ticks.read(0)).toBe(6);
  });
});

test('an order of the parent is what it says, and nothing else is', () => {
  expect(isRunStart({ kind: 'run-start', startTick: 7 })).toBe(true);
  for (const other of [
    null,
    7,
    'run-start',
    {},
    { kind: 'run-start' },
    { kind: 'run-start', startTick: -1 },
    { kind: 'run-start', startTick: 0.5 },
    { kind: 'run-start', startTick: '7' },
  ])
    expect(isRunStart(other)).toBe(false);
});
