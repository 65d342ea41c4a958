import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reading } from '../../src/core/types.js';
import { Bench } from './support.js';

function readTimes(bench: Bench, times: number): Reading[][] {
  return Array.from({ length: times }, () => {
    bench.clock.advance(50_000);
    return [...bench.read()];
  });
}

describe('faults of channels', () => {
  test('sensor-stuck stays at what it read, or at the value given', () => {
    const bench = new Bench();
    bench.strike('sensor-stuck on c.pitch');
    bench.read();
    bench.readings = [9, 9, false];
    expect(bench.read()).toEqual([1, 9, false]);
    expect(bench.affected).toBe(1);
    const given = new Bench();
    given.strike('sensor-stuck on c value=-12');
    expect(given.read()).toEqual([-12, -12, true]);
    expect(given.affected).toBe(2);
  });

  test('a value outside the sensor’s range is absent', () => {
    const bench = new Bench();
    bench.strike('sensor-stuck on c.pitch value=60');
    expect(bench.read()).toEqual([null, 2, true]);
  });

  test('sensor-frozen waits for a first sample', () => {
    const bench = new Bench();
    bench.readings = [null, 2, true];
    bench.strike('sensor-frozen on c.pitch');
    expect(bench.read()[0]).toBeNull();
    bench.readings = [4, 2, true];
    expect(bench.read()[0]).toBe(4);
    bench.readings = [8, 2, true];
    expect(bench.read()[0]).toBe(4);
  });

  test('sensor-bias, with and without a value', () => {
    const bench = new Bench();
    bench.strike('sensor-bias on c.pitch value=-3');
    expect(bench.read()).toEqual([-2, 2, true]);
    const standard = new Bench();
    standard.strike('sensor-bias on c');
    expect(standard.read()).toEqual([11, 12, false]);
  });

  test('sensor-drift grows with time', () => {
    const bench = new Bench();
    bench.strike('sensor-drift on c.pitch rate=2');
    bench.clock.advance(500_000);
    expect(bench.read()[0]).toBeCloseTo(2);
    bench.clock.advance(500_000);
    expect(bench.read()[0]).toBeCloseTo(3);
  });

  test('sensor-noise has the standard deviation asked for', () => {
    const bench = new Bench();
    bench.strike('sensor-noise on c.pitch sigma=2');
    const noise = readTimes(bench, 3_000).map(([pitch]) => (pitch as number) - 1);
    const mean = noise.reduce((sum, one) => sum + one, 0) / noise.length;
    const sigma = Math.sqrt(noise.reduce((sum, one) => sum + (one - mean) ** 2, 0) / noise.length);
    expect(Math.abs(mean)).toBeLessThan(0.2);
    expect(sigma).toBeGreaterThan(1.8);
    expect(sigma).toBeLessThan(2.2);
  });

  test('sensor-spike and sensor-dropout strike some samples', () => {
    const spike = new Bench();
    spike.strike('sensor-spike on c.pitch p=0.3 value=20');
    const read = readTimes(spike, 200).map(([pitch]) => pitch);
    expect(new Set(read)).toEqual(new Set([1, 21, -19]));
    const dropout = new Bench();
    dropout.strike('sensor-dropout on c.pitch p=0.5');
    expect(new Set(readTimes(dropout, 100).map(([pitch]) => pitch))).toEqual(new Set([1, null]));
  });

  test('sensor-swap', () => {
    const bench = new Bench();
    bench.strike('sensor-swap on c.rate with=pitch');
    expect(bench.read()).toEqual([2, 1, true]);
    const whole = new Bench();
    whole.strike('sensor-swap on c');
    expect(whole.read()).toEqual([2, 1, true]);
  });

  test('whatever the fault, a reading is absent or inside the range, and of the sensor’s type', () => {
    const faults = [
      'stuck value=1e9',
      'drift rate=1e6',
      'bias value=49',
      'noise sigma=100',
      'spike p=1 value=99',
    ];
    const others = ['dropout', 'frozen', 'swap'];
    fc.assert(
      fc.property(
        fc.constantFrom(...faults, ...others),
        fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.boolean()), { maxLength: 20 }),
        (fault, samples) => {
          const bench = new Bench();
          const [kind = '', ...rest] = fault.split(' ');
          bench.strike([`sensor-${kind} on c`, ...rest].join(' '));
          for (const [angle, gear] of samples) {
            bench.clock.advance(50_000);
            bench.readings = [angle, -angle, gear];
            const read = bench.read();
            for (const value of [read[0], read[1]]) {
              if (value === null) continue;
              expect(typeof value).toBe('number');
              expect(Math.abs(value as number)).toBeLessThanOrEqual(50);
            }
            expect([true, false, null]).toContain(read[2]);
          }
        },
      ),
    );
  });
});
