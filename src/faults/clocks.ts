/**
 * Faults of the clock by which a process lives: it is wrong by a fixed time, goes too fast or too slowly, or stands
 * still. The process does at the wrong time what it does; nothing else is touched. Monotonic it stays (`FaultyClock`).
 * A two-faced clock is right for its owner, and shown to each peer as another.
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

/** `clock-two-faced`: every stamp says something else to each receiver, up to `ms` ahead of the truth. */
export function buildClockTwoFaced(context: FaultContext): FaultWrapper {
  const { rig, parameters, random, count } = context;
  const mostUs = parameters.number('ms') * 1_000;
  return {
    peers: (next) => ({
      send: (to, message) => {
        if ((message.kind !== 'round' && message.kind !== 'join') || message.stamp === undefined) {
          next.send(to, message);
          return;
        }
        const { lagUs, heldUs } = message.stamp;
        // The further the receiver stands in the list the further ahead, and never twice the same.
        const share = ((to + random.nextUnit()) % rig.replicas.length) / rig.replicas.length;
        count();
        next.send(to, { ...message, stamp: { lagUs: lagUs + Math.round(mostUs * share), heldUs } });
      },
    }),
  };
}

function strikeClock(context: FaultContext, clock: ClockMapping): FaultWrapper {
  context.count();
  return { clock, stopsTicks: true };
}
