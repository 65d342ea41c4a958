import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaultyClock, type ClockMapping } from '../../src/faults/faulty-clock.js';
import { Bench, makeBareInjector, ManualClock } from './support.js';

const PERIOD_US = 50_000;
const START_US = 1_000_000;

const ahead = (us: number): ClockMapping => ({
  toLocalUs: (below) => below + us,
  toBelowUs: (local) => local - us,
});

const stopped = (): ClockMapping => {
  let at: number | null = null;
  return {
    toLocalUs: (below) => (at ??= below),
    toBelowUs: (local) => (at === null || local <= at ? -Infinity : null),
  };
};

describe('a clock that can be struck', () => {
  test('without a fault it is the host’s, timers and their order included', () => {
    const host = new ManualClock();
    const clock = new FaultyClock(host);
    const fired: string[] = [];
    clock.schedule(START_US + 20, () => fired.push(`second ${clock.nowUs()}`));
    clock.schedule(START_US + 10, () => fired.push(`first ${clock.nowUs()}`));
    clock.schedule(START_US + 15, () => fired.push('cancelled'))();
    host.advance(30);
    expect(fired).toEqual([`first ${START_US + 10}`, `second ${START_US + 20}`]);
    expect(clock.nowUs()).toBe(host.nowUs());
    expect(clock.localize(START_US + 3)).toBe(START_US + 3);
    expect(host.waiting).toBe(0);
  });

  test('set ahead it fires at once what is due by then, and stands still when it is put right', () => {
    const host = new ManualClock();
    const clock = new FaultyClock(host);
    const fired: number[] = [];
    for (const at of [50, 150, 250]) clock.schedule(START_US + at, () => fired.push(at));
    clock.follow([ahead(200)]);
    host.advance(0);
    expect(fired).toEqual([50, 150]);
    expect(clock.nowUs()).toBe(START_US + 200);
    host.advance(10);
    clock.follow([]);
    expect(clock.standsStill).toBe(true);
    host.advance(150);
    expect(clock.nowUs()).toBe(START_US + 210);
    expect(fired).toEqual([50, 150]);
    host.advance(90);
    expect(clock.standsStill).toBe(false);
    expect(clock.nowUs()).toBe(START_US + 250);
    expect(fired).toEqual([50, 150, 250]);
  });

  test('set behind it stands still for as long, then goes on behind', () => {
    const host = new ManualClock();
    const clock = new FaultyClock(host);
    const fired: number[] = [];
    clock.follow([ahead(-100)]);
    clock.schedule(START_US + 20, () => fired.push(host.nowUs()));
    host.advance(100);
    expect(clock.nowUs()).toBe(START_US);
    host.advance(50);
    expect(clock.nowUs()).toBe(START_US + 50);
    expect(fired).toEqual([START_US + 120]);
  });

  test('stopped it fires nothing but what is due already; going again it makes up for it', () => {
    const host = new ManualClock();
    const clock = new FaultyClock(host);
    const fired: string[] = [];
    clock.follow([stopped()]);
    clock.schedule(START_US + 10, () => fired.push('later'));
    clock.schedule(START_US, () => fired.push('now'));
    host.advance(1_000_000);
    expect(fired).toEqual(['now']);
    expect(clock.localize(host.nowUs())).toBe(START_US);
    clock.follow([]);
    host.advance(0);
    expect(fired).toEqual(['now', 'later']);
    expect(clock.nowUs()).toBe(host.nowUs());
  });

  test('a timer that is cancelled while its time never comes does not come back', () => {
    const host = new ManualClock();
    const clock = new FaultyClock(host);
    clock.follow([stopped()]);
    const cancel = clock.schedule(START_US + 10, () => expect.unreachable());
    cancel();
    clock.follow([]);
    host.advance(1_000);
    expect(host.waiting).toBe(0);
  });

  test('whatever happens to it: it never runs back, no timer is early, none is lost or fires twice', () => {
    const act = fc.oneof(
      fc.record({ kind: fc.constant('pass' as const), us: fc.integer({ min: 0, max: 300 }) }),
      fc.record({ kind: fc.constant('timer' as const), us: fc.integer({ min: -50, max: 500 }) }),
      fc.record({ kind: fc.constant('step' as const), us: fc.integer({ min: -400, max: 400 }) }),
      fc.record({ kind: fc.constant('drift' as const), us: fc.integer({ min: -500_000, max: 500_000 }) }),
      fc.record({ kind: fc.constant('freeze' as const), us: fc.constant(0) }),
      fc.record({ kind: fc.constant('right' as const), us: fc.constant(0) }),
    );
    const drift = (ppm: number): ClockMapping => {
      let start: number | null = null;
      const from = (us: number): number => (start ??= us);
      const rate = 1 + ppm / 1e6;
      return {
        toLocalUs: (us) => Math.floor(from(us) + (us - from(us)) * rate),
        toBelowUs: (us) => Math.ceil(from(us) + (us - from(us)) / rate),
      };
    };
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const host = new ManualClock();
        const clock = new FaultyClock(host);
        let mappings: readonly ClockMapping[] = [];
        let shown = clock.nowUs();
        let asked = 0;
        let fired = 0;
        const look = (): void => {
          expect(clock.nowUs()).toBeGreaterThanOrEqual(shown);
          shown = clock.nowUs();
        };
        for (const { kind, us } of acts) {
          if (kind === 'pass') host.advance(us);
          else if (kind === 'timer') {
            const at = clock.nowUs() + us;
            asked += 1;
            clock.schedule(at, () => {
              look();
              expect(clock.nowUs()).toBeGreaterThanOrEqual(at);
              fired += 1;
            });
          } else {
            if (kind === 'right') mappings = mappings.slice(1);
            else
              mappings = [
                ...mappings.slice(-2),
                kind === 'step' ? ahead(us) : kind === 'drift' ? drift(us) : stopped(),
              ];
            clock.follow(mappings);
          }
          look();
        }
        clock.follow([]);
        host.advance(1_000_000_000);
        expect(fired).toBe(asked);
        expect(clock.nowUs()).toBe(host.nowUs());
        expect(host.waiting).toBe(0);
      }),
    );
  });
});

/** Tells the injector its ticks as a replica does: by a timer of its own clock. */
class TickingBench extends Bench {
  readonly told: number[] = [];

  start(): void {
    const wake = (tick: number): void => {
      this.localClock.schedule(START_US + tick * PERIOD_US, () => {
        const now = Math.floor((this.localClock.nowUs() - START_US) / PERIOD_US);
        this.told.push(now);
        this.injector.onTick(now);
        wake(now + 1);
      });
    };
    wake(0);
  }

  /** Ends inside a tick. */
  pass(ticks: number): void {
    this.clock.advance(ticks * PERIOD_US);
  }
}

function launch(fault: string): TickingBench {
  const bench = new TickingBench();
  bench.start();
  bench.clock.advance(PERIOD_US / 2);
  const answer = bench.injector.handle(fault);
  if (!answer.ok) throw new Error(answer.what);
  return bench;
}

const tickOf = (bench: Bench, event: string): number | undefined =>
  bench.events.find((one) => one.event === event)?.tick;

describe('faults of the clock', () => {
  test('clock-freeze: no tick any more, and its end by the host’s ticks; then ticks are told again', () => {
    const bench = launch('clock-freeze on c at 5 for 10');
    bench.pass(12);
    expect(bench.told.at(-1)).toBe(5);
    bench.deliver('a', 'round', new Uint8Array(4));
    expect(bench.delivered.at(-1)?.arrivedUs).toBe(START_US + 5 * PERIOD_US);
    bench.pass(2);
    expect(tickOf(bench, 'cleared')).toBeUndefined();
    bench.pass(2);
    expect(tickOf(bench, 'cleared')).toBe(15);
    bench.pass(4);
    expect(bench.told.slice(-4)).toEqual([17, 18, 19, 20]);
    expect(bench.events.at(-1)).toMatchObject({ event: 'cleared', affected: 1 });
    bench.injector.handle('lie on c.pitch value=7 at 22 for 2');
    bench.pass(4);
    expect(tickOf(bench, 'failed')).toBeUndefined();
    expect(bench.events.slice(-2).map(({ event, tick }) => `${event} ${tick}`)).toEqual([
      'applied 22',
      'cleared 24',
    ]);
  });

  test('clock-freeze can be cleared though no tick comes', () => {
    const bench = launch('clock-freeze on c at 5');
    bench.pass(30);
    expect(bench.injector.handle('clear clock-freeze on c')).toMatchObject({ ok: true, startsAtTick: 30 });
    expect(tickOf(bench, 'cleared')).toBe(30);
    bench.pass(3);
    expect(bench.told.slice(-2)).toEqual([32, 33]);
  });

  test('clock-step: its ticks are far ahead, its end is not; it is over when the host has caught up', () => {
    const bench = launch('clock-step on c s=1 at 5 for 10');
    bench.pass(8);
    expect(bench.told.slice(-3)).toEqual([26, 27, 28]);
    expect(bench.localClock.nowUs() - bench.clock.nowUs()).toBe(1_000_000);
    bench.pass(8);
    // Put right at 15, when it had shown 35: until then it stands still and counts as faulty.
    expect(tickOf(bench, 'cleared')).toBeUndefined();
    bench.pass(20);
    expect(tickOf(bench, 'cleared')).toBe(35);
    expect(bench.localClock.nowUs()).toBe(bench.clock.nowUs());
    bench.pass(3);
    expect(bench.told.slice(-2)).toEqual([38, 39]);
  });

  test('clock-step behind: silent for as long, then late by it', () => {
    const bench = launch('clock-step on c s=-0.25 at 5 for 10');
    bench.pass(9);
    expect(bench.told.at(-1)).toBe(5);
    bench.pass(3);
    expect(bench.told.at(-1)).toBe(7);
    expect(bench.localClock.nowUs() - bench.clock.nowUs()).toBe(-250_000);
    bench.pass(6);
    expect(tickOf(bench, 'cleared')).toBe(15);
    expect(bench.told.at(-1)).toBe(18);
  });

  test('clock-drift: leaves the host’s clock by its rate, and comes back', () => {
    const bench = launch('clock-drift on c ppm=100000 at 2 for 20');
    bench.pass(12);
    // From the start of tick 2 to the middle of tick 12.
    expect(bench.localClock.nowUs() - bench.clock.nowUs()).toBe(0.1 * 10.5 * PERIOD_US);
    bench.pass(13);
    expect(tickOf(bench, 'cleared')).toBe(24);
    expect(bench.localClock.nowUs()).toBe(bench.clock.nowUs());
  });

  test('two at once: each ends by itself', () => {
    const bench = launch('clock-drift on c ppm=1000 at 2 for 30');
    bench.injector.handle('clock-step on c s=0.2 at 4 for 4');
    bench.pass(20);
    const over = bench.events.filter(({ event }) => event === 'cleared');
    expect(over.map(({ spec, tick }) => `${spec.split(' ')[0] ?? ''} ${tick}`)).toEqual(['clock-step 12']);
    bench.pass(20);
    expect(bench.events.at(-1)).toMatchObject({ event: 'cleared' });
    expect(bench.injector.list()).toEqual([]);
  });

  test('what changes nothing is refused', () => {
    const bench = new Bench();
    expect(bench.injector.handle('clock-step on c s=0 at 5')).toMatchObject({ ok: false });
    expect(bench.injector.handle('clock-drift on c ppm=0 at 5')).toMatchObject({ ok: false });
  });

  test('a process whose clock cannot be struck refuses by name', () => {
    const answer = makeBareInjector().handle('clock-freeze on c at 5');
    expect(answer).toMatchObject({ ok: false, what: expect.stringContaining("'c' does not offer") });
  });
});
