import { describe, expect, test } from 'vitest';
import { computeOutflow, createTank, stepTank, TANK_MODEL, tankModel } from '../../hardware/plants/tank.js';
import type { TankState } from '../../hardware/plants/tank.js';
import { startPlant } from '../../hardware/plants/plant.js';
import { startNamedPlant } from '../../hardware/plants/plants.js';
import { control, INITIAL_STATE, type ControlState } from '../../hardware/rigs/valve/control.js';
import { referenceAt, TARGET_M } from '../../hardware/rigs/valve/profile.js';
import { loadLaw } from '../../src/rig/load-law.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { flyTank, SETTINGS, timeToLoss } from './tank-flight.js';

const STEADY = { startM: 1, swing: 0, whim: 0, levelNoiseM: 0 };
const { rig: RIG } = await loadRig('hardware/rigs/valve');
const SEEDS = Array.from({ length: 10 }, (_, at) => at + 1);

describe('the tank', () => {
  test('half open and with steady consumers it keeps its level', () => {
    const later = stepTank(createTank(STEADY, 1), 50, 30_000_000);
    expect(later.lostAtUs).toBeNull();
    expect(later.levelM).toBeCloseTo(1, 1);
  });

  test('with the valve closed it drains as Torricelli has it', () => {
    const { outletM2, gravity, floorM2, dryM } = TANK_MODEL;
    const closed: TankState = { ...createTank(STEADY, 1), valvePercent: 0 };
    const lost = stepTank(closed, 0, 10_000_000);
    const seconds = (floorM2 / outletM2) * Math.sqrt(2 / gravity) * (1 - Math.sqrt(dryM));
    expect((lost.lostAtUs ?? 0) / 1e6).toBeCloseTo(seconds, 2);
    expect(lost.lostWhy).toBe('it ran dry');
    expect(computeOutflow(1, 1) / computeOutflow(0.25, 1)).toBeCloseTo(2, 9);
    expect(computeOutflow(-1, 1)).toBe(0);
  });

  test.each([
    [0, 'it ran dry', 6],
    [50, 'it overflowed', 6],
    [100, 'it overflowed', 2],
  ])('a valve that stands at %i %% has it lost within seconds, for good: %s', (percent, why, mostS) => {
    for (const seed of SEEDS) {
      const lost = stepTank(createTank(SETTINGS, seed), percent, 20_000_000);
      expect(lost.lostWhy).toBe(why);
      expect(lost.lostAtUs).toBeLessThan(mostS * 1e6);
      const later = stepTank(lost, 100 - percent, 1_000_000);
      expect({ ...later, timeUs: 0 }).toEqual({ ...lost, timeUs: 0 });
    }
  });

  test('the valve takes its time and obeys its stops', () => {
    const after = stepTank(createTank(STEADY, 1), 100, 100_000);
    expect(after.valvePercent).toBeCloseTo(70, 6);
    const beyond = stepTank(createTank(STEADY, 1), 1e9, 100_000);
    expect(beyond.valvePercent).toBe(after.valvePercent);
  });

  test('the same seed and inputs give the same bits however time is cut', () => {
    const whole = stepTank(createTank(SETTINGS, 9), 48, 3_000_000);
    let pieces = createTank(SETTINGS, 9);
    for (const piece of [700, 1, 299, 1_234_567, 0, 1_764_433]) pieces = stepTank(pieces, 48, piece);
    expect(pieces).toEqual(whole);
    expect(stepTank(createTank(SETTINGS, 10), 48, 3_000_000)).not.toEqual(whole);
  });

  test('each replica has noise of its own, repeated with the seed', () => {
    const read = (seed: number): (number | null)[] => {
      const plant = startPlant(tankModel, {}, seed);
      return [0, 1, 2, 0, 1, 2].map((replica) => plant.sense(0, replica));
    };
    expect(read(5)).toEqual(read(5));
    expect(read(5)).not.toEqual(read(6));
    expect(new Set(read(5)).size).toBeGreaterThan(3);
    for (const count of read(5)) expect(Math.abs((count ?? 0) - 1000)).toBeLessThan(15);
  });

  test('the flights here are flown with the numbers that a rig gets', () => {
    expect(tankModel.create({}, 1).settings).toEqual(SETTINGS);
    expect(() => startNamedPlant('tank', { swing: 2 }, 1)).toThrow(/swing is 2; give a number from 0 to 0.8/);
  });
});

describe('the law of the valve', () => {
  test('keeps the level, whatever consumers and noise do', () => {
    for (const seed of SEEDS) {
      const { tank, maxErrorM } = flyTank({ seed, seconds: 60 });
      expect(tank.lostAtUs).toBeNull();
      expect(maxErrorM).toBeLessThan(0.15);
    }
  });

  test('rides out bursts of six lost commands, and of ten', () => {
    for (const [length, most] of [
      [6, 0.2],
      [10, 0.4],
    ] as const) {
      for (const seed of SEEDS) {
        const { tank, maxErrorM } = flyTank({ seed, seconds: 60, misses: { length, chance: 0.02 } });
        expect(tank.lostAtUs).toBeNull();
        expect(maxErrorM).toBeLessThan(most);
      }
    }
  });

  test('whenever the replicas die, the hold of 500 ms costs little, and the closed valve leaves a second', () => {
    let soonest = Infinity;
    let lostNever = 0;
    let farthestM = 0;
    for (const seed of SEEDS.slice(0, 3)) {
      let steps = 0;
      const onStep = (tank: TankState, percent: number): void => {
        steps += 1;
        if (steps % 397 !== 0) return;
        const held = stepTank(tank, percent, 500_000);
        farthestM = Math.max(farthestM, Math.abs(held.levelM - TARGET_M));
        const ms = timeToLoss(tank, percent, 500);
        if (ms === null) lostNever += 1;
        else soonest = Math.min(soonest, ms);
      };
      flyTank({ seed, seconds: 32, onStep });
    }
    expect(farthestM).toBeLessThan(0.25);
    expect(soonest).toBeGreaterThan(1_300);
    expect(lostNever).toBe(0);
  });

  test('goes where its target is', () => {
    const law = { ...INITIAL_STATE, targetM: 1.4 };
    let farthestM = 0;
    const onStep = (tank: TankState): void => {
      if (tank.timeUs > 3_000_000) farthestM = Math.max(farthestM, Math.abs(tank.levelM - 1.4));
    };
    const flight = flyTank({ seed: 1, seconds: 30, law, onStep });
    expect(flight.law.targetM).toBe(1.4);
    expect(flight.tank.lostAtUs).toBeNull();
    expect(farthestM).toBeLessThan(0.2);
  });

  test('clears outlet and rim wherever operators move its target in its range, and whenever', () => {
    const { arguments: given } = RIG.commands.find(({ id }) => id === 'set-target') ?? { arguments: [] };
    const [level] = given;
    if (level?.type !== 'quantity') throw new Error('the target is a quantity');
    let [lowestM, highestM] = [Infinity, 0];
    const onStep = ({ levelM }: TankState): void => {
      lowestM = Math.min(lowestM, levelM);
      highestM = Math.max(highestM, levelM);
    };
    for (const seed of SEEDS) {
      const command = (law: ControlState, tick: number): ControlState =>
        tick % 101 === seed ? { ...law, targetM: law.targetM === level.max ? level.min : level.max } : law;
      flyTank({ seed, seconds: 60, command, onStep });
    }
    expect(lowestM).toBeGreaterThan(TANK_MODEL.dryM + 0.1);
    expect(highestM).toBeLessThan(TANK_MODEL.rimM - 0.1);
  });

  test('does what operators ask by what they have set, on the initial state too', () => {
    const open = loadLaw('hardware/rigs/valve/law.ts').open();
    const give = (state: ControlState, id: string, name: string, value: string | number): unknown =>
      open.command(id, { ...state }, [name], [value], 7);
    const target = { ...INITIAL_STATE, targetM: 1.2 };
    expect(give(INITIAL_STATE, 'set-target', 'level', 1.2)).toEqual({ state: target });
    expect(give(target, 'mode', 'mode', 'manual')).toEqual({ state: { ...target, mode: 'manual' } });
    const manual: ControlState = { ...target, mode: 'manual' };
    expect(give(manual, 'mode', 'mode', 'auto')).toEqual({ state: target });
    expect(give(manual, 'set-target', 'level', 0.8)).toEqual({
      refused: expect.stringMatching(/in manual mode; give mode auto/),
    });
  });

  test('in manual mode lets the valve stand, and goes on from there in auto mode', () => {
    let state = control({ ...INITIAL_STATE, mode: 'manual', orderedPercent: 30 }, 0.5, 7);
    expect(state).toMatchObject({ mode: 'manual', orderedPercent: 30, tick: 7 });
    state = control({ ...state, mode: 'auto' }, TARGET_M, 8);
    expect(state.orderedPercent).toBe(30);
    expect(control(state, 0.9, 9).orderedPercent).toBeGreaterThan(30);
    expect(control(state, 1.1, 9).orderedPercent).toBeLessThan(30);
  });

  test('without a level leaves the valve where it is, and winds nothing up', () => {
    const state = control(INITIAL_STATE, 0.9, 0);
    expect(control(state, null, 1)).toEqual({ ...state, tick: 1 });
    let full = INITIAL_STATE;
    for (let tick = 0; tick < 1000; tick += 1) full = control(full, 0.3, tick);
    expect(full.integralPercent).toBe(100);
    // A long silence counts for ten ticks at most.
    expect(control(state, 0.95, 1_000_000)).toEqual({ ...control(state, 0.95, 10), tick: 1_000_000 });
  });

  test('the compiled law orders what its module says, and nothing new from a lost reading', () => {
    const open = loadLaw('hardware/rigs/valve/law.ts').open();
    const step = (state: typeof INITIAL_STATE, level: number | null, quality: string): unknown =>
      open.step({ ...state }, ['level'], [level], [quality], 3);
    const stepped = control(INITIAL_STATE, 0.8, 3);
    expect(step(INITIAL_STATE, 0.8, 'good')).toEqual({
      state: stepped,
      commands: { valve: stepped.orderedPercent },
    });
    expect(step(INITIAL_STATE, 0.8, 'lost')).toEqual({
      state: { ...INITIAL_STATE, tick: 3 },
      commands: { valve: 50 },
    });
    expect(referenceAt().levelM).toBe(INITIAL_STATE.targetM);
  });
});
