/**
 * Faults of channels: what a broken sensor reads. They stand where the sensor port stands and keep its promise: a
 * reading outside the sensor's range is absent, and none is NaN.
 */
import type { Reading } from '../core/types.js';
import type { SensorPart } from '../rig/rig.js';
import type { FaultContext, FaultWrapper } from './wrapper.js';

/** Gives the reading of sensor `at`, from what all of them read. */
type AlterReading = (honest: Reading, at: number, all: readonly Reading[], nowUs: number) => Reading;

function alterReadings(context: FaultContext, alter: AlterReading): FaultWrapper {
  const { rig, scope, count } = context;
  return {
    sensors: (next) => ({
      request: () => next.request(),
      close: () => next.close(),
      read: (nowUs) => {
        const honest = next.read(nowUs);
        const readings = [...honest];
        for (const at of scope.sensors) {
          const before = honest[at] ?? null;
          const after = limit(rig.sensors[at] as SensorPart, alter(before, at, honest, nowUs));
          if (after === before) continue;
          readings[at] = after;
          count();
        }
        return readings;
      },
    }),
  };
}

function limit(sensor: SensorPart, reading: Reading): Reading {
  if (typeof reading !== 'number') return reading;
  return reading >= sensor.min && reading <= sensor.max ? reading : null;
}

/** Adds to numbers; turns booleans round where there is something to add. */
function shift(reading: Reading, by: number): Reading {
  if (typeof reading === 'boolean') return by === 0 ? reading : !reading;
  return reading === null ? null : reading + by;
}

/** `sensor-stuck`: the channel stays at one value; without one, at what it read when the fault struck. */
export function buildSensorStuck(context: FaultContext): FaultWrapper {
  const value = context.parameters.value('value');
  if (value === null) return buildSensorFrozen(context);
  const { rig } = context;
  return alterReadings(context, (_, at) => {
    if (rig.sensors[at]?.type === 'boolean') return value !== false && value !== 0;
    return typeof value === 'number' ? value : null;
  });
}

/** `sensor-frozen`: the device gives its last sample for ever. */
export function buildSensorFrozen(context: FaultContext): FaultWrapper {
  const held = new Map<number, Reading>();
  return alterReadings(context, (honest, at) => {
    const before = held.get(at);
    if (before !== undefined) return before;
    if (honest !== null) held.set(at, honest);
    return honest;
  });
}

/** `sensor-bias`: the same amount too much, always. */
export function buildSensorBias(context: FaultContext): FaultWrapper {
  const by = context.parameters.numberOrNull('value');
  return alterReadings(context, (honest, at) => shift(honest, by ?? share(context, at, 0.1)));
}

/** `sensor-drift`: an amount that grows with time. */
export function buildSensorDrift(context: FaultContext): FaultWrapper {
  const rate = context.parameters.numberOrNull('rate');
  const startUs = context.clock.nowUs();
  return alterReadings(context, (honest, at, _, nowUs) => {
    const perSecond = rate ?? share(context, at, 0.05);
    return typeof honest === 'number' ? honest + (perSecond * (nowUs - startUs)) / 1e6 : honest;
  });
}

/** `sensor-noise`: normal noise on top. */
export function buildSensorNoise(context: FaultContext): FaultWrapper {
  const sigma = context.parameters.numberOrNull('sigma');
  return alterReadings(context, (honest, at) => {
    if (typeof honest === 'boolean') return context.random.nextChance(0.5) ? !honest : honest;
    return shift(honest, (sigma ?? share(context, at, 0.05)) * context.random.nextNormal());
  });
}

/** `sensor-spike`: now and then a reading far off. */
export function buildSensorSpike(context: FaultContext): FaultWrapper {
  const p = context.parameters.number('p');
  const height = context.parameters.numberOrNull('value');
  return alterReadings(context, (honest, at) => {
    if (!context.random.nextChance(p)) return honest;
    const sign = context.random.nextChance(0.5) ? 1 : -1;
    return shift(honest, sign * (height ?? share(context, at, 0.3)));
  });
}

/** `sensor-dropout`: now and then no reading at all. */
export function buildSensorDropout(context: FaultContext): FaultWrapper {
  const p = context.parameters.number('p');
  return alterReadings(context, (honest) => (context.random.nextChance(p) ? null : honest));
}

/** `sensor-swap`: the channel reads what another sensor of the replica should, and the other way round. */
export function buildSensorSwap(context: FaultContext, pairs: ReadonlyMap<number, number>): FaultWrapper {
  const swapped = { ...context, scope: { ...context.scope, sensors: [...pairs.keys()] } };
  return alterReadings(swapped, (honest, at, all) => all[pairs.get(at) ?? at] ?? honest);
}

/**
 * Which sensor reads which after a swap: the struck one and `partner`, or, without a partner, each struck sensor and
 * the next of its type. Empty where there is nothing to swap with.
 */
export function pairSensors(
  sensors: readonly SensorPart[],
  struck: readonly number[],
  partner: number | null,
): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  for (const at of struck) {
    const other = partner ?? sensors.findIndex((one, place) => place > at && one.type === sensors[at]?.type);
    if (other < 0 || other === at || sensors[other]?.type !== sensors[at]?.type) continue;
    if (pairs.has(at) || pairs.has(other)) continue;
    pairs.set(at, other);
    pairs.set(other, at);
  }
  return pairs;
}

function share(context: FaultContext, at: number, part: number): number {
  const { min, max } = context.rig.sensors[at] as SensorPart;
  return part * (max - min);
}
