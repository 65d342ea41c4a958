/** The window of ticks that checkers look at. */
import { describe, expect, test } from 'vitest';
import { TickWindow } from '../../src/checkers/tick-slot.js';

describe('the window of ticks', () => {
  test('before the first judgement what was counted in vain gives way to a run that begins from a lower number', () => {
    const window = new TickWindow(3, 1);
    // Nobody agreed in these; a run begins at tick 2, and 3 shares the place of 35.
    for (let tick = 30; tick <= 41; tick += 1) window.at(tick)?.propose(0, Uint8Array.of(tick));
    const first = window.at(3);
    expect(first?.tick).toBe(3);
    expect(first?.proposed).toEqual([null, null, null]);
  });

  test('after it neither what is over nor what is far ahead has a place', () => {
    const window = new TickWindow(3, 1);
    window.takeForJudgement(100);
    expect(window.at(100)?.tick).toBe(100);
    expect(window.at(99)).toBeNull();
    expect(window.at(116)?.tick).toBe(116);
    expect(window.at(117)).toBeNull();
    expect(window.at(-1)).toBeNull();
    expect(window.at(101.5)).toBeNull();
  });

  test('what lies ahead is not displaced by what is over', () => {
    const window = new TickWindow(3, 1);
    window.takeForJudgement(100);
    window.at(110)?.propose(1, Uint8Array.of(1));
    expect(window.at(78)).toBeNull();
    expect(window.at(110)?.proposed[1]).toEqual(Uint8Array.of(1));
  });
});
