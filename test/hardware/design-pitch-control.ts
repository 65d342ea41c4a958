/**
 * The design behind the gains of hardware/rigs/pitch: discrete linear-quadratic regulator and steady Kalman filter
 * (Franklin, Powell, Workman, "Digital Control of Dynamic Systems", chapter 9) for the law's own prediction model.
 * The command of a tick reaches the surface `delayMs` after the sample, so the last command is a state as well.
 */
import { INITIAL_STATE, predict } from '../../hardware/rigs/pitch/control.js';
import type { ControlState, Tuning } from '../../hardware/rigs/pitch/control.js';

type Matrix = number[][];

const KEYS = ['alpha', 'rate', 'pitch', 'surface', 'bias'] as const;

/** Weights on angle of attack, rate, pitch, surface, last command; and on the command. Few deviations, gentle hand. */
const STATE_WEIGHTS = [5, 0.05, 8, 0, 0];
const COMMAND_WEIGHT = 20;
/** Variances a 50 ms tick adds to alpha, rate, pitch, surface, bias; and of the fused readings' errors, timing included. */
const DRIFT_PER_50_MS = [0.001, 0.02, 0, 0.002, 0.02];
const READING_VARIANCES = [0.03 ** 2, 0.3 ** 2];

/** The gains for a period and delay; 3000 iterations settle both Riccati equations to machine precision. */
export function designPitchControl(periodMs: number, delayMs: number): Tuning {
  const transition = columns((x) => flow(x, 0, 0, periodMs, delayMs));
  const byLast = flow([0, 0, 0, 0, 0], 1, 0, periodMs, delayMs);
  const byCommand = flow([0, 0, 0, 0, 0], 0, 1, periodMs, delayMs);

  // Regulator: states alpha, rate, pitch, surface and the last command.
  const a: Matrix = [...transition.slice(0, 4).map((row, i) => [...row.slice(0, 4), at(byLast, i)])];
  a.push([0, 0, 0, 0, 0]);
  const b: Matrix = [...byCommand.slice(0, 4).map((value) => [value]), [1]];
  const regulator = settle(a, b, diagonal(STATE_WEIGHTS), [[COMMAND_WEIGHT]]);

  // Filter: the same equation on the transposed system, states alpha, rate, pitch, surface, bias.
  const reads: Matrix = [
    [0, 0, 1, 0, 0],
    [0, 1, 0, 0, 0],
  ];
  const drift = diagonal(DRIFT_PER_50_MS.map((variance) => (variance * periodMs) / 50));
  const noise = diagonal(READING_VARIANCES);
  const variance = settle(transpose(transition), transpose(reads), drift, noise).cost;
  const spread = add(multiply(multiply(reads, variance), transpose(reads)), noise);
  const [byPitch, byRate] = transpose(multiply(multiply(variance, transpose(reads)), invert(spread)));

  return {
    periodMs,
    delayMs,
    feedback: toGains(at(regulator.gain, 0)),
    byPitch: toGains(byPitch),
    byRate: toGains(byRate),
  };
}

/** By which factor the closed loop's slowest mode shrinks in a tick: mean growth of a deviation left to itself. */
export function measureDecay(tuning: Tuning): number {
  const { periodMs, delayMs, feedback } = tuning;
  let x = [1, 1, 1, 1, 1];
  let growth = 0;
  for (let i = 0; i < 400; i += 1) {
    const command = -feedback.reduce((sum, gain, j) => sum + gain * at(x, j), 0);
    const next = flow([...x.slice(0, 4), 0], at(x, 4), command, periodMs, delayMs);
    x = [...next.slice(0, 4), command];
    const size = Math.hypot(...x);
    if (i >= 200) growth += Math.log(size);
    x = x.map((value) => value / size);
  }
  return Math.exp(growth / 200);
}

/** One tick of the law's model, linear because nothing here is large enough to reach a limit of it. */
function flow(
  x: readonly number[],
  last: number,
  command: number,
  periodMs: number,
  delayMs: number,
): number[] {
  const scale = 1e-3;
  const from: ControlState = {
    ...INITIAL_STATE,
    alpha: at(x, 0) * scale,
    rate: at(x, 1) * scale,
    pitch: at(x, 2) * scale,
    surface: at(x, 3) * scale,
    bias: at(x, 4) * scale,
  };
  const to = predict(predict(from, last * scale, delayMs), command * scale, periodMs - delayMs);
  return KEYS.map((key) => to[key] / scale);
}

function columns(of: (x: number[]) => number[]): Matrix {
  return transpose(diagonal([1, 1, 1, 1, 1]).map(of));
}

/** Iterates the Riccati equation of (a, b) with weights q and r. */
function settle(a: Matrix, b: Matrix, q: Matrix, r: Matrix): { cost: Matrix; gain: Matrix } {
  let cost = q;
  let gain: Matrix = [];
  for (let i = 0; i < 3000; i += 1) {
    const weighed = multiply(transpose(b), cost);
    gain = multiply(invert(add(r, multiply(weighed, b))), multiply(weighed, a));
    const closed = add(a, negate(multiply(b, gain)));
    cost = add(q, multiply(multiply(transpose(a), cost), closed));
  }
  return { cost, gain };
}

function diagonal(values: readonly number[]): Matrix {
  return values.map((value, i) => values.map((_, j) => (i === j ? value : 0)));
}

function transpose(m: Matrix): Matrix {
  return at(m, 0).map((_, j) => m.map((row) => at(row, j)));
}

function multiply(a: Matrix, b: Matrix): Matrix {
  const sides = transpose(b);
  return a.map((row) => sides.map((side) => row.reduce((sum, value, k) => sum + value * at(side, k), 0)));
}

function add(a: Matrix, b: Matrix): Matrix {
  return a.map((row, i) => row.map((value, j) => value + at(at(b, i), j)));
}

function negate(m: Matrix): Matrix {
  return m.map((row) => row.map((value) => -value));
}

/** Inverse of a matrix of one or two rows. */
function invert(m: Matrix): Matrix {
  const [a, b] = [at(at(m, 0), 0), m.length === 1 ? 0 : at(at(m, 0), 1)];
  if (m.length === 1) return [[1 / a]];
  const [c, d] = [at(at(m, 1), 0), at(at(m, 1), 1)];
  const det = a * d - b * c;
  return [
    [d / det, -b / det],
    [-c / det, a / det],
  ];
}

function toGains(row: readonly number[] | undefined): Tuning['feedback'] {
  const [a, b, c, d, e] = row ?? [];
  if (e === undefined || d === undefined || c === undefined || b === undefined || a === undefined) {
    throw new Error('a design has five gains');
  }
  return [a, b, c, d, e];
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}
