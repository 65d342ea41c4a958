import { describe, expect, test } from 'vitest';
import { TickLine } from '../../src/rig/tick-line.js';

const P = 50_000;

describe('the line of ticks', () => {
  test('keeps the numbers of the first run', () => {
    const line = new TickLine(2, P);
    expect(line.placeShared(0, 7, 'one', 700_000)).toBe(7);
    line.grid.note(7, 700_000);
    expect(line.placeShared(1, 9, 'one', 700_000 + 2 * P)).toBe(9);
    expect(line.isPlain).toBe(true);
  });

  test('puts a run that counts anew behind the present, and leaves whoever is in the old one there', () => {
    const line = new TickLine(3, P);
    line.placeShared(0, 100, 'one', 100 * P);
    line.grid.note(100, 100 * P);
    const nowUs = 140 * P + 20_000;
    expect(line.placeShared(0, 3, 'two', nowUs)).toBe(141);
    expect(line.placeShared(1, 4, 'two', nowUs + P)).toBe(142);
    expect(line.placeShared(2, 141, 'one', nowUs + P)).toBe(141);
    expect(line.isPlain).toBe(false);
    expect(line.placeNear(5, nowUs + 2 * P)).toBe(143);
    expect(line.grid.tickAt(nowUs + 2 * P)).toBe(143);
  });

  test('goes on where another run takes over the ticks of the one before', () => {
    const line = new TickLine(1, P);
    line.placeShared(0, 10, 'one', 10 * P);
    line.grid.note(10, 10 * P);
    expect(line.placeShared(0, 30, 'two', 30 * P)).toBe(30);
    expect(line.isPlain).toBe(true);
  });

  test('waits with what may be in a run that nobody has told of', () => {
    const line = new TickLine(1, P);
    expect(line.reaches(5 * P)).toBe(true);
    line.placeShared(0, 10, 'one', 10 * P);
    expect(line.reaches(12 * P)).toBe(true);
    expect(line.reaches(12 * P + 1)).toBe(false);
  });

  test('has no place for ticks of nobody else', () => {
    const line = new TickLine(2, P);
    line.placeShared(0, 100, 'one', 100 * P);
    line.grid.note(100, 100 * P);
    expect(line.placeShared(1, 3, null, 100 * P)).toBe(3);
    expect(line.isOfTheseTimes(3, 100 * P)).toBe(false);
    expect(line.isGuidedBy(null)).toBe(false);
    expect(line.isGuidedBy('one')).toBe(true);
  });
});
