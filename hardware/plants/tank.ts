/**
 * A buffer tank in a pipeline, small against the flow through it: consumers draw from its outlet, a valve lets in what
 * replaces that. Whoever does not move the valve has it overflow or run dry within seconds.
 *
 * Source of the equations: conservation of volume, and Torricelli's law for the outlet (E. Torricelli, "De motu gravium",
 * 1644) with the jet contracted to π/(π + 2) = 0.61 of a sharp-edged opening (G. Kirchhoff, "Zur Theorie freier
 * Flüssigkeitsstrahlen", 1869):
 *
 *   A ḣ = Q v − 0.61 a w √(2 g h)      v̇ = (command − v) / 0.15 s, at most 200 % a second
 *
 * h is the level above the outlet, v the valve's opening, w how far the consumers' taps are open. A = 0.2 m²,
 * a = 0.05 m², Q = 0.27 m³/s, chosen so that the valve stands half open at a level of 1 m and taps at w = 1, where the
 * tank's whole contents change in 1.5 s.
 *
 * The taps follow the consumers' cycle of 16 s (little for half of it, much for the other half, ramps of two seconds
 * between) and, on top of it, chance: a first-order process of one second. `lost` means the level reached the rim (2 m) or the
 * outlet's upper edge (0.2 m), where the pumps behind it draw air and stop.
 *
 * Simplified: vertical walls, a supply of constant pressure, a linear valve, no waves and no pipes.
 */
import { readNumbers } from './plant.js';
import type { PlantModel } from './plant.js';
import { advanceNormal, drawNormal, hashNumbers } from './random.js';

export interface TankState {
  readonly timeUs: number;
  readonly levelM: number;
  /** Where the valve is: 0 closed, 100 open. */
  readonly valvePercent: number;
  /** What chance adds to the taps. */
  readonly whim: number;
  readonly random: number;
  /** Time that is not yet a whole integration step. */
  readonly restUs: number;
  readonly lostAtUs: number | null;
  readonly lostWhy: string | null;
  readonly settings: TankSettings;
}

export interface TankSettings {
  /** Level at the start. */
  readonly startM: number;
  /** By how much the consumers' cycle opens and closes the taps, as a share of their middle position. */
  readonly swing: number;
  /** Standard deviation of what chance adds, the same way. */
  readonly whim: number;
  /** Standard deviation of a level sensor's noise. */
  readonly levelNoiseM: number;
}

/** The model's constants, in metres and seconds. */
export const TANK_MODEL = {
  floorM2: 0.2,
  rimM: 2,
  dryM: 0.2,
  /** Contraction times the outlet's area, taps at 1. */
  outletM2: 0.61 * 0.05,
  gravity: 9.81,
  /** What the open valve lets in, m³/s. */
  supply: 0.27,
  valveTimeS: 0.15,
  valveMaxPercentPerS: 200,
  /** Where the valve stands at the start. */
  valveStartPercent: 50,
  cycleS: 16,
  rampS: 2,
  whimTimeS: 1,
} as const;

/** Length of an integration step. */
const STEP_US = 1_000;
const STEP_S = STEP_US / 1_000_000;
/** What a step leaves of a whim, and the noise that keeps the variance; √ is exact on every IEEE machine. */
const WHIM_DECAY = 1 - STEP_S / TANK_MODEL.whimTimeS;
const WHIM_NOISE = Math.sqrt(1 - WHIM_DECAY * WHIM_DECAY);
/** Taps never close entirely. */
const TAPS_MIN = 0.1;

/** The tank `dtUs` later, the valve command (%) held. Pure; whole steps of 1 ms, the rest is kept for the next call. */
export function stepTank(state: TankState, commandPercent: number, dtUs: number): TankState {
  const { settings } = state;
  const steps = Math.floor((state.restUs + dtUs) / STEP_US);
  const restUs = state.restUs + dtUs - steps * STEP_US;
  const command = clamp(commandPercent, 0, 100);
  let { timeUs, levelM, valvePercent, whim, random, lostAtUs, lostWhy } = state;
  for (let i = 0; i < steps; i += 1) {
    timeUs += STEP_US;
    // A lost tank stays as it was at that moment.
    if (lostAtUs !== null) continue;
    whim = WHIM_DECAY * whim + settings.whim * WHIM_NOISE * drawNormal(random);
    random = advanceNormal(random);
    const fastest = TANK_MODEL.valveMaxPercentPerS;
    valvePercent += STEP_S * clamp((command - valvePercent) / TANK_MODEL.valveTimeS, -fastest, fastest);
    const inflow = (TANK_MODEL.supply * valvePercent) / 100;
    const outflow = computeOutflow(levelM, computeTaps(settings, timeUs, whim));
    levelM += (STEP_S * (inflow - outflow)) / TANK_MODEL.floorM2;
    if (levelM >= TANK_MODEL.rimM) lostWhy = 'it overflowed';
    else if (levelM <= TANK_MODEL.dryM) lostWhy = 'it ran dry';
    if (lostWhy !== null) lostAtUs = timeUs;
  }
  return { timeUs, levelM, valvePercent, whim, random, restUs, lostAtUs, lostWhy, settings };
}

/** In balance: the valve half open, the taps in the middle. */
export function createTank(settings: TankSettings, seed: number): TankState {
  return {
    timeUs: 0,
    levelM: settings.startM,
    valvePercent: TANK_MODEL.valveStartPercent,
    whim: 0,
    random: hashNumbers(seed, 0x74616e6b),
    restUs: 0,
    lostAtUs: null,
    lostWhy: null,
    settings,
  };
}

/** What leaves the tank, m³/s: Torricelli's law. */
export function computeOutflow(levelM: number, taps: number): number {
  return TANK_MODEL.outletM2 * taps * Math.sqrt(2 * TANK_MODEL.gravity * Math.max(0, levelM));
}

/** How far the taps are open at a time: 1 is their middle position. */
export function computeTaps(settings: TankSettings, timeUs: number, whim: number): number {
  return Math.max(TAPS_MIN, 1 + settings.swing * cycleAt(timeUs / 1_000_000) + whim);
}

/** What a rig names `plant: { model: tank }`. Channel 0: level. Output 0: valve. */
export const tankModel: PlantModel<TankState> = {
  name: 'tank',
  description: {
    noun: 'tank',
    tracked: { instrument: 'levelM', label: 'level', unit: 'm', referenceLabel: 'target', chartSpan: 0.5 },
    shown: [
      { instrument: 'valvePercent', label: 'valve', unit: '%' },
      { instrument: 'outflowLPerS', label: 'outflow', unit: 'l/s' },
    ],
  },
  channels: [
    {
      name: 'level',
      kind: 'number',
      unit: 'm',
      numerator: 1,
      denominator: 1000,
      minCount: -1_000,
      maxCount: 10_000,
    },
  ],
  outputs: [{ name: 'valve', unit: '%' }],
  create(parameters, seed) {
    const read = readNumbers(
      'tank',
      parameters,
      {
        'start-m': { fallback: 1, min: 0.3, max: 1.9 },
        swing: { fallback: 0.6, min: 0, max: 0.8 },
        whim: { fallback: 0.1, min: 0, max: 0.3 },
        'level-noise-m': { fallback: 0.003, min: 0, max: 0.1 },
      },
      ['profile'],
    );
    return createTank(
      {
        startM: read['start-m'],
        swing: read.swing,
        whim: read.whim,
        levelNoiseM: read['level-noise-m'],
      },
      seed,
    );
  },
  step: (state, outputs, dtUs) => stepTank(state, outputs[0] ?? TANK_MODEL.valveStartPercent, dtUs),
  sense: (state, _channel, _replica, noise) => state.levelM + state.settings.levelNoiseM * noise(0),
  measure: (state) => state.valvePercent,
  judge: (state) => ({
    survived: state.lostAtUs === null,
    lostAtUs: state.lostAtUs,
    lostWhy: state.lostWhy,
  }),
  show: (state) => ({
    levelM: state.levelM,
    valvePercent: state.valvePercent,
    outflowLPerS: 1000 * computeOutflow(state.levelM, computeTaps(state.settings, state.timeUs, state.whim)),
  }),
  track: (state) => state.levelM,
};

/** The consumers' cycle: from 0 down to −1, up to 1 in its middle, and back, by straight ramps. */
function cycleAt(seconds: number): number {
  const { cycleS, rampS } = TANK_MODEL;
  const inCycle = seconds % cycleS;
  const half = cycleS / 2;
  // How far from the nearest of the moments at which it passes 0.
  const away = Math.min(inCycle, Math.abs(inCycle - half), cycleS - inCycle);
  const height = Math.min(1, away / (rampS / 2));
  return inCycle < half ? -height : height;
}

function clamp(value: number, least: number, most: number): number {
  return value < least ? least : value > most ? most : value;
}
