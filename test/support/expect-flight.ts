/** What every flight inside its fault hypothesis owes, as assertions on its figures. */
import { expect } from 'vitest';
import type { FlightFigures } from '../../src/demo/figures.js';

/**
 * A machine that is short of processors may put some ticks of a test outside the hypothesis by itself; so long as
 * these are few, the promises of all others must have been kept.
 */
const MACHINE_SHARE = 0.2;

/** Asserts that nothing was unsafe, nobody disagreed, every tick was covered and the aircraft flies. */
export function expectUndisturbed(figures: FlightFigures, leastTicks: number): void {
  expect(figures.ticks).toBeGreaterThanOrEqual(leastTicks);
  expect(figures.unsafeOutputs).toBe(0);
  expect(figures.disagreements).toBe(0);
  expect(figures.uncoveredTicks).toBe(0);
  expect(figures.ticksOutsideHypothesis, JSON.stringify(figures.outsideCauses)).toBeLessThan(
    Math.max(2, MACHINE_SHARE * figures.ticks),
  );
  expect(figures.completedTicks).toBeGreaterThan(figures.ticks * (1 - MACHINE_SHARE) - 2);
  expect(figures.plant?.survived, JSON.stringify(figures.plant)).toBe(true);
  if (figures.ticksOutsideHypothesis === 0) expect(figures.failSafeTrips).toBe(0);
}
