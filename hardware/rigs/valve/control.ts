/**
 * Keeps the level of a tank: the valve follows the deviation from the target and its integral (a PI controller), for the
 * consumers' draw is not known and changes. In manual mode it stands where it was last ordered to. Arithmetic only: the
 * same bits on every replica.
 */
import { TARGET_M } from './profile.js';

export interface ControlState {
  readonly mode: 'auto' | 'manual';
  /** Level to be kept in auto mode. */
  readonly targetM: number;
  /** Last tick that was stepped; −1 before the first. */
  readonly tick: number;
  /** Integral part of the order. */
  readonly integralPercent: number;
  /** Last order; in manual mode what stands. */
  readonly orderedPercent: number;
}

const PERIOD_S = 0.05;
/** The valve's opening in balance, taps in the middle. */
const HALF_OPEN_PERCENT = 50;
/**
 * Percent per metre, and per metre and second. One percent more lets the level rise by 13.5 mm/s, so that a deviation is
 * answered within a quarter of a second: beyond the valve's lag of 0.15 s and two ticks, as short as noise allows.
 */
const BY_DEVIATION = 300;
const BY_INTEGRAL = 400;
/** A longer gap tells nothing of what the level did in it: the integral stands still for the rest. */
const GAP_MAX = 10;

export const INITIAL_STATE: ControlState = {
  mode: 'auto',
  targetM: TARGET_M,
  tick: -1,
  integralPercent: HALF_OPEN_PERCENT,
  orderedPercent: HALF_OPEN_PERCENT,
};

/** The state after `tick` and with it the order, from the fused level; null where that is lost. */
export function control(state: ControlState, levelM: number | null, tick: number): ControlState {
  const { mode, targetM, orderedPercent } = state;
  // Whatever becomes of the mode, automatic control goes on from where the valve stands.
  if (mode === 'manual') return { ...state, tick, integralPercent: orderedPercent };
  if (levelM === null) return { ...state, tick };
  const ticks = state.tick < 0 ? 1 : Math.min(GAP_MAX, tick - state.tick);
  const deviationM = targetM - levelM;
  const wanted = state.integralPercent + BY_INTEGRAL * deviationM * ticks * PERIOD_S;
  const integralPercent = limit(wanted);
  return {
    ...state,
    tick,
    integralPercent,
    orderedPercent: limit(integralPercent + BY_DEVIATION * deviationM),
  };
}

function limit(percent: number): number {
  return percent < 0 ? 0 : percent > 100 ? 100 : percent;
}
