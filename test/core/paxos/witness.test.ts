/** The rules that keep two replicas and a witness safe (head of `operational-quorum.ts`), each where it alone decides. */
import { describe, expect, test } from 'vitest';
import type { Entry, PaxosConfig, PaxosMessage, PaxosRecord } from '../../../src/core/paxos/types.js';
import { describeEntry, digestTexts, PaxosWorld, provisioned } from '../../support/paxos-world.js';
import { toBytes } from '../../support/toy-codec.js';

const WITNESS = 1;

function command(text: string, sequence = 1): Entry {
  return { kind: 'command', request: { client: text, sequence, value: toBytes(text) } };
}

function vote(slot: number, ballot: number, entry: Entry): PaxosRecord {
  return { kind: 'vote', slot, ballot, entry };
}

/** A world that begins with these records. */
function begin(records: Record<number, readonly PaxosRecord[]>): PaxosWorld {
  return new PaxosWorld(3, { witness: WITNESS }, (config: PaxosConfig) =>
    config.self === WITNESS && records[WITNESS] !== undefined
      ? records[WITNESS]
      : [...provisioned(config), ...(records[config.self] ?? [])],
  );
}

function saidBy(world: PaxosWorld, from: number, kind: PaxosMessage['kind']): readonly PaxosMessage[] {
  return world.sent.flatMap((letter) =>
    letter.from === from && letter.message.kind === kind ? [letter.message] : [],
  );
}

function lead(world: PaxosWorld, leader: number): void {
  expect(world.run(500_000, () => world.leader() === leader)).toBe(true);
}

describe('before a change the leader finishes all that it finds proposed', () => {
  test('through the witness, which keeps its digest', () => {
    const world = begin({ 2: [vote(1, 5, command('a')), vote(2, 5, command('b'))] });
    world.stop(0);
    lead(world, 2);
    world.run(50_000);
    expect([...world.device(2).chosen.values()].map(describeEntry)).toEqual(['a', 'b', 'quorum 100']);
    const change = world.device(WITNESS).state.witness?.change;
    expect(change).toMatchObject({ from: 1, slot: 3, quorum: 0b100 });
    expect(change?.digest).toEqual(digestTexts(1, [command('a'), command('b')]));
  });

  test('and when it stops before it hears of it, it finishes the same again', () => {
    const world = begin({ 2: [vote(1, 5, command('a'))] });
    world.stop(0);
    world.delay = (letter): number | null => (letter.message.kind === 'vote' ? null : 1_000);
    world.run(400_000);
    expect(world.device(2).chosen.size).toBe(0);
    expect(world.device(WITNESS).state.witness?.change).toMatchObject({ from: 1, slot: 2 });
    world.stop(2);
    world.delay = (): number => 1_000;
    world.start(2);
    lead(world, 2);
    world.run(50_000);
    expect([...world.device(2).chosen.values()].map(describeEntry)).toEqual(['a', 'quorum 100']);
  });
});

describe('a device that was away', () => {
  /** 2 has finished z for slot 1 through the witness, and then both are the quorum again; 0 knows nothing of it. */
  const change = { ballot: 8, from: 1, slot: 2, quorum: 0b101, digest: digestTexts(1, [command('z')]) };
  const remembered: PaxosRecord = { kind: 'witness', incarnation: 1, promised: 8, change };

  test('with an older vote below what the witness voted for waits for the other', () => {
    const world = begin({ 0: [vote(1, 3, command('a'))], [WITNESS]: [remembered] });
    world.stop(2);
    world.run(600_000);
    expect(saidBy(world, 0, 'prepare').length).toBeGreaterThan(0);
    expect(saidBy(world, 0, 'propose')).toEqual([]);
    expect(saidBy(world, 0, 'propose-change')).toEqual([]);
    expect(world.device(0).state.told?.waits).toEqual({ for: 0b100, why: 'entries' });
  });

  /** It knows that 2 went on alone, and one slot more. */
  const outside: readonly PaxosRecord[] = [
    { kind: 'entry', slot: 1, entry: { kind: 'quorum', members: 0b100 } },
    { kind: 'entry', slot: 2, entry: command('a') },
  ];

  test('and knows that it is not of the operational quorum asks the witness, which knows of a later one', () => {
    const later = { ballot: 8, from: 3, slot: 3, quorum: 0b101, digest: digestTexts(3, []) };
    const world = begin({
      0: outside,
      [WITNESS]: [{ kind: 'witness', incarnation: 1, promised: 8, change: later }],
    });
    world.stop(2);
    lead(world, 0);
    world.run(50_000);
    expect([...world.device(0).chosen.values()].map(describeEntry)).toEqual([
      'quorum 100',
      'a',
      'quorum 101',
      'quorum 1',
    ]);
  });

  test('and is not of it, as the witness knows, waits for those who are, and goes on with them (Fig. 13)', () => {
    const alone = { ballot: 8, from: 1, slot: 1, quorum: 0b100, digest: digestTexts(1, []) };
    const world = begin({
      0: outside,
      [WITNESS]: [{ kind: 'witness', incarnation: 1, promised: 8, change: alone }],
      2: [...outside, vote(3, 8, command('t'))],
    });
    world.stop(2);
    world.run(600_000);
    const asked = saidBy(world, 0, 'prepare').length;
    expect(asked).toBeGreaterThan(0);
    expect(world.device(0).state.told).toMatchObject({
      role: 'prepares',
      waits: { for: 0b100, why: 'operational-quorum' },
    });
    world.request(0, 'c', 1, 'w');
    expect(world.answers.at(-1)?.outcome).toEqual({ kind: 'waits', for: 0b100 });
    world.start(2);
    expect(world.run(500_000, () => world.device(0).state.governance.quorum === 0b101)).toBe(true);
    expect(describeEntry(world.device(0).chosen.get(3) ?? { kind: 'nothing' })).toBe('t');
  });

  test('with a vote of that ballot goes on', () => {
    const world = begin({ 0: [vote(1, 8, command('z'))], [WITNESS]: [remembered] });
    world.stop(2);
    lead(world, 0);
    world.run(50_000);
    expect([...world.device(0).chosen.values()].map(describeEntry)).toEqual(['z', 'quorum 101', 'quorum 1']);
  });
});

describe('operators say whom they want in the operational quorum', () => {
  const BOTH = 0b101;

  function want(world: PaxosWorld, members: number): void {
    for (const self of [0, 1, 2]) world.step(self, { kind: 'wanted', nowUs: world.nowUs, members });
  }

  function settle(): PaxosWorld {
    const world = new PaxosWorld(3, { witness: WITNESS });
    lead(world, 0);
    world.run(100_000);
    return world;
  }

  const quorums = (world: PaxosWorld): readonly number[] =>
    [0, 2].map((self) => world.device(self).state.governance.quorum);

  test.each([
    ['the leader', 0b100, 0],
    ['the other', 0b001, 2],
  ])(
    '%s retires, may be stopped without anybody noticing, and comes back when it is wanted',
    (_, wanted, retired) => {
      const world = settle();
      want(world, wanted);
      world.run(100_000);
      expect(quorums(world)).toEqual([wanted, wanted]);
      world.stop(retired);
      expect(world.run(500_000, () => world.leader() >= 0 && world.leader() !== retired)).toBe(true);
      world.request(world.leader(), 'c', 1, 'x');
      world.run(20_000);
      expect(world.answers.at(-1)?.outcome.kind).toBe('chosen');
      world.start(retired);
      world.step(retired, { kind: 'wanted', nowUs: world.nowUs, members: wanted });
      world.run(500_000);
      expect(quorums(world)).toEqual([wanted, wanted]);
      want(world, BOTH);
      world.run(100_000);
      expect(quorums(world)).toEqual([BOTH, BOTH]);
      expect(world.device(retired).executed).toEqual(['x']);
    },
  );

  test('where nobody who is there is wanted, those who are there go on', () => {
    const world = settle();
    world.stop(2);
    world.run(150_000, () => (world.device(0).state.choice.heardUs[2] ?? 0) + 100_000 < world.nowUs);
    want(world, 0b100);
    world.run(500_000);
    expect(world.device(0).state.governance.quorum).toBe(0b001);
    world.start(2);
    world.step(2, { kind: 'wanted', nowUs: world.nowUs, members: 0b100 });
    world.run(500_000);
    expect(quorums(world)).toEqual([0b100, 0b100]);
    want(world, 0);
    world.run(200_000);
    expect(quorums(world)).toEqual([0b100, 0b100]);
  });
});

describe('nobody proposes past a pending change', () => {
  test('commands wait until it is chosen', () => {
    const world = new PaxosWorld(3, { witness: WITNESS });
    lead(world, 0);
    world.run(50_000);
    world.stop(2);
    world.delay = (letter): number | null =>
      letter.to === 0 && letter.message.kind === 'vote' ? 60_000 : 1_000;
    expect(world.run(300_000, () => saidBy(world, 0, 'propose-change').length > 0)).toBe(true);
    world.request(0, 'c', 1, 'x');
    world.run(30_000);
    expect(world.device(0).state.votes.size).toBe(1);
    expect(world.answers).toEqual([]);
    world.run(100_000);
    expect(world.answers.map(({ outcome }) => outcome)).toEqual([{ kind: 'chosen', slot: 2 }]);
  });
});

describe('the witness', () => {
  const change = { ballot: 6, from: 4, slot: 5, quorum: 0b001, digest: new Uint8Array(1) };

  function tell(world: PaxosWorld, from: number, message: PaxosMessage): PaxosMessage | undefined {
    const before = world.sent.length;
    world.step(WITNESS, { kind: 'received', nowUs: world.nowUs, from, message });
    return world.sent.slice(before).find((letter) => letter.message.kind !== 'beat')?.message;
  }

  test('votes for every change, unless it promised more, and keeps one record', () => {
    const world = begin({});
    const propose = { kind: 'propose-change', incarnation: 1, voter: 1, change } as const;
    expect(tell(world, 0, propose)).toMatchObject({ kind: 'vote', ballot: 6, slot: 5 });
    expect(world.device(WITNESS).records.at(-1)).toEqual({
      kind: 'witness',
      incarnation: 1,
      promised: 6,
      change,
    });
    const count = world.device(WITNESS).records.length;
    // Sent again, it is answered again, and nothing is written.
    expect(tell(world, 0, propose)).toMatchObject({ kind: 'vote', ballot: 6, slot: 5 });
    expect(world.device(WITNESS).records).toHaveLength(count);
    const prepare = { kind: 'prepare', incarnation: 1, ballot: 8, from: 1 } as const;
    expect(tell(world, 2, prepare)).toMatchObject({ kind: 'witness-promise', ballot: 8, change });
    expect(tell(world, 0, propose)).toMatchObject({ kind: 'refuse', ballot: 6, promised: 8 });
    expect(tell(world, 0, { ...prepare, ballot: 3 })).toMatchObject({
      kind: 'refuse',
      ballot: 3,
      promised: 8,
    });
  });

  test('does not vote as an incarnation that the leader does not mean, and never goes back', () => {
    const world = begin({});
    expect(tell(world, 0, { kind: 'propose-change', incarnation: 1, voter: 2, change })).toBeUndefined();
    tell(world, 0, { kind: 'propose-change', incarnation: 1, voter: 1, change });
    const earlier = { ...change, ballot: 9, slot: 4 };
    expect(
      tell(world, 0, { kind: 'propose-change', incarnation: 1, voter: 1, change: earlier }),
    ).toBeUndefined();
  });
});
