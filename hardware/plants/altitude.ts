/**
 * An aircraft whose two elevator halves are moved by two actuators, for the lesson of Lamport's slides ("The problem
 * with TMR"): at a height of about 10219.5 ft one replica's arithmetic says dive and another's climb. Halves that move
 * together take it down or up; halves deflected against one another for longer than 300 ms twist the tail until the
 * wings come off. Not a flight model: height follows the mean deflection, and every replica's altimeter has a constant
 * offset, the slides' readings (replicas a, b, c read 10219, 10220 and 10217 ft in level flight at 10219.5 ft).
 */
import { readNumbers } from './plant.js';
import type { PlantModel } from './plant.js';

export interface AltitudeState {
  readonly timeUs: number;
  readonly altitudeFt: number;
  /** Deflection of the left and right half, deg; positive climbs. */
  readonly leftDeg: number;
  readonly rightDeg: number;
  /** How long the halves have stood against one another. */
  readonly twistedUs: number;
  readonly lostAtUs: number | null;
  readonly lostWhy: string | null;
  readonly restUs: number;
}

const STEP_US = 1_000;
const STEP_S = STEP_US / 1_000_000;
/** How fast a half moves, deg/s. */
const SURFACE_DEG_PER_S = 60;
/** Climb per degree of mean deflection, ft/s. */
const CLIMB_FT_PER_S_PER_DEG = 20;
/** Deflections of less than this do not count as opposed. */
const TWIST_MIN_DEG = 1;
const TWIST_MAX_US = 300_000;
/** What each replica's altimeter adds, ft; further replicas read like the fourth. */
const OFFSETS_FT: readonly number[] = [-0.5, 0.5, -2.5, -1.5];

/** The aircraft `dtUs` later, the two commands (deg) held. Pure; whole steps of 1 ms. */
export function stepAltitude(
  state: AltitudeState,
  leftDeg: number,
  rightDeg: number,
  dtUs: number,
): AltitudeState {
  const steps = Math.floor((state.restUs + dtUs) / STEP_US);
  const next = { ...state, restUs: state.restUs + dtUs - steps * STEP_US };
  for (let i = 0; i < steps; i += 1) {
    next.timeUs += STEP_US;
    if (next.lostAtUs !== null) continue;
    next.leftDeg = approach(next.leftDeg, leftDeg);
    next.rightDeg = approach(next.rightDeg, rightDeg);
    next.altitudeFt += STEP_S * CLIMB_FT_PER_S_PER_DEG * ((next.leftDeg + next.rightDeg) / 2);
    const low = Math.min(next.leftDeg, next.rightDeg);
    const high = Math.max(next.leftDeg, next.rightDeg);
    next.twistedUs = low < -TWIST_MIN_DEG && high > TWIST_MIN_DEG ? next.twistedUs + STEP_US : 0;
    if (next.twistedUs > TWIST_MAX_US) {
      next.lostAtUs = next.timeUs;
      next.lostWhy = 'the wings came off: one half dived, the other climbed';
    }
  }
  return next;
}

/** What a rig names `plant: { model: altitude }`. Channel 0: altitude. Outputs 0 and 1: left and right elevator half. */
export const altitudeModel: PlantModel<AltitudeState> = {
  name: 'altitude',
  description: {
    noun: 'aircraft',
    tracked: null,
    shown: [
      { instrument: 'altitudeFt', label: 'altitude', unit: 'ft' },
      { instrument: 'leftDeg', label: 'left', unit: 'deg' },
      { instrument: 'rightDeg', label: 'right', unit: 'deg' },
    ],
  },
  channels: [
    {
      name: 'altitude',
      kind: 'number',
      unit: 'ft',
      numerator: 1,
      denominator: 1,
      minCount: -2_000,
      maxCount: 100_000,
    },
  ],
  outputs: [
    { name: 'left', unit: 'deg' },
    { name: 'right', unit: 'deg' },
  ],
  create(parameters) {
    const read = readNumbers('altitude', parameters, {
      'altitude-ft': { fallback: 10219.5, min: 0, max: 60_000 },
    });
    return {
      timeUs: 0,
      altitudeFt: read['altitude-ft'],
      leftDeg: 0,
      rightDeg: 0,
      twistedUs: 0,
      lostAtUs: null,
      lostWhy: null,
      restUs: 0,
    };
  },
  step: (state, outputs, dtUs) => stepAltitude(state, outputs[0] ?? 0, outputs[1] ?? 0, dtUs),
  sense: (state, _channel, replica) => state.altitudeFt + (OFFSETS_FT[Math.min(replica, 3)] ?? 0),
  measure: (state, output) => (output === 0 ? state.leftDeg : state.rightDeg),
  judge: (state) => ({
    survived: state.lostAtUs === null,
    lostAtUs: state.lostAtUs,
    lostWhy: state.lostWhy,
  }),
  show: (state) => ({
    altitudeFt: state.altitudeFt,
    leftDeg: state.leftDeg,
    rightDeg: state.rightDeg,
  }),
  track: () => null,
};

function approach(from: number, to: number): number {
  const reach = SURFACE_DEG_PER_S * STEP_S;
  const way = to - from;
  return way > reach ? from + reach : way < -reach ? from - reach : to;
}
