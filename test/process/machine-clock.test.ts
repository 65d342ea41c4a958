import { expect, test } from 'vitest';
import type { Clock } from '../../src/ports.js';
import { openMachineClock } from '../../src/process/machine-clock.js';

/** A machine whose clock stands at `nowUs`; what is scheduled is remembered. */
function makeMachine(): { clock: Clock; machine: { nowUs: number; scheduled: number[] } } {
  const machine = { nowUs: 5_000_000, scheduled: [] as number[] };
  return {
    machine,
    clock: {
      nowUs: () => machine.nowUs,
      schedule: (atUs) => {
        machine.scheduled.push(atUs);
        return () => {};
      },
    },
  };
}

test('without the variable it is the machine’s', () => {
  const { clock } = makeMachine();
  const shown = openMachineClock({}, clock);
  expect(shown.nowUs()).toBe(5_000_000);
  expect(shown.toMachineUs).toBeNull();
});

test('ahead and fast: what it shows, when its timers fire, and the way back', () => {
  const { clock, machine } = makeMachine();
  const shown = openMachineClock({ VOTEPLANE_TEST_CLOCK: '3600 200' }, clock);
  expect(shown.nowUs()).toBe(3_605_000_000);
  machine.nowUs += 10_000_000;
  expect(shown.nowUs()).toBe(3_615_002_000);
  shown.schedule(3_615_002_000, () => {});
  expect(machine.scheduled).toEqual([15_000_000]);
  for (const atUs of [3_605_000_001, 3_615_002_000, 3_700_000_123]) {
    machine.nowUs = shown.toMachineUs?.(atUs) ?? NaN;
    expect(shown.nowUs()).toBeGreaterThanOrEqual(atUs);
    expect(shown.nowUs() - atUs).toBeLessThanOrEqual(1);
  }
});

test.each(['fast', '1', '1 2 3', '1 600000', 'NaN 0'])(
  '"%s" is no clock, and says how to write one',
  (asked) => {
    expect(() => openMachineClock({ VOTEPLANE_TEST_CLOCK: asked }, makeMachine().clock)).toThrow(
      /VOTEPLANE_TEST_CLOCK="[^"]*" is no clock; write seconds ahead/,
    );
  },
);
