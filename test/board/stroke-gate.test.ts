import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StrokeGate } from '../../src/board/stroke-gate.js';

describe('the gate before the watchdog', () => {
  test('strokes once per interval while turns are in time', () => {
    const gate = new StrokeGate(1_000, 0);
    const strokes = Array.from({ length: 101 }, (_, turn) => gate.noteTurn(true, turn * 100)).filter(
      (decision) => decision?.stroke === true,
    );
    expect(strokes).toHaveLength(10);
  });

  test('half of the turns in time is too few', () => {
    const gate = new StrokeGate(400, 0);
    const decisions = [true, false, true, false].map((met, at) => gate.noteTurn(met, (at + 1) * 100));
    expect(decisions).toEqual([null, null, null, { stroke: false, met: 2, turns: 4 }]);
  });

  test('what was missed before a decision weighs on that one only', () => {
    const gate = new StrokeGate(200, 0);
    const decisions = [false, false, true, true].map((met, at) => gate.noteTurn(met, (at + 1) * 100));
    expect(decisions.filter((one) => one !== null)).toEqual([
      { stroke: false, met: 0, turns: 2 },
      { stroke: true, met: 2, turns: 2 },
    ]);
  });

  test('whatever happens: strokes are an interval apart, and follow a turn that met its deadline', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 900 }))), (turns) => {
        const gate = new StrokeGate(1_000, 0);
        let nowUs = 0;
        let strokedUs = 0;
        let metSince = 0;
        for (const [met, us] of turns) {
          nowUs += us;
          if (met) metSince += 1;
          if (gate.noteTurn(met, nowUs)?.stroke !== true) continue;
          expect(nowUs - strokedUs).toBeGreaterThanOrEqual(1_000);
          expect(metSince).toBeGreaterThan(0);
          strokedUs = nowUs;
          metSince = 0;
        }
      }),
    );
  });
});
