/** From vector to command: lost sensors, trips, arming, a law that fails (protocol.md §4, §5). */
import { describe, expect, test } from 'vitest';
import type { ReplicaConfig } from '../../src/core/replica.js';
import type { ActuatorStatus, Entry, PeerMessage, Tick } from '../../src/core/types.js';
import {
  findDisagreements,
  findUnsafeOutputs,
  Lockstep,
  PLAIN_SENSOR,
  type LockstepOptions,
} from '../support/lockstep.js';
import { decodeEntry, encodeEntry, toBytes } from '../support/toy-codec.js';

const OM1: LockstepOptions = { n: 4, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' } };
const ALL = [0, 1, 2, 3];

/** Orders of a replica by tick, as text. */
function ordersOf(world: Lockstep, replica: number): Map<Tick, string> {
  return new Map(
    world.commands
      .filter((one) => one.replica === replica)
      .map(({ command }) => [
        command.tick,
        command.order.kind === 'output' ? String(command.order.count) : command.order.kind,
      ]),
  );
}

function expectSound(world: Lockstep, correct: readonly number[] = ALL): void {
  expect(findDisagreements(world, correct)).toEqual([]);
  expect(findUnsafeOutputs(world, correct)).toEqual([]);
}

/** Alters the entry that a replica brings into a tick. */
function alterEntry(message: PeerMessage, alter: (entry: Entry) => Entry): PeerMessage {
  if (message.kind !== 'round' || message.round !== 1) return message;
  const items = message.items.map((item) => {
    const entry = item.value === null ? null : decodeEntry(item.value);
    return entry === null ? item : { ...item, value: encodeEntry(alter(entry)) };
  });
  return { ...message, items };
}

describe('a required sensor', () => {
  const lostFrom =
    (from: Tick, until: Tick): NonNullable<LockstepOptions['sample']> =>
    (replica, tick) => [tick >= from && tick < until && replica < 2 ? null : 50];

  test('lost for longer than hold trips the actuators; back again, they are armed anew', () => {
    const seen: (readonly [Tick, string])[] = [];
    const law: ReplicaConfig['law'] = (state, readings, tick) => {
      seen.push([tick, `${readings[0]?.quality} ${readings[0]?.value}`]);
      return { ok: true, state, counts: [1] };
    };
    const world = new Lockstep({ ...OM1, law, sample: lostFrom(20, 30) }).startAll().runTo(40);
    // hold is 200 ms, four ticks: lost since 20, so 24 is the last one that holds.
    const orders = ordersOf(world, 2);
    expect([19, 20, 24, 25, 29, 30].map((tick) => orders.get(tick))).toEqual([
      '1',
      '1',
      '1',
      'trip',
      'trip',
      '1',
    ]);
    const start = world.reported('stepped', 0)[0]?.report.startTick ?? NaN;
    const readingAt = (tick: Tick): string | undefined => seen.find(([at]) => at === tick - start)?.[1];
    expect([19, 20, 24, 25, 29, 30].map(readingAt)).toEqual([
      'good 50',
      'lost 50',
      'lost 50',
      undefined,
      undefined,
      'good 50',
    ]);
    expect(world.voted('fail-safe').map(({ cause }) => cause)).toEqual(['start', 'ordered']);
    expect(world.voted('armed').map(({ trips }) => trips)).toEqual([0, 1]);
    const outputs = world.voted('output').map(({ tick }) => tick);
    expect(outputs.filter((tick) => tick > 24 && tick < 30)).toEqual([]);
    expect(outputs.filter((tick) => tick >= 31)).toEqual([31, 32, 33, 34, 35, 36, 37, 38, 39]);
    expectSound(world);
  });

  test('lost for hold and no longer trips nothing', () => {
    const world = new Lockstep({ ...OM1, sample: lostFrom(20, 25) }).startAll().runTo(40);
    expect([...ordersOf(world, 0).values()]).not.toContain('trip');
    expect(world.voted('missed')).toEqual([]);
    expect(world.reported('stepped', 0).find(({ report }) => report.tick === 24)?.report.readings).toEqual([
      { value: 50, quality: 'lost' },
    ]);
  });

  test('that never had a reading lets no law run: no command, then trip', () => {
    const world = new Lockstep({ ...OM1, sample: () => [null] }).startAll().runTo(20);
    const start = world.reported('stepped', 0)[0]?.report.tick ?? NaN;
    const orders = [...ordersOf(world, 0)];
    expect(orders.length).toBeGreaterThan(5);
    expect(orders.every(([tick, order]) => tick > start + 4 && order === 'trip')).toBe(true);
    expect(world.voted('armed')).toEqual([]);
    expect(world.voted('output')).toEqual([]);
  });

  test('not required: the law is told that it is lost, and flies on', () => {
    const optional = { ...PLAIN_SENSOR, required: false };
    const world = new Lockstep({ ...OM1, sensors: [optional], sample: () => [null] }).startAll().runTo(30);
    expect(world.reported('stepped', 0).at(-1)?.report.readings).toEqual([{ value: null, quality: 'lost' }]);
    expect(world.voted('output').length).toBeGreaterThan(20);
    expectSound(world);
  });

  test('that reads apart is lost as well, and one that lies alone is outvoted and named', () => {
    const apart = new Lockstep({ ...OM1, sample: (replica) => [replica * 20] }).startAll().runTo(20);
    expect(apart.reported('stepped', 0).at(-1)?.report.readings[0]?.quality).toBe('lost');
    const liar = new Lockstep({ ...OM1, sample: (replica) => [replica === 3 ? 900 : 50] })
      .startAll()
      .runTo(20);
    expect(liar.reported('stepped', 0).at(-1)?.report.readings).toEqual([{ value: 50, quality: 'degraded' }]);
    for (const id of [0, 1, 2]) {
      expect(liar.stateOf(id).health.suspects()).toEqual([3]);
      expect(liar.stateOf(id).health.of(3).dissenting).toBeGreaterThan(3);
    }
  });
});

describe('arming', () => {
  test('a voter that starts again is armed again, by its new boot nonce', () => {
    const world = new Lockstep({ ...OM1, actuators: [{ rearm: 'operator' }] }).startAll().runTo(20);
    const before = world.voterState().lastTick;
    world.killVoter(0);
    world.runTo(22);
    world.startVoter(0);
    world.runTo(30);
    expect(world.voted('armed').map(({ tick, trips }) => [tick > before, trips])).toEqual([
      [false, 0],
      [true, 0],
    ]);
    expect(world.voterState().phase).toBe('armed');
    expectSound(world);
  });

  test.each([
    ['auto', true],
    ['operator', false],
  ] as const)('after a trip, rearm %s: %s', (rearm, again) => {
    // Nothing reaches the voter for longer than its hold.
    const world = new Lockstep({
      ...OM1,
      actuators: [{ rearm }],
      interposeCommand: (command) => (command.tick >= 20 && command.tick < 30 ? [] : [command]),
    });
    world.startAll().runTo(40);
    expect(world.voted('fail-safe').map(({ cause }) => cause)).toEqual(['start', 'hold-expired']);
    expect(world.voterState().phase).toBe(again ? 'armed' : 'fail-safe');
    expect(world.voted('output').some(({ tick }) => tick >= 30)).toBe(again);
    expectSound(world);
  });

  test('names the first tick, the boot and the trips, and stops when the voter says that it is armed', () => {
    const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
    const arming = world.commands.filter(({ replica, command }) => replica === 0 && command.arm !== null);
    expect(arming.length).toBeGreaterThan(0);
    expect(arming.length).toBeLessThan(4);
    for (const { command } of arming) {
      expect(command.arm?.firstTick).toBe(command.tick);
      expect(command.arm?.trips).toBe(0);
      expect(command.arm?.bootNonce).toHaveLength(8);
    }
  });

  test('one liar about the voter arms nothing and hinders nothing', () => {
    const lies: readonly (ActuatorStatus | null)[] = [
      { bootNonce: new Uint8Array(8), phase: 'fail-safe', trips: 0, lastTick: -1 },
      { bootNonce: new Uint8Array(8), phase: 'armed', trips: 99, lastTick: 1e9 },
      null,
    ];
    for (const lie of lies) {
      const world = new Lockstep({
        ...OM1,
        liars: [0],
        interpose: (message, { from }) => [
          from === 0 ? alterEntry(message, (entry) => ({ ...entry, actuators: [lie] })) : message,
        ],
      });
      world.startAll().runTo(20);
      expect(world.voted('armed')).toHaveLength(1);
      const armedAt = world.voted('armed')[0]?.tick ?? NaN;
      const later = world.commands.filter(({ command }) => command.tick > armedAt + 2);
      expect(later.filter(({ command }) => command.arm !== null)).toEqual([]);
      expectSound(world, [1, 2, 3]);
    }
  });

  test('a trip order arms nothing', () => {
    const world = new Lockstep({ ...OM1, sample: () => [null] }).startAll().runTo(20);
    expect(world.commands.length).toBeGreaterThan(0);
    expect(world.commands.every(({ command }) => command.arm === null)).toBe(true);
  });
});

describe('a law that fails', () => {
  test('is reported, commands nothing, keeps its state, and may go on', () => {
    let start = NaN;
    const law: ReplicaConfig['law'] = (state, _, tick) =>
      start + tick >= 20 && start + tick < 22
        ? { ok: false, reason: 'divided by nought' }
        : {
            ok: true,
            state: toBytes(String(Number(Buffer.from(state).toString()) + 1 || 1)),
            counts: [tick],
          };
    const world = new Lockstep({ ...OM1, law });
    world.startAll().runTo(19);
    start = world.reported('stepped', 0)[0]?.report.startTick ?? NaN;
    world.runTo(30);
    const failed = world.reported('law-failed');
    expect(failed.map(({ report }) => [report.tick, report.reason])).toEqual([
      ...new Array<unknown>(4).fill([20, 'divided by nought']),
      ...new Array<unknown>(4).fill([21, 'divided by nought']),
    ]);
    expect(world.commands.filter(({ command }) => command.tick === 20 || command.tick === 21)).toEqual([]);
    expect(world.voted('missed')).toEqual([
      { kind: 'missed', firstTick: 20, ticks: 1 },
      { kind: 'missed', firstTick: 21, ticks: 1 },
    ]);
    expect(world.voted('output').at(-1)?.tick).toBe(29);
    const steps = Number(Buffer.from(world.stateOf(0).snapshot?.state.law ?? []).toString());
    expect(steps).toBe(30 - start - 2);
    expectSound(world);
  });

  test('null for one actuator holds that one alone', () => {
    const law: ReplicaConfig['law'] = (state, _, tick) => ({
      ok: true,
      state,
      counts: [tick, tick % 2 === 0 ? 5 : null],
    });
    const world = new Lockstep({ ...OM1, law, actuators: [{ rearm: 'auto' }, { rearm: 'auto' }] });
    world.startAll().runTo(30);
    const of = (actuator: number): Tick[] =>
      world.voterEvents.flatMap((one) =>
        one.actuator === actuator && one.effect.kind === 'output' ? [one.effect.tick] : [],
      );
    expect(of(0).length).toBeGreaterThan(20);
    expect(of(1).length).toBeGreaterThan(8);
    expect(of(1).every((tick) => (tick - (of(1)[0] ?? 0)) % 2 === 0)).toBe(true);
  });
});

test('a command of a tick that is over stays where it is', () => {
  // Replica 1 notices its timers almost a round too late, from tick 20 on.
  const world = new Lockstep({
    ...OM1,
    timerLatenessUs: (replica, dueUs) => (replica === 1 && dueUs >= 1_000_000 ? 14_000 : 0),
  });
  world.startAll().runTo(30);
  const givenUs = world.voterEvents.flatMap(({ atUs, effect }) =>
    effect.kind === 'output' ? [[effect.tick, atUs]] : [],
  );
  for (const [tick, atUs] of givenUs) expect(atUs).toBeLessThan(((tick as number) + 1) * 50_000 + 500);
  expectSound(world, [0, 2, 3]);
});
