/**
 * More replicas fail than any hypothesis allows: the rig trips, finds together when they are back, and is armed again, in
 * a run of its own whose ticks no voter takes for old ones. No judge calls any of that unsafe.
 */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { planFaults } from '../../src/demo/tour.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { simulate } from '../../src/simulation/simulate.js';

const RIGS = path.resolve('hardware/rigs');
const TICKS = 250;
/** From the first crash until all have been back for a while. */
const LONGEST_OUTAGE_TICKS = 110;

const FAILURES: Readonly<Record<string, (ids: readonly string[]) => readonly string[]>> = {
  'all but one crash': (ids) => ids.slice(0, -1).map((id) => `crash on ${id} at 50 for 40`),
  'all crash one after another': (ids) =>
    ids.map((id, at) => `crash on ${id} at ${50 + 2 * at} for ${10 + 20 * at}`),
  'all start again at once': (ids) => ids.map((id) => `restart on ${id} at 150`),
};

describe.each(['pitch', 'signed-three', 'crash-three'])('%s', (name) => {
  test.each(Object.keys(FAILURES).flatMap((failure) => [1, 2].map((seed) => [failure, seed] as const)))(
    '%s, seed %i',
    async (failure, seed) => {
      const loaded = await loadRig(path.join(RIGS, name));
      const faults = FAILURES[failure]?.(loaded.rig.replicas.map(({ id }) => id)) ?? [];
      const plan = planFaults(faults.map((fault) => ({ fault, say: '' })));
      if (!plan.ok) throw new Error(plan.mistakes.map(({ text, what }) => `${text}: ${what}`).join('\n'));
      const flight = simulate({ loaded, ticks: TICKS, seed, wire: 'none', faults: plan.faults });
      const { figures } = flight;
      const all = JSON.stringify(figures, null, 1);
      expect(flight.failure, all).toBeNull();
      expect(flight.violations, all).toEqual([]);
      expect(figures, all).toMatchObject({
        ticks: TICKS,
        disagreements: 0,
        unsafeOutputs: 0,
        failSafeTrips: 1,
      });
      expect(figures.ticks - figures.completedTicks, all).toBeLessThanOrEqual(LONGEST_OUTAGE_TICKS);
    },
  );
});

describe('a run begins anew while the one that was left is faulty', () => {
  // What such a replica took for runs, and the run that it was last known to be in, once misplaced ticks of the others.
  test.each([
    [1, 'broker-slow'],
    [2, 'clock-drift'],
  ])('seed %i, %s: the judges are not misled', async (seed, name) => {
    const loaded = await loadRig(path.join(RIGS, 'pitch'));
    const faults = [
      ...['a', 'b', 'c'].map((id) => `crash on ${id} at 60 for 10`),
      `${name} on d at 50 for 150`,
    ];
    const plan = planFaults(faults.map((fault) => ({ fault, say: '' })));
    if (!plan.ok) throw new Error(plan.mistakes.map(({ text, what }) => `${text}: ${what}`).join('\n'));
    const { violations, figures } = simulate({ loaded, ticks: 260, seed, wire: 'none', faults: plan.faults });
    expect(violations).toEqual([]);
    expect(figures.unsafeOutputs).toBe(0);
    expect(figures.failSafeTrips).toBeGreaterThan(0);
  });
});

test('whoever comes back does not step a vector that is long enough only by replicas that do not count', async () => {
  const loaded = await loadRig(path.join(RIGS, 'valve'));
  const faults = [
    'amnesia on c at 149 for 73',
    'sensor-dropout on b.level at 208 for 72',
    'crash-mid-round on a at 175 for 83',
  ];
  const plan = planFaults(faults.map((fault) => ({ fault, say: '' })));
  if (!plan.ok) throw new Error(plan.mistakes.map(({ text, what }) => `${text}: ${what}`).join('\n'));
  const flight = simulate({ loaded, ticks: 300, seed: 1, wire: 'none', faults: plan.faults });
  expect(flight.failure).toBeNull();
  expect(flight.violations).toEqual([]);
  expect(flight.figures).toMatchObject({ ticks: 300, disagreements: 0, unsafeOutputs: 0 });
});
