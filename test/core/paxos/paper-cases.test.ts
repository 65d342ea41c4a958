/**
 * The worked cases of the two patents: which value may be proposed (fast, Fig. 3), who refuses, and how many messages
 * and delays an answer takes (simplified, Fig. 6–8). Devices 11, 12, … of the figures are replicas 0, 1, …, so that
 * ballots belong to whom they belong to there.
 */
import { describe, expect, test } from 'vitest';
import type { Entry, PaxosConfig, PaxosRecord } from '../../../src/core/paxos/types.js';
import { DELAY_US, describeEntry, PaxosWorld, provisioned } from '../../support/paxos-world.js';
import { toBytes } from '../../support/toy-codec.js';

function command(text: string): Entry {
  return { kind: 'command', request: { client: 'client 20', sequence: 1, value: toBytes(text) } };
}

/** Fig. 3a: device 13 suggests 100; 12 has voted for y at 70, 11 and 16 for z at 30, 24 has failed. */
function suggest100(): PaxosWorld {
  const before: Record<number, PaxosRecord> = {
    0: { kind: 'vote', slot: 1, ballot: 30, entry: command('z') },
    1: { kind: 'vote', slot: 1, ballot: 70, entry: command('y') },
    2: { kind: 'promise', ballot: 93 },
    5: { kind: 'vote', slot: 1, ballot: 30, entry: command('z') },
  };
  const world = new PaxosWorld(7, { beatUs: null }, (config) => {
    const record = before[config.self];
    return [...provisioned(config), ...(record === undefined ? [] : [record])];
  });
  world.stop(6);
  makeLead(world, 2);
  return world;
}

/** All others are heard, nobody leads, and it is this device's turn. */
function makeLead(world: PaxosWorld, leader: number): void {
  world.nowUs = 10_000_000;
  world.devices.forEach(({ up }, from) => {
    if (!up || from === leader) return;
    const message = { kind: 'fetch', incarnation: 1, from: 1 } as const;
    world.step(leader, { kind: 'received', nowUs: world.nowUs, from, message });
  });
  world.step(leader, { kind: 'time', nowUs: world.nowUs });
}

/** Delivers what is under way from these devices to the leader, in this order. */
function deliverFrom(world: PaxosWorld, senders: readonly number[], to: number): void {
  for (const from of senders) {
    const at = world.letters.findIndex((letter) => letter.from === from && letter.to === to);
    expect(at).toBeGreaterThanOrEqual(0);
    world.deliver(at);
  }
}

function deliverKind(world: PaxosWorld, kind: string): void {
  for (;;) {
    const at = world.letters.findIndex(({ message }) => message.kind === kind);
    if (at < 0) return;
    world.deliver(at);
  }
}

function proposed(world: PaxosWorld): readonly string[] {
  return world.sent.flatMap(({ message }) =>
    message.kind === 'propose' ? [`${describeEntry(message.entry)}@${message.ballot}`] : [],
  );
}

describe('P1  fast Fig. 3: the value with the largest number that a member of the quorum voted for', () => {
  test('the suggestion is 100 and goes to all', () => {
    const world = suggest100();
    const prepares = world.sent.filter(({ message }) => message.kind === 'prepare');
    expect(prepares.map(({ to }) => to)).toEqual([0, 1, 3, 4, 5, 6]);
    expect(prepares.every(({ message }) => message.kind === 'prepare' && message.ballot === 100)).toBe(true);
  });

  test('with the votes of all, y must be proposed', () => {
    const world = suggest100();
    deliverKind(world, 'prepare');
    deliverFrom(world, [0, 1, 3], 2);
    expect(new Set(proposed(world))).toEqual(new Set(['y@100']));
  });

  test('with the quorum {11, 13, 14, 15}, z is proposed', () => {
    const world = suggest100();
    deliverKind(world, 'prepare');
    deliverFrom(world, [0, 3], 2);
    expect(proposed(world)).toEqual([]);
    deliverFrom(world, [4], 2);
    expect(new Set(proposed(world))).toEqual(new Set(['z@100']));
  });

  test('Fig. 3e: four votes of seven choose it, and three do not', () => {
    const world = suggest100();
    deliverKind(world, 'prepare');
    deliverFrom(world, [1, 0, 3], 2);
    deliverKind(world, 'propose');
    const leader = world.device(2);
    deliverFrom(world, [0, 1], 2);
    expect(leader.executed).toEqual([]);
    deliverFrom(world, [3], 2);
    expect(leader.executed).toEqual(['y']);
  });
});

test('P2  fast Fig. 3d: a device that answered 150 refuses 100, names 150, and the others choose without it', () => {
  const world = suggest100();
  deliverKind(world, 'prepare');
  deliverFrom(world, [1, 0, 3], 2);
  const prepare = { kind: 'prepare', incarnation: 1, ballot: 150, from: 1 } as const;
  world.step(5, { kind: 'received', nowUs: world.nowUs, from: 3, message: prepare });
  deliverKind(world, 'propose');
  const refusals = world.sent.filter(({ message }) => message.kind === 'refuse');
  expect(refusals).toMatchObject([{ from: 5, to: 2, message: { ballot: 100, promised: 150 } }]);
  deliverKind(world, 'refuse');
  deliverKind(world, 'vote');
  expect(world.device(2).executed).toEqual(['y']);
  expect(world.device(5).executed).toEqual([]);
});

interface Count {
  /** Message delays from the client's request until it has the first answer. */
  readonly delays: number;
  /** Messages until then, request and answer included. */
  readonly messages: number;
  readonly answers: readonly number[];
  readonly world: PaxosWorld;
}

/** One request with a settled leader, replica 0. */
function count(changes: Partial<PaxosConfig>): Count {
  const world = new PaxosWorld(3, changes);
  world.run(300_000, () => world.leader() === 0);
  world.run(50_000);
  const sentBefore = world.sent.length;
  const atUs = world.nowUs;
  world.request(0, 'client 20', 1, 'v');
  world.run(10 * DELAY_US, () => world.answers.length > 0);
  const [first] = world.answers;
  expect(first?.outcome).toEqual({ kind: 'chosen', slot: 1 });
  const firstUs = first?.atUs ?? 0;
  const said = world.sent
    .slice(sentBefore)
    .filter(({ message, dueUs }) => message.kind !== 'beat' && dueUs < firstUs);
  world.run(10 * DELAY_US);
  return {
    delays: 1 + (firstUs - atUs) / DELAY_US + 1,
    messages: 1 + said.length + 1,
    answers: world.answers.map(({ from }) => from),
    world,
  };
}

describe('P3  message delays and messages from a request to its first answer, leader settled', () => {
  test('Fig. 6, standard Paxos: four delays', () => {
    const { delays, messages, answers } = count({ learning: 'votes-to-all', proposesAhead: false });
    // 500; 501 to two; votes 511, 512 to both others, as every device learns; 521
    expect({ delays, messages, answers }).toEqual({ delays: 4, messages: 8, answers: [0] });
  });

  test("Fig. 7, the leader's vote inside the proposal: three delays", () => {
    const { delays, messages, answers, world } = count({ proposesAhead: false });
    // 600; 601 to two; 611 and 612
    expect({ delays, messages, answers }).toEqual({ delays: 3, messages: 4, answers: [1, 2] });
    expect(world.devices.map(({ executed }) => executed)).toEqual([['v'], ['v'], ['v']]);
  });

  test('a proposal ahead of the vote: three delays all the same, and one flush at a time in place of two', () => {
    const { delays, messages, answers } = count({});
    // The vote follows to both.
    expect({ delays, messages, answers }).toEqual({ delays: 3, messages: 6, answers: [1, 2] });
    const answeredUs = (proposesAhead: boolean): number => {
      const world = new PaxosWorld(3, { proposesAhead });
      world.run(300_000, () => world.leader() === 0);
      world.run(50_000);
      world.flushUs = 4 * DELAY_US;
      const atUs = world.nowUs;
      world.request(0, 'client 20', 1, 'v');
      world.run(20 * DELAY_US, () => world.answers.length > 0);
      return (world.answers[0]?.atUs ?? NaN) - atUs;
    };
    expect(answeredUs(false)).toBe(4 * DELAY_US + DELAY_US + 4 * DELAY_US);
    expect(answeredUs(true)).toBe(DELAY_US + 4 * DELAY_US);
  });

  test('Fig. 8, one learner: three delays and three messages, and the third device is informed', () => {
    const { delays, messages, answers, world } = count({ learning: 'one-learner' });
    // 700; 701; 711, and after it 721
    expect({ delays, messages, answers }).toEqual({ delays: 3, messages: 3, answers: [1] });
    expect(world.devices.map(({ executed }) => executed)).toEqual([['v'], ['v'], ['v']]);
  });

  test('Fig. 8, the one learner fails: the other is sent the same value, slot and ballot', () => {
    const world = new PaxosWorld(3, { learning: 'one-learner' });
    world.run(300_000, () => world.leader() === 0);
    world.stop(1);
    const from = world.sent.length;
    world.request(0, 'client 20', 1, 'v');
    expect(world.run(500_000, () => world.answers.length > 0)).toBe(true);
    const proposals = world.sent.slice(from).filter(({ message }) => message.kind === 'propose');
    expect(proposals[0]?.to).toBe(1);
    expect(proposals.at(-1)?.to).toBe(2);
    expect(proposals.at(-1)?.message).toEqual(proposals[0]?.message);
    expect(world.answers[0]).toMatchObject({ from: 2, outcome: { kind: 'chosen', slot: 1 } });
  });

  test('Fig. 7 with a leader that keeps no state: it executes nothing, and two copies of the state are there', () => {
    const world = new PaxosWorld(3);
    Object.assign(world.device(0), { config: { ...world.device(0).config, keepsState: false } });
    world.run(300_000, () => world.leader() === 0);
    for (let sequence = 1; sequence <= 50; sequence += 1) {
      world.request(0, 'client 20', sequence, `v${sequence}`);
      world.run(5_000);
    }
    world.run(200_000);
    const [leader, first, second] = world.devices;
    expect(leader?.effects.filter(({ kind }) => kind === 'chosen' || kind === 'take-snapshot')).toEqual([]);
    expect(first?.executed).toHaveLength(50);
    expect(second?.executed).toEqual(first?.executed);
    // simplified [00100]: if one of the two fails, the leader and the other go on
    world.stop(1);
    world.request(0, 'client 20', 51, 'v51');
    world.run(200_000);
    expect(second?.executed).toHaveLength(51);
  });
});

describe('fast, column 19: nothing is executed or answered before all lower slots are known', () => {
  test('a proposal that overtakes another is voted for, and answered when the other has come', () => {
    const world = new PaxosWorld(3);
    world.run(300_000, () => world.leader() === 0);
    world.run(50_000);
    world.stop(2);
    world.delay = (letter): number | null =>
      letter.message.kind === 'propose' && letter.message.slot === 1 ? 10 * DELAY_US : DELAY_US;
    world.request(0, 'client 20', 1, 'first');
    world.request(0, 'client 20', 2, 'second');
    world.run(5 * DELAY_US);
    expect(world.device(1).state.votes.get(2)?.entry.kind).toBe('command');
    expect(world.answers).toEqual([]);
    world.run(10 * DELAY_US);
    expect(world.answers.map(({ from, sequence }) => [from, sequence])).toEqual([
      [1, 1],
      [1, 2],
    ]);
    expect(world.device(1).executed).toEqual(['first', 'second']);
  });
});

describe('requests', () => {
  function settled(changes: Partial<PaxosConfig> = {}): PaxosWorld {
    const world = new PaxosWorld(3, changes);
    world.run(300_000, () => world.leader() === 0);
    world.run(50_000);
    return world;
  }

  test('one that is sent again is executed once, and its answer is repeated by anybody', () => {
    const world = settled();
    world.request(0, 'c', 1, 'x');
    world.request(0, 'c', 1, 'x');
    world.run(60_000);
    const before = world.answers.length;
    for (const to of [0, 1, 2]) world.request(to, 'c', 1, 'x');
    expect(world.answers.slice(before).map(({ outcome }) => outcome)).toEqual(
      [0, 1, 2].map(() => ({ kind: 'chosen', slot: 1 })),
    );
    expect(world.device(1).executed).toEqual(['x']);
  });

  test('one that two leaders proposed stands in the log twice and is executed once', () => {
    const world = settled();
    const twice = { kind: 'command', request: { client: 'c', sequence: 1, value: toBytes('x') } } as const;
    for (const slot of [1, 2]) {
      const message = {
        kind: 'propose',
        incarnation: 1,
        ballot: 3,
        slot,
        entry: twice,
        prefix: 0,
        hasVote: true,
      } as const;
      world.step(1, { kind: 'received', nowUs: world.nowUs, from: 0, message });
    }
    const told = world.device(1).effects.filter(({ kind }) => kind === 'chosen');
    expect(told).toMatchObject([
      { slot: 1, executes: true },
      { slot: 2, executes: false },
    ]);
    expect(world.answers.map(({ outcome }) => outcome)).toEqual(
      [1, 1].map((slot) => ({ kind: 'chosen', slot })),
    );
  });

  test('what is malformed, too large, too old, of too many clients or too much is refused, and says why', () => {
    const world = settled({
      maxClients: 1,
      answersPerClient: 2,
      maxValueBytes: 4,
      maxQueued: 1,
      windowSlots: 2,
    });
    const say = (client: string, sequence: number, value = 'v'): unknown => {
      world.request(0, client, sequence, value);
      world.run(60_000);
      return world.answers.at(-1)?.outcome;
    };
    for (const sequence of [2, 3, 4]) expect(say('c', sequence)).toMatchObject({ kind: 'chosen' });
    expect(say('c', 1)).toEqual({ kind: 'stale' });
    expect(say('c', 3)).toEqual({ kind: 'chosen', slot: 2 });
    expect(say('d', 1)).toEqual({ kind: 'refused', reason: 'too-many-clients' });
    expect(say('c', 5, 'large')).toEqual({ kind: 'refused', reason: 'value-too-large' });
    expect(say('', 5)).toEqual({ kind: 'refused', reason: 'malformed' });
    expect(say('c', 0.5)).toEqual({ kind: 'refused', reason: 'malformed' });
    world.request(1, 'c', 6, 'v');
    expect(world.answers.at(-1)?.outcome).toEqual({ kind: 'redirect', leader: 0 });
    // Two fill the window, one waits, and a fourth is sent away.
    for (const sequence of [6, 7, 8, 9]) world.request(0, 'c', sequence, 'v');
    expect(world.answers.at(-1)).toMatchObject({ sequence: 9, outcome: { kind: 'busy' } });
  });

  test('a laggard gets a snapshot and the tail', () => {
    const world = settled({ snapshotSlots: 10, windowSlots: 4, batchSlots: 3 });
    world.stop(2);
    for (let sequence = 1; sequence <= 35; sequence += 1) {
      world.request(0, 'c', sequence, `v${sequence}`);
      world.run(30_000);
    }
    const since = world.sent.length;
    world.start(2);
    world.run(300_000);
    const got = world.sent.slice(since).filter(({ to, message }) => to === 2 && message.kind !== 'beat');
    expect(got.map(({ message }) => message.kind)).toEqual(['snapshot', 'entries', 'entries']);
    expect(world.device(2).executed).toEqual(world.device(1).executed);
    expect(world.device(1).state.chosen.size).toBeLessThan(20);
  });
});
