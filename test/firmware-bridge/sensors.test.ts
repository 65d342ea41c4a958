import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { BridgeDevice } from '../../firmware-bridge/host/bridge-device.js';
import type { DeviceChannel } from '../../firmware-bridge/host/bridge-device.js';
import { openBridgeSensors } from '../../firmware-bridge/host/bridge-ports.js';
import type { BridgeHealth } from '../../firmware-bridge/host/bridge-ports.js';
import type { BridgeMessage } from '../../firmware-bridge/host/messages.js';
import type { SensorPort } from '../../src/ports.js';
import { HandClock, KeptLog, RIG, TestLine } from './bench.js';

const values: { pitch: number | null; gear: number | null } = { pitch: 0, gear: 0 };
let clock: HandClock;
let line: TestLine;
let log: KeptLog;

const PITCH: DeviceChannel = {
  kind: 'number',
  unit: 1,
  numerator: 1,
  denominator: 1000,
  minCount: -90_000,
  maxCount: 90_000,
  sample: () => values.pitch,
};
const GEAR: DeviceChannel = {
  kind: 'boolean',
  unit: 0,
  numerator: 1,
  denominator: 1,
  minCount: 0,
  maxCount: 1,
  sample: () => values.gear,
};

function makeDevice(bootNonce: number, channels: readonly DeviceChannel[] = [PITCH, GEAR]): BridgeDevice {
  return new BridgeDevice({ deviceId: 'sampler-a', bootNonce, channels, outputs: [] });
}

function open(): SensorPort & BridgeHealth {
  return openBridgeSensors({ rig: RIG, id: 'a', addresses: {}, clock, log, open: line.open });
}

/** Asks and reads in the same instant. */
function sample(port: SensorPort): readonly unknown[] {
  port.request();
  line.settle();
  return port.read(clock.nowUs());
}

beforeEach(() => {
  values.pitch = 1500;
  values.gear = 1;
  clock = new HandClock();
  line = new TestLine(clock);
  line.device = makeDevice(0x11112222);
  log = new KeptLog();
});

describe('readings', () => {
  test('absent before the hello, in the rig order and unit after it', () => {
    const port = open();
    expect(port.isReady()).toBe(false);
    port.request();
    expect(port.read(clock.nowUs())).toEqual([null, null]);
    expect(port.counts.unsent).toBe(1);
    line.settle();
    expect(port.isReady()).toBe(true);
    expect(port.read(clock.nowUs())).toEqual([null, null]);
    expect(sample(port)).toEqual([1.5, true]);
    values.pitch = -44_999;
    values.gear = 0;
    clock.pass(1_000);
    expect(sample(port)).toEqual([-44.999, false]);
  });

  test('out of range, not a boolean, or no reading: absent, and only that channel', () => {
    const port = open();
    line.settle();
    values.pitch = 45_001;
    expect(sample(port)).toEqual([null, true]);
    clock.pass(1_000);
    values.pitch = null;
    expect(sample(port)).toEqual([null, true]);
    clock.pass(1_000);
    values.pitch = 0;
    values.gear = 2;
    expect(sample(port)).toEqual([0, null]);
  });

  test('a reading ages from its request, to the microsecond of the limit', () => {
    const port = open();
    line.settle();
    expect(sample(port)).toEqual([1.5, true]);
    const askedUs = clock.nowUs();
    expect(port.read(askedUs + 60_000)).toEqual([1.5, true]);
    expect(port.read(askedUs + 60_001)).toEqual([null, null]);
  });

  test('a device that hangs and then delivers what it had queued delivers old samples', () => {
    const port = open();
    line.settle();
    line.hung = true;
    port.request();
    line.settle();
    clock.pass(80_000);
    line.hung = false;
    line.settle();
    expect(port.read(clock.nowUs())).toEqual([null, null]);
    expect(sample(port)).toEqual([1.5, true]);
  });

  test('samples that answer no open request, or an older one than held, are dropped and counted', () => {
    const port = open();
    line.settle();
    expect(sample(port)).toEqual([1.5, true]);
    const sequence = line.hostSaid.findLast((one) => one.type === 'sample-request')?.sequence ?? 0;
    const forged: BridgeMessage = {
      type: 'sample',
      channel: 0,
      sequence,
      boot: 0x2222,
      valid: true,
      deviceTimeUs: clock.nowUs() + 5,
      count: 7,
    };
    line.say(forged, { ...forged, sequence: sequence + 1 }, { ...forged, channel: 9 });
    expect(port.read(clock.nowUs())).toEqual([1.5, true]);
    expect(port.counts.staleSamples).toBe(3);
  });

  test('a device clock that runs backwards gives no readings', () => {
    const port = open();
    line.settle();
    expect(sample(port)).toEqual([1.5, true]);
    clock.pass(10_000);
    port.request();
    const sequence = (line.hostSaid.findLast((one) => one.type === 'sample-request')?.sequence ?? 0) + 1;
    line.say({
      type: 'sample',
      channel: 0,
      sequence,
      boot: 0x2222,
      valid: true,
      deviceTimeUs: clock.nowUs() - 20_000,
      count: 7,
    });
    expect(port.read(clock.nowUs())[0]).toBe(1.5);
    expect(port.counts.staleSamples).toBe(1);
  });

  test('a line that takes nothing keeps nothing for later', () => {
    const port = open();
    line.settle();
    line.clogged = true;
    for (let i = 0; i < 100; i += 1) port.request();
    expect(port.counts.unsent).toBe(100);
    line.clogged = false;
    expect(sample(port)).toEqual([1.5, true]);
    expect(line.hostSaid.filter((one) => one.type === 'sample-request')).toHaveLength(1);
  });
});

describe('the device comes and goes', () => {
  test('a restart on an open line is noticed, its samples forgotten, and greeted anew', () => {
    const port = open();
    line.settle();
    expect(sample(port)).toEqual([1.5, true]);
    line.device = makeDevice(0x33334444);
    clock.pass(1_000);
    port.request();
    line.settle();
    expect(port.counts.restarts).toBe(1);
    expect(port.read(clock.nowUs())).toEqual([null, null]);
    expect(port.isReady()).toBe(true);
    expect(sample(port)).toEqual([1.5, true]);
    expect(line.opened).toBe(1);
    expect(log.lines.join('\n')).toContain('has restarted');
  });

  test('a broken line is opened again and the reading is absent meanwhile', () => {
    const port = open();
    line.settle();
    expect(sample(port)).toEqual([1.5, true]);
    line.drop();
    expect(port.isReady()).toBe(false);
    expect(port.read(clock.nowUs())).toEqual([null, null]);
    clock.pass(50_000);
    line.settle();
    expect(sample(port)).toEqual([1.5, true]);
    expect(line.opened).toBe(2);
  });

  test('a device that falls silent is left within 700 ms and tried again', () => {
    const port = open();
    line.settle();
    line.hung = true;
    for (let ms = 0; ms < 700; ms += 10) {
      clock.pass(10_000);
      line.settle();
    }
    expect(port.isReady()).toBe(false);
    line.hung = false;
    clock.pass(60_000);
    line.settle();
    expect(port.isReady()).toBe(true);
  });

  test('pauses between attempts grow to two seconds and no further; timers do not pile up', () => {
    line.refuseToOpen(true);
    open();
    line.settle();
    for (let second = 0; second < 60; second += 0.01) {
      clock.pass(10_000);
      line.settle();
    }
    expect(line.opened).toBeGreaterThan(25);
    expect(line.opened).toBeLessThan(45);
    expect(clock.countTimers()).toBeLessThan(4);
    expect(log.lines.filter((text) => text.startsWith('warn'))).toHaveLength(1);
    expect(log.lines[0]).toMatch(/bridge of replica a \(127.0.0.1:1\): connect ECONNREFUSED; trying again/);
  });

  test('a port that nobody answers is asked again, then opened anew', () => {
    line.device = null;
    open();
    line.settle();
    for (let ms = 0; ms < 3_200; ms += 10) {
      clock.pass(10_000);
      line.settle();
    }
    const asked = line.hostSaid.filter((one) => one.type === 'hello-request').length;
    expect(asked).toBeGreaterThan(10);
    expect(line.opened).toBe(2);
    expect(log.lines.join('\n')).toContain('does not answer our hello');
  });

  test('after close nothing happens any more', async () => {
    const port = open();
    line.settle();
    await port.close();
    clock.pass(10_000_000);
    line.settle();
    expect(line.opened).toBe(1);
    expect(port.read(clock.nowUs())).toEqual([null, null]);
    expect(clock.countTimers()).toBe(0);
  });
});

describe('a device that does not fit the rig is named with the cure', () => {
  test.each([
    ['channel 1 (sensor gear): there is no such channel', [PITCH]],
    ['channel 1 (sensor gear): it is a number, the rig says boolean', [PITCH, PITCH]],
    ['channel 0 (sensor pitch): the device says deg/s, the rig says deg', [{ ...PITCH, unit: 2 }, GEAR]],
    ['channel 0 (sensor pitch): the device says no unit, the rig says deg', [{ ...PITCH, unit: 0 }, GEAR]],
    ['channel 0 (sensor pitch): the device says unit code 200', [{ ...PITCH, unit: 200 }, GEAR]],
  ])('%s', (text, channels) => {
    line.device = makeDevice(1, channels);
    const port = open();
    line.settle();
    expect(port.isReady()).toBe(false);
    expect(port.read(clock.nowUs())).toEqual([null, null]);
    expect(log.lines.join('\n')).toContain(text);
  });

  test('another version of the protocol', () => {
    line.device = null;
    open();
    line.settle();
    line.say({ type: 'fault', code: 'version-refused', subject: 255, boot: 0, deviceTimeUs: 0, detail: 2 });
    expect(log.lines.join('\n')).toContain('speaks version 2 of the bridge protocol, this host version 1');
  });

  test('a hello that answers somebody else is none', () => {
    line.device = null;
    const port = open();
    line.settle();
    line.say({
      type: 'hello',
      version: 1,
      hostNonce: 0,
      bootNonce: 5,
      channels: 0,
      outputs: 0,
      deviceId: 'x',
    });
    expect(port.isReady()).toBe(false);
    expect(port.counts.unexpected).toBe(1);
  });
});

test('whatever a device says: nothing is thrown, no reading is out of range or NaN, nothing grows', () => {
  const u16 = fc.integer({ min: 0, max: 0xffff });
  const said: fc.Arbitrary<BridgeMessage> = fc.oneof(
    fc.record({
      type: fc.constant('sample' as const),
      channel: fc.integer({ min: 0, max: 15 }),
      sequence: fc.integer({ min: 0, max: 30 }),
      boot: fc.constantFrom(0x2222, 0x4444),
      valid: fc.constant(true),
      deviceTimeUs: u16,
      count: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    }),
    fc.record({
      type: fc.constant('hello' as const),
      version: fc.integer({ min: 1, max: 2 }),
      hostNonce: u16,
      bootNonce: u16,
      channels: fc.integer({ min: 0, max: 16 }),
      outputs: fc.integer({ min: 0, max: 4 }),
      deviceId: fc.constant('x'),
    }),
    fc.record({
      type: fc.constant('heartbeat' as const),
      sequence: u16,
      boot: u16,
      deviceTimeUs: u16,
      badFrames: u16,
    }),
    fc.record({
      type: fc.constant('channel' as const),
      channel: fc.integer({ min: 0, max: 15 }),
      kind: fc.constant('number' as const),
      unit: fc.constant(1),
      numerator: fc.constant(1),
      denominator: fc.constant(1),
      minCount: fc.constant(0),
      maxCount: fc.constant(1),
    }),
    fc.record({
      type: fc.constant('sample-request' as const),
      channel: fc.constant(255),
      sequence: u16,
    }),
    fc.record({
      type: fc.constant('fault' as const),
      code: fc.constantFrom('restarted' as const, 'version-refused' as const),
      subject: fc.constant(255),
      boot: u16,
      deviceTimeUs: u16,
      detail: u16,
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(said, fc.uint8Array({ maxLength: 90 })), { maxLength: 60 }), (things) => {
      clock = new HandClock();
      line = new TestLine(clock);
      line.device = makeDevice(0x11112222);
      log = new KeptLog();
      const port = open();
      line.settle();
      for (const thing of things) {
        if (thing instanceof Uint8Array) line.inject(thing);
        else line.say(thing);
        clock.pass(7_000);
        port.request();
        line.settle();
        const [pitch, gear] = port.read(clock.nowUs());
        expect(pitch === null || (typeof pitch === 'number' && pitch >= -45 && pitch <= 45)).toBe(true);
        expect(gear === null || typeof gear === 'boolean').toBe(true);
      }
      expect(clock.countTimers()).toBeLessThan(20);
      // And a good device behind it works again.
      line.drop();
      for (let i = 0; i < 300; i += 1) {
        clock.pass(10_000);
        line.settle();
      }
      expect(sample(port)).toEqual([1.5, true]);
    }),
    { numRuns: 60 },
  );
});
