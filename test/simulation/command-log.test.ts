/** Rigs whose commands a log orders, simulated whole: among faults of every kind, with stores that lose what was not durable. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { planFaults } from '../../src/demo/tour.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { drawCommands } from '../../src/simulation/draw-commands.js';
import { simulate, type SimulationOptions, type SimulationOutcome } from '../../src/simulation/simulate.js';
import { drawWeather } from '../../src/simulation/weather.js';

const valve = await loadRig(path.resolve('hardware', 'rigs', 'valve'));

interface Flight {
  readonly ticks: number;
  readonly count: number;
  readonly seed: number;
  readonly wire?: SimulationOptions['wire'];
  /** Drawn by the seed unless given. */
  readonly faults?: readonly string[];
}

function fly({ ticks, count, seed, wire = 'none', faults }: Flight): SimulationOutcome & {
  readonly lines: readonly string[];
} {
  const plan = planFaults((faults ?? []).map((fault) => ({ fault, say: '' })));
  if (!plan.ok) throw new Error(plan.mistakes.map(({ what }) => what).join('\n'));
  const lines: string[] = [];
  const outcome = simulate({
    loaded: valve,
    ticks,
    seed,
    wire,
    faults: faults === undefined ? drawWeather(valve.rig, ticks, seed, wire) : plan.faults,
    submissions: drawCommands(valve.rig, ticks, count, seed),
    onLine: (line) => lines.push(line),
  });
  return { ...outcome, lines };
}

/** Whatever the law makes of them: each once, and none lost. */
function countCommands({ figures: { commands } }: SimulationOutcome): number {
  expect(commands.lapsed).toBe(0);
  return commands.done + commands.refused;
}

test('faults drawn by the seed: every command takes effect once, at one tick everywhere', () => {
  const outcome = fly({ ticks: 900, count: 40, seed: 2 });
  expect(outcome.violations).toEqual([]);
  expect(outcome.figures.faults.length).toBeGreaterThan(5);
  expect(countCommands(outcome)).toBe(40);
});

test('over every byte of the wire by the client itself, and the same for the same seed', () => {
  const flight: Flight = { ticks: 130, count: 5, seed: 5, wire: 'full' };
  const outcome = fly(flight);
  expect(outcome.violations).toEqual([]);
  expect(countCommands(outcome)).toBe(5);
  expect(fly(flight).traceDigest).toBe(outcome.traceDigest);
});

describe('the store of one replica', () => {
  test.each(['disk-full', 'io-error', 'read-only'])(
    '%s: it keeps controlling, stops promising and is alarmed; its end brings it back',
    (name) => {
      const outcome = fly({ ticks: 500, count: 30, seed: 4, faults: [`${name} on a at 100 for 150`] });
      expect(outcome.violations).toEqual([]);
      expect(countCommands(outcome)).toBe(30);
      expect(outcome.lines.filter((line) => line.includes(`by the fault ${name}`))).not.toEqual([]);
      const { uncoveredTicks, disagreements } = outcome.figures;
      expect([uncoveredTicks, disagreements]).toEqual([0, 0]);
    },
  );

  test('amnesia: it says so, and is admitted anew', () => {
    const outcome = fly({ ticks: 600, count: 30, seed: 4, faults: ['amnesia on b at 150 for 20'] });
    expect(outcome.violations).toEqual([]);
    expect(countCommands(outcome)).toBe(30);
    const told = outcome.lines.filter((line) => line.startsWith('b: replica b: '));
    expect(told.join('\n')).toMatch(
      /its store in .* was empty, and the others have admitted it as incarnation 2/,
    );
  });

  test.each(['lost', 'torn', 'reordered'])('the power goes at a write of the leader, %s', (how) => {
    for (const k of [1, 2, 5]) {
      const faults = [`power-cut on a how=${how} k=${k} at 100 for 40`];
      const outcome = fly({ ticks: 300, count: 20, seed: k, faults });
      expect(outcome.violations, `k=${k}`).toEqual([]);
      expect(countCommands(outcome), `k=${k}`).toBe(20);
      expect(outcome.figures.faults[0]?.affected, `k=${k}`).toBe(1);
    }
  });
});

test('what was chosen outlives a power cut of the whole rig', () => {
  const faults = ['a', 'b', 'c'].map((id) => `power-cut on ${id} how=torn at 200 for 30`);
  const outcome = fly({ ticks: 600, count: 40, seed: 9, faults });
  expect(outcome.violations).toEqual([]);
  // What was chosen and not in effect yet is part of what the new run begins with.
  expect(countCommands(outcome)).toBeGreaterThan(20);
});

test.each([1, 4])('all lose their memory: the log begins anew, seed %i', (seed) => {
  const faults = [
    'crash on b at 50 for 30',
    ...['a', 'b', 'c'].map((id) => `amnesia on ${id} at 150 for 20`),
    'crash on b at 260 for 30',
  ];
  const { violations, lines } = fly({ ticks: 400, seed, count: 10, faults });
  expect(violations, lines.join('\n')).toEqual([]);
});
