import { describe, expect, test } from 'vitest';
import { startNamedPlant } from '../../hardware/plants/plants.js';
import { loadLaw } from '../../src/rig/load-law.js';

describe("the lesson's aircraft", () => {
  test("replicas read the slides' heights in level flight", () => {
    const plant = startNamedPlant('altitude', {}, 1);
    plant.step([0, 0], 3_000_000);
    expect([0, 1, 2, 3, 4].map((replica) => plant.sense(0, replica))).toEqual([
      10219, 10220, 10217, 10218, 10218,
    ]);
  });

  test('halves that move together take it down or up and hold', () => {
    const dive = startNamedPlant('altitude', {}, 1);
    dive.step([-10, -10], 2_000_000);
    const climb = startNamedPlant('altitude', {}, 1);
    climb.step([10, 10], 2_000_000);
    expect(dive.judge().survived && climb.judge().survived).toBe(true);
    expect(dive.show()['altitudeFt']).toBeLessThan(10219);
    expect(climb.show()['altitudeFt']).toBeGreaterThan(10220);
  });

  test('halves against one another take the wings off, a short contradiction does not', () => {
    const plant = startNamedPlant('altitude', {}, 1);
    plant.step([-10, 10], 100_000);
    plant.step([-10, -10], 500_000);
    expect(plant.judge().survived).toBe(true);
    plant.step([-10, 10], 1_000_000);
    const outcome = plant.judge();
    expect(outcome.survived).toBe(false);
    expect(outcome.lostWhy).toContain('one half dived, the other climbed');
    plant.step([0, 0], 1_000_000);
    expect(plant.judge()).toEqual(outcome);
  });
});

describe("the lesson's law", () => {
  const law = loadLaw('hardware/rigs/tmr-lesson/law.ts');

  const decide = (altitude: number): { left: number; right: number } => {
    const room = law.open();
    let state = law.initial;
    for (const tick of [0, 59, 60]) {
      const result = room.step(state, ['altitude'], [altitude], ['good'], tick) as {
        state: typeof state;
        commands: { left: number; right: number };
      };
      state = JSON.parse(JSON.stringify(result.state)) as typeof state;
      if (tick < 60) expect(result.commands).toEqual({ left: 0, right: 0 });
      else return result.commands;
    }
    throw new Error('unreachable');
  };

  test('B4: middle values 10219 and 10220 mean dive and climb', () => {
    expect(decide(10219)).toEqual({ left: -10, right: -10 });
    expect(decide(10220)).toEqual({ left: 10, right: 10 });
  });

  test('a decision once made stands', () => {
    const room = law.open();
    const after = room.step({ decision: 'dive' }, ['altitude'], [11000], ['good'], 100) as {
      commands: { left: number };
    };
    expect(after.commands.left).toBe(-10);
  });

  test('without a height there is no decision', () => {
    const room = law.open();
    const after = room.step(law.initial, ['altitude'], [null], ['lost'], 100) as {
      commands: { left: number };
    };
    expect(after.commands.left).toBe(0);
  });
});
