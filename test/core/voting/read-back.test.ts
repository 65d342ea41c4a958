import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReadBackMonitor, type ReadBackFinding } from '../../../src/core/voting/read-back.js';
import { designPitchControl } from '../../hardware/design-pitch-control.js';
import { fly } from '../../hardware/pitch-flight.js';

const HOLD_US = 180_000;
const PERIOD_US = 50_000;
const CONFIG = { holdUs: HOLD_US, toleranceCount: 100, silenceUs: 500_000 };

/** A device that moves from where it is towards its order, a step at a time; what the monitor says, by tick. */
function watch(
  order: (tick: number) => number,
  move: (from: number, ordered: number) => number | null,
  ticks: number,
): { readonly tick: number; readonly finding: ReadBackFinding }[] {
  const monitor = new ReadBackMonitor(CONFIG);
  const findings: { tick: number; finding: ReadBackFinding }[] = [];
  let place = 0;
  for (let tick = 0; tick < ticks; tick += 1) {
    const nowUs = tick * PERIOD_US;
    const ordered = order(tick);
    monitor.noteOutput(ordered, nowUs);
    const moved = move(place, ordered);
    const finding =
      moved === null ? monitor.check(nowUs + 1_000) : monitor.noteReadBack(moved, nowUs + 1_000);
    place = moved ?? place;
    if (finding !== null) findings.push({ tick, finding });
  }
  return findings;
}

const limit = (from: number, to: number, step: number): number =>
  from + Math.max(-step, Math.min(step, to - from));

describe('a device that follows', () => {
  test('exactly, late by a tick, or with a lag: no alarm', () => {
    const zigzag = (tick: number): number => (tick % 7) * 400 - (tick % 3) * 900;
    let last = 0;
    expect(watch(zigzag, (_, ordered) => ordered, 200)).toEqual([]);
    expect(
      watch(
        zigzag,
        (_, ordered) => {
          const moved = last;
          last = ordered;
          return moved;
        },
        200,
      ),
    ).toEqual([]);
    expect(watch(zigzag, (from, ordered) => from + 0.6 * (ordered - from), 200)).toEqual([]);
  });

  test('slowly, over a way that takes it seconds: no alarm while it comes nearer', () => {
    expect(
      watch(
        (tick) => (tick < 5 ? 0 : 20_000),
        (from, ordered) => limit(from, ordered, 150),
        200,
      ),
    ).toEqual([]);
  });

  test('in normal flights of the aeroplane, calm or rough, with commands that get lost: no alarm', () => {
    for (const [periodMs, delayMs, holdUs] of [
      [50, 30, 180_000],
      [20, 12, 120_000],
    ] as const) {
      const tuning = designPitchControl(periodMs, delayMs);
      for (const roughness of [1, 2]) {
        for (let seed = 1; seed <= 3; seed += 1) {
          // As `buildReadBackConfig` has it for an envelope of 50 000 counts.
          const monitor = new ReadBackMonitor({ holdUs, toleranceCount: 500, silenceUs: 500_000 });
          const findings: ReadBackFinding[] = [];
          let ordered: number | null = null;
          let us = 0;
          const { state } = fly({
            tuning,
            seed,
            seconds: 40,
            delayMs: [5, 1.5 * delayMs],
            roughness,
            misses: { length: 2, chance: 0.02 },
            onStep: (plant, commandDeg) => {
              us += 1_000;
              if (commandDeg === ordered) return;
              ordered = commandDeg;
              monitor.noteOutput(Math.round(commandDeg * 1_000), us);
              const finding = monitor.noteReadBack(Math.round(plant.elevatorDeg * 1_000), us + 300);
              if (finding !== null) findings.push(finding);
            },
          });
          expect(state.lostAtUs).toBeNull();
          expect(findings).toEqual([]);
        }
      }
    }
  });
});

describe('a device that does not', () => {
  test('stuck: alarmed once, so long after it was last among its orders and once more', () => {
    const findings = watch(
      (tick) => (tick < 10 ? 0 : 2_000),
      () => 0,
      100,
    );
    expect(findings).toEqual([{ tick: 18, finding: { kind: 'strayed', ordered: 2_000, measured: 0 } }]);
  });

  test('stuck where it is ordered to stand cannot be told', () => {
    expect(
      watch(
        () => 40,
        () => 0,
        100,
      ),
    ).toEqual([]);
  });

  test('reversed: alarmed, on a wavy order as well', () => {
    for (const order of [
      (tick: number): number => (tick < 10 ? 0 : 3_000),
      (tick: number): number => Math.round(3_000 * Math.sin(tick / 12)),
    ]) {
      const [first] = watch(order, (_, ordered) => -ordered, 60);
      expect(first?.finding).toMatchObject({ kind: 'strayed' });
    }
  });

  test('too slow: alarmed where it comes nearer by less than the tolerance in a hold', () => {
    const [first] = watch(
      (tick) => (tick < 5 ? 0 : 20_000),
      (from, ordered) => limit(from, ordered, 20),
      60,
    );
    expect(first?.finding).toMatchObject({ kind: 'strayed', ordered: 20_000 });
  });

  test('silent: alarmed after a while; one that has never answered is not called silent', () => {
    const findings = watch(
      () => 0,
      (from) => (from === 0 ? null : from),
      100,
    );
    expect(findings).toEqual([]);
    const monitor = new ReadBackMonitor(CONFIG);
    monitor.noteOutput(7, 0);
    monitor.noteReadBack(7, 1_000);
    monitor.noteOutput(8, 50_000);
    expect(monitor.check(550_000)).toBeNull();
    expect(monitor.check(550_001)).toEqual({ kind: 'silent', ordered: 8 });
    expect(monitor.check(900_000)).toBeNull();
  });

  test('right again for a hold: it is over, and can be alarmed anew', () => {
    const findings = watch(
      (tick) => (tick < 10 ? 0 : 2_000),
      (_, ordered) => (ordered === 0 ? 0 : 0),
      20,
    );
    expect(findings).toHaveLength(1);
    let tick = 0;
    const whole = watch(
      () => {
        tick += 1;
        return tick > 60 ? 5_000 : 2_000;
      },
      () => (tick > 30 ? 2_000 : 0),
      90,
    );
    expect(whole.map(({ finding }) => finding.kind)).toEqual(['strayed', 'recovered', 'strayed']);
  });
});

test('whatever a device says, an alarm is told once and then its end', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          ordered: fc.integer({ min: -500, max: 500 }),
          measured: fc.option(fc.integer({ min: -900, max: 900 })),
        }),
      ),
      (steps) => {
        const monitor = new ReadBackMonitor({ holdUs: 100, toleranceCount: 10, silenceUs: 300 });
        let nowUs = 0;
        let isAlarmed = false;
        for (const { ordered, measured } of steps) {
          nowUs += 50;
          monitor.noteOutput(ordered, nowUs);
          for (const finding of [
            measured === null ? null : monitor.noteReadBack(measured, nowUs),
            monitor.check(nowUs),
          ]) {
            if (finding === null) continue;
            expect(finding.kind === 'recovered').toBe(isAlarmed);
            isAlarmed = finding.kind !== 'recovered';
          }
        }
      },
    ),
  );
});
