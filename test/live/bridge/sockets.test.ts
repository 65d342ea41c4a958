import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { BridgeDevice } from '../../../firmware-bridge/host/bridge-device.js';
import { BridgeServer } from '../../../firmware-bridge/host/bridge-server.js';
import { openBridgeActuator, openBridgeSensors } from '../../../firmware-bridge/host/bridge-ports.js';
import { encodeFrame, FrameDecoder } from '../../../firmware-bridge/host/frame.js';
import { advanceRandom, drawBits } from '../../../hardware/plants/random.js';
import { createSystemClock, readMonotonicUs } from '../../../src/process/system-clock.js';
import { KeptLog, RIG } from '../../firmware-bridge/bench.js';

const clock = createSystemClock();
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let applied: [number, number | null][] = [];

async function listen(bootNonce: number, port = 0): Promise<BridgeServer> {
  applied = [];
  const device = new BridgeDevice({
    deviceId: 'live-device',
    bootNonce,
    channels: [
      {
        kind: 'number',
        unit: 1,
        numerator: 1,
        denominator: 1000,
        minCount: -90_000,
        maxCount: 90_000,
        sample: () => 2_500,
      },
      {
        kind: 'boolean',
        unit: 0,
        numerator: 1,
        denominator: 1,
        minCount: 0,
        maxCount: 1,
        sample: () => 1,
      },
    ],
    outputs: [
      {
        unit: 1,
        numerator: 1,
        denominator: 1000,
        minCount: -25_000,
        maxCount: 25_000,
        safeCount: 0,
        watchdogMs: 300,
        apply: (count, tick) => applied.push([count, tick]),
        measure: () => null,
      },
    ],
  });
  const server = await BridgeServer.listen({ host: '127.0.0.1', port, device, nowUs: readMonotonicUs });
  closers.push(() => server.close());
  return server;
}

/** Opens a port of either kind and resolves when its device is ready. */
async function openReady<T extends { isReady(): boolean; close(): Promise<void> }>(
  open: (onReady: (ready: boolean) => void) => T,
): Promise<T> {
  const told: boolean[] = [];
  const port = open((ready) => told.push(ready));
  closers.push(() => port.close());
  await until(() => told.includes(true), 'the device is ready');
  return port;
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const startUs = readMonotonicUs();
  while (!holds()) {
    if (readMonotonicUs() - startUs > 20_000_000) throw new Error(`never: ${what}`);
    await delay(5);
  }
}

function openSensors(port: number, onReady: (ready: boolean) => void): ReturnType<typeof openBridgeSensors> {
  return openBridgeSensors({
    rig: RIG,
    id: 'a',
    addresses: { 'bridge:a': `127.0.0.1:${port}` },
    clock,
    log: new KeptLog(),
    onReady,
  });
}

describe('over TCP', () => {
  test('readings and outputs arrive; a device that comes back with another boot is taken again', async () => {
    const server = await listen(0x01020304);
    const sensors = await openReady((onReady) => openSensors(server.port, onReady));
    sensors.request();
    await until(() => sensors.read(clock.nowUs())[0] === 2.5, 'a reading');
    expect(sensors.read(clock.nowUs())).toEqual([2.5, true]);
    const { port } = server;
    await server.close();
    await until(() => !sensors.isReady(), 'the line is seen to break');
    expect(sensors.read(clock.nowUs())).toEqual([null, null]);
    await listen(0x0a0b0c0d, port);
    await until(() => sensors.isReady(), 'the device is back');
    sensors.request();
    await until(() => sensors.read(clock.nowUs())[0] === 2.5, 'a reading again');
  });

  test('outputs reach the actuator, and its read-back comes', async () => {
    const server = await listen(1);
    const actuator = await openReady((onReady) =>
      openBridgeActuator({
        rig: RIG,
        id: 'elevator',
        addresses: { 'bridge:elevator': `127.0.0.1:${server.port}` },
        clock,
        log: new KeptLog(),
        onReady,
      }),
    );
    const backs: number[] = [];
    actuator.onReadBack((count) => backs.push(count));
    actuator.output(-8_000, 77);
    await until(() => backs.length > 0, 'a read-back');
    expect(applied).toEqual([[-8_000, 77]]);
    expect(backs).toEqual([-8_000]);
  });

  test('a second host takes the place of the first: a half-open line locks nobody out', async () => {
    const server = await listen(2);
    const first = connect(server.port, '127.0.0.1');
    first.on('error', () => first.destroy());
    await once(first, 'connect');
    const sensors = await openReady((onReady) => openSensors(server.port, onReady));
    sensors.request();
    await until(() => sensors.read(clock.nowUs())[0] === 2.5, 'a reading');
    if (!first.closed) await once(first, 'close');
  });

  test('an address in use is refused by the socket itself', async () => {
    const server = await listen(3);
    await expect(listen(4, server.port)).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('hostile bytes', () => {
  /** Every fuzzed frame, closing zero included: random, truncated, bit-flipped. */
  function makeBadFrames(count: number, good: readonly Uint8Array[]): Buffer[] {
    let random = 77;
    const draw = (below: number): number => {
      random = advanceRandom(random);
      return drawBits(random) % below;
    };
    const zero = new Uint8Array(1);
    return Array.from({ length: count }, (_, i) => {
      const one = good[draw(good.length)] ?? zero;
      if (i % 3 === 0) {
        return Buffer.concat([Uint8Array.from({ length: 1 + draw(90) }, () => 1 + draw(255)), zero]);
      }
      if (i % 3 === 1) return Buffer.concat([one.subarray(0, 1 + draw(one.length - 2)), zero]);
      const flipped = Buffer.from(one.subarray(0, -1));
      const at = draw(flipped.length);
      const bit = 1 << draw(8);
      flipped[at] = (flipped[at] ?? 0) ^ bit || bit ^ 0xff;
      return Buffer.concat([flipped, zero]);
    });
  }

  test('100,000 bad frames at a device: nothing moves, memory stays flat, the next host is served', async () => {
    const server = await listen(0x0bad);
    const good = [
      encodeFrame({ type: 'output', output: 0, sequence: 1, tick: 5, count: 12_345 }),
      encodeFrame({ type: 'sample-request', channel: 255, sequence: 9 }),
      encodeFrame({ type: 'hello-request', lowestVersion: 1, highestVersion: 1, hostNonce: 3 }),
    ];
    const frames = makeBadFrames(100_000, good);
    const send = async (from: number, to: number): Promise<void> => {
      const socket = connect(server.port, '127.0.0.1');
      let answers = 0;
      socket.on('data', (bytes) => {
        answers += bytes.length;
      });
      await once(socket, 'connect');
      for (let at = from; at < to; at += 500) {
        if (!socket.write(Buffer.concat(frames.slice(at, Math.min(to, at + 500)))))
          await once(socket, 'drain');
      }
      await until(() => server.countRefused() >= to, `${to} frames are refused`);
      expect(answers).toBe(0);
      socket.destroy();
    };
    await send(0, 20_000);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await send(20_000, 100_000);
    globalThis.gc?.();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(40 * 2 ** 20);
    expect(applied).toEqual([]);
    expect(server.countRefused()).toBe(100_000);
    const sensors = await openReady((onReady) => openSensors(server.port, onReady));
    expect(sensors.isReady()).toBe(true);
  });

  test('100,000 bad frames at a host: no reading comes of it, and it serves the device behind them', async () => {
    const good = [
      encodeFrame({
        type: 'sample',
        channel: 0,
        sequence: 1,
        boot: 2,
        valid: true,
        deviceTimeUs: 3,
        count: 4,
      }),
      encodeFrame({
        type: 'hello',
        version: 1,
        hostNonce: 1,
        bootNonce: 2,
        channels: 1,
        outputs: 0,
        deviceId: 'liar',
      }),
    ];
    const frames = makeBadFrames(100_000, good);
    const sockets: Socket[] = [];
    const hostile = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => socket.destroy());
      socket.on('data', () => {});
      socket.write(Buffer.concat(frames));
    });
    closers.push(
      () =>
        new Promise((resolve) => {
          for (const socket of sockets) socket.destroy();
          hostile.close(() => resolve());
        }),
    );
    hostile.listen(0, '127.0.0.1');
    await once(hostile, 'listening');
    const sensors = openSensors((hostile.address() as AddressInfo).port, () => {});
    closers.push(() => sensors.close());
    const sum = (): number => Object.values(sensors.counts.refused).reduce((a, b) => a + b, 0);
    await until(() => sum() >= 100_000, 'all frames are refused');
    expect(sensors.isReady()).toBe(false);
    sensors.request();
    expect(sensors.read(clock.nowUs())).toEqual([null, null]);
  });

  test('a host that asks and never reads is cut and does not fill the device', async () => {
    const server = await listen(5);
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    socket.pause();
    const request = encodeFrame({ type: 'sample-request', channel: 255, sequence: 1 });
    const burst = Buffer.concat(Array.from({ length: 2_000 }, () => request));
    const startUs = readMonotonicUs();
    while (!socket.destroyed && socket.writable && readMonotonicUs() - startUs < 20_000_000) {
      socket.write(burst);
      await delay(1);
    }
    expect(socket.destroyed || !socket.writable).toBe(true);
  });

  test('a device that echoes our own frames is no device', async () => {
    const echo = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    closers.push(() => new Promise((resolve) => echo.close(() => resolve())));
    const sensors = openSensors((echo.address() as AddressInfo).port, () => {});
    await until(() => sensors.counts.unexpected > 0, 'the echo is noticed');
    expect(sensors.isReady()).toBe(false);
    await sensors.close();
  });
});

test('a decoder on a socket sees whole messages whatever TCP cuts', async () => {
  const server = await listen(6);
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  const decoder = new FrameDecoder();
  const types: string[] = [];
  socket.on('data', (bytes) => decoder.push(bytes, (message) => types.push(message.type)));
  for (const byte of encodeFrame({ type: 'sample-request', channel: 255, sequence: 4 })) {
    socket.write(Uint8Array.of(byte));
    await delay(1);
  }
  await until(() => types.length === 2, 'both samples');
  expect(types).toEqual(['sample', 'sample']);
  socket.destroy();
});
