/** Replicas that begin a tick ahead of its start: readings are taken before it, and round 1 starts by the clock alone. */
import { expect, test } from 'vitest';
import type { Hypothesis, RoundMessage } from '../../src/core/types.js';
import {
  findDisagreements,
  findUnsafeOutputs,
  holdEqualStates,
  Lockstep,
  type LockstepOptions,
} from '../support/lockstep.js';

const MAC1: Hypothesis = { kind: 'byzantine', f: 1, authenticators: 'mac' };
const LEAD = 400;
const ALL = [0, 1, 2, 3];

interface Begun {
  readonly tick: number;
  readonly what: 'begin' | 'sample' | 'round 1';
  /** After the start of the tick, µs. */
  readonly atUs: number;
}

function fly(changes: Partial<LockstepOptions> = {}): {
  readonly world: Lockstep;
  readonly begun: (replica: number) => Begun[];
} {
  const begun: Begun[][] = [[], [], [], []];
  const world = new Lockstep({
    n: 4,
    hypothesis: MAC1,
    leadUs: LEAD,
    ...changes,
    watch: (seen) => {
      if (seen.kind !== 'replica') return;
      const { replica, atUs } = seen;
      const note = (tick: number, what: Begun['what']): void => {
        begun[replica]?.push({ tick, what, atUs: atUs - tick * 50_000 });
      };
      for (const effect of seen.effects) {
        if (effect.kind === 'begin') note(effect.tick, 'begin');
        if (effect.kind === 'sample') note(effect.tick, 'sample');
        if (effect.kind === 'send' && effect.message.kind === 'round' && effect.message.round === 1)
          note(effect.message.tick, 'round 1');
      }
    },
  }).startAll();
  return { world, begun: (replica) => begun[replica] ?? [] };
}

test('a tick begins and is sampled ahead, and its first messages leave when it starts', () => {
  const { world, begun } = fly();
  world.runTo(20);
  for (const replica of ALL) {
    const ofTick = begun(replica).filter(({ tick }) => tick === 15);
    expect(ofTick.slice(0, 3)).toEqual([
      { tick: 15, what: 'begin', atUs: -LEAD },
      { tick: 15, what: 'sample', atUs: -LEAD },
      { tick: 15, what: 'round 1', atUs: 0 },
    ]);
  }
  expect(world.voted('missed')).toEqual([]);
  expect(world.voted('output').at(-1)?.tick).toBe(19);
  expect(findDisagreements(world, ALL)).toEqual([]);
  expect(findUnsafeOutputs(world, ALL)).toEqual([]);
});

test('it comes to the same as without', () => {
  const ahead = fly().world.runTo(30);
  const plain = fly({ leadUs: 0 }).world.runTo(30);
  expect(ahead.voted('output').map(({ tick, count }) => ({ tick, count }))).toEqual(
    plain.voted('output').map(({ tick, count }) => ({ tick, count })),
  );
});

test('whoever is silent, or signs when a tick starts, begins with it', () => {
  const { world, begun } = fly();
  world.runTo(20);
  world.kill(2);
  world.runTo(30);
  world.start(2);
  world.runTo(60);
  expect(holdEqualStates(world, ALL)).toBe(true);
  const silent = begun(2).filter(({ what, tick }) => what === 'begin' && tick > 30 && tick < 33);
  expect(silent.map(({ atUs }) => atUs >= 0)).toEqual(silent.map(() => true));
  expect(silent.length).toBeGreaterThan(0);
  expect(begun(2).findLast(({ what }) => what === 'begin')?.atUs).toBe(-LEAD);

  const signed = fly({ n: 3, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' } });
  signed.world.runTo(20);
  for (const { what, atUs } of signed.begun(0)) if (what === 'begin') expect(atUs).toBeGreaterThanOrEqual(0);
});

test('round 1 of a tick does not start before its time though all others have spoken', () => {
  const { world, begun } = fly();
  // Their messages of tick 20 are told to replica 0 between its beginning and its start.
  world.runUntilUs(20 * 50_000 - LEAD + 150);
  expect(world.stateOf(0).exchange.tick).toBe(20);
  for (const from of [1, 2, 3])
    world.inject(from, 0, {
      kind: 'round',
      tick: 20,
      round: 1,
      run: world.stateOf(0).run,
      items: [{ path: [], value: new Uint8Array([from]) }],
      stamp: { lagUs: 0, heldUs: [null, null, null, null] },
    });
  expect(begun(0).filter(({ tick, what }) => tick === 20 && what === 'round 1')).toEqual([]);
  world.runTo(21);
  const spoken = begun(0).filter(({ tick, what }) => tick === 20 && what === 'round 1');
  expect(spoken.map(({ atUs }) => atUs)).toEqual([0, 0, 0]);
});

/** What replica 1 says in tick 20 of when it leaves, and when it does, after the start, µs; `prepared` is what it made ahead. */
function leaveLate(lateUs: number): {
  readonly lagUs: number;
  readonly leftUs: number;
  readonly isPrepared: boolean;
} {
  const start = 20 * 50_000;
  let prepared: RoundMessage | null = null;
  const left: { readonly message: RoundMessage; readonly atUs: number }[] = [];
  const world = new Lockstep({
    n: 4,
    hypothesis: MAC1,
    leadUs: LEAD,
    watch: (seen) => {
      if (seen.kind !== 'replica' || seen.replica !== 1) return;
      for (const effect of seen.effects) {
        if (effect.kind === 'prepare' && effect.message.tick === 20) prepared = effect.message;
        if (effect.kind !== 'send' || effect.message.kind !== 'round') continue;
        if (effect.message.tick === 20 && effect.message.round === 1)
          left.push({ message: effect.message, atUs: seen.atUs });
      }
    },
  }).startAll();
  world.runUntilUs(start - LEAD / 2);
  if (lateUs > 0) world.pause(1, LEAD / 2 + lateUs);
  world.runTo(30);
  expect(findDisagreements(world, ALL)).toEqual([]);
  const [first] = left;
  expect(left.map(({ message }) => message)).toEqual([1, 2, 3].map(() => first?.message));
  const stamp = first?.message.stamp;
  if (first === undefined || stamp === undefined) throw new Error('replica 1 says nothing in tick 20');
  return { lagUs: stamp.lagUs, leftUs: first.atUs - start, isPrepared: first.message === prepared };
}

test('round 1 leaves as it was prepared, and is made anew where its stamp would be too far off', () => {
  expect(leaveLate(0)).toEqual({ lagUs: 0, leftUs: 0, isPrepared: true });
  expect(leaveLate(500)).toEqual({ lagUs: 0, leftUs: 500, isPrepared: true });
  expect(leaveLate(501)).toEqual({ lagUs: 501, leftUs: 501, isPrepared: false });
});

test('a replica that sleeps from before the start of a tick until its first round is over gives it up', () => {
  const { world } = fly();
  world.runUntilUs(20 * 50_000 - LEAD / 2);
  world.pause(1, LEAD + 15_001);
  world.runTo(30);
  expect(world.reported('overrun', 1).filter(({ report }) => report.tick >= 10)).toMatchObject([
    { report: { tick: 20, cause: 'overslept' } },
  ]);
  expect(world.commands.filter(({ replica, command }) => replica === 1 && command.tick === 20)).toEqual([]);
  expect(world.packets.filter(({ from, tick }) => from === 1 && tick === 20)).toEqual([]);
  expect(world.voted('missed')).toEqual([]);
  expect(holdEqualStates(world, ALL)).toBe(true);
});
