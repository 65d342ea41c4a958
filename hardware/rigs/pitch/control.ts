/**
 * How the pitch axis is flown: a model of the aeroplane predicts where it is, the two sensors correct the prediction,
 * and the elevator follows from the estimate. The aircraft doubles a deviation in a tenth of a second, so what counts
 * is to know the time between sample and surface; everything else is a gentle hand. Pure arithmetic (+ − × ÷ only),
 * the same bits on every machine.
 *
 * The gains come from a linear-quadratic design with this very model (test/hardware/design-pitch-control.ts, which
 * checks them); `hardware/plants/pitch-control.md` tells the margins.
 */
import { referenceAt } from './profile.js';

/** What differs between the rigs that fly this aeroplane. */
export interface Tuning {
  /** P, whole milliseconds. */
  readonly periodMs: number;
  /** Expected time from the sample to the command's arrival at the surface, whole milliseconds, less than P. */
  readonly delayMs: number;
  /** Elevator per deviation of: angle of attack, rate, pitch, surface, last command. */
  readonly feedback: readonly [number, number, number, number, number];
  /** Correction of: angle of attack, rate, pitch, surface, bias, per deg of pitch error. */
  readonly byPitch: readonly [number, number, number, number, number];
  /** The same per deg/s of rate error. */
  readonly byRate: readonly [number, number, number, number, number];
}

/** Estimate for the beginning of tick `tick` + 1, in deg and deg/s; angle of attack and elevator relative to trim. */
export interface ControlState {
  /** −1 before the first tick. */
  readonly tick: number;
  readonly alpha: number;
  readonly rate: number;
  readonly pitch: number;
  readonly surface: number;
  /** Elevator that would do what an unknown steady disturbance does. */
  readonly bias: number;
  /** What was ordered last. */
  readonly command: number;
  /** How far above the profile the nose is to be, deg, and how far of it the reference has come. */
  readonly target: number;
  readonly offset: number;
}

export const INITIAL_STATE: ControlState = {
  tick: -1,
  alpha: 0,
  rate: 0,
  pitch: 0,
  surface: 0,
  bias: 0,
  command: 0,
  target: 0,
  offset: 0,
};

/** The aeroplane as its designers know it (hardware/plants/pitch.ts tells where the numbers come from). */
const AIRCRAFT = {
  lift: -2.0377,
  liftOfRate: 0.9051,
  liftOfElevator: -0.2464,
  moment: 92.54,
  damping: -2.1548,
  momentOfElevator: -40.23,
  actuator: 20.2,
  rateMax: 60,
  trimElevator: -8,
};
/** The elevator's range, deg. */
const ELEVATOR_MAX = 25;
const STEP_S = 0.001;
/** How fast the reference goes to a new target, deg/s. */
const TARGET_RATE = 2;
/** After this many ticks without a step the estimate is worth less than the sensors alone. */
const GAP_MAX = 8;

/** The state after `lengthMs` with one command, by steps of 1 ms. */
export function predict(from: ControlState, command: number, lengthMs: number): ControlState {
  const { tick, bias, command: ordered, target, offset } = from;
  let { alpha, rate, pitch, surface } = from;
  const a = AIRCRAFT;
  for (let i = 0; i < lengthMs; i += 1) {
    surface += STEP_S * limit(a.actuator * (command - surface), a.rateMax);
    const moving = surface + bias;
    const alphaSlope = a.lift * alpha + a.liftOfRate * rate + a.liftOfElevator * moving;
    const rateSlope = a.moment * alpha + a.damping * rate + a.momentOfElevator * moving;
    pitch += STEP_S * (rate + 0.5 * STEP_S * rateSlope);
    alpha += STEP_S * (alphaSlope + 0.5 * STEP_S * (a.lift * alphaSlope + a.liftOfRate * rateSlope));
    rate += STEP_S * (rateSlope + 0.5 * STEP_S * (a.moment * alphaSlope + a.damping * rateSlope));
  }
  return { tick, alpha, rate, pitch, surface, bias, command: ordered, target, offset };
}

/**
 * One tick. `pitch` (deg) and `rate` (deg/s) are null where there is no good reading: the prediction carries on.
 * Returns the next state and the elevator command in deg.
 */
export function control(
  tuning: Tuning,
  state: ControlState,
  pitch: number | null,
  rate: number | null,
  tick: number,
): { readonly state: ControlState; readonly elevator: number } {
  const estimate = correct(tuning, carryOver(tuning, state, pitch, rate, tick), pitch, rate);

  const seconds = (tick * tuning.periodMs) / 1000;
  const offset = state.offset + limit(state.target - state.offset, (TARGET_RATE * tuning.periodMs) / 1000);
  const now = wantedAt(seconds);
  // The surface is moved `delayMs` from now and follows the command with a lag of its own.
  const later = wantedAt(seconds + tuning.delayMs / 1000 + 1 / AIRCRAFT.actuator);
  const steady = later.surface - estimate.bias;
  const [onAlpha, onRate, onPitch, onSurface, onCommand] = tuning.feedback;
  const command =
    steady -
    onAlpha * (estimate.alpha - now.alpha) -
    onRate * (estimate.rate - now.rate) -
    onPitch * (estimate.pitch - (now.pitch + offset)) -
    onSurface * (estimate.surface - (now.surface - estimate.bias)) -
    onCommand * (state.command - (now.surface - estimate.bias));
  const elevator = limit(command + AIRCRAFT.trimElevator, ELEVATOR_MAX);
  const ordered = elevator - AIRCRAFT.trimElevator;

  const reached = predict(estimate, state.command, tuning.delayMs);
  const next = predict(reached, ordered, tuning.periodMs - tuning.delayMs);
  return { state: { ...next, tick, command: ordered, offset }, elevator };
}

/** The estimate for this tick before its readings: ticks that were not stepped are predicted with the command held. */
function carryOver(
  tuning: Tuning,
  state: ControlState,
  pitch: number | null,
  rate: number | null,
  tick: number,
): ControlState {
  const missed = tick - state.tick - 1;
  if (state.tick >= 0 && missed <= GAP_MAX) {
    return missed === 0 ? state : predict(state, state.command, missed * tuning.periodMs);
  }
  return { ...state, alpha: 0, bias: 0, rate: rate ?? 0, pitch: pitch ?? 0, surface: state.command };
}

function correct(
  tuning: Tuning,
  from: ControlState,
  pitch: number | null,
  rate: number | null,
): ControlState {
  const pitchError = pitch === null ? 0 : limit(pitch - from.pitch, 10);
  const rateError = rate === null ? 0 : limit(rate - from.rate, 60);
  const by = (i: 0 | 1 | 2 | 3 | 4): number => tuning.byPitch[i] * pitchError + tuning.byRate[i] * rateError;
  return {
    ...from,
    alpha: limit(from.alpha + by(0), 20),
    rate: limit(from.rate + by(1), 300),
    pitch: limit(from.pitch + by(2), 90),
    surface: limit(from.surface + by(3), 2 * ELEVATOR_MAX),
    bias: limit(from.bias + by(4), 5),
  };
}

/** Angle of attack, rate, pitch and elevator (relative to trim) that go with the profile. */
function wantedAt(seconds: number): { alpha: number; rate: number; pitch: number; surface: number } {
  const wanted = referenceAt(seconds);
  const a = AIRCRAFT;
  // The angle of attack follows the rate with the lag of the lift, 1/|lift|.
  const late = wanted.rateDegPerS + wanted.accelerationDegPerS2 / a.lift;
  const alpha = (-a.liftOfRate / a.lift) * late;
  const surface =
    (wanted.accelerationDegPerS2 - a.moment * alpha - a.damping * wanted.rateDegPerS) / a.momentOfElevator;
  return { alpha, rate: wanted.rateDegPerS, pitch: wanted.pitchDeg, surface };
}

function limit(value: number, most: number): number {
  return value > most ? most : value < -most ? -most : value;
}
