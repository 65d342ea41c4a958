/** Whom operators want in the operational quorum: what commands make of it, in the fold and in the book that replicas agree on. */
import { describe, expect, test } from 'vitest';
import { ChosenLog } from '../../../src/core/commands/chosen-log.js';
import type { ChosenEntry } from '../../../src/core/commands/apply-chosen.js';
import { foldChosen, openFold, type FoldedLog } from '../../../src/core/commands/folded-log.js';
import { readFold, readWanted } from '../../../src/core/replica.js';
import { holdEqualStates } from '../../support/lockstep.js';
import { command, CRASH3, logRules, LogWorld, snapshotOf, WITNESSED } from '../../support/log-world.js';
import { toBytes } from '../../support/toy-codec.js';

const BOTH = [0, 1];
const LAW = toBytes('{"sum":0}');

function list(...orders: readonly string[]): ChosenEntry[] {
  return orders.map((what, at) => ({ slot: at + 1, entry: command(at + 1, what), executes: true }));
}

function fold(witnessed: boolean, ...orders: readonly string[]): FoldedLog {
  const rules = logRules({ witnessed });
  let now = openFold(rules, LAW, 1, 2);
  for (const chosen of list(...orders)) now = foldChosen(rules, now, chosen);
  return now;
}

function outcomes({ book }: FoldedLog): unknown[] {
  return (book.clients[0]?.applied ?? []).map(({ outcome }) => outcome);
}

const DONE = { kind: 'done' };

describe('in the fold', () => {
  test.each([
    [[], 0b11],
    [['retire 1'], 0b01],
    [['retire 0'], 0b10],
    [['retire 1', 'retire 1'], 0b01],
    [['retire 1', 'admit 1'], 0b11],
    [['admit 0', 'retire 1', 'admit 1', 'retire 0'], 0b10],
  ] as const)('%j leaves %i', (orders, wanted) => {
    const now = fold(true, ...orders);
    expect(now.book.wanted).toBe(wanted);
    expect(outcomes(now)).toEqual(orders.map(() => DONE));
    expect(now.law).toBe(LAW);
  });

  test('the last one that is wanted is not retired, and the refusal says what to do', () => {
    const now = fold(true, 'retire 0', 'retire 1', 'admit 0', 'retire 1');
    expect(now.book.wanted).toBe(0b01);
    const refused = { kind: 'refused', reason: 'every other replica is retired; admit one of them first' };
    expect(outcomes(now)).toEqual([DONE, refused, DONE, DONE]);
  });

  test('without a witness nobody is retired, and the book says nothing of it', () => {
    const now = fold(false, 'retire 1', 'set 3');
    expect(now.book).not.toHaveProperty('wanted');
    expect(outcomes(now)).toEqual([{ kind: 'refused', reason: expect.stringMatching(/no witness/) }, DONE]);
  });

  test('a request that is chosen twice has its effect once', () => {
    const rules = logRules({ witnessed: true });
    const log = new ChosenLog(rules, LAW, 1, 2);
    for (const chosen of list('retire 1', 'admit 1')) log.take(chosen);
    log.take({ slot: 3, entry: command(1, 'retire 1'), executes: false });
    expect(log.fold(3)?.book.wanted).toBe(0b11);
  });
});

describe('at the replicas', () => {
  function fly(): LogWorld {
    const world = new LogWorld(WITNESSED, { witnessed: true });
    world.startAll().runTo(30);
    return world;
  }

  test('it changes in the book at one tick, and is known before that from the log alone', () => {
    const world = fly();
    for (const id of BOTH) expect(readWanted(world.stateOf(id))).toBe(0b11);
    world.choose(command(1, 'retire 1'));
    world.learn(BOTH);
    for (const id of BOTH) {
      expect(readWanted(world.stateOf(id))).toBe(0b01);
      expect(world.bookAt(id)?.wanted).toBe(0b11);
    }
    world.runTicks(3);
    for (const id of BOTH) expect(world.bookAt(id)?.wanted).toBe(0b01);
    expect(holdEqualStates(world, BOTH)).toBe(true);
  });

  test('retired and admitted by the log, the other orders in every tick', () => {
    const world = fly();
    const first = world.tick;
    world.choose(command(1, 'retire 1'), { kind: 'quorum', members: 0b01 });
    world.learn(BOTH);
    world.runTicks(20);
    expect(readWanted(world.stateOf(0))).toBe(0b01);
    expect(world.stateOf(1).mode).toBe('joining');
    world.choose(command(2, 'admit 1'), { kind: 'quorum', members: 0b11 });
    world.learn(BOTH);
    world.runTicks(20);
    const ticks = world.commands.flatMap(({ replica, command: { tick } }) =>
      replica === 0 && tick > first ? [tick] : [],
    );
    expect(ticks).toEqual(Array.from({ length: world.tick - first }, (_, at) => first + 1 + at));
    for (const id of BOTH) expect(world.stateOf(id).mode).toBe('running');
    expect(holdEqualStates(world, BOTH)).toBe(true);
  });

  test('it is known again after a restart, from a snapshot too', () => {
    const world = fly();
    world.choose(command(1, 'retire 1'), command(2));
    world.learn(BOTH);
    const state = readFold(world.configOf(0), world.stateOf(0), 1);
    if (state === null) throw new Error('there is no fold');
    world.restart(1, 2);
    expect(readWanted(world.stateOf(1))).toBe(0b01);
    world.restart(1, 1, { ...snapshotOf(1, state), quorum: 0b11 });
    expect(readWanted(world.stateOf(1))).toBe(0b01);
    world.restart(1, 0);
    expect(readWanted(world.stateOf(1))).toBe(0b11);
  });

  test('it is nothing without a witness, and unknown where a snapshot cannot be read', () => {
    const three = new LogWorld(CRASH3);
    three.startAll().runTo(5);
    expect(readWanted(three.stateOf(0))).toBeNull();
    const world = fly();
    world.install(0, snapshotOf(3, toBytes('{}')));
    expect(readWanted(world.stateOf(0))).toBeNull();
  });
});
