/**
 * The pitch aeroplane and its law in virtual time, with what lies between them reduced to what matters here: fused
 * readings of four noisy channels, a delay from sample to surface, and commands that do not arrive.
 */
import { control, INITIAL_STATE } from '../../hardware/rigs/pitch/control.js';
import type { Tuning } from '../../hardware/rigs/pitch/control.js';
import { referenceAt } from '../../hardware/rigs/pitch/profile.js';
import { createPitch, stepPitch } from '../../hardware/plants/pitch.js';
import type { PitchState } from '../../hardware/plants/pitch.js';
import { advanceNormal, advanceRandom, drawBits, drawNormal } from '../../hardware/plants/random.js';

export interface FlightOptions {
  readonly tuning: Tuning;
  readonly seed: number;
  readonly seconds: number;
  /** Sample to surface, drawn evenly each tick, ms. */
  readonly delayMs: readonly [number, number];
  /** How many commands in a row get lost, starting with this probability at each tick. */
  readonly misses?: { readonly length: number; readonly chance: number };
  /** Ticks in a row that no replica steps at all, the same way. */
  readonly gaps?: { readonly length: number; readonly chance: number };
  /** Multiplies turbulence and sensor noise. */
  readonly roughness?: number;
  /** Called every millisecond of the flight with the state and the command in force. */
  readonly onStep?: (state: PitchState, commandDeg: number) => void;
}

export interface FlightResult {
  readonly state: PitchState;
  readonly maxErrorDeg: number;
  readonly maxLoad: number;
  readonly minLoad: number;
}

export function fly(options: FlightOptions): FlightResult {
  const { tuning, seconds } = options;
  const rough = options.roughness ?? 1;
  let plant = createPitch(
    { turbulenceDeg: 0.04 * rough, pitchNoiseDeg: 0.015 * rough, rateNoiseDegPerS: 0.08 * rough },
    options.seed,
  );
  let random = drawBits(options.seed * 7919 + 1);
  const uniform = (): number => {
    random = advanceRandom(random);
    return drawBits(random) / 0x100000000;
  };
  const fused = (value: number, deviation: number): number => {
    const lanes = [0, 1, 2, 3].map(() => {
      const lane = value + deviation * drawNormal(random);
      random = advanceNormal(random);
      return Math.round(lane * 1000) / 1000;
    });
    lanes.sort((a, b) => a - b);
    return ((lanes[1] ?? 0) + (lanes[2] ?? 0)) / 2;
  };
  let law = INITIAL_STATE;
  let inForce = plant.elevatorDeg;
  const pending: { atMs: number; elevator: number }[] = [];
  let maxErrorDeg = 0;
  let maxLoad = 1;
  let minLoad = 1;
  let missing = 0;
  let gap = 0;
  for (let ms = 0; ms < seconds * 1000; ms += 1) {
    if (ms % tuning.periodMs === 0) {
      const tick = ms / tuning.periodMs;
      if (gap === 0 && options.gaps !== undefined && uniform() < options.gaps.chance)
        gap = options.gaps.length;
      if (missing === 0 && options.misses !== undefined && uniform() < options.misses.chance) {
        missing = options.misses.length;
      }
      if (gap > 0) {
        gap -= 1;
      } else {
        const pitch = fused(plant.pitchDeg, plant.settings.pitchNoiseDeg);
        const rate = fused(plant.rateDegPerS, plant.settings.rateNoiseDegPerS);
        const result = control(tuning, law, pitch, rate, tick);
        law = result.state;
        const delay = options.delayMs[0] + uniform() * (options.delayMs[1] - options.delayMs[0]);
        const elevator = Math.round(result.elevator * 1000) / 1000;
        if (missing === 0) pending.push({ atMs: ms + Math.round(delay), elevator });
      }
      if (missing > 0) missing -= 1;
    }
    while (pending[0] !== undefined && pending[0].atMs <= ms) inForce = pending.shift()?.elevator ?? inForce;
    plant = stepPitch(plant, inForce, 1000);
    options.onStep?.(plant, inForce);
    if (plant.lostAtUs !== null) break;
    maxErrorDeg = Math.max(maxErrorDeg, Math.abs(plant.pitchDeg - referenceAt(plant.timeUs / 1e6).pitchDeg));
    const load = 1 + 1.1 * (plant.alphaDeg + plant.gustDeg);
    maxLoad = Math.max(maxLoad, load);
    minLoad = Math.min(minLoad, load);
  }
  return { state: plant, maxErrorDeg, maxLoad, minLoad };
}

/** Milliseconds until the aircraft is lost when nothing but the hold and then the fail-safe is left; null: not in 2 s. */
export function timeToLoss(
  from: PitchState,
  commandDeg: number,
  holdMs: number,
  failSafeDeg: number,
): number | null {
  let plant = from;
  for (let ms = 0; ms < 2000; ms += 1) {
    plant = stepPitch(plant, ms < holdMs ? commandDeg : failSafeDeg, 1000);
    if (plant.lostAtUs !== null) return ms + 1;
  }
  return null;
}
