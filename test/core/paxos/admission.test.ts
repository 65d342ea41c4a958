/**
 * Amnesia (protocol.md §9): a device whose store forgot neither promises nor votes, says so, and comes back as a new
 * incarnation.
 */
import { describe, expect, test } from 'vitest';
import type { PaxosRecord } from '../../../src/core/paxos/types.js';
import { PaxosWorld } from '../../support/paxos-world.js';

function settle(world: PaxosWorld): void {
  expect(world.run(500_000, () => world.leader() >= 0)).toBe(true);
  world.run(150_000);
}

function ask(world: PaxosWorld, sequence: number): void {
  world.request(world.leader(), 'c', sequence, `v${sequence}`);
  world.run(60_000);
}

function saidBy(world: PaxosWorld, device: number, since: number): ReadonlySet<string> {
  const said = world.sent.slice(since).filter(({ from }) => from === device);
  return new Set(said.map(({ message }) => message.kind));
}

describe('a replica whose store is lost', () => {
  test('says so, learns, and votes only after the others have chosen it anew', () => {
    const world = new PaxosWorld(3);
    settle(world);
    ask(world, 1);
    world.stop(2);
    ask(world, 2);
    // Without the third device nothing can be chosen: the one that forgot must not make up a majority.
    world.stop(1);
    const since = world.sent.length;
    world.start(2, []);
    world.run(500_000);
    expect(world.device(2).state.told).toMatchObject({ role: 'amnesiac', waits: { why: 'admission' } });
    expect([...saidBy(world, 2, since)].sort()).toEqual(['beat', 'fetch']);
    world.start(1);
    settle(world);
    world.run(500_000);
    expect(world.device(2).state.incarnation).toBe(2);
    expect(world.device(2).executed).toEqual(['v1', 'v2']);
    // And now it votes again: with one of the others alone.
    world.stop(1);
    world.run(500_000, () => world.leader() >= 0);
    ask(world, 3);
    expect(world.answers.at(-1)?.outcome.kind).toBe('chosen');
    expect(world.device(2).executed).toEqual(['v1', 'v2', 'v3']);
  });

  test('writes down that it was admitted, and since when it may vote', () => {
    const world = new PaxosWorld(3);
    settle(world);
    ask(world, 1);
    world.stop(2);
    world.start(2, []);
    world.run(500_000);
    const [stamp] = world.device(2).records;
    expect(stamp).toEqual({ kind: 'stamp', incarnation: 2, since: 2 });
    // Only the stamp is durable: it remembers nothing of what it must know, and does not vote before it does.
    world.stop(2);
    const since = world.sent.length;
    world.delay = (letter): number | null => (letter.message.kind === 'entries' ? null : 1_000);
    world.start(2, [stamp as PaxosRecord]);
    ask(world, 2);
    expect(saidBy(world, 2, since).has('promise')).toBe(false);
    expect(world.device(2).state.votes.size).toBe(0);
  });

  test('one that was rolled back is told by the others what it said, and becomes amnesiac', () => {
    const world = new PaxosWorld(3);
    settle(world);
    const early = [...world.device(2).records];
    ask(world, 1);
    ask(world, 2);
    world.stop(2);
    world.start(2, early);
    world.delay = (letter): number | null => (letter.message.kind === 'beat' ? 1_000 : null);
    world.run(100_000);
    expect(world.device(2).state.incarnation).toBe(0);
    expect(world.device(2).records.at(-1)).toEqual({ kind: 'stamp', incarnation: 0, since: 0 });
    world.delay = (): number => 1_000;
    world.run(500_000);
    expect(world.device(2).state.incarnation).toBe(2);
  });
});

describe('with a witness', () => {
  test('a witness that lost its record is admitted with the quorum that it must know', () => {
    const world = new PaxosWorld(3, { witness: 1 });
    settle(world);
    ask(world, 1);
    world.stop(0);
    world.run(500_000, () => world.leader() === 2 && world.device(2).state.governance.quorum === 0b100);
    ask(world, 2);
    world.stop(1);
    world.start(1, []);
    world.run(300_000);
    expect(world.device(1).state.incarnation).toBe(2);
    // What it forgot still binds: 0 must not go on with it.
    world.stop(2);
    world.start(0);
    world.run(500_000);
    expect(world.device(0).state.told).toMatchObject({ waits: { for: 0b100 } });
    expect(world.device(0).executed).toEqual(['v1']);
  });

  test('an amnesiac replica leaves the operational quorum, is admitted, and joins it again', () => {
    const world = new PaxosWorld(3, { witness: 1 });
    settle(world);
    ask(world, 1);
    world.stop(2);
    world.start(2, []);
    world.run(1_000_000);
    expect(world.device(0).state.governance).toMatchObject({ quorum: 0b101 });
    expect(world.device(2).state.incarnation).toBe(2);
    ask(world, 2);
    expect(world.device(2).executed).toEqual(['v1', 'v2']);
  });
});
