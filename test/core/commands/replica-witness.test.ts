/**
 * Two replicas and a witness (protocol.md §9, witness): the log says who may step, and never do two halves of a partition.
 */
import { describe, expect, test } from 'vitest';
import type { Entry as LogEntry } from '../../../src/core/paxos/types.js';
import type { Tick } from '../../../src/core/types.js';
import { findDisagreements, holdEqualStates, type LockstepOptions } from '../../support/lockstep.js';
import { command, LogWorld, WITNESSED } from '../../support/log-world.js';

const BOTH = [0, 1];
const PERIOD_US = 50_000;

function quorum(...members: readonly number[]): LogEntry {
  return { kind: 'quorum', members: members.reduce((set, id) => set | (1 << id), 0) };
}

function make(options: Partial<LockstepOptions> = {}): LogWorld {
  return new LogWorld(
    { ...WITNESSED, voter: { majority: 1, holdUs: 10 * PERIOD_US }, ...options },
    { witnessed: true },
  );
}

function fly(options: Partial<LockstepOptions> = {}): LogWorld {
  const world = make(options);
  world.startAll().runTo(30);
  return world;
}

/** Nothing passes between the two from a tick on. */
function cutFrom(tick: Tick, untilTick = Infinity): Partial<LockstepOptions> {
  return {
    delayUs: ({ nowUs }) => (nowUs >= tick * PERIOD_US && nowUs < untilTick * PERIOD_US ? null : 500),
  };
}

/** Ticks in which a replica gave orders, from a tick on. */
function ordered(world: LogWorld, replica: number, from: Tick): Tick[] {
  return world.commands
    .filter((one) => one.replica === replica && one.command.tick >= from)
    .map((one) => one.command.tick);
}

/** Both give orders again, and hold the same state, in which these commands are in force. */
function expectTogether(world: LogWorld, commands: readonly number[]): void {
  for (const id of BOTH) expect([id, world.stateOf(id).mode]).toEqual([id, 'running']);
  for (const id of BOTH) expect(ordered(world, id, world.tick - 5).length).toBeGreaterThan(4);
  expect(holdEqualStates(world, BOTH)).toBe(true);
  expect(world.setAt(0)).toEqual(commands);
}

describe('both replicas', () => {
  test('step together, with commands', () => {
    const world = fly();
    world.choose(command(1));
    world.learn(BOTH);
    world.runTicks(5);
    for (const id of BOTH) expect(world.setAt(id)).toEqual([1]);
    expect(world.voterState().phase).toBe('armed');
    expect(findDisagreements(world, BOTH)).toEqual([]);
  });

  test('stop both when they do not hear each other', () => {
    const world = fly(cutFrom(30));
    world.runTicks(30);
    for (const id of BOTH) expect(ordered(world, id, 30)).toEqual([]);
    expect(world.voterState().phase).toBe('fail-safe');
  });

  test('go on when they hear each other again', () => {
    const world = fly(cutFrom(30, 45));
    world.runTo(80);
    for (const id of BOTH) expect(ordered(world, id, 70)).not.toEqual([]);
    expect(holdEqualStates(world, BOTH)).toBe(true);
    expect(findDisagreements(world, BOTH)).toEqual([]);
  });
});

describe('the quorum shrinks', () => {
  test('to the one that lives, which goes on alone as soon as it knows', () => {
    const world = fly();
    world.kill(1);
    world.runTicks(3);
    expect(ordered(world, 0, 31)).toEqual([]);
    const { tick } = world;
    world.choose(quorum(0));
    world.learn([0]);
    world.runTicks(5);
    expect(ordered(world, 0, tick + 1)).toHaveLength(5);
    expect(world.stateOf(0).snapshot?.state.members[1]?.status).toBe('excluded');
    // Nobody waits for the other any more.
    expect(world.reported('absent', 0).filter(({ report }) => report.tick > tick + 1)).toEqual([]);
    expect(world.voterState().trips).toBe(0);
  });

  test('to one side of a partition, and the other never steps', () => {
    const world = fly(cutFrom(30));
    world.runTicks(3);
    world.choose(quorum(1));
    world.learn([1]);
    world.runTicks(20);
    expect(ordered(world, 1, 34).length).toBeGreaterThan(10);
    expect(ordered(world, 0, 30)).toEqual([]);
    // It hears of it at last, and is silent.
    world.learn([0]);
    world.runTicks(20);
    expect(ordered(world, 0, 30)).toEqual([]);
    expect(world.stateOf(0).mode).not.toBe('running');
  });

  test('while both hear each other: who is dropped gives no order more, and follows', () => {
    const world = fly();
    world.choose(quorum(0));
    world.learn([1]);
    world.runTicks(1);
    world.learn([0]);
    world.runTicks(20);
    expect(ordered(world, 1, 33)).toEqual([]);
    expect(ordered(world, 0, 35).length).toBeGreaterThan(10);
    expect(world.stateOf(1).mode).toBe('joining');
    expect(holdEqualStates(world, BOTH)).toBe(true);
    expect(findDisagreements(world, BOTH)).toEqual([]);
  });
});

describe('the quorum grows', () => {
  /** Replica 0 has gone on alone, and replica 1 is back beside it. */
  function flyAlone(options: Partial<LockstepOptions> = {}): LogWorld {
    const world = fly(options);
    world.kill(1);
    world.choose(quorum(0), command(1));
    world.learn([0]);
    world.runTicks(10);
    world.restart(1, 0);
    world.runTicks(10);
    return world;
  }

  test('not before the log says so: until then the one that is back is silent', () => {
    const world = flyAlone();
    world.learn([1]);
    world.runTicks(30);
    expect(ordered(world, 1, 41)).toEqual([]);
    expect(world.stateOf(1).mode).toBe('joining');
    expect(ordered(world, 0, world.tick - 10)).toHaveLength(11);
    expect(world.setAt(1)).toEqual([1]);
  });

  test('without a pause, and both step together from then on', () => {
    const world = flyAlone();
    world.learn([1]);
    world.runTicks(5);
    const { tick } = world;
    world.choose(quorum(0, 1));
    world.learn(BOTH);
    world.runTicks(10);
    expect(ordered(world, 0, tick + 1)).toHaveLength(10);
    expect(ordered(world, 1, tick + 1).length).toBeGreaterThan(5);
    expect(holdEqualStates(world, BOTH)).toBe(true);
    expect(findDisagreements(world, BOTH)).toEqual([]);
    // It takes both from now on.
    world.kill(1);
    world.runTicks(10);
    expect(ordered(world, 0, tick + 12)).toEqual([]);
  });

  test('and the link breaks just then: the one stops with its vote, before the other goes on alone', () => {
    const world = flyAlone({
      delayUs: ({ nowUs }) => (nowUs >= 55 * PERIOD_US ? null : 500),
    });
    world.learn([1]);
    world.runTo(55);
    const grown = world.choose(quorum(0, 1));
    // 0 votes for it and 1 knows it to be chosen, but 0 never hears of that.
    world.feed(0, { kind: 'voted', slot: grown, nowUs: world.nowUs });
    world.learn([1]);
    world.runTicks(5);
    world.choose(quorum(1));
    world.learn([1]);
    world.runTicks(30);
    expect(ordered(world, 0, 55)).toEqual([]);
    expect(ordered(world, 1, 60).length).toBeGreaterThan(10);
  });

  test('known to the one alone while the other is cut off: it stops as well', () => {
    const world = flyAlone({
      delayUs: ({ nowUs }) => (nowUs >= 55 * PERIOD_US ? null : 500),
    });
    world.learn([1]);
    world.runTo(55);
    world.choose(quorum(0, 1));
    world.learn([0]);
    world.runTicks(10);
    expect(ordered(world, 0, 56)).toEqual([]);
  });

  test('around one that has forgotten all, where the other holds what it did not count in: they go on from there', () => {
    const world = fly();
    world.choose(quorum(0));
    world.learn(BOTH);
    world.choose(command(1));
    world.runTicks(2);
    // The one that goes on alone dies, and what it has voted for is all that it remembers.
    world.kill(0);
    world.runTicks(1);
    world.restart(0, world.known[0] ?? 0);
    world.choose(quorum(0, 1));
    world.learn(BOTH);
    world.runTicks(40);
    expectTogether(world, [1]);
    // No new run: nothing of the state is lost.
    expect(world.reported('started', 0)).toHaveLength(1);
  });

  test('around two runs that each hear of the other at the same time: their ticks are made one again', () => {
    let isCut = false;
    const world = fly({ delayUs: () => (isCut ? null : 500) });
    const vote = (replica: number, entry: LogEntry): void => {
      world.feed(replica, { kind: 'voted', slot: world.log.length + 1, nowUs: world.nowUs });
      world.choose(entry);
    };
    vote(1, quorum(1));
    world.learn([1]);
    world.kill(1);
    isCut = true;
    world.restart(1, world.known[1] ?? 0);
    world.feed(1, { kind: 'voted', slot: 1, nowUs: world.nowUs });
    world.choose(command(1));
    world.learn([0]);
    world.runTicks(3);
    vote(1, quorum(0));
    world.runTicks(1);
    isCut = false;
    vote(0, quorum(0, 1));
    world.learn(BOTH);
    world.runTicks(100);
    expectTogether(world, [1]);
  });
});

describe('a new run', () => {
  test('takes both where both are the quorum', () => {
    const world = make();
    world.start(0);
    world.startVoter(0);
    world.runTicks(60);
    expect(world.reported('started', 0)).toEqual([]);
    world.start(1);
    world.runTicks(20);
    for (const id of BOTH) expect(world.stateOf(id).mode).toBe('running');
    expect(findDisagreements(world, BOTH)).toEqual([]);
  });

  test('takes the one that is the quorum, alone, and nobody else', () => {
    const world = make();
    world.choose(command(1), quorum(0));
    world.startAll();
    world.learn(BOTH);
    world.runTicks(40);
    expect(world.reported('started', 1)).toEqual([]);
    expect(world.setAt(0)).toEqual([1]);
    expect(ordered(world, 0, 30)).not.toEqual([]);
    expect(ordered(world, 1, 0)).toEqual([]);
  });

  test('with clocks of their own: neither begins alone, and both find common ticks', () => {
    const world = make({
      clocks: [
        { offsetUs: 1_000_000, driftPpm: 20 },
        { offsetUs: 7_777_777, driftPpm: -20 },
      ],
    });
    world.start(0);
    world.startVoter(0);
    world.runTicks(40);
    expect(world.stateOf(0).aligned).toBe(false);
    world.start(1);
    world.runTicks(60);
    for (const id of BOTH) expect(world.stateOf(id).mode).toBe('running');
    expect(holdEqualStates(world, BOTH)).toBe(true);
  });

  test('with clocks of their own: the one that is the quorum begins alone', () => {
    const world = make({
      clocks: [
        { offsetUs: 1_000_000, driftPpm: 20 },
        { offsetUs: 7_777_777, driftPpm: -20 },
      ],
    });
    world.choose(quorum(0));
    world.start(0);
    world.startVoter(0);
    world.learn([0]);
    world.runTicks(60);
    expect(world.stateOf(0).mode).toBe('running');
    expect(ordered(world, 0, 0)).not.toEqual([]);
  });
});
