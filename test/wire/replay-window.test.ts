import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReplayWindow, WINDOW_ENTRIES } from '../../src/wire/replay-window.js';

test('accepts exactly what a plain set of the last 64 counters would', () => {
  const steps = fc.array(
    fc.oneof(fc.integer({ min: -70, max: 70 }), fc.constantFrom(0, 1, 31, 32, 33, 63, 64, 65, 1000, 2 ** 33)),
    {
      maxLength: 120,
    },
  );
  fc.assert(
    fc.property(steps, (moves) => {
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let largest = -1;
      let at = 0;
      for (const move of moves) {
        at = Math.max(0, at + move);
        const expected = !seen.has(at) && at > largest - WINDOW_ENTRIES;
        expect(window.accept(at)).toBe(expected);
        if (expected) {
          seen.add(at);
          largest = Math.max(largest, at);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
