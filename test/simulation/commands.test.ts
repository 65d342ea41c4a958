/** Commands of operators in simulated flights, among faults of every kind that the hypothesis covers. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRig } from '../../src/rig/load-rig.js';
import { drawCommands } from '../../src/simulation/draw-commands.js';
import { simulate, type SimulationOptions } from '../../src/simulation/simulate.js';
import { drawWeather } from '../../src/simulation/weather.js';

const RIGS = path.resolve('hardware', 'rigs');

async function fly(
  rig: string,
  {
    ticks,
    count,
    seed,
    wire,
  }: {
    readonly ticks: number;
    readonly count: number;
    readonly seed: number;
    readonly wire: SimulationOptions['wire'];
  },
) {
  const loaded = await loadRig(path.join(RIGS, rig));
  const submissions = drawCommands(loaded.rig, ticks, count, seed);
  expect(submissions).toHaveLength(count);
  return simulate({
    loaded,
    ticks,
    seed,
    wire,
    faults: drawWeather(loaded.rig, ticks, seed, wire),
    submissions,
  });
}

describe.each(['pitch', 'signed-three', 'seven'])('%s', (rig) => {
  test('does every command once, at one tick everywhere, whatever strikes it', async () => {
    const outcome = await fly(rig, { ticks: 300, count: 50, seed: 3, wire: 'none' });
    expect(outcome.violations).toEqual([]);
    expect(outcome.figures.faults.length).toBeGreaterThan(1);
    expect(outcome.figures.commands).toEqual({ done: 50, refused: 0, lapsed: 0 });
    expect(outcome.checked.commandTicks).toBeGreaterThan(10);
  });
});

test('by the client itself, over every byte of the wire, and the same for the same seed', async () => {
  const options = { ticks: 120, count: 10, seed: 5, wire: 'full' } as const;
  const outcome = await fly('pitch', options);
  expect(outcome.violations).toEqual([]);
  expect(outcome.figures.commands).toEqual({ done: 10, refused: 0, lapsed: 0 });
  expect((await fly('pitch', options)).traceDigest).toBe(outcome.traceDigest);
});
