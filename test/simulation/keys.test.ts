/** Keys that change under a simulated rig while it flies: what the overlap is for, and what is refused after it. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { planFaults, type PlannedFault } from '../../src/demo/tour.js';
import { loadRig, type LoadedRig } from '../../src/rig/load-rig.js';
import { simulate, type SimulationOptions, type SimulationOutcome } from '../../src/simulation/simulate.js';

const pitch = await loadRig(path.resolve('hardware/rigs/pitch'));
const signed = await loadRig(path.resolve('hardware/rigs/signed-three'));

function plan(texts: readonly string[]): readonly PlannedFault[] {
  const planned = planFaults(texts.map((fault) => ({ fault, say: '' })));
  if (!planned.ok) throw new Error(planned.mistakes.map(({ what }) => what).join('; '));
  return planned.faults;
}

interface Flight extends SimulationOutcome {
  readonly lines: readonly string[];
  /** Ticks in which a replica sent a command, by replica. */
  readonly commanded: ReadonlyMap<string, number>;
  /** Ticks in which one did not, from the first fault on. */
  readonly silent: readonly string[];
}

function fly(loaded: LoadedRig, faults: readonly string[], options: Partial<SimulationOptions> = {}): Flight {
  const lines: string[] = [];
  const commanded = new Map<string, number>();
  const silent: string[] = [];
  let isStruck = false;
  const outcome = simulate({
    loaded,
    ticks: 300,
    seed: 1,
    wire: 'full',
    faults: plan(faults),
    onLine: (line) => {
      lines.push(line);
      isStruck ||= line.endsWith(' applied');
    },
    onTrace: (line) => {
      if (line.kind !== 'tick') return;
      if (line.record.commanded) commanded.set(line.id, (commanded.get(line.id) ?? 0) + 1);
      else if (isStruck) silent.push(`${line.id} ${line.record.tick}`);
    },
    ...options,
  });
  return { ...outcome, lines, commanded, silent };
}

/** One after the other, as files are carried from board to board; twice, so that the first epoch ends under way. */
function rotateAll(loaded: LoadedRig, times: number): string[] {
  return Array.from({ length: times }, (_, round) =>
    [...loaded.rig.replicas, ...loaded.rig.actuators].map(
      ({ id }, at) => `key-rotate on ${id} at ${60 + 100 * round + 15 * at}`,
    ),
  ).flat();
}

describe.each([
  ['oral messages', pitch, [1, 2, 3]],
  ['signed messages', signed, [1]],
])('a rig with %s', (_, loaded, seeds) => {
  it('rotates twice, replica by replica, and no tick goes without output', () => {
    for (const seed of seeds) {
      const flight = fly(loaded, rotateAll(loaded, 2), { seed });
      expect(flight.verdict, JSON.stringify(flight.figures)).toMatchObject({
        exitCode: 0,
        headline: 'All promises kept.',
      });
      expect(flight.figures).toMatchObject({
        ticks: 300,
        completedTicks: 300,
        disagreements: 0,
        unsafeOutputs: 0,
        uncoveredTicks: 0,
      });
      for (const { id } of loaded.rig.replicas) {
        expect(flight.lines).toContainEqual(
          expect.stringContaining(`replica ${id} holds key epochs 3 and 2`),
        );
      }
      // Nobody was out, not for a tick.
      expect(flight.silent).toEqual([]);
    }
  });
});

describe('with one replica down for good', () => {
  it.each([
    ['oral messages', pitch],
    ['signed messages', signed],
  ])('the others with %s rotate twice without waiting for it', (_, loaded) => {
    const others = rotateAll(loaded, 2).filter((fault) => !fault.includes(' on c '));
    const { figures, verdict } = fly(loaded, ['crash on c at 10', ...others]);
    expect(verdict, JSON.stringify(figures)).toMatchObject({ exitCode: 0 });
    expect(figures).toMatchObject({
      completedTicks: 300,
      disagreements: 0,
      unsafeOutputs: 0,
      uncoveredTicks: 0,
      failSafeTrips: 0,
    });
  });
});

describe('masked on every replica', () => {
  it.each([
    ['key-expire on ID at 20 for 40', pitch],
    ['key-revoke on ID at 20 for 40', pitch],
    ['key-expire on ID at 20 for 40', signed],
    ['key-revoke on ID at 20 for 40', signed],
  ])('%s', (fault, loaded) => {
    for (const { id } of loaded.rig.replicas) {
      const { figures, verdict, commanded } = fly(loaded, [fault.replace('ID', id)], { ticks: 120 });
      expect(verdict, JSON.stringify(figures)).toMatchObject({ exitCode: 0, headline: 'All promises kept.' });
      expect(figures).toMatchObject({ completedTicks: 120, ticksOutsideHypothesis: 0, unreported: 0 });
      expect(figures.faults[0]).toMatchObject({ on: [id], affected: 1, failed: null });
      // It is out while it lasts, and back afterwards.
      expect(commanded.get(id)).toBeGreaterThan(50);
      expect(commanded.get(id)).toBeLessThan(100);
    }
  });
});

it('says of an expired epoch what is the matter and what to do, once for each peer', () => {
  const { lines, figures } = fly(pitch, ['key-expire on c at 20 for 60'], { ticks: 120 });
  expect(lines.filter((line) => line.includes('expired-epoch: a speaks'))).toEqual([
    'c: expired-epoch: a speaks under key epoch 1, and c holds 2; carry the newest key file to a',
  ]);
  expect(figures.rejected['expired-epoch']).toBeGreaterThan(50);
});

it('a fault that nobody could reach the replica to end needs an end, and without bytes there are no keys', () => {
  expect(() => fly(pitch, ['key-revoke on c at 20'])).toThrow(
    /it refuses operators too; say how long it lasts/,
  );
  const { figures } = fly(pitch, ['key-rotate on c at 20'], { ticks: 60, wire: 'none' });
  expect(figures.faults[0]?.failed).toMatch(/needs keys that can be exchanged while it runs/);
});
