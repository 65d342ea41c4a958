/** What the voter does beyond the vectors of firmware-bridge/vectors/voter: values that no C voter can be given. */
import { describe, expect, test } from 'vitest';
import type { ActuatorCommand } from '../../../src/core/types.js';
import { nextVoterDeadlineUs, startVoter } from '../../../src/core/voting/actuator-voter.js';
import { VoterBench, voterConfig } from '../../support/voter-bench.js';

const ODD_NUMBERS = [NaN, Infinity, -Infinity, 0.5, 11.5, -1, 2 ** 53, 1e308];

describe('numbers that are none', () => {
  test('ticks between ticks displace no votes', () => {
    const bench = new VoterBench(voterConfig(4)).armAll(10);
    bench.pass(50_000);
    bench.order(0, 11, 7);
    bench.order(1, 11, 7);
    for (let at = 1; at < 20; at += 1) {
      expect(bench.order(3, 11 + at / 32, 9)).toEqual([
        { kind: 'refused', tick: -1, from: 3, cause: 'malformed' },
      ]);
    }
    expect(bench.order(2, 11, 7)).toEqual([{ kind: 'output', tick: 11, count: 7, votes: 0b0111 }]);
  });

  test.each(ODD_NUMBERS)('tick %d is refused, armed or not', (tick) => {
    const bench = new VoterBench(voterConfig(4));
    for (let from = 0; from < 4; from += 1) expect(bench.arm(from, tick, 1)[0]?.kind).toBe('refused');
    bench.armAll(10);
    for (let from = 0; from < 4; from += 1) expect(bench.order(from, tick, 1)[0]?.kind).toBe('refused');
    expect(bench.outputs()).toHaveLength(1);
  });

  test.each([NaN, Infinity, -Infinity, 0.5, 2 ** 31, -(2 ** 31) - 1])('count %d never goes out', (count) => {
    for (const vote of [{ kind: 'exact' }, { kind: 'mid-value', quorum: 3 }] as const) {
      const bench = new VoterBench(voterConfig(4, { vote, minCount: -Infinity, maxCount: Infinity })).armAll(
        10,
      );
      bench.pass(50_000);
      for (let from = 0; from < 4; from += 1) {
        expect(bench.order(from, 11, count)).toEqual([
          { kind: 'refused', tick: -1, from, cause: 'malformed' },
        ]);
      }
      expect(bench.outputs()).toHaveLength(1);
    }
  });

  test.each([-1, 4, 0.5, NaN, Infinity])('replica %d is none', (from) => {
    const bench = new VoterBench(voterConfig(4));
    expect(bench.arm(from, 10, 1)).toEqual([{ kind: 'refused', tick: 10, from, cause: 'unknown-replica' }]);
    bench.armAll(10);
    expect(bench.order(from, 10, 1)).toEqual([{ kind: 'refused', tick: 10, from, cause: 'unknown-replica' }]);
  });
});

test('the first tick that arming names is a floor, even at the very instant of arming', () => {
  const bench = new VoterBench(voterConfig(3));
  bench.arm(0, 10, 1);
  bench.arm(1, 10, 2); // armed, but no two orders are equal
  expect(bench.state.phase).toBe('armed');
  bench.order(0, 9, 3);
  bench.order(1, 9, 3);
  bench.order(2, 9, 3);
  expect(bench.outputs()).toEqual([]);
  expect(bench.effects.filter((one) => one.kind === 'refused').map((one) => one.cause)).toEqual([
    'old-tick',
    'old-tick',
    'old-tick',
  ]);
});

test('tick 0 is a tick like any other, also after a trip without an output', () => {
  const bench = new VoterBench(voterConfig(3));
  bench.arm(0, 0, 1);
  bench.arm(1, 0, 2); // armed, but no two orders are equal
  bench.wait(200_001);
  expect(bench.state).toMatchObject({ phase: 'fail-safe', trips: 1, lastTick: -1 });
  bench.armAll(0, 7);
  expect(bench.outputs()).toEqual([{ tick: 0, count: 7, votes: 0b011 }]);
});

test('a vote from before a trip counts for nothing that comes after it', () => {
  const bench = new VoterBench(voterConfig(3)).armAll(10);
  bench.order(2, 12, 7); // early, and alone
  bench.wait(200_001);
  expect(bench.state.trips).toBe(1);
  bench.arm(0, 12, 7);
  expect(bench.arm(1, 12, 9)).toEqual([{ kind: 'armed', tick: 12, trips: 1 }]);
  expect(bench.order(2, 12, 9)).toEqual([
    { kind: 'dissent', tick: 12, from: 0 },
    { kind: 'output', tick: 12, count: 9, votes: 0b110 },
  ]);
});

test('under mid-value voting a reading apart is no dissent, a trip order apart is', () => {
  const bench = new VoterBench(voterConfig(4, { vote: { kind: 'mid-value', quorum: 3 } }));
  for (const [from, count] of [10, 20, 30].entries()) bench.arm(from, 10, count);
  expect(bench.outputs()).toEqual([{ tick: 10, count: 20, votes: 0b0111 }]);
  expect(bench.order(3, 10, 25)).toEqual([]);
  bench.pass(50_000);
  bench.order(0, 11, 10);
  bench.order(1, 11, 'trip');
  bench.order(2, 11, 30);
  expect(bench.order(3, 11, 20)).toEqual([
    { kind: 'dissent', tick: 11, from: 1 },
    { kind: 'output', tick: 11, count: 20, votes: 0b1101 },
  ]);
});

test('its clock follows the replicas in whole microseconds, by 500 ppm and no more', () => {
  const bench = new VoterBench(voterConfig(3, { periodUs: 33_333 })).armAll(10);
  const anchorUs = bench.state.anchorUs;
  bench.pass(33_333 + 5_000);
  bench.order(0, 11, 1);
  bench.order(1, 11, 1);
  expect(bench.state.anchorUs).toBe(anchorUs + 33_333 + 16);
});

test('a stepped clock of the voter never makes its tables grow', () => {
  const bench = new VoterBench(voterConfig(4)).armAll(10);
  const before = JSON.stringify(bench.state).length;
  for (let tick = 0; tick < 2_000; tick += 1) {
    bench.pass(tick % 7 === 0 ? 1 : 20_000);
    for (let from = 0; from < 4; from += 1) bench.order(from, tick, from);
  }
  expect(bench.state.slots).toHaveLength(4);
  expect(JSON.stringify(bench.state).length).toBeLessThan(4 * before + 2_000);
});

test('it wakes for the earlier of miss and hold, and for nothing in fail-safe', () => {
  const config = voterConfig(3);
  const bench = new VoterBench(config);
  expect(startVoter(config)).toEqual([{ kind: 'fail-safe', count: -5, cause: 'start', trips: 0 }]);
  expect(nextVoterDeadlineUs(config, bench.state)).toBeNull();
  bench.armAll(10);
  expect(nextVoterDeadlineUs(config, bench.state)).toBe(bench.nowUs + 100_001);
  bench.wait(200_000);
  expect(nextVoterDeadlineUs(config, bench.state)).toBe(bench.nowUs + 1);
  bench.wait(1);
  expect(bench.state.phase).toBe('fail-safe');
});

test('a command is judged as it came: what it held is not changed', () => {
  const bench = new VoterBench(voterConfig(3));
  const command: ActuatorCommand = Object.freeze({
    tick: 10,
    order: Object.freeze({ kind: 'output', count: 4 } as const),
    arm: Object.freeze({ bootNonce: bench.config.bootNonce, trips: 0, firstTick: 10 }),
  });
  bench.give(0, command);
  bench.give(1, command);
  expect(bench.outputs()).toEqual([{ tick: 10, count: 4, votes: 0b011 }]);
});
