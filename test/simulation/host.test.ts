/** Simulated computers: their clocks, stalls and deaths. */
import { describe, expect, it } from 'vitest';
import { RANK } from '../../src/simulation/event-queue.js';
import { Host, World } from '../../src/simulation/host.js';

const run = (world: World, untilUs: number): void => {
  world.at(untilUs, RANK.timer, () => {});
  while (world.nowUs < untilUs && world.advance());
};

const bootHost = (world: World, model = { offsetUs: 0, driftPpm: 0 }): Host => {
  const host = new Host(world, model);
  host.boot();
  return host;
};

describe('a simulated computer', () => {
  it('never wakes before the time it asked for by its own clock, however wrong that goes', () => {
    for (const driftPpm of [-500, 0, 37, 500]) {
      const world = new World();
      const host = bootHost(world, { offsetUs: 123_456, driftPpm });
      const seen: number[] = [];
      const wanted = [200_000, 300_001, 1_000_000, 7_777_777];
      for (const atUs of wanted) host.clock.schedule(atUs, () => seen.push(host.clock.nowUs()));
      run(world, 10_000_000);
      expect(seen).toHaveLength(wanted.length);
      seen.forEach((nowUs, at) => {
        expect(nowUs).toBeGreaterThanOrEqual(wanted[at] as number);
        expect(nowUs).toBeLessThanOrEqual((wanted[at] as number) + 1);
      });
      const passedUs = host.clock.nowUs() - 123_456;
      expect(passedUs).toBeCloseTo(world.nowUs * (1 + driftPpm / 1e6), -1);
    }
  });

  it('that stands still does afterwards what came due meanwhile, in order', () => {
    const world = new World();
    const host = bootHost(world);
    const seen: string[] = [];
    const note = (what: string) => () => seen.push(`${what} ${host.clock.nowUs()}`);
    host.clock.schedule(100, () => {
      note('stall')();
      host.stall(1_000);
      // What it does in the same breath comes after the stall, by its own clock too.
      note('after')();
    });
    host.schedule(150, RANK.timer, note('timer'));
    host.schedule(200, RANK.arrival, note('arrival'));
    run(world, 5_000);
    expect(seen).toEqual(['stall 100', 'after 1100', 'arrival 1100', 'timer 1100']);
  });

  it('that was killed does nothing of what it had planned, nor does its successor', () => {
    const world = new World();
    const host = bootHost(world);
    const seen: string[] = [];
    host.clock.schedule(1_000, () => seen.push('planned before'));
    world.at(500, RANK.timer, () => {
      host.kill();
      // The code that was running when it died may still ask for something.
      host.clock.schedule(1_000, () => seen.push('planned while dying'));
      host.runNow(RANK.arrival, () => seen.push('done when dead'));
    });
    world.at(700, RANK.timer, () => {
      host.boot();
      host.clock.schedule(1_000, () => seen.push('of the successor'));
    });
    run(world, 5_000);
    expect(seen).toEqual(['of the successor']);
  });

  it('that wakes for ever at the same instant is told, instead of hanging', () => {
    const world = new World();
    const host = bootHost(world);
    const again = (): void => {
      host.clock.schedule(host.clock.nowUs(), again);
    };
    host.clock.schedule(100, again);
    expect(() => run(world, 1_000)).toThrow(/virtual time stands still/);
  });
});
