import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { openBridgeActuator, openBridgeSensors } from '../../../firmware-bridge/host/bridge-ports.js';
import { PlantHost } from '../../../hardware/emulated/plant-host.js';
import { startNamedPlant } from '../../../hardware/plants/plants.js';
import { control, INITIAL_STATE } from '../../../hardware/rigs/pitch/control.js';
import { referenceAt } from '../../../hardware/rigs/pitch/profile.js';
import type { ActuatorPort, SensorPort } from '../../../src/ports.js';
import { createSystemClock, readMonotonicUs } from '../../../src/process/system-clock.js';
import type { Telemetry } from '../../../src/process/telemetry.js';
import { loadRig } from '../../../src/rig/load-rig.js';
import type { Rig } from '../../../src/rig/rig.js';
import { KeptLog } from '../../firmware-bridge/bench.js';
import { designPitchControl } from '../../hardware/design-pitch-control.js';

const clock = createSystemClock();
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const TUNING = designPitchControl(50, 30);

function anyPorts(rig: Rig): Record<string, string> {
  return Object.fromEntries(
    [...rig.replicas, ...rig.actuators].map(({ id }) => [`bridge:${id}`, '127.0.0.1:0']),
  );
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const startUs = readMonotonicUs();
  while (!holds()) {
    if (readMonotonicUs() - startUs > 20_000_000) throw new Error(`never: ${what}`);
    await delay(5);
  }
}

async function openPitch(log = new KeptLog()): Promise<{ rig: Rig; host: PlantHost }> {
  const { rig } = await loadRig('hardware/rigs/pitch');
  const host = await PlantHost.open({
    rig,
    plant: startNamedPlant('pitch', {}, 7),
    addresses: anyPorts(rig),
    clock,
    entropy: { bytes: (length) => new Uint8Array(length).fill(9) },
    log,
    referenceAt: (seconds) => referenceAt(seconds).pitchDeg,
  });
  closers.push(() => host.close());
  return { rig, host };
}

interface Cockpit {
  readonly sensors: SensorPort & { isReady(): boolean };
  readonly elevator: ActuatorPort & { isReady(): boolean };
}

async function openCockpit(rig: Rig, addresses: Record<string, string>): Promise<Cockpit> {
  const parts = { rig, addresses, clock, log: new KeptLog() };
  const sensors = openBridgeSensors({ ...parts, id: 'a' });
  const elevator = openBridgeActuator({ ...parts, id: 'elevator' });
  closers.push(
    () => sensors.close(),
    () => elevator.close(),
  );
  await until(() => sensors.isReady() && elevator.isReady(), 'the bridges are ready');
  return { sensors, elevator };
}

/** One replica's worth of control, by hand, from the grid tick `firstTick` on. Returns when it let go. */
async function flyByHand({ sensors, elevator }: Cockpit, firstTick: number, ticks: number): Promise<number> {
  let law = INITIAL_STATE;
  for (let tick = 0; tick < ticks; tick += 1) {
    const atUs = (firstTick + tick) * 50_000;
    await new Promise<void>((resolve) => {
      clock.schedule(atUs - 3_000, () => {
        sensors.request();
        clock.schedule(atUs, resolve);
      });
    });
    const [pitch, rate] = sensors.read(clock.nowUs());
    const result = control(
      TUNING,
      law,
      typeof pitch === 'number' ? pitch : null,
      typeof rate === 'number' ? rate : null,
      tick,
    );
    law = result.state;
    elevator.output(Math.round(result.elevator * 1000), firstTick + tick);
  }
  return clock.nowUs();
}

describe('the emulated aircraft', () => {
  test('is held until the first output of a tick, flies in good hands, and is lost without them', async () => {
    const { rig, host } = await openPitch();
    const cockpit = await openCockpit(rig, host.addresses);
    cockpit.elevator.output(0, -1);
    await delay(700);
    expect(host.account()).toMatchObject({ flying: false, survived: true, maxAbsError: null });
    const firstTick = Math.floor(clock.nowUs() / 50_000) + 3;
    host.setRunStart(firstTick);
    await flyByHand(cockpit, firstTick, 100);
    const flown = host.account();
    expect(flown).toMatchObject({ flying: true, survived: true });
    expect(flown.flownUs).toBeGreaterThan(3_000_000);
    expect(flown.maxAbsError).toBeLessThan(3);
    const letGoUs = host.account().flownUs;
    cockpit.elevator.output(0, -1);
    await until(() => !host.account().survived, 'the aircraft is lost');
    const lost = host.account();
    // In the aircraft's own time: the fail-safe value finds the surface at once, so no hold counts here.
    expect((lost.lostAtUs ?? 0) - letGoUs).toBeLessThan(500_000);
    expect(lost.lostWhy).toContain('wings came off');
  });

  test('a voter that dies without a word: the device goes to fail-safe by itself and the aircraft is lost', async () => {
    const log = new KeptLog();
    const { rig, host } = await openPitch(log);
    const cockpit = await openCockpit(rig, host.addresses);
    await flyByHand(cockpit, Math.floor(clock.nowUs() / 50_000) + 3, 10);
    expect(host.account().survived).toBe(true);
    await cockpit.elevator.close();
    await until(() => !host.account().survived, 'the aircraft is lost');
    expect(host.account().instruments['elevatorDeg']).toBeGreaterThan(-7);
  });

  test('each replica has its own device with noise of its own', async () => {
    const { rig, host } = await openPitch();
    const readings = new Set<unknown>();
    for (const { id } of rig.replicas) {
      const sensors = openBridgeSensors({ rig, id, addresses: host.addresses, clock, log: new KeptLog() });
      closers.push(() => sensors.close());
      await until(() => sensors.isReady(), 'the bridge is ready');
      sensors.request();
      await until(() => sensors.read(clock.nowUs())[1] !== null, 'a reading');
      readings.add(sensors.read(clock.nowUs())[1]);
    }
    expect(readings.size).toBe(4);
  });

  test('a rig that does not fit the plant is refused with what there is', async () => {
    const { rig } = await loadRig('hardware/rigs/pitch');
    const parts = {
      rig,
      plant: startNamedPlant('altitude', {}, 1),
      addresses: anyPorts(rig),
      clock,
      entropy: { bytes: (length: number) => new Uint8Array(length) },
      log: new KeptLog(),
      referenceAt: null,
    };
    await expect(PlantHost.open(parts)).rejects.toThrow(
      /sensor pitch: plant altitude has no number in deg on channel 0; its channels are 0 altitude \(ft\)/,
    );
  });
});

describe('voteplane plant', () => {
  function start(...args: string[]): { child: ChildProcess; said: Telemetry[]; errors: string[] } {
    const child = fork('bin/voteplane.js', ['plant', ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const said: Telemetry[] = [];
    const errors: string[] = [];
    child.on('message', (message) => said.push(message as Telemetry));
    child.stderr?.on('data', (text: Buffer) => errors.push(text.toString()));
    closers.push(() => {
      child.kill('SIGKILL');
    });
    return { child, said, errors };
  }

  async function writeAddresses(ids: readonly string[]): Promise<string> {
    const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-plant-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'addresses.json');
    writeFileSync(file, JSON.stringify(Object.fromEntries(ids.map((id) => [`bridge:${id}`, '127.0.0.1:0']))));
    return file;
  }

  /** Where the process says that its bridges are. */
  async function readBound(errors: readonly string[], count: number): Promise<Record<string, string>> {
    const pattern = /(bridge:\S+) is at (\S+)/g;
    await until(() => [...errors.join('').matchAll(pattern)].length >= count, 'the bridges are announced');
    return Object.fromEntries(
      [...errors.join('').matchAll(pattern)].map(([, name, at]) => [name ?? '', at ?? '']),
    );
  }

  test('serves a rig, reports ten times a second with the error to the profile, and ends on SIGTERM', async () => {
    const addresses = await writeAddresses(['a', 'b', 'c', 'd', 'elevator']);
    const { child, said, errors } = start('hardware/rigs/pitch', '--addresses', addresses, '--seed', '3');
    const bound = await readBound(errors, 5);
    const { rig } = await loadRig('hardware/rigs/pitch');
    const cockpit = await openCockpit(rig, bound);
    const firstTick = Math.floor(clock.nowUs() / 50_000) + 3;
    child.send({ kind: 'nonsense' });
    child.send({ kind: 'run-start', startTick: firstTick });
    await flyByHand(cockpit, firstTick, 40);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
    expect(said[0]).toEqual({ kind: 'ready', id: 'plant' });
    const reports = said.filter((message) => message.kind === 'plant');
    expect(reports.length).toBeGreaterThan(10);
    const last = reports.at(-1);
    expect(last?.survived).toBe(true);
    expect(last?.maxAbsError).not.toBeNull();
    expect(last?.maxAbsError).toBeLessThan(3);
    expect(last?.values).toMatchObject({ flying: true, lostWhy: null });
    expect(errors.join('')).toContain('something else than {kind: run-start');
  });

  test('ends when the process that started it is gone', async () => {
    const addresses = await writeAddresses(['a', 'b', 'c', 'd', 'elevator']);
    const { child, errors } = start('hardware/rigs/pitch', '--addresses', addresses);
    await readBound(errors, 5);
    const exited = once(child, 'exit');
    child.disconnect();
    expect((await exited)[0]).toBe(0);
  });

  test.each([
    [['hardware/rigs/nowhere'], 'nowhere'],
    [['hardware/rigs/pitch', '--seed', 'many'], 'whole number'],
    [['hardware/rigs/pitch', '--addresses', '/nonexistent.json'], '/nonexistent.json'],
  ])('refuses %j with exit code 2', async (args, text) => {
    const { child, errors } = start(...args);
    const [code] = await once(child, 'close');
    expect(code).toBe(2);
    expect(errors.join('')).toContain(text);
  });
});
