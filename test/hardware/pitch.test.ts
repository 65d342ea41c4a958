import { describe, expect, test } from 'vitest';
import { createPitch, PITCH_MODEL, pitchModel, stepPitch } from '../../hardware/plants/pitch.js';
import type { PitchState } from '../../hardware/plants/pitch.js';
import { startPlant } from '../../hardware/plants/plant.js';
import { startNamedPlant } from '../../hardware/plants/plants.js';
import { referenceAt } from '../../hardware/rigs/pitch/profile.js';
import { loadLaw } from '../../src/rig/load-law.js';
import { designPitchControl, measureDecay } from './design-pitch-control.js';
import { fly, timeToLoss } from './pitch-flight.js';

const SLOW = designPitchControl(50, 30);
const FAST = designPitchControl(20, 12);
const CALM = { turbulenceDeg: 0, pitchNoiseDeg: 0, rateNoiseDegPerS: 0 };

describe('the aircraft', () => {
  test('trimmed in still air it stays where it is', () => {
    const later = stepPitch(createPitch(CALM, 1), PITCH_MODEL.trimElevatorDeg, 10_000_000);
    expect(later.lostAtUs).toBeNull();
    expect(Math.abs(later.pitchDeg)).toBeLessThan(1e-9);
    expect(later.timeUs).toBe(10_000_000);
  });

  test('a deviation doubles in a tenth of a second', () => {
    let state: PitchState = { ...createPitch(CALM, 1), alphaDeg: 0.01 };
    state = stepPitch(state, PITCH_MODEL.trimElevatorDeg, 500_000);
    const before = state.alphaDeg;
    state = stepPitch(state, PITCH_MODEL.trimElevatorDeg, 98_000);
    expect(state.alphaDeg / before).toBeCloseTo(2, 1);
  });

  test('the unstable pole is the short period of the documented numbers', () => {
    const { lift, liftOfRate, moment, damping } = PITCH_MODEL;
    const half = (lift + damping) / 2;
    const pole = half + Math.sqrt(half * half - (lift * damping - liftOfRate * moment));
    expect(pole).toBeCloseTo(7.06, 2);
    expect(Math.LN2 / pole).toBeLessThan(0.15);
  });

  test('left alone in moving air it is lost, and for good', () => {
    const settings = { turbulenceDeg: 0.04, pitchNoiseDeg: 0, rateNoiseDegPerS: 0 };
    const lost = stepPitch(createPitch(settings, 3), PITCH_MODEL.trimElevatorDeg, 5_000_000);
    expect(lost.lostAtUs).not.toBeNull();
    expect(lost.lostWhy).toMatch(/wings came off at -?\d/);
    const later = stepPitch(lost, PITCH_MODEL.trimElevatorDeg, 1_000_000);
    expect({ ...later, timeUs: 0 }).toEqual({ ...lost, timeUs: 0 });
  });

  test('the surface obeys its rate limit and its stops', () => {
    const after = stepPitch(createPitch(CALM, 1), 25, 100_000);
    expect(after.elevatorDeg - PITCH_MODEL.trimElevatorDeg).toBeCloseTo(6, 6);
    const beyond = stepPitch(createPitch(CALM, 1), 1e9, 100_000);
    expect(beyond.elevatorDeg).toBe(after.elevatorDeg);
  });

  test('the same seed and inputs give the same bits however time is cut', () => {
    const settings = { turbulenceDeg: 0.04, pitchNoiseDeg: 0, rateNoiseDegPerS: 0 };
    const whole = stepPitch(createPitch(settings, 9), -8.1, 300_000);
    let pieces = createPitch(settings, 9);
    for (const piece of [700, 1, 299, 123_456, 0, 175_544]) pieces = stepPitch(pieces, -8.1, piece);
    expect(pieces).toEqual(whole);
    expect(stepPitch(createPitch(settings, 10), -8.1, 300_000)).not.toEqual(whole);
  });

  test('each replica has noise of its own, repeated with the seed', () => {
    const read = (seed: number): (number | null)[] => {
      const plant = startPlant(pitchModel, {}, seed);
      return [0, 1, 2, 3].flatMap((replica) => [
        plant.sense(0, replica),
        plant.sense(1, replica),
        plant.sense(1, replica),
      ]);
    };
    expect(read(5)).toEqual(read(5));
    expect(read(5)).not.toEqual(read(6));
    expect(new Set(read(5)).size).toBeGreaterThan(6);
  });

  test('unknown plants and parameters are refused with the choice there is', () => {
    expect(() => startNamedPlant('rocket', {}, 1)).toThrow(
      /no model "rocket"; choose one of pitch, altitude, tank/,
    );
    expect(() => startNamedPlant('pitch', { turbulance: 1 }, 1)).toThrow(
      /no parameter "turbulance"; it knows turbulence-deg/,
    );
    expect(() => startNamedPlant('pitch', { 'turbulence-deg': -1 }, 1)).toThrow(/from 0 to 1/);
  });
});

describe('the control law', () => {
  test.each([
    ['law.ts', SLOW],
    ['law-50hz.ts', FAST],
  ])('the gains in %s are those of the design', async (file, design) => {
    const source = await import('node:fs').then((fs) =>
      fs.readFileSync(`hardware/rigs/pitch/${file}`, 'utf8'),
    );
    for (const key of ['feedback', 'byPitch', 'byRate'] as const) {
      const text = new RegExp(`${key}: \\[([^\\]]*)\\]`).exec(source)?.[1] ?? '';
      const gains = text.split(',').map(Number);
      expect(gains).toHaveLength(5);
      gains.forEach((gain, i) => expect(gain).toBeCloseTo(design[key][i] ?? Number.NaN, 5));
    }
    expect(source).toContain(`periodMs: ${design.periodMs},`);
    expect(source).toContain(`delayMs: ${design.delayMs},`);
    expect(measureDecay(design)).toBeLessThan(1);
  });

  test.each(['law.ts', 'law-50hz.ts'])(
    '%s loads as a rig loads it and keeps its head without readings',
    (file) => {
      const law = loadLaw(`hardware/rigs/pitch/${file}`).open();
      const ids = ['pitch', 'rate'];
      const qualities = ['lost', 'lost'];
      let state = loadLaw(`hardware/rigs/pitch/${file}`).initial;
      for (const tick of [0, 1, 2, 9, 10, 500, 501, 1_000_000]) {
        const result = law.step(state, ids, [null, null], qualities, tick) as {
          state: typeof state;
          commands: { elevator: number };
        };
        expect(Math.abs(result.commands.elevator)).toBeLessThanOrEqual(25);
        state = JSON.parse(JSON.stringify(result.state)) as typeof state;
      }
    },
  );

  test('absurd readings never give an absurd command', () => {
    const law = loadLaw('hardware/rigs/pitch/law.ts').open();
    let state = loadLaw('hardware/rigs/pitch/law.ts').initial;
    for (let tick = 0; tick < 200; tick += 1) {
      const sign = tick % 3 === 0 ? 1 : -1;
      const result = law.step(
        state,
        ['pitch', 'rate'],
        [sign * 1e300, -sign * 1e300],
        ['good', 'good'],
        tick,
      ) as {
        state: typeof state;
        commands: { elevator: number };
      };
      expect(Math.abs(result.commands.elevator)).toBeLessThanOrEqual(25);
      state = JSON.parse(JSON.stringify(result.state)) as typeof state;
    }
  });

  test('the profile is smooth: rate and acceleration are its derivatives', () => {
    for (let t = 0.05; t < 30; t += 0.1) {
      const h = 1e-4;
      const slope = (referenceAt(t + h).pitchDeg - referenceAt(t - h).pitchDeg) / (2 * h);
      expect(referenceAt(t).rateDegPerS).toBeCloseTo(slope, 4);
      const bend = (referenceAt(t + h).rateDegPerS - referenceAt(t - h).rateDegPerS) / (2 * h);
      expect(referenceAt(t).accelerationDegPerS2).toBeCloseTo(bend, 3);
    }
    expect(referenceAt(-5).pitchDeg).toBe(0);
    expect(referenceAt(Number.NaN).pitchDeg).toBe(0);
  });
});

const RIGS = [
  { name: '20 Hz', tuning: SLOW, delayMs: [3, 50] as const, holdMs: 200, errorDeg: 0.5 },
  { name: '50 Hz', tuning: FAST, delayMs: [2, 20] as const, holdMs: 120, errorDeg: 0.3 },
];

describe.each(RIGS)('the closed loop at $name', ({ tuning, delayMs, holdMs, errorDeg }) => {
  const seeds = [1, 2, 3, 4];

  test('follows the profile for a minute, whatever the delay within a tick', () => {
    for (const seed of seeds) {
      const flight = fly({ tuning, seed, seconds: 60, delayMs });
      expect(flight.state.lostAtUs).toBeNull();
      expect(flight.maxErrorDeg).toBeLessThan(errorDeg);
      expect(flight.minLoad).toBeGreaterThan(0);
      expect(flight.maxLoad).toBeLessThan(2);
    }
  });

  test.each([0, 1])('follows it at one constant delay, the shortest or the longest (%i)', (which) => {
    const constant = delayMs[which] ?? 0;
    const flight = fly({ tuning, seed: 11, seconds: 60, delayMs: [constant, constant] });
    expect(flight.state.lostAtUs).toBeNull();
    expect(flight.maxErrorDeg).toBeLessThan(errorDeg);
  });

  test.each([1, 2])('survives bursts of %i lost commands and of ticks that nobody stepped', (length) => {
    for (const seed of seeds) {
      const flight = fly({
        tuning,
        seed,
        seconds: 60,
        delayMs,
        misses: { length, chance: 0.02 },
        gaps: { length, chance: 0.01 },
      });
      expect(flight.state.lostAtUs).toBeNull();
      expect(flight.maxErrorDeg).toBeLessThan(2);
    }
  });

  test('survives twice the turbulence and noise', () => {
    const flight = fly({ tuning, seed: 5, seconds: 60, delayMs, roughness: 2 });
    expect(flight.state.lostAtUs).toBeNull();
    expect(flight.maxErrorDeg).toBeLessThan(1);
  });

  test('is lost within 500 ms of any moment at which the commands end', () => {
    for (const seed of [1, 2]) {
      let worstMs = 0;
      let step = 0;
      fly({
        tuning,
        seed,
        seconds: 60,
        delayMs,
        onStep: (state, commandDeg) => {
          step += 1;
          if (step % 37 !== 0) return;
          worstMs = Math.max(worstMs, timeToLoss(state, commandDeg, holdMs, 0) ?? Number.POSITIVE_INFINITY);
        },
      });
      expect(worstMs).toBeLessThanOrEqual(500);
      expect(worstMs).toBeGreaterThan(holdMs);
    }
  });
});
