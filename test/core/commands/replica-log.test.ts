/** Where the command log meets the rounds (protocol.md §9, last point). */
import { describe, expect, test } from 'vitest';
import { foldChosen, openFold } from '../../../src/core/commands/folded-log.js';
import { readFold } from '../../../src/core/replica.js';
import { findDisagreements, holdEqualStates } from '../../support/lockstep.js';
import { command, CRASH3, LogWorld, snapshotOf } from '../../support/log-world.js';
import { toBytes } from '../../support/toy-codec.js';

const ALL = [0, 1, 2];

function fly(ticks = 30): LogWorld {
  const world = new LogWorld(CRASH3);
  world.startAll().runTo(ticks);
  return world;
}

/** What the log of a world comes to up to `slot`. */
function foldAfter(world: LogWorld, slot: number): Uint8Array {
  const { rules, log } = world;
  let fold = openFold(rules, toBytes('{"steps":0,"sum":0}'), 1, 3);
  for (const chosen of log.slice(0, slot)) fold = foldChosen(rules, fold, chosen);
  return rules.encodeFold(fold);
}

/** The same as a replica of it says. */
function foldOf(world: LogWorld, replica: number, slot: number): Uint8Array {
  const fold = readFold(world.configOf(replica), world.stateOf(replica), slot);
  if (fold === null) throw new Error(`replica ${replica} has no fold at slot ${slot}`);
  return fold;
}

describe('a chosen command', () => {
  test('takes effect at one tick everywhere, before the control law, and is answered with slot and tick', () => {
    const world = fly();
    world.choose(command(1));
    world.learn(ALL);
    world.runTicks(3);
    for (const id of ALL) expect(world.effects(id)).toEqual([[1, 30]]);
    expect(world.setAt(2)).toEqual([1]);
    const start = world.stateOf(0).snapshot?.state.startTick ?? 0;
    expect(world.replies.map(({ replica, answer }) => [replica, answer])).toEqual(
      ALL.map((id) => [id, { kind: 'applied', tick: 30 - start, outcome: { kind: 'done' }, slot: 1 }]),
    );
    expect(findDisagreements(world, ALL)).toEqual([]);
  });

  test('waits until all commanders present know it', () => {
    const world = fly();
    world.choose(command(1), command(2));
    world.learn([0], 2);
    world.learn([1], 1);
    world.runTicks(2);
    for (const id of ALL) expect(world.effects(id)).toEqual([]);
    world.learn([2], 1);
    world.runTicks(2);
    for (const id of ALL) expect(world.effects(id)).toEqual([[1, 32]]);
    world.learn(ALL);
    world.runTicks(2);
    for (const id of ALL)
      expect(world.effects(id)).toEqual([
        [1, 32],
        [2, 34],
      ]);
    expect(findDisagreements(world, ALL)).toEqual([]);
  });

  test('that refuses itself, and entries that are no commands, change nothing but how far the log has come', () => {
    const world = fly();
    world.choose({ kind: 'nothing' }, command(1, 'fail'), command(1, 'set 5', 'nobody'), {
      kind: 'incarnation',
      replica: 1,
      incarnation: 2,
      nonce: new Uint8Array(16),
    });
    world.learn(ALL);
    world.runTicks(2);
    expect(world.setAt(0)).toEqual([]);
    expect(world.bookAt(1)?.prefix).toBe(4);
    expect(world.replies.map(({ answer }) => answer)).toMatchObject(
      ALL.map(() => ({ outcome: { kind: 'refused', reason: 'not now' }, slot: 2 })),
    );
  });

  test('has its effect once where it is chosen twice, and is answered again', () => {
    const world = fly();
    world.choose(command(1), command(2), command(1));
    world.learn(ALL);
    world.runTicks(2);
    for (const id of ALL) expect(world.setAt(id)).toEqual([1, 2]);
    const [, , again] = world.replies.filter(({ replica }) => replica === 0);
    expect(again).toMatchObject({ name: { sequence: 1 }, answer: { kind: 'applied', slot: 1 } });
    expect(findDisagreements(world, ALL)).toEqual([]);
  });
});

describe('a replica that lacks an entry', () => {
  /** Replica 2 comes back: it is in step, but has no voice yet, so that the others do not wait for what it knows. */
  function flySilent(): LogWorld {
    const world = fly();
    world.kill(2);
    world.runTicks(10);
    world.restart(2, 0);
    while (world.stateOf(2).mode !== 'joining' || world.stateOf(2).snapshot === null) world.runTicks(1);
    return world;
  }

  test('does not step until it has it, and steps the tick when it comes in time', () => {
    const world = flySilent();
    const { tick } = world;
    world.choose(command(1));
    world.learn([0, 1]);
    world.runUntilUs(world.nowUs + 45_000);
    expect(world.effects(0)).toEqual([[1, tick + 1]]);
    expect(world.reported('not-stepped', 2).at(-1)?.report).toMatchObject({
      tick: tick + 1,
      cause: 'lacks-content',
    });
    expect(world.steppedTicks(2).at(-1)).toBe(tick);
    world.learn([2]);
    expect(world.effects(2)).toEqual([[1, tick + 1]]);
    world.runTicks(3);
    expect(world.steppedTicks(2)).toContain(tick + 2);
    expect(findDisagreements(world, ALL)).toEqual([]);
    expect(holdEqualStates(world, ALL)).toBe(true);
  });

  test('takes the state of the others where it comes too late', () => {
    const world = flySilent();
    const { tick } = world;
    world.choose(command(1));
    world.learn([0, 1]);
    world.runTicks(3);
    expect(world.effects(2)).toEqual([]);
    expect(world.setAt(2)).toEqual([1]);
    expect(world.steppedTicks(2)).toContain(tick + 2);
    world.choose(command(2));
    world.learn(ALL);
    world.runTicks(10);
    expect(world.setAt(2)).toEqual([1, 2]);
    expect(world.stateOf(2).mode).toBe('running');
    expect(findDisagreements(world, ALL)).toEqual([]);
  });

  test('and never gets it, as a snapshot is in its place, takes the state of the others', () => {
    const world = flySilent();
    world.choose(command(1), command(2), command(3));
    world.install(2, snapshotOf(2, foldAfter(world, 2)));
    world.learn([0, 1], 1);
    world.runTicks(2);
    expect(world.reported('mode', 2).at(-1)?.report).toMatchObject({ mode: 'joining', cause: 'lags' });
    world.learn(ALL);
    world.runTicks(20);
    expect(world.setAt(2)).toEqual([1, 2, 3]);
    expect(world.stateOf(2).mode).toBe('running');
    expect(holdEqualStates(world, ALL)).toBe(true);
  });
});

describe('a replica that joins', () => {
  test('with a state ahead of its log', () => {
    const world = fly();
    world.choose(command(1), command(2));
    world.learn(ALL);
    world.kill(2);
    world.runTicks(10);
    world.restart(2, 1);
    world.runTicks(20);
    expect(world.setAt(2)).toEqual([1, 2]);
    world.learn([2]);
    world.choose(command(3));
    world.learn(ALL);
    world.runTicks(5);
    expect(world.stateOf(2).mode).toBe('running');
    for (const id of ALL) expect(world.setAt(id)).toEqual([1, 2, 3]);
    expect(world.effects(2).filter(([slot]) => slot === 3)).toHaveLength(1);
    expect(findDisagreements(world, ALL)).toEqual([]);
  });

  test('with a log ahead of the state', () => {
    const world = fly();
    world.kill(2);
    world.runTicks(10);
    world.choose(command(1), command(2), command(3));
    world.learn([0, 1], 1);
    world.restart(2, 3);
    world.runTicks(20);
    expect(world.stateOf(2).mode).toBe('running');
    expect(world.setAt(2)).toEqual([1]);
    world.learn(ALL);
    world.runTicks(2);
    for (const id of ALL) expect(world.setAt(id)).toEqual([1, 2, 3]);
    expect(findDisagreements(world, ALL)).toEqual([]);
  });
});

describe('a replica that lags', () => {
  test('keeps silent so that commands do not wait for it, until it has caught up', () => {
    const world = fly();
    world.choose(command(1));
    world.learn([0, 1]);
    world.runTicks(4);
    // Whoever lacks it for a few ticks only is waited for.
    expect(world.effects(0)).toEqual([]);
    expect(world.stateOf(2).mode).toBe('running');
    world.runTicks(3);
    expect(world.reported('mode', 2).at(-1)?.report).toMatchObject({ mode: 'joining', cause: 'lags' });
    expect(world.setAt(0)).toEqual([1]);
    const ordered = world.commands.filter(({ replica }) => replica === 2).length;
    world.runTicks(10);
    expect(world.commands.filter(({ replica }) => replica === 2)).toHaveLength(ordered);
    expect(world.steppedTicks(0).at(-1)).toBe(world.tick);
    world.learn([2]);
    world.runTicks(15);
    expect(world.stateOf(2).mode).toBe('running');
    expect(world.setAt(2)).toEqual([1]);
    expect(holdEqualStates(world, ALL)).toBe(true);
    expect(findDisagreements(world, ALL)).toEqual([]);
    expect(world.voterState().trips).toBe(0);
  });

  test('speaks on where the others are too few without it: commands wait, control does not', () => {
    const world = fly();
    world.kill(1);
    world.runTicks(10);
    world.choose(command(1));
    world.learn([0]);
    world.runTicks(20);
    expect(world.stateOf(2).mode).toBe('running');
    expect(world.steppedTicks(2).at(-1)).toBe(world.tick);
    expect(world.setAt(0)).toEqual([]);
    world.learn([2]);
    world.runTicks(2);
    expect(world.setAt(2)).toEqual([1]);
  });
});

test('replicas that lag behind one alone do not fall silent', () => {
  const world = fly();
  world.choose(command(1));
  world.learn([2]);
  world.runTicks(20);
  for (const id of ALL) expect(world.stateOf(id).mode).toBe('running');
  expect(world.steppedTicks(0).at(-1)).toBe(world.tick);
  world.learn(ALL);
  world.runTicks(2);
  for (const id of ALL) expect(world.setAt(id)).toEqual([1]);
});

describe('after a failure of all replicas', () => {
  test('a run begins with what operators have set, and their answers', () => {
    const world = fly();
    world.choose(command(1), command(2));
    world.learn(ALL);
    world.runTicks(3);
    for (const id of ALL) world.kill(id);
    world.runTicks(5);
    for (const id of ALL) world.restart(id, 2);
    world.runTicks(20);
    for (const id of ALL) expect(world.setAt(id)).toEqual([1, 2]);
    const book = world.bookAt(0);
    const { startTick } = world.stateOf(0).snapshot?.state ?? { startTick: -1 };
    expect(book?.clients[0]?.applied.map(({ slot, tick }) => [slot, tick])).toEqual([
      [1, startTick],
      [2, startTick],
    ]);
    world.choose(command(2), command(3));
    world.learn(ALL);
    world.runTicks(2);
    for (const id of ALL) expect(world.setAt(id)).toEqual([1, 2, 3]);
    expect(holdEqualStates(world, ALL)).toBe(true);
  });

  test('it begins with all that any of them knows, and who does not know it joins', () => {
    const world = fly();
    world.choose(command(1), command(2, 'disarm'));
    world.learn([0, 1]);
    world.learn([2], 1);
    world.runTicks(3);
    for (const id of ALL) world.kill(id);
    world.runTicks(10);
    world.restart(0, 2);
    world.restart(1, 2);
    world.restart(2, 1);
    world.runTicks(6);
    expect(world.stateOf(0).mode).toBe('running');
    expect(world.bookAt(0)?.postures).toEqual([{ disarmed: true, armUntil: -1 }]);
    expect(world.reported('started', 2).filter(({ atUs }) => atUs > 40 * 50_000)).toEqual([]);
    world.learn([2]);
    world.runTicks(20);
    expect(world.stateOf(2).mode).toBe('running');
    expect(holdEqualStates(world, ALL)).toBe(true);
  });

  test('whoever learns it within the tick starts with the others', () => {
    const world = new LogWorld(CRASH3);
    world.choose(command(1));
    world.startAll();
    world.learn([0, 1]);
    world.runUntilUs(0);
    while (world.reported('started', 0).length === 0) world.runUntilUs(world.nowUs + 1_000);
    expect(world.reported('started', 2)).toEqual([]);
    world.learn([2]);
    expect(world.reported('started', 2)).toHaveLength(1);
    world.runTicks(3);
    expect(holdEqualStates(world, ALL)).toBe(true);
  });

  test('a disarmed actuator stays in fail-safe until somebody arms it', () => {
    const world = fly();
    world.choose(command(1, 'disarm'));
    world.learn(ALL);
    world.runTicks(20);
    expect(world.voterState().phase).toBe('fail-safe');
    for (const id of ALL) world.kill(id);
    world.runTicks(5);
    world.startVoter(0);
    for (const id of ALL) world.restart(id, 1);
    world.runTicks(40);
    expect(world.stateOf(0).mode).toBe('running');
    expect(world.voterState().phase).toBe('fail-safe');
    world.choose(command(2, 'arm'));
    world.learn(ALL);
    world.runTicks(8);
    expect(world.voterState().phase).toBe('armed');
  });
});

test('a snapshot of the log is the same at all who know that much, whatever came before', () => {
  const world = fly();
  world.choose(command(1), command(2, 'disarm'), command(3));
  world.learn(ALL);
  world.runTicks(3);
  const fold = foldOf(world, 0, 3);
  world.kill(2);
  world.restart(2, 3, snapshotOf(2, foldOf(world, 1, 2)));
  expect(foldOf(world, 2, 3)).toEqual(fold);
  expect(fold).toEqual(foldAfter(world, 3));
});
