/**
 * Faults of the device behind a voter: it does something else than it was ordered, within the range that it has. The
 * voter hands out what it would, and hears from the device what that really does.
 */
import type { ActuatorPart } from '../rig/rig.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

/** `actuator-stuck`: it stands at one value; without one, at the first that it is ordered. */
export function buildActuatorStuck(context: FaultContext): FaultWrapper {
  const { resolution } = readActuator(context);
  const value = context.parameters.numberOrNull('value');
  let stuck = value === null ? null : Math.round(value / resolution);
  return alterOutputs(context, (ordered) => (stuck ??= ordered));
}

/** `actuator-slow`: it moves no faster than a rate. */
export function buildActuatorSlow(context: FaultContext): FaultWrapper {
  const { resolution, minCount, maxCount } = readActuator(context);
  const rate = context.parameters.numberOrNull('rate');
  const countsPerUs = (rate === null ? DEFAULT_RATE * (maxCount - minCount) : rate / resolution) / 1e6;
  let place: { readonly count: number; readonly atUs: number } | null = null;
  return alterOutputs(context, (ordered, nowUs) => {
    const reach = place === null ? Infinity : (nowUs - place.atUs) * countsPerUs;
    const from = place?.count ?? ordered;
    place = { count: from + Math.max(-reach, Math.min(reach, ordered - from)), atUs: nowUs };
    return Math.round(place.count);
  });
}

/** Share of the envelope a second. */
const DEFAULT_RATE = 0.05;

/** `actuator-reverse`: it goes as far to the other side of the middle of its envelope. */
export function buildActuatorReverse(context: FaultContext): FaultWrapper {
  const { minCount, maxCount } = readActuator(context);
  return alterOutputs(context, (ordered) => minCount + maxCount - ordered);
}

/** `voter-restart`: the process is gone at once. Who started it sees to its return. */
export function buildVoterRestart(context: FaultContext): FaultWrapper {
  context.count();
  return { strike: () => context.host.kill() };
}

function readActuator({ rig, self }: FaultContext): ActuatorPart {
  return rig.actuators[self] as ActuatorPart;
}

/** Hands the device what `alter` makes of each order, kept within what the device takes. */
function alterOutputs(
  context: FaultContext,
  alter: (ordered: number, nowUs: number) => number,
): FaultWrapper {
  const { minCount, maxCount, failSafeCount } = readActuator(context);
  const low = Math.min(minCount, failSafeCount);
  const high = Math.max(maxCount, failSafeCount);
  return {
    device: (next) => ({
      output: (ordered, tick) => {
        const done = Math.max(low, Math.min(high, alter(ordered, context.clock.nowUs()))) + 0;
        if (done !== ordered) context.count();
        next.output(done, tick);
      },
      onReadBack: (handler) => next.onReadBack(handler),
      close: () => next.close(),
    }),
  };
}
