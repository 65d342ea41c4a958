import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limitRate, type After } from '../../src/log/rate-limited-log.js';
import type { Log } from '../../src/ports.js';
import { HandClock } from '../support/hand-clock.js';

const LIMITS = { burst: 2, windowMs: 1_000, maxKinds: 3 };

function makeBench(limits = LIMITS): {
  readonly lines: string[];
  readonly log: Log;
  readonly clock: HandClock;
} {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (text: string): void =>
      void lines.push(`${level} ${text}`);
  const raw: Log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
  const clock = new HandClock();
  const after: After = (ms, callback) => clock.schedule(clock.nowUs() + ms * 1_000, callback);
  return { lines, log: limitRate(raw, after, limits), clock };
}

describe('a rate-limited log', () => {
  test('lets a few lines of a kind through, and says at the end of the window how many it left out', () => {
    const { lines, log, clock } = makeBench();
    for (let tick = 1; tick <= 10; tick += 1) log.warn(`tick ${tick} of "a" is late by ${tick / 2} ms; look`);
    expect(lines).toEqual([
      'warn tick 1 of "a" is late by 0.5 ms; look',
      'warn tick 2 of "a" is late by 1 ms; look',
    ]);
    clock.moveTo(1_000_000);
    expect(lines.slice(2)).toEqual([
      'warn 8 more like this were left out in 1 s: tick 1 of "a" is late by 0.5 ms; look',
    ]);
    log.warn('tick 11 of "a" is late by 1 ms; look');
    expect(lines.length).toBe(4);
  });

  test('keeps kinds and levels apart', () => {
    const { lines, log } = makeBench();
    for (let time = 0; time < 5; time += 1) log.info('one');
    log.info('other');
    log.error('one');
    expect(lines).toEqual(['info one', 'info one', 'info other', 'error one']);
  });

  test('says nothing of a window that left nothing out', () => {
    const { lines, log, clock } = makeBench();
    log.info('one');
    clock.moveTo(5_000_000);
    expect(lines).toEqual(['info one']);
  });

  test('whatever is logged: no more lines than the bound, and none unaccounted for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), fc.nat(400)), {
          maxLength: 200,
        }),
        (calls) => {
          const { lines, log, clock } = makeBench();
          let nowUs = 0;
          for (const [text, ms] of calls) {
            nowUs += ms * 1_000;
            clock.moveTo(nowUs);
            log.info(text);
          }
          const endUs = nowUs + LIMITS.windowMs * 1_000;
          clock.moveTo(endUs);
          const told = lines.map((line) => Number(/^info (\d+) more like this/.exec(line)?.[1] ?? 1));
          expect(told.reduce((sum, count) => sum + count, 0)).toBe(calls.length);
          // Each of maxKinds windows and the one of all other kinds: its burst, and its line at the end.
          const windows = Math.ceil(endUs / (LIMITS.windowMs * 1_000));
          expect(lines.length).toBeLessThanOrEqual(windows * (LIMITS.maxKinds + 1) * (LIMITS.burst + 1));
        },
      ),
    );
  });
});
