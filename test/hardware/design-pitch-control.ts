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
  const byLast = flowVector(1, 0, periodMs, delayMs);
  const byCommand = flowVector(0, 1, periodMs, delayMs);

  // Regulator: states alpha, rate, pitch, surface and the last command.
  const a: Matrix = [0, 1, 2, 3].map((i) => [...transition[i]!.slice(0, 4), byLast[i]!]);
  a.push([0, 0, 0, 0, 0]);
  const b: Matrix = [0, 1, 2, 3].map((i) => [byCommand[i]!]);
  b.push([1]);
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
  const correction = multiply(multiply(variance, transpose(reads)), invert2(spread));

  return {
    periodMs,
    delayMs,
    feedback: regulator.gain[0]! as unknown as Tuning['feedback'],
    byPitch: correction.map((row) => row[0]!) as unknown as Tuning['byPitch'],
    byRate: correction.map((row) => row[1]!) as unknown as Tuning['byRate'],
  };
}

/** Largest modulus of the closed loop's eigenvalues by power iteration on its squared norm growth. */
export function measureDecay(tuning: Tuning): number {
  const { periodMs, delayMs, feedback } = tuning;
  let x = [1, 1, 1, 1, 1];
  let growth = 0;
  for (let i = 0; i < 400; i += 1) {
    const command = -feedback.reduce((sum, gain, j) => sum + gain * x[j]!, 0);
    const next = flow([...x.slice(0, 4), 0], x[4]!, command, periodMs, delayMs);
    x = [...next.slice(0, 4), command];
    const size = Math.hypot(...x);
    if (i >= 200) growth += Math.log(size);
    x = x.map((value) => value / size);
  }
  return Math.exp(growth / 200);
}

function flow(x: number[], last: number, command: number, periodMs: number, delayMs: number): number[] {
  // Small enough that no limit of the law's model is reached: the model is linear there.
  const scale = 1e-3;
  const from: ControlState = {
    ...INITIAL_STATE,
    alpha: x[0]! * scale,
    rate: x[1]! * scale,
    pitch: x[2]! * scale,
    surface: x[3]! * scale,
    bias: x[4]! * scale,
  };
  const to = predict(predict(from, last * scale, delayMs), command * scale, periodMs - delayMs);
  return KEYS.map((key) => to[key] / scale);
}

function flowVector(last: number, command: number, periodMs: number, delayMs: number): number[] {
  return flow([0, 0, 0, 0, 0], last, command, periodMs, delayMs);
}

function columns(of: (x: number[]) => number[]): Matrix {
  const images = [0, 1, 2, 3, 4].map((j) => of([0, 1, 2, 3, 4].map((i) => (i === j ? 1 : 0))));
  return transpose(images);
}

function settle(a: Matrix, b: Matrix, q: Matrix, r: Matrix): { cost: Matrix; gain: Matrix } {
  let cost = q;
  let gain: Matrix = [];
  for (let i = 0; i < 3000; i += 1) {
    const bs = multiply(transpose(b), cost);
    const inner = add(r, multiply(bs, b));
    gain = multiply(inner.length === 1 ? [[1 / inner[0]![0]!]] : invert2(inner), multiply(bs, a));
    cost = add(
      q,
      multiply(
        multiply(transpose(a), cost),
        add(
          a,
          multiply(b, gain).map((row) => row.map((v) => -v)),
        ),
      ),
    );
  }
  return { cost, gain };
}

function diagonal(values: readonly number[]): Matrix {
  return values.map((value, i) => values.map((_, j) => (i === j ? value : 0)));
}

function transpose(m: Matrix): Matrix {
  return m[0]!.map((_, j) => m.map((row) => row[j]!));
}

function multiply(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
}

function add(a: Matrix, b: Matrix): Matrix {
  return a.map((row, i) => row.map((value, j) => value + b[i]![j]!));
}

function invert2(m: Matrix): Matrix {
  const [[a, b], [c, d]] = m as [[number, number], [number, number]];
  const det = a * d - b * c;
  return [
    [d / det, -b / det],
    [-c / det, a / det],
  ];
}
