/**
 * The tank and its law in virtual time, with what lies between them reduced to what matters here: the fused reading of
 * three noisy channels, a delay from sample to valve, and commands that do not arrive.
 */
import { createTank, stepTank, type TankState } from '../../hardware/plants/tank.js';
import { advanceNormal, advanceRandom, drawBits, drawNormal } from '../../hardware/plants/random.js';
import { control, INITIAL_STATE, type ControlState } from '../../hardware/rigs/valve/control.js';

export const SETTINGS = { startM: 1, swing: 0.6, whim: 0.1, levelNoiseM: 0.003 };
const PERIOD_MS = 50;

export interface TankFlightOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Sample to valve, drawn evenly each tick, ms. */
  readonly delayMs?: readonly [number, number];
  /** State of the law at the start. */
  readonly law?: ControlState;
  /** Ticks in a row whose commands get lost, and how likely such a gap begins at a tick. */
  readonly misses?: { readonly length: number; readonly chance: number };
  /** What operators make of the law's state before a tick. */
  readonly command?: (law: ControlState, tick: number) => ControlState;
  /** Called every millisecond with the tank and the command in force. */
  readonly onStep?: (state: TankState, commandPercent: number) => void;
}

export interface TankFlight {
  readonly tank: TankState;
  readonly law: ControlState;
  /** Largest deviation from the law's target. */
  readonly maxErrorM: number;
}

/** Flies until the end, or until the tank is lost. */
export function flyTank(options: TankFlightOptions): TankFlight {
  const [leastMs, mostMs] = options.delayMs ?? [3, 50];
  let tank = createTank(SETTINGS, options.seed);
  let law = options.law ?? INITIAL_STATE;
  let random = drawBits(options.seed * 7919 + 1);
  const uniform = (): number => {
    random = advanceRandom(random);
    return drawBits(random) / 0x100000000;
  };
  const senseMiddle = (): number => {
    const lanes = [0, 1, 2].map(() => {
      const lane = tank.levelM + SETTINGS.levelNoiseM * drawNormal(random);
      random = advanceNormal(random);
      return Math.round(lane * 1000) / 1000;
    });
    return lanes.sort((a, b) => a - b)[1] ?? 0;
  };
  let inForce = tank.valvePercent;
  const pending: { readonly atMs: number; readonly percent: number }[] = [];
  let maxErrorM = 0;
  let missing = 0;
  for (let ms = 0; ms < options.seconds * 1000 && tank.lostAtUs === null; ms += 1) {
    if (ms % PERIOD_MS === 0) {
      if (missing > 0) missing -= 1;
      else if (options.misses !== undefined && uniform() < options.misses.chance)
        missing = options.misses.length;
      law = options.command?.(law, ms / PERIOD_MS) ?? law;
      law = control(law, senseMiddle(), ms / PERIOD_MS);
      const atMs = ms + Math.round(leastMs + uniform() * (mostMs - leastMs));
      if (missing === 0) pending.push({ atMs, percent: law.orderedPercent });
    }
    while (pending[0] !== undefined && pending[0].atMs <= ms) inForce = pending.shift()?.percent ?? inForce;
    tank = stepTank(tank, inForce, 1000);
    options.onStep?.(tank, inForce);
    maxErrorM = Math.max(maxErrorM, Math.abs(tank.levelM - law.targetM));
  }
  return { tank, law, maxErrorM };
}

/** Milliseconds until the tank is lost when nothing but the hold and then the fail-safe is left; null: not in 20 s. */
export function timeToLoss(from: TankState, commandPercent: number, holdMs: number): number | null {
  let tank = from;
  for (let ms = 0; ms < 20_000; ms += 1) {
    tank = stepTank(tank, ms < holdMs ? commandPercent : 0, 1000);
    if (tank.lostAtUs !== null) return ms + 1;
  }
  return null;
}
