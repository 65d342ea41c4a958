import { beforeEach, describe, expect, test } from 'vitest';
import { FaultInjector, type FaultEvent } from '../../src/faults/injector.js';
import { readReturn } from '../../src/faults/host-faults.js';
import { parseFault } from '../../src/faults/spec.js';
import type { ActuatorPort } from '../../src/ports.js';
import { explainDeath } from '../../src/demo/fault-ledger.js';
import { CODEC, makeBareInjector, makeRig, ManualClock } from './support.js';

const rig = makeRig();
let clock: ManualClock;
let events: FaultEvent[];
let killed: number;
let done: { readonly count: number; readonly tick: number }[];
let injector: FaultInjector;
let device: ActuatorPort;
let readBack: (count: number, atUs: number) => void;

beforeEach(() => {
  clock = new ManualClock();
  events = [];
  killed = 0;
  done = [];
  readBack = () => {};
  injector = new FaultInjector({
    rig,
    self: 0,
    of: 'actuators',
    seed: 1,
    clock,
    host: {
      kill: () => {
        killed += 1;
      },
      stall: () => {},
      killBroker: () => {},
    },
    ...CODEC,
    onEvent: (event) => events.push(event),
  });
  device = injector.wrapDevice({
    output: (count, tick) => done.push({ count, tick }),
    onReadBack: (handler) => {
      readBack = handler;
    },
    close: () => Promise.resolve(),
  });
});

/** Orders the counts, one a tick, and gives what the device was handed. */
function order(fault: string, counts: readonly number[]): number[] {
  const answer = injector.handle(fault);
  if (!answer.ok) throw new Error(`${answer.what}; ${answer.cure}`);
  counts.forEach((count, tick) => {
    injector.onTick(tick);
    device.output(count, tick);
    clock.advance(rig.periodUs);
  });
  return done.map(({ count }) => count);
}

describe('faults of the device', () => {
  test('actuator-stuck: at the first order, or at a value; its tick and the fail-safe order included', () => {
    expect(order('actuator-stuck on elevator at 1 for 3', [10, 20, 30, 40, 50])).toEqual([
      10, 20, 20, 20, 50,
    ]);
    expect(done.map(({ tick }) => tick)).toEqual([0, 1, 2, 3, 4]);
    expect(events.at(-1)).toMatchObject({ event: 'cleared', tick: 4, affected: 2 });
    injector.handle('actuator-stuck on elevator value=-3 at 5');
    injector.onTick(5);
    device.output(0, -1);
    expect(done.at(-1)).toEqual({ count: -3_000, tick: -1 });
  });

  test('a value beyond the envelope is its end: the device takes nothing else', () => {
    expect(order('actuator-stuck on elevator value=90 at 0', [0])).toEqual([25_000]);
  });

  test('actuator-slow: no faster than its rate, from where it stood', () => {
    // 1 deg/s are 50 counts a tick.
    expect(
      order('actuator-slow on elevator rate=1 at 0', [0, 1_000, 1_000, 1_000, -1_000, 70, 70, 70]),
    ).toEqual([0, 50, 100, 150, 100, 70, 70, 70]);
    expect(injector.list()[0]?.affected).toBe(4);
  });

  test('actuator-reverse: as far to the other side', () => {
    expect(order('actuator-reverse on elevator at 1', [100, 100, -25_000])).toEqual([100, -100, 25_000]);
  });

  test('what the device reads back passes as it is', () => {
    const heard: number[] = [];
    device.onReadBack((count) => heard.push(count));
    order('actuator-reverse on elevator at 0', [100]);
    readBack(-100, clock.nowUs());
    expect(heard).toEqual([-100]);
  });
});

describe('voter-restart', () => {
  test('is told, then the process is gone', () => {
    order('voter-restart on elevator at 1', [1, 2]);
    expect(killed).toBe(1);
    expect(events).toEqual([
      { spec: 'voter-restart on elevator at 1', event: 'applied', tick: 1, affected: 1 },
    ]);
  });

  test.each([
    ['voter-restart on elevator at 1', 4],
    ['voter-restart on elevator ms=1010 at 1', 21],
    ['crash on c at 1 for 7', 7],
    ['crash on c at 1', null],
    ['crash-mid-round on c at 1 for 3', 3],
    ['restart on c at 1', 0],
    ['lie on c at 1', undefined],
  ])('%s: back after %s ticks', (text, ticks) => {
    const parsed = parseFault(text);
    if (!parsed.ok || parsed.spec.kind !== 'inject') throw new Error(text);
    expect(readReturn(parsed.spec, 50_000)).toBe(ticks);
  });

  test('what else was at work on the dead has ended with it', () => {
    const open = ['actuator-slow on elevator at 1', 'voter-restart on elevator ms=100 at 3'];
    expect(explainDeath(open, 50_000)).toEqual({
      killer: { spec: 'voter-restart on elevator ms=100 at 3', forTicks: 2 },
      ended: ['actuator-slow on elevator at 1'],
    });
    expect(explainDeath(['lie on c at 4'], 50_000)).toEqual({ killer: null, ended: ['lie on c at 4'] });
  });
});

describe('who obeys', () => {
  test('an actuator refuses what is for replicas, and they what is for it', () => {
    expect(injector.handle('lie on c at 1')).toMatchObject({
      ok: false,
      what: "'lie on c' is not for actuator 'elevator' to do",
      cure: 'send it to c',
    });
    expect(makeBareInjector().handle('actuator-stuck on elevator at 1')).toMatchObject({
      ok: false,
      cure: 'choose another fault',
    });
    expect(injector.handle('actuator-stuck on c at 1')).toMatchObject({
      ok: false,
      what: "'actuator-stuck' cannot strike the replica c",
    });
  });

  test('bridge faults strike the bridge of either', () => {
    expect(injector.handle('bridge-hang on elevator at 1')).toMatchObject({ ok: false });
    injector.wrapBridge(() => ({ write: () => true, close: () => {} }));
    expect(injector.handle('bridge-hang on elevator at 1')).toMatchObject({ ok: true });
  });
});
