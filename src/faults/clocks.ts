/**
 * Faults of the clock by which a process lives: it is wrong by a fixed time, goes too fast or too slowly, or stands
 * still. The process does at the wrong time what it does; nothing else is touched. Monotonic it stays (`FaultyClock`).
 */
import type { ClockMapping } from './faulty-clock.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

/** `clock-step`: ahead of the host's clock by so many seconds, or behind it. */
export function buildClockStep(context: FaultContext): FaultWrapper {
  const stepUs = Math.round(context.parameters.number('s') * 1e6);
  return strikeClock(context, {
    toLocalUs: (belowUs) => belowUs + stepUs,
    toBelowUs: (localUs) => localUs - stepUs,
  });
}

/** `clock-drift`: too fast by so many parts in a million, or too slow. */
export function buildClockDrift(context: FaultContext): FaultWrapper {
  const rate = 1 + context.parameters.number('ppm') / 1e6;
  let startUs: number | null = null;
  const start = (belowUs: number): number => (startUs ??= belowUs);
  return strikeClock(context, {
    toLocalUs: (belowUs) => Math.floor(start(belowUs) + (belowUs - start(belowUs)) * rate),
    toBelowUs: (localUs) => Math.ceil(start(localUs) + (localUs - start(localUs)) / rate),
  });
}

/** `clock-freeze`: stands still. */
export function buildClockFreeze(context: FaultContext): FaultWrapper {
  let frozenUs: number | null = null;
  return strikeClock(context, {
    toLocalUs: (belowUs) => (frozenUs ??= belowUs),
    toBelowUs: (localUs) => (frozenUs === null || localUs <= frozenUs ? -Infinity : null),
  });
}

function strikeClock(context: FaultContext, clock: ClockMapping): FaultWrapper {
  context.count();
  return { clock, stopsTicks: true };
}
