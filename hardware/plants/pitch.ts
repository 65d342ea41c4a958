/**
 * The pitch axis of an aeroplane that is unstable without its computers.
 *
 * Source of the numbers: the short-period model of the F-16 at 502 ft/s, sea level, c.g. at 35 % of the chord, in
 * B. L. Stevens and F. L. Lewis, "Aircraft Control and Simulation" (pitch-rate control example; α and q in rad, the
 * elevator in deg):
 *
 *   α̇ = −1.01887 α + 0.90506 q − 0.00215 δ      δ̇ = 20.2 (command − δ), at most 60 deg/s, ±25 deg
 *   q̇ =  0.82225 α − 1.07741 q − 0.17555 δ
 *
 * taken to twice that speed (1004 ft/s, about Mach 0.9): damping and lift slope grow with the speed, moments with its
 * square. Static stability is relaxed as far as it was on the X-29, 35 % of the chord behind the neutral point (Clarke,
 * Burken, Bosworth, Bauer, "X-29 flight control system: lessons learned", International Journal of Control 59, 1994):
 * the lift slope of the model and the F-16's mass (637 slug), chord (11.32 ft) and pitch inertia (55814 slug ft²) give
 * 66.1 /s² of moment slope per chord of shift at 502 ft/s. Result: poles at +7.06 and −11.25 /s; a deviation doubles in
 * 98 ms. The trim elevator of −8 deg is chosen, not the F-16's: it is what makes the aircraft leave at once when the
 * surface returns to neutral.
 *
 * Simplified: one flight condition, constant speed, two degrees of freedom, no sensor or structural dynamics, air
 * turbulence as a first-order (Dryden-like) change of the angle of attack.
 *
 * The load factor follows the angle of attack at 1.11 g per degree. Beyond the F-16's limits of +9 g and −3 g (taken
 * without the reserve that real wings have) the wings come off: lost for good.
 */
import { readNumbers } from './plant.js';
import type { PlantModel } from './plant.js';
import { advanceNormal, drawNormal, hashNumbers } from './random.js';

/** Angles in degrees, rates in deg/s; α is the deviation from trimmed level flight, elevator and pitch are absolute. */
export interface PitchState {
  readonly timeUs: number;
  readonly alphaDeg: number;
  readonly rateDegPerS: number;
  readonly pitchDeg: number;
  /** Where the surface is. */
  readonly elevatorDeg: number;
  /** What the moving air adds to the angle of attack. */
  readonly gustDeg: number;
  readonly random: number;
  /** Time that is not yet a whole integration step. */
  readonly restUs: number;
  readonly lostAtUs: number | null;
  readonly lostWhy: string | null;
  readonly settings: PitchSettings;
}

export interface PitchSettings {
  /** Standard deviation of the gusts' angle of attack, deg. */
  readonly turbulenceDeg: number;
  /** Standard deviations of the sensors' noise. */
  readonly pitchNoiseDeg: number;
  readonly rateNoiseDegPerS: number;
}

/** Twice the speed of the published model. */
const SPEED_RATIO = 2;
/** The model's constants, per second and per degree of elevator. */
export const PITCH_MODEL = {
  /** Zα, 1/s. */
  lift: -1.01887 * SPEED_RATIO,
  /** Zq, dimensionless. */
  liftOfRate: 0.90506,
  /** Zδ, 1/s. */
  liftOfElevator: -0.00215 * SPEED_RATIO * (180 / Math.PI),
  /** Mα, 1/s²: 35 % of the chord. */
  moment: 66.1 * SPEED_RATIO * SPEED_RATIO * 0.35,
  /** Mq, 1/s. */
  damping: -1.07741 * SPEED_RATIO,
  /** Mδ, 1/s². */
  momentOfElevator: -0.17555 * SPEED_RATIO * SPEED_RATIO * (180 / Math.PI),
  /** Bandwidth of the elevator, 1/s. */
  actuator: 20.2,
  rateMaxDegPerS: 60,
  elevatorMaxDeg: 25,
  trimElevatorDeg: -8,
  /** Load factor per degree of angle of attack: V·|Zα|/g. */
  loadPerDeg: ((502 * SPEED_RATIO * 1.01887 * SPEED_RATIO) / 32.174) * (Math.PI / 180),
  loadMin: -3,
  loadMax: 9,
  /** How long a gust lasts, s. */
  gustTimeS: 1,
} as const;

/** Length of an integration step. */
const STEP_US = 1_000;
const STEP_S = STEP_US / 1_000_000;
/** What a step leaves of a gust, and the noise that keeps the variance; √ is exact on every IEEE machine. */
const GUST_DECAY = 1 - STEP_S / PITCH_MODEL.gustTimeS;
const GUST_NOISE = Math.sqrt(1 - GUST_DECAY * GUST_DECAY);

/** The aircraft `dtUs` later, the elevator command held. Pure; whole steps of 1 ms, the rest is kept for the next call. */
export function stepPitch(state: PitchState, elevatorDeg: number, dtUs: number): PitchState {
  const steps = Math.floor((state.restUs + dtUs) / STEP_US);
  const restUs = state.restUs + dtUs - steps * STEP_US;
  const command = clamp(elevatorDeg, PITCH_MODEL.elevatorMaxDeg);
  let { timeUs, random, lostAtUs, lostWhy } = state;
  motion[ALPHA] = state.alphaDeg;
  motion[RATE] = state.rateDegPerS;
  motion[PITCH] = state.pitchDeg;
  motion[GUST] = state.gustDeg;
  let surface = state.elevatorDeg;
  for (let i = 0; i < steps; i += 1) {
    timeUs += STEP_US;
    // A lost aircraft stays as it was at that moment.
    if (lostAtUs !== null) continue;
    motion[GUST] = GUST_DECAY * motion[GUST] + state.settings.turbulenceDeg * GUST_NOISE * drawNormal(random);
    random = advanceNormal(random);
    const wanted = PITCH_MODEL.actuator * (command - surface);
    surface += STEP_S * clamp(wanted, PITCH_MODEL.rateMaxDegPerS);
    motion[DEFLECTION] = surface - PITCH_MODEL.trimElevatorDeg;
    integrate();
    const load = computeLoad(motion[ALPHA], motion[GUST]);
    if (load > PITCH_MODEL.loadMax || load < PITCH_MODEL.loadMin) {
      lostAtUs = timeUs;
      lostWhy = `the wings came off at ${load.toFixed(1)} g`;
    }
  }
  return {
    timeUs,
    alphaDeg: motion[ALPHA],
    rateDegPerS: motion[RATE],
    pitchDeg: motion[PITCH],
    elevatorDeg: surface,
    gustDeg: motion[GUST],
    random,
    restUs,
    lostAtUs,
    lostWhy,
    settings: state.settings,
  };
}

/** Trimmed level flight at pitch 0. */
export function createPitch(settings: PitchSettings, seed: number): PitchState {
  return {
    timeUs: 0,
    alphaDeg: 0,
    rateDegPerS: 0,
    pitchDeg: 0,
    elevatorDeg: PITCH_MODEL.trimElevatorDeg,
    gustDeg: 0,
    random: hashNumbers(seed, 0x70697463),
    restUs: 0,
    lostAtUs: null,
    lostWhy: null,
    settings,
  };
}

/** Load factor, g. */
export function computeLoad(alphaDeg: number, gustDeg: number): number {
  return 1 + PITCH_MODEL.loadPerDeg * (alphaDeg + gustDeg);
}

/** What a rig names `plant: { model: pitch }`. Channels: 0 pitch angle, 1 pitch rate. Output 0: elevator. */
export const pitchModel: PlantModel<PitchState> = {
  name: 'pitch',
  description: {
    noun: 'aircraft',
    tracked: { instrument: 'pitchDeg', label: 'pitch', unit: 'deg', referenceLabel: 'wanted', chartSpan: 3 },
    shown: [{ instrument: 'elevatorDeg', label: 'elevator', unit: 'deg' }],
  },
  channels: [
    {
      name: 'pitch',
      kind: 'number',
      unit: 'deg',
      numerator: 1,
      denominator: 1000,
      minCount: -90_000,
      maxCount: 90_000,
    },
    {
      name: 'rate',
      kind: 'number',
      unit: 'deg/s',
      numerator: 1,
      denominator: 1000,
      minCount: -400_000,
      maxCount: 400_000,
    },
  ],
  outputs: [{ name: 'elevator', unit: 'deg' }],
  create(parameters, seed) {
    const read = readNumbers(
      'pitch',
      parameters,
      {
        'turbulence-deg': { fallback: 0.04, min: 0, max: 1 },
        'pitch-noise-deg': { fallback: 0.015, min: 0, max: 1 },
        'rate-noise-deg-per-s': { fallback: 0.08, min: 0, max: 10 },
      },
      ['profile'],
    );
    return createPitch(
      {
        turbulenceDeg: read['turbulence-deg'],
        pitchNoiseDeg: read['pitch-noise-deg'],
        rateNoiseDegPerS: read['rate-noise-deg-per-s'],
      },
      seed,
    );
  },
  step: (state, outputs, dtUs) => stepPitch(state, outputs[0] ?? PITCH_MODEL.trimElevatorDeg, dtUs),
  sense(state, channel, _replica, noise) {
    if (channel === 0) return state.pitchDeg + state.settings.pitchNoiseDeg * noise(0);
    return state.rateDegPerS + state.settings.rateNoiseDegPerS * noise(0);
  },
  measure: (state) => state.elevatorDeg,
  judge: (state) => ({
    survived: state.lostAtUs === null,
    lostAtUs: state.lostAtUs,
    lostWhy: state.lostWhy,
  }),
  show: (state) => ({
    pitchDeg: state.pitchDeg,
    rateDegPerS: state.rateDegPerS,
    alphaDeg: state.alphaDeg,
    elevatorDeg: state.elevatorDeg,
    loadFactor: computeLoad(state.alphaDeg, state.gustDeg),
  }),
  track: (state) => state.pitchDeg,
};

const ALPHA = 0;
const RATE = 1;
const PITCH = 2;
const GUST = 3;
/** Of the elevator, beyond trim. */
const DEFLECTION = 4;
/** The state that is being integrated, from the start of a call to its end: numbers in objects and between functions would be garbage. */
const motion = new Float64Array(5) as Float64Array & [number, number, number, number, number];

/** One step of `motion` by the classical Runge–Kutta method, gust and deflection held. */
function integrate(): void {
  const alpha = motion[ALPHA];
  const rate = motion[RATE];
  const gust = motion[GUST];
  const byLift = PITCH_MODEL.liftOfElevator * motion[DEFLECTION];
  const byMoment = PITCH_MODEL.momentOfElevator * motion[DEFLECTION];
  const h = STEP_S;
  const a1 = slopeAlpha(alpha, rate, gust, byLift);
  const q1 = slopeRate(alpha, rate, gust, byMoment);
  const a2 = slopeAlpha(alpha + (h / 2) * a1, rate + (h / 2) * q1, gust, byLift);
  const q2 = slopeRate(alpha + (h / 2) * a1, rate + (h / 2) * q1, gust, byMoment);
  const a3 = slopeAlpha(alpha + (h / 2) * a2, rate + (h / 2) * q2, gust, byLift);
  const q3 = slopeRate(alpha + (h / 2) * a2, rate + (h / 2) * q2, gust, byMoment);
  const a4 = slopeAlpha(alpha + h * a3, rate + h * q3, gust, byLift);
  const q4 = slopeRate(alpha + h * a3, rate + h * q3, gust, byMoment);
  motion[ALPHA] = alpha + (h / 6) * (a1 + 2 * a2 + 2 * a3 + a4);
  motion[RATE] = rate + (h / 6) * (q1 + 2 * q2 + 2 * q3 + q4);
  motion[PITCH] += (h / 6) * (rate + 2 * (rate + (h / 2) * q1) + 2 * (rate + (h / 2) * q2) + (rate + h * q3));
}

/** What a change of the angle of attack is made of; `bySurface` is the elevator's share. */
function slopeAlpha(alpha: number, rate: number, gust: number, bySurface: number): number {
  return PITCH_MODEL.lift * (alpha + gust) + PITCH_MODEL.liftOfRate * rate + bySurface;
}

function slopeRate(alpha: number, rate: number, gust: number, bySurface: number): number {
  return PITCH_MODEL.moment * (alpha + gust) + PITCH_MODEL.damping * rate + bySurface;
}

function clamp(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value;
}
