import { beforeEach, describe, expect, test } from 'vitest';
import { BridgeDevice } from '../../firmware-bridge/host/bridge-device.js';
import type { DeviceOutput } from '../../firmware-bridge/host/bridge-device.js';
import { openBridgeActuator, resolveBridge } from '../../firmware-bridge/host/bridge-ports.js';
import type { BridgeHealth } from '../../firmware-bridge/host/bridge-ports.js';
import type { ActuatorPort } from '../../src/ports.js';
import { HandClock, KeptLog, RIG, TestLine } from './bench.js';

let clock: HandClock;
let line: TestLine;
let log: KeptLog;
let applied: [number, number | null][];
let position: number | null;

const ELEVATOR: DeviceOutput = {
  unit: 1,
  numerator: 1,
  denominator: 1000,
  minCount: -25_000,
  maxCount: 25_000,
  safeCount: 0,
  watchdogMs: 300,
  apply: (count, tick) => applied.push([count, tick]),
  measure: () => position,
};

function makeDevice(output: DeviceOutput = ELEVATOR): BridgeDevice {
  return new BridgeDevice({ deviceId: 'servo-e', bootNonce: 0x77778888, channels: [], outputs: [output] });
}

function open(): ActuatorPort & BridgeHealth {
  return openBridgeActuator({ rig: RIG, id: 'elevator', addresses: {}, clock, log, open: line.open });
}

beforeEach(() => {
  clock = new HandClock();
  line = new TestLine(clock);
  line.device = makeDevice();
  log = new KeptLog();
  applied = [];
  position = null;
});

describe('outputs', () => {
  test('reach the device with their tick; a fail-safe output has none', () => {
    const port = open();
    port.output(5, 1);
    expect(port.counts.unsent).toBe(1);
    line.settle();
    port.output(-8_000, 4_000_000_000);
    port.output(0, -1);
    line.settle();
    expect(applied).toEqual([
      [-8_000, 4_000_000_000],
      [0, null],
    ]);
  });

  test('an output sent while the device was away never arrives later', () => {
    const port = open();
    line.settle();
    line.drop();
    port.output(123, 1);
    clock.pass(60_000);
    line.settle();
    expect(port.isReady()).toBe(true);
    expect(applied).toEqual([]);
  });

  test('the read-back is the measured position, else what is in force', () => {
    const port = open();
    const seen: [number, number][] = [];
    port.onReadBack((count, atUs) => seen.push([count, atUs]));
    line.settle();
    port.output(1000, 1);
    line.settle();
    position = 940;
    port.output(1000, 2);
    line.settle();
    expect(seen).toEqual([
      [1000, clock.nowUs()],
      [940, clock.nowUs()],
    ]);
  });
});

describe('the device', () => {
  test('refuses what is outside its range and says so', () => {
    const port = open();
    line.settle();
    port.output(25_001, 1);
    line.settle();
    expect(applied).toEqual([]);
    expect(port.counts.faults).toBe(1);
    expect(log.lines.join('\n')).toContain('output-refused');
  });

  test('goes to its safe value by itself when its host is silent, once, and takes the next output', () => {
    const device = makeDevice();
    const said = (nowUs: number): string[] => device.tickWatchdog(nowUs).map((message) => message.type);
    device.receive({ type: 'output', output: 0, sequence: 1, tick: 5, count: 9 }, 1_000_000, 0);
    expect(said(1_300_000)).toEqual([]);
    expect(said(1_300_001)).toEqual(['fault', 'read-back']);
    expect(said(1_400_000)).toEqual([]);
    expect(applied).toEqual([
      [9, 5],
      [0, null],
    ]);
    device.receive({ type: 'output', output: 0, sequence: 2, tick: 6, count: 10 }, 2_000_000, 0);
    expect(applied.at(-1)).toEqual([10, 6]);
  });

  test('a heartbeat keeps the watchdog quiet', () => {
    const device = makeDevice();
    device.receive({ type: 'output', output: 0, sequence: 1, tick: 5, count: 9 }, 0, 0);
    for (let atUs = 100_000; atUs < 2_000_000; atUs += 100_000) {
      device.receive({ type: 'heartbeat-request', sequence: 1 }, atUs, 0);
      expect(device.tickWatchdog(atUs)).toEqual([]);
    }
  });

  test('its clock wraps and its answers stay within their fields', () => {
    const device = makeDevice();
    const [heartbeat] = device.receive({ type: 'heartbeat-request', sequence: 7 }, 2 ** 32 + 5.5, 99_999);
    expect(heartbeat).toEqual({
      type: 'heartbeat',
      sequence: 7,
      boot: 0x8888,
      deviceTimeUs: 5,
      badFrames: 0xffff,
    });
  });

  test('a device does not answer a device', () => {
    const device = makeDevice();
    const [hello] = device.receive(
      { type: 'hello-request', lowestVersion: 1, highestVersion: 1, hostNonce: 1 },
      0,
      0,
    );
    expect(hello?.type).toBe('hello');
    if (hello !== undefined) expect(device.receive(hello, 0, 0)).toEqual([]);
  });

  test('refuses versions it does not speak by name', () => {
    const [answer] = makeDevice().receive(
      { type: 'hello-request', lowestVersion: 2, highestVersion: 9, hostNonce: 1 },
      0,
      0,
    );
    expect(answer).toMatchObject({ type: 'fault', code: 'version-refused', detail: 1 });
  });
});

describe('an actuator that does not fit the rig is named with the cure', () => {
  test.each([
    ['one count is 0.01 deg, the rig says 0.001', { ...ELEVATOR, denominator: 100 }],
    ['the device says rad, the rig says deg', { ...ELEVATOR, unit: 13 }],
    ['it takes -9000 … 25000 counts', { ...ELEVATOR, minCount: -9_000 }],
  ])('%s', (text, output) => {
    line.device = makeDevice(output);
    const port = open();
    line.settle();
    port.output(1, 1);
    line.settle();
    expect(port.isReady()).toBe(false);
    expect(applied).toEqual([]);
    expect(log.lines.join('\n')).toContain(text);
  });
});

describe('addresses', () => {
  const tcp = { kind: 'tcp', host: '10.0.0.1', port: 5 } as const;

  test('an override wins over the rig', () => {
    expect(resolveBridge('a', tcp, {})).toMatchObject({ host: '10.0.0.1', port: 5 });
    expect(resolveBridge('a', tcp, { 'bridge:a': '[::1]:77' })).toMatchObject({ host: '::1', port: 77 });
    expect(resolveBridge('a', tcp, { 'bridge:b': '1.2.3.4:77' })).toMatchObject({ host: '10.0.0.1' });
  });

  test.each(['nonsense', ':5', 'host:', 'host:99999', 'host:1.5'])(
    '%s is refused with an example',
    (text) => {
      expect(() => resolveBridge('a', tcp, { 'bridge:a': text })).toThrow(/write host:port, such as/);
    },
  );

  test('unknown replicas and actuators are refused with the ids there are', () => {
    const parts = { rig: RIG, addresses: {}, clock, log };
    expect(() => openBridgeActuator({ ...parts, id: 'flap' })).toThrow(/no actuator "flap"; it has elevator/);
  });

  test('serial lines are refused with what to write instead', () => {
    const serial = { kind: 'serial', path: '/dev/ttyUSB0', baud: 115_200 } as const;
    expect(() => resolveBridge('a', serial, {})).toThrow(/serial line \/dev\/ttyUSB0.*give tcp:/);
  });
});
