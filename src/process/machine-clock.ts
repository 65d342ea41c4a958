/**
 * The clock that a process lives by: the machine's. Several machines on one: `VOTEPLANE_TEST_CLOCK="AHEAD PPM"` lets a
 * process live by a clock that shows AHEAD seconds more and goes PPM millionths too fast, as if it ran on another board.
 * What the process tells its parent is in the machine's own time again: there times of processes compare.
 */
import type { Cancel, Clock } from '../ports.js';
import { createSystemClock } from './system-clock.js';

export const TEST_CLOCK_VARIABLE = 'VOTEPLANE_TEST_CLOCK';

export interface MachineClock extends Clock {
  /** A time of this clock on the machine's own; null where it is the machine's own. */
  readonly toMachineUs: ((atUs: number) => number) | null;
}

/** The machine's clock, or the one that the environment asks for. Throws RangeError where it asks for none that goes. */
export function openMachineClock(
  environment: Readonly<Record<string, string | undefined>>,
  machine: Clock = createSystemClock(),
): MachineClock {
  const asked = environment[TEST_CLOCK_VARIABLE];
  if (asked === undefined || asked === '')
    return { nowUs: machine.nowUs, schedule: machine.schedule, toMachineUs: null };
  const [aheadS = NaN, ppm = NaN, ...more] = asked.trim().split(/\s+/).map(Number);
  if (more.length > 0 || !Number.isFinite(aheadS) || !(Math.abs(ppm) < 500_000)) {
    throw new RangeError(
      `${TEST_CLOCK_VARIABLE}="${asked}" is no clock; write seconds ahead and parts in a million, such as "3600 200"`,
    );
  }
  const startUs = machine.nowUs();
  const rate = 1 + ppm / 1e6;
  const aheadUs = Math.round(aheadS * 1e6);
  const toMachineUs = (atUs: number): number => Math.ceil(startUs + (atUs - aheadUs - startUs) / rate);
  return {
    nowUs: () => Math.floor(startUs + aheadUs + (machine.nowUs() - startUs) * rate),
    schedule: (atUs, callback, slackUs, atOnce): Cancel =>
      machine.schedule(toMachineUs(atUs), callback, slackUs, atOnce),
    toMachineUs,
  };
}
