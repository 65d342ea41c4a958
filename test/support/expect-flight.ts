/** What every flight inside its fault hypothesis owes, as assertions on its figures. */
import { expect } from 'vitest';
import type { FlightFigures } from '../../src/demo/figures.js';
import type { RigRunner } from './rig-runner.js';

/** Opens the message of a failure that no machine, however slow, can have brought about. */
const NEVER = 'never, on any machine:';

/**
 * Options of a test that flies: a machine that is busy elsewhere for a second spoils a flight, but hardly three in a
 * row. A broken promise of safety is no such thing, and is not tried again.
 */
export const FLIGHT = {
  retry: { count: 2, condition: (error: Error | { message: string }) => !error.message.includes(NEVER) },
} as const;

/**
 * A machine that is short of processors may put some ticks of a test outside the hypothesis by itself; so long as
 * these are few, the promises of all others must have been kept.
 */
const MACHINE_SHARE = 0.2;

/**
 * Asserts that nothing was unsafe, nobody disagreed and every tick inside the hypothesis was covered; and that the
 * aircraft flies, unless the machine itself stood still for longer than the voter holds.
 */
export function expectUndisturbed(rig: RigRunner, figures: FlightFigures, leastTicks: number): void {
  const all = `${JSON.stringify(figures, null, 1)}\n${rig.trace()}\n`;
  expect(figures.unsafeOutputs, `${NEVER} unsafe output\n${all}`).toBe(0);
  expect(figures.disagreements, `${NEVER} disagreement inside the hypothesis\n${all}`).toBe(0);
  expect(figures.ticks, all).toBeGreaterThanOrEqual(leastTicks);
  expect(figures.uncoveredTicks, all).toBe(0);
  expect(figures.ticksOutsideHypothesis, all).toBeLessThan(Math.max(2, MACHINE_SHARE * figures.ticks));
  expect(figures.completedTicks, all).toBeGreaterThan(figures.ticks * (1 - MACHINE_SHARE) - 2);
  if (figures.ticksOutsideHypothesis === 0) expect(figures.failSafeTrips, all).toBe(0);
  // Half a second without control and the wings are off: a machine that stands still for so long proves nothing.
  if (figures.failSafeTrips === 0) expect(figures.plant?.survived, all).toBe(true);
}
