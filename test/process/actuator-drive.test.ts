/** The voter's drive loop: what the device and the replicas are told, and in which order. */
import { beforeEach, expect, test } from 'vitest';
import type { ActuatorCommand } from '../../src/core/types.js';
import { ActuatorDrive } from '../../src/process/actuator-drive.js';
import { HandClock } from '../support/hand-clock.js';
import { BOOT, voterConfig } from '../support/voter-bench.js';

const PERIOD_US = 50_000;
const HOLD_US = 200_000;

let clock: HandClock;
let drive: ActuatorDrive;
/** Everything that left the drive, one word each. */
let told: string[];

beforeEach(() => {
  clock = new HandClock();
  told = [];
  drive = new ActuatorDrive({
    config: voterConfig(3),
    clock,
    device: {
      output: (count, tick) => told.push(`device ${count} at ${tick}`),
      onReadBack: () => {},
      close: () => Promise.resolve(),
    },
    sendStatus: ({ phase, trips, lastTick }) => told.push(`${phase}, ${trips} trips, tick ${lastTick}`),
    onEffect: (effect) => told.push(effect.kind),
  });
  drive.start();
});

function order(tick: number, count: number, trips = 0): ActuatorCommand {
  return { tick, order: { kind: 'output', count }, arm: { bootNonce: BOOT, trips, firstTick: tick } };
}

test('the device is put into fail-safe before anything else happens', () => {
  expect(told).toEqual(['device -5 at -1', 'fail-safe', 'fail-safe, 0 trips, tick -1']);
});

test('an output reaches the device before anybody is told; a new phase is told at once, as it is now', () => {
  told.length = 0;
  drive.receive(0, order(10, 7), clock.nowUs());
  expect(told).toEqual([]);
  drive.receive(1, order(10, 7), clock.nowUs());
  expect(told).toEqual(['armed', 'device 7 at 10', 'output', 'armed, 0 trips, tick 10']);
});

test('silence: a status once a period, misses counted, fail-safe after the hold and not before', () => {
  for (const from of [0, 1]) drive.receive(from, order(10, 7), clock.nowUs());
  told.length = 0;
  clock.moveTo(HOLD_US);
  expect(told.filter((one) => one.startsWith('armed, 0 trips'))).toHaveLength(HOLD_US / PERIOD_US);
  expect(told).not.toContain('fail-safe');
  clock.moveTo(HOLD_US + 1);
  expect(told.slice(-3)).toEqual(['device -5 at -1', 'fail-safe', 'fail-safe, 1 trips, tick 10']);
  expect(drive.account()).toMatchObject({ phase: 'fail-safe', trips: 1, lastCount: -5, missedTicks: 3 });
});

test('once stopped it hands nothing to the device any more', () => {
  for (const from of [0, 1]) drive.receive(from, order(10, 7), clock.nowUs());
  drive.stop();
  told.length = 0;
  clock.moveTo(10 * HOLD_US);
  expect(told).toEqual([]);
});
