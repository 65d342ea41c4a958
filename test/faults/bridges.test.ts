/** Bridge faults around a real bridge host and device, over a line and a clock in the test's hand. */
import { beforeEach, describe, expect, test } from 'vitest';
import { BridgeDevice } from '../../firmware-bridge/host/bridge-device.js';
import { openBridgeSensors, type BridgeHealth } from '../../firmware-bridge/host/bridge-ports.js';
import type { SensorPort } from '../../src/ports.js';
import { KeptLog, TestLine } from '../firmware-bridge/bench.js';
import { Bench, makeBareInjector, makeRig } from './support.js';

const TICK_US = 50_000;
/** What the device measures, in thousandths of a degree. */
const COUNT = 1_500;

let bench: Bench;
let line: TestLine;
let port: SensorPort & BridgeHealth;

beforeEach(() => {
  const rig = makeRig();
  bench = new Bench({ ...rig, sensors: rig.sensors.slice(0, 1) });
  line = new TestLine(bench.clock);
  line.device = new BridgeDevice({
    deviceId: 'sampler-c',
    bootNonce: 0x1234,
    channels: [
      {
        kind: 'number',
        unit: 1,
        numerator: 1,
        denominator: 1000,
        minCount: -90_000,
        maxCount: 90_000,
        sample: () => COUNT,
      },
    ],
    outputs: [],
  });
  port = openBridgeSensors({
    rig: bench.rig,
    id: 'c',
    addresses: {},
    clock: bench.localClock,
    log: new KeptLog(),
    open: line.open,
    wrapLine: (open) => bench.injector.wrapBridge(open),
  });
  line.settle();
});

/** Lives through a tick and gives what is read in it. */
function turn(tick: number): unknown {
  bench.injector.onTick(tick);
  port.request();
  line.settle();
  const [reading] = port.read(bench.clock.nowUs());
  for (let step = 0; step < 10; step += 1) {
    bench.clock.advance(TICK_US / 10);
    line.settle();
  }
  return reading;
}

const turns = (from: number, ticks: number): unknown[] =>
  Array.from({ length: ticks }, (_, at) => turn(from + at));

test('without a fault the line is the line', () => {
  expect(turns(0, 3)).toEqual([1.5, 1.5, 1.5]);
  expect(line.opened).toBe(1);
});

describe('bridge-hang', () => {
  test('nothing is read while it lasts; a short one costs no connection', () => {
    bench.injector.handle('bridge-hang on c at 2 for 5');
    // The sample of the tick before is just young enough.
    expect(turns(0, 10)).toEqual([1.5, 1.5, 1.5, null, null, null, null, 1.5, 1.5, 1.5]);
    expect(line.opened).toBe(1);
    expect(bench.events.at(-1)).toMatchObject({ event: 'cleared', tick: 8 });
    expect(bench.events.at(-1)?.affected).toBeGreaterThan(5);
  });

  test('a long one is noticed, and the device is greeted anew when it is over', () => {
    bench.injector.handle('bridge-hang on c ms=2000 at 2');
    const read = turns(0, 80);
    expect(read.slice(3, 41)).toEqual(new Array(38).fill(null));
    expect(read.slice(60)).toEqual(new Array(20).fill(1.5));
    expect(line.opened).toBeGreaterThan(1);
    expect(bench.injector.list()).toEqual([]);
  });
});

describe('bridge-corrupt', () => {
  test('samples are lost, none is false, and the frames are counted', () => {
    bench.injector.handle('bridge-corrupt on c rate=0.002 at 1 for 400');
    const read = turns(0, 402);
    expect(new Set(read)).toEqual(new Set([1.5, null]));
    const lost = read.filter((reading) => reading === null).length;
    expect(lost).toBeGreaterThan(20);
    expect(lost).toBeLessThan(300);
    const refused = Object.values(port.counts.refused).reduce((sum, count) => sum + count, 0);
    expect(refused).toBeGreaterThan(20);
    expect(bench.events.at(-1)?.affected).toBeGreaterThan(40);
    expect(read.at(-1)).toBe(1.5);
  });

  test('flips as many bits as its rate says', () => {
    const arrived: Uint8Array[] = [];
    const open = bench.injector.wrapBridge((events) => {
      queueMicrotask(() => events.onOpen());
      return { write: (bytes) => arrived.push(bytes.slice()) > 0, close: () => {} };
    });
    const stream = open({ onOpen: () => {}, onBytes: () => {}, onClose: () => {} });
    bench.strike('bridge-corrupt on c rate=0.01');
    const sent = new Uint8Array(100);
    for (let i = 0; i < 250; i += 1) stream.write(sent);
    const flipped = arrived
      .flatMap((bytes) => [...bytes])
      .reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    expect(sent.every((byte) => byte === 0)).toBe(true);
    // 200 000 bits: 2000 expected, standard deviation 45.
    expect(Math.abs(flipped - 2_000)).toBeLessThan(250);
  });
});

describe('bridge-reset', () => {
  test('once: the line is opened again after the backoff', () => {
    bench.injector.handle('bridge-reset on c at 2');
    const read = turns(0, 8);
    expect(read[2]).toBeNull();
    expect(read.slice(4)).toEqual([1.5, 1.5, 1.5, 1.5]);
    expect(line.opened).toBe(2);
    expect(bench.events.at(-1)).toMatchObject({ event: 'cleared', tick: 3, affected: 1 });
  });

  test('with for: whenever it stands again', () => {
    bench.injector.handle('bridge-reset on c at 2 for 40');
    const read = turns(0, 100);
    const during = read.slice(3, 41).filter((reading) => reading !== null).length;
    expect(during).toBeLessThan(8);
    expect(read.slice(90)).toEqual(new Array(10).fill(1.5));
    expect(bench.events.at(-1)?.affected).toBeGreaterThan(3);
  });

  test('a bridge that has been closed stays so', async () => {
    bench.injector.handle('bridge-reset on c at 2 for 4');
    await port.close();
    turns(0, 8);
    expect(line.opened).toBe(1);
    expect(bench.events.at(-1)).toMatchObject({ event: 'cleared', affected: 0 });
  });
});

test('a process without a firmware bridge refuses by name', () => {
  expect(makeBareInjector().handle('bridge-hang on c at 1')).toMatchObject({
    ok: false,
    what: "'bridge-hang' needs the line of a firmware bridge, which 'c' does not offer",
  });
});
