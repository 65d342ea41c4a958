/**
 * P6 at the core: the power fails after any record. Whatever a device had said by then it still remembers, and it
 * stands by it: no promise and no vote is forgotten, on any prefix of its records.
 */
import { describe, expect, test } from 'vitest';
import { recoverPaxos } from '../../../src/core/paxos/recover.js';
import type {
  PaxosConfig,
  PaxosEffect,
  PaxosMessage,
  PaxosRecord,
  PromiseMessage,
  WitnessPromise,
} from '../../../src/core/paxos/types.js';
import { describeEntry, paxosConfig, PaxosWorld } from '../../support/paxos-world.js';
import { toBytes } from '../../support/toy-codec.js';

interface Life {
  readonly config: PaxosConfig;
  /** In the order in which they were carried out. */
  readonly effects: readonly PaxosEffect[];
}

/** A rig with changing leaders, whose devices never restart. */
function observe(changes: Partial<PaxosConfig>): readonly Life[] {
  const world = new PaxosWorld(3, { snapshotSlots: 7, ...changes });
  const deaf = { device: -1 };
  world.delay = (letter): number | null =>
    letter.to === deaf.device || letter.from === deaf.device ? null : 1_000;
  for (let round = 0; round < 12; round += 1) {
    world.run(300_000, () => world.leader() >= 0);
    for (let sequence = 1; sequence <= 4; sequence += 1)
      world.request(Math.max(world.leader(), 0), `c${round}`, sequence, `${round}.${sequence}`);
    world.run(60_000);
    deaf.device = round % 2 === 0 ? world.leader() : -1;
    world.run(500_000);
  }
  return world.devices.map(({ config, effects }) => ({ config, effects }));
}

/** What the device remembers if only so many of its records are durable. */
function remember({ config }: Life, records: readonly PaxosRecord[]): PromiseMessage | WitnessPromise {
  const provisioning: PaxosRecord[] =
    config.self === config.witness
      ? [{ kind: 'witness', incarnation: 1, promised: 0, change: null }]
      : [{ kind: 'stamp', incarnation: 1, since: 0 }];
  const { state } = recoverPaxos(config, [...provisioning, ...records], 0);
  const ballot = state.witness?.promised ?? state.promised;
  if (state.witness !== null)
    return { kind: 'witness-promise', incarnation: 1, ballot, change: state.witness.change };
  const votes = [...state.votes.values()];
  return { kind: 'promise', incarnation: state.incarnation, ballot, prefix: state.prefix, votes };
}

interface Said {
  promised: number;
  /** By slot, the ballot of the last vote. */
  readonly voted: Map<number, number>;
  readonly entries: Map<number, string>;
}

/** What a message says of its sender's promises and votes; true when it says something new. */
function noteSaid(said: Said, message: PaxosMessage): boolean {
  switch (message.kind) {
    case 'prepare':
    case 'promise':
    case 'witness-promise':
      said.promised = Math.max(said.promised, message.ballot);
      return true;
    case 'propose':
      said.promised = Math.max(said.promised, message.ballot);
      // Ahead of its vote it says nothing of one.
      if (!message.hasVote) return true;
      said.voted.set(message.slot, message.ballot);
      said.entries.set(message.slot, describeEntry(message.entry));
      return true;
    case 'vote':
      said.promised = Math.max(said.promised, message.ballot);
      for (let { from } = message; from <= message.slot; from += 1) said.voted.set(from, message.ballot);
      return true;
    case 'beat': {
      const before = said.voted.size;
      for (let slot = message.votedFrom; slot <= message.votedTo; slot += 1)
        said.voted.set(slot, Math.max(message.promised, said.voted.get(slot) ?? 0));
      return said.voted.size > before;
    }
    default:
      return false;
  }
}

function checkMemory(life: Life, durable: readonly PaxosRecord[], said: Said): void {
  const memory = remember(life, durable);
  expect(memory.ballot).toBeGreaterThanOrEqual(said.promised);
  if (memory.kind === 'witness-promise') {
    expect(memory.change?.slot ?? 0).toBeGreaterThanOrEqual(Math.max(0, ...said.voted.keys()));
    return;
  }
  for (const [slot, ballot] of said.voted) {
    if (slot <= memory.prefix) continue;
    const vote = memory.votes.find((one) => one.slot === slot);
    expect(vote?.ballot ?? -1).toBeGreaterThanOrEqual(ballot);
    const entry = said.entries.get(slot);
    if (vote?.ballot === ballot && entry !== undefined) expect(describeEntry(vote.entry)).toBe(entry);
  }
}

describe.each([
  ['three replicas', {}],
  ['two replicas and a witness', { witness: 1 }],
])('%s', (_, changes) => {
  const lives = observe(changes);

  test('the lives are worth looking at: leaders changed, and every kind of record was written', () => {
    const records = lives.flatMap(({ effects }) =>
      effects.flatMap((effect) => (effect.kind === 'persist' ? [effect.record] : [])),
    );
    const kinds = new Set(records.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(
      ['entry', 'prefix', 'promise', 'snapshot', 'vote', ...('witness' in changes ? ['witness'] : [])].sort(),
    );
    const ballots = new Set(records.flatMap((record) => (record.kind === 'vote' ? [record.ballot] : [])));
    expect(ballots.size).toBeGreaterThan(3);
  });

  test('P6  after a power cut at each message, every promise and vote that was said is remembered', () => {
    let compared = 0;
    for (const life of lives) {
      const durable: PaxosRecord[] = [];
      let waiting: PaxosRecord[] = [];
      const said = { promised: 0, voted: new Map<number, number>(), entries: new Map<number, string>() };
      let last: PaxosMessage | null = null;
      for (const effect of life.effects) {
        if (effect.kind === 'persist') {
          waiting.push(effect.record);
          if (effect.barrier) {
            durable.push(...waiting);
            waiting = [];
          }
          // A power cut at each record: what was said before is remembered, with this one or without.
          if (last !== null) checkMemory(life, durable, said);
        }
        if (effect.kind !== 'send') continue;
        const isNews = noteSaid(said, effect.message);
        if (isNews) {
          checkMemory(life, durable, said);
          compared += 1;
        }
        last = effect.message;
      }
    }
    expect(compared).toBeGreaterThan(80);
  });

  test('what was executed is executed again in the same order, or lies in the snapshot', () => {
    for (const { config, effects } of lives) {
      const records = effects.flatMap((effect) => (effect.kind === 'persist' ? [effect.record] : []));
      const told = effects.flatMap((effect) => (effect.kind === 'chosen' ? [effect] : []));
      if (config.self === config.witness) continue;
      const again = recoverPaxos(
        config,
        [{ kind: 'stamp', incarnation: 1, since: 0 }, ...records],
        0,
      ).effects;
      const [first, ...rest] = again;
      expect(first?.kind).toBe('install');
      const from = first?.kind === 'install' ? first.snapshot.slot : 0;
      const last = rest.at(-1);
      const to = last?.kind === 'chosen' ? last.slot : from;
      expect(to).toBeGreaterThanOrEqual(told.at(-1)?.slot ?? 0);
      expect(rest).toEqual(told.filter(({ slot }) => slot > from && slot <= to));
    }
  });
});

describe('a store that is no memory', () => {
  const config = paxosConfig(0);
  const vote: PaxosRecord = {
    kind: 'vote',
    slot: 1,
    ballot: 4,
    entry: { kind: 'command', request: { client: 'c', sequence: 1, value: toBytes('v') } },
  };
  const isAmnesiac = (records: readonly PaxosRecord[]): boolean =>
    recoverPaxos(config, records, 0).state.incarnation === 0;

  test('without a stamp, with a void one, or with a gap below the prefix, it is amnesiac', () => {
    const stamp: PaxosRecord = { kind: 'stamp', incarnation: 1, since: 0 };
    expect(isAmnesiac([stamp, vote, { kind: 'prefix', slot: 1 }])).toBe(false);
    expect(isAmnesiac([vote, { kind: 'promise', ballot: 4 }])).toBe(true);
    expect(isAmnesiac([stamp, vote, { kind: 'stamp', incarnation: 0, since: 0 }])).toBe(true);
    expect(isAmnesiac([stamp, vote, { kind: 'prefix', slot: 2 }])).toBe(true);
  });

  test('one that was to learn of several slots, and of which it kept the first, remembers the votes below', () => {
    const entry: PaxosRecord = { kind: 'entry', slot: 2, entry: { kind: 'nothing' } };
    const { state } = recoverPaxos(config, [{ kind: 'stamp', incarnation: 1, since: 0 }, vote, entry], 0);
    expect(state.prefix).toBe(2);
    expect(describeEntry(state.chosen.get(1)?.entry ?? entry.entry)).toBe('v');
  });

  test('a stamp makes all records before it void', () => {
    const { state } = recoverPaxos(config, [vote, { kind: 'stamp', incarnation: 2, since: 0 }], 0);
    expect(state.votes.size).toBe(0);
    expect(state.promised).toBe(0);
  });
});
