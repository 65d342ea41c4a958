/** A rig with a witness, simulated whole: the live witness beside the live replicas, and what strikes any of them. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { planFaults } from '../../src/demo/tour.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { drawCommands } from '../../src/simulation/draw-commands.js';
import { simulate, type SimulationOptions, type SimulationOutcome } from '../../src/simulation/simulate.js';
import { drawWeather, listWeather } from '../../src/simulation/weather.js';

const rig = await loadRig(path.resolve('hardware', 'rigs', 'valve-witness'));

interface Flight {
  readonly ticks: number;
  readonly seed: number;
  readonly count?: number;
  readonly wire?: SimulationOptions['wire'];
  /** Drawn by the seed unless given. */
  readonly faults?: readonly string[];
}

type Flown = SimulationOutcome & { readonly lines: readonly string[]; readonly quorums: readonly string[] };

function fly({ ticks, seed, count = 0, wire = 'none', faults }: Flight): Flown {
  const plan = planFaults((faults ?? []).map((fault) => ({ fault, say: '' })));
  if (!plan.ok) throw new Error(plan.mistakes.map(({ what }) => what).join('\n'));
  const lines: string[] = [];
  const quorums: string[] = [];
  let newest = 0;
  const outcome = simulate({
    loaded: rig,
    ticks,
    seed,
    wire,
    faults: faults === undefined ? drawWeather(rig.rig, ticks, seed, wire) : plan.faults,
    submissions: drawCommands(rig.rig, ticks, count, seed),
    onLine: (line) => lines.push(line),
    onTelemetry: (message) => {
      // Whoever knows of a change tells it; that both are the quorum again they may choose without the witness.
      if (message.kind !== 'quorum' || message.fromSlot <= newest) return;
      newest = message.fromSlot;
      quorums.push(message.quorum.join(' '));
    },
  });
  return { ...outcome, lines, quorums };
}

/** Nothing broken, nothing unsafe, no trip, and checkers that judged most of it as inside the hypothesis. */
function expectMasked({ violations, figures, checked, lines }: Flown): void {
  expect(violations, lines.join('\n')).toEqual([]);
  const { unsafeOutputs, disagreements, uncoveredTicks, failSafeTrips } = figures;
  expect([unsafeOutputs, disagreements, uncoveredTicks, failSafeTrips]).toEqual([0, 0, 0, 0]);
  expect(checked.ticksInside).toBeGreaterThan(0.9 * checked.ticks);
}

test('without a fault the witness votes for nothing', () => {
  const outcome = fly({ ticks: 120, seed: 1, faults: [] });
  expectMasked(outcome);
  expect(outcome.quorums).toEqual([]);
});

describe('either replica is gone', () => {
  test.each(['crash', 'power-cut', 'clock-freeze', 'omit-send'])(
    '%s: the other goes on alone with the vote of the witness, and shares it again',
    (name) => {
      const outcome = fly({
        ticks: 330,
        seed: 3,
        count: 10,
        faults: [`${name} on b at 50 for 50`, `${name} on a at 190 for 50`],
      });
      expectMasked(outcome);
      expect(outcome.quorums).toEqual(['a', 'a b', 'b', 'a b']);
      const { done, refused, lapsed } = outcome.figures.commands;
      expect([done + refused, lapsed]).toEqual([10, 0]);
    },
  );

  test('by the wire as it is, and the same for the same seed', () => {
    const flight: Flight = {
      ticks: 140,
      seed: 5,
      count: 4,
      wire: 'full',
      faults: ['crash on b at 40 for 40'],
    };
    const outcome = fly(flight);
    expectMasked(outcome);
    expect(outcome.quorums).toEqual(['a', 'a b']);
    expect(fly(flight).traceDigest).toBe(outcome.traceDigest);
  });

  test('its store empty: the others let it in anew', () => {
    const outcome = fly({ ticks: 260, seed: 4, count: 6, faults: ['amnesia on b at 60 for 30'] });
    expectMasked(outcome);
    expect(outcome.lines.join('\n')).toMatch(/b: replica b: .*have admitted it as incarnation 2/);
  });
});

describe('the witness', () => {
  test.each([
    ['crash', 'w'],
    ['restart', 'w'],
    ['pause', 'w'],
    ['power-cut', 'w'],
    ['clock-freeze', 'w'],
    ['omit-receive', 'w'],
    ['omit-send', 'w>a'],
    ['omit-send', 'b>w'],
    ['broker-kill', 'broker:w'],
  ])('%s on %s is noticed by nobody, and it votes when it is back', (name, target) => {
    const outcome = fly({
      ticks: 240,
      seed: 6,
      faults: [`${name} on ${target} at 40 for 40`, 'crash on a at 140 for 40'],
    });
    expectMasked(outcome);
    expect(outcome.figures.faults.map(({ affected }) => affected > 0)).toEqual([true, true]);
    expect(outcome.quorums).toEqual(['b', 'a b']);
  });

  test('with an empty store it says so, and is admitted by both', () => {
    const outcome = fly({
      ticks: 260,
      seed: 4,
      faults: ['amnesia on w at 60 for 30', 'crash on b at 160 for 40'],
    });
    expectMasked(outcome);
    expect(outcome.lines.join('\n')).toMatch(/w: witness w: .*have admitted it as incarnation 2/);
    expect(outcome.quorums).toEqual(['a', 'a b']);
  });

  test('whose disk takes nothing votes no more, until the fault ends and it starts again', () => {
    const faults = ['io-error on w at 40 for 60', 'crash on b at 50 for 90'];
    const outcome = fly({ ticks: 260, seed: 7, faults });
    expect(outcome.violations).toEqual([]);
    expect(outcome.lines.join('\n')).toMatch(/w: witness w: its store takes nothing more/);
    // Nobody may go on before it votes again, and then one does.
    expect(outcome.figures.failSafeTrips).toBe(1);
    expect(outcome.quorums).toEqual(['a', 'a b']);
  });
});

describe('both sides of a partition', () => {
  test.each([
    ['a,w/b', 'a'],
    ['b,w/a', 'b'],
    ['a/b', null],
  ])('%s, both in reach of the valve: one side orders', (sets, alone) => {
    const outcome = fly({ ticks: 220, seed: 3, faults: [`partition on world sets=${sets} at 60 for 60`] });
    expect(outcome.violations).toEqual([]);
    expect(outcome.figures.failSafeTrips).toBe(0);
    expect(outcome.quorums.filter((one) => one !== 'a b')).toHaveLength(1);
    if (alone !== null) expect(outcome.quorums).toEqual([alone, 'a b']);
  });

  test('and none where the witness is on no side', () => {
    const outcome = fly({ ticks: 200, seed: 3, faults: ['partition on world sets=a/b/w at 60 for 60'] });
    expect(outcome.violations).toEqual([]);
    expect(outcome.figures).toMatchObject({ failSafeTrips: 1, unsafeOutputs: 0 });
  });
});

describe('a replica that is heard all the same', () => {
  // Each of these seeds once made a checker err, or showed what such a fault does.
  test.each([
    [1, 'broker-slow on broker:b at 107 for 89'],
    [1, 'omit-receive on b at 74 for 35'],
    [4, 'delay on a at 50 for 49'],
    [6, 'broker-kill on broker:a at 125 for 83'],
  ])('seed %i, %s: outside the hypothesis, and safe', (seed, fault) => {
    const { violations, figures, checked } = fly({ ticks: 300, seed, faults: [fault] });
    expect(violations).toEqual([]);
    expect(figures.unsafeOutputs).toBe(0);
    expect(checked.ticksOutside).toBeGreaterThan(10);
  });

  test('what is told late, or not at all, of the tick in which it stopped is no violation', () => {
    expectMasked(fly({ ticks: 300, seed: 1, faults: ['clock-freeze on a at 167 for 73'] }));
  });
});

test('a fault that was ordered of a process that dies before strikes the one that comes after it', () => {
  const faults = ['restart on a at 47 for 14', 'omit-send on a at 57 for 20'];
  const { figures, violations } = fly({ ticks: 200, seed: 3, faults });
  expect(violations).toEqual([]);
  expect(figures.faults.map(({ appliedAt }) => appliedAt)).toEqual([47, 57]);
});

test('faults drawn by the seed strike the witness too, and never what lingers', () => {
  const drawn = [1, 2, 3].flatMap((seed) => drawWeather(rig.rig, 2_000, seed, 'none'));
  expect(new Set(drawn.map(({ text }) => / on (\S+)/.exec(text)?.[1]))).toEqual(new Set(['a', 'b', 'w']));
  expect(listWeather(rig.rig, 'none')).not.toContain('omit-receive');
  const outcome = fly({ ticks: 900, seed: 2, count: 30 });
  expect(outcome.figures.faults.length).toBeGreaterThan(5);
  expect(outcome.violations).toEqual([]);
  const { done, refused, lapsed } = outcome.figures.commands;
  expect([done + refused, lapsed]).toEqual([30, 0]);
});

test('all three lose their memory: the log begins anew, and nobody is held to the one that was', () => {
  const { violations, lines } = fly({
    ticks: 400,
    seed: 1,
    count: 10,
    faults: [
      'crash on b at 50 for 30',
      ...['a', 'b', 'w'].map((id) => `amnesia on ${id} at 150 for 20`),
      'crash on b at 260 for 30',
    ],
  });
  expect(violations, lines.join('\n')).toEqual([]);
});
