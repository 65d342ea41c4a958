/**
 * Whatever a peer or a client sends: nothing is thrown, nothing that was promised or voted for is forgotten, and what
 * is said is durable before.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPaxosBeat, stepPaxos } from '../../../src/core/paxos/paxos.js';
import { recoverPaxos } from '../../../src/core/paxos/recover.js';
import type { PaxosState } from '../../../src/core/paxos/state.js';
import type {
  Entry,
  PaxosConfig,
  PaxosEffect,
  PaxosInput,
  PaxosMessage,
  PaxosRecord,
} from '../../../src/core/paxos/types.js';
import { paxosConfig, provisioned } from '../../support/paxos-world.js';

const slot = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.nat());
const ballot = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.maxSafeNat());
const incarnation = fc.integer({ min: 0, max: 3 });
const bytes = fc.uint8Array({ maxLength: 4 });
const request = fc.record({
  client: fc.constantFrom('a', 'b', ''),
  sequence: fc.integer({ min: -1, max: 5 }),
  value: bytes,
});
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ kind: fc.constant('command' as const), request }),
  fc.record({ kind: fc.constant('nothing' as const) }),
  fc.record({ kind: fc.constant('quorum' as const), members: fc.integer({ min: 0, max: 7 }) }),
  fc.record({
    kind: fc.constant('incarnation' as const),
    replica: fc.integer({ min: 0, max: 5 }),
    incarnation,
    nonce: bytes,
  }),
);
const change = fc.record({ ballot, from: slot, slot, quorum: fc.integer({ min: 0, max: 7 }), digest: bytes });
const heard = fc.record({ incarnation, promised: ballot, voted: slot });

function kind<K extends PaxosMessage['kind']>(
  name: K,
): { kind: fc.Arbitrary<K>; incarnation: typeof incarnation } {
  return { kind: fc.constant(name), incarnation };
}

const message: fc.Arbitrary<PaxosMessage> = fc.oneof(
  fc.record({ ...kind('prepare'), ballot, from: slot }),
  fc.record({
    ...kind('promise'),
    ballot,
    prefix: slot,
    votes: fc.array(fc.record({ slot, ballot, entry }), { maxLength: 4 }),
  }),
  fc.record({ ...kind('witness-promise'), ballot, change: fc.option(change) }),
  fc.record({ ...kind('refuse'), ballot, promised: ballot }),
  fc.record({ ...kind('propose'), ballot, slot, entry, prefix: slot, hasVote: fc.boolean() }),
  fc.record({ ...kind('vote'), ballot, from: slot, slot, prefix: slot }),
  fc.record({ ...kind('propose-change'), voter: incarnation, change }),
  fc.record({ ...kind('admit'), admitted: incarnation, nonce: bytes, promised: ballot, change }),
  fc.record({ ...kind('fetch'), from: slot }),
  fc.record({ ...kind('entries'), from: slot, entries: fc.array(entry, { maxLength: 4 }), prefix: slot }),
  fc.record({
    ...kind('snapshot'),
    snapshot: fc.record({
      slot,
      state: bytes,
      clients: fc.constant([]),
      quorum: fc.integer({ min: 0, max: 7 }),
      quorumSlot: slot,
      incarnations: fc.array(fc.record({ incarnation, nonce: bytes }), { maxLength: 4 }),
    }),
  }),
  fc.record({
    ...kind('beat'),
    promised: ballot,
    leads: fc.boolean(),
    prefix: slot,
    votedFrom: slot,
    votedTo: slot,
    nonce: fc.option(bytes),
    heard: fc.array(heard, { maxLength: 3 }),
    vouches: fc.array(bytes, { maxLength: 3 }),
  }),
);

/** What a leader says in a ballot of its own, so that it is believed. */
const led: fc.Arbitrary<readonly [number, PaxosMessage]> = fc.oneof(
  fc
    .tuple(fc.constantFrom(1, 2), fc.integer({ min: 0, max: 6 }), slot, entry, change)
    .chain(([from, term, at, what, quorum]) => {
      const own = 12 * term + (from === 1 ? 1 : 2);
      const spoken: readonly PaxosMessage[] = [
        { kind: 'prepare', incarnation: 1, ballot: own, from: at },
        { kind: 'propose', incarnation: 1, ballot: own, slot: at, entry: what, prefix: 0, hasVote: true },
        { kind: 'propose', incarnation: 1, ballot: own, slot: at, entry: what, prefix: 0, hasVote: false },
        { kind: 'vote', incarnation: 1, ballot: own, from: at, slot: at, prefix: 0 },
        { kind: 'propose-change', incarnation: 1, voter: 1, change: { ...quorum, ballot: own } },
      ];
      return fc.constantFrom(...spoken).map((one) => [from, one] as const);
    }),
);

type Move =
  | { readonly kind: 'time' }
  | { readonly kind: 'received'; readonly from: number; readonly message: PaxosMessage }
  | { readonly kind: 'request'; readonly request: { client: string; sequence: number; value: Uint8Array } };

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant('time' as const) }),
  fc.record({ kind: fc.constant('received' as const), from: fc.integer({ min: 1, max: 3 }), message }),
  led.map(([from, spoken]) => ({ kind: 'received' as const, from, message: spoken })),
  fc.record({ kind: fc.constant('request' as const), request }),
);

/** What a device would answer to a leader now. */
function readMemory(state: PaxosState): { promised: number; votes: ReadonlyMap<number, number> } {
  const votes = new Map([...state.votes.values()].map((vote) => [vote.slot, vote.ballot]));
  return { promised: state.witness?.promised ?? state.promised, votes };
}

function check(config: PaxosConfig, moves: readonly Move[]): void {
  const records: PaxosRecord[] = provisioned(config);
  const { state } = recoverPaxos(config, records, 0);
  let nowUs = 0;
  for (const one of moves) {
    nowUs += 20_000;
    const before = readMemory(state);
    const remembered = state.incarnation > 0;
    const input: PaxosInput = { ...one, nowUs };
    const { effects } = stepPaxos(config, state, input);
    for (const effect of effects) if (effect.kind === 'persist') records.push(effect.record);
    checkOrder(effects);
    readPaxosBeat(config, state);
    const after = readMemory(state);
    // What was said stays, unless the device has been told that it forgot, and says so.
    if (!remembered || state.incarnation === 0) continue;
    expect(after.promised).toBeGreaterThanOrEqual(before.promised);
    for (const [at, voted] of before.votes)
      if (at > state.prefix) expect(after.votes.get(at) ?? -1).toBeGreaterThanOrEqual(voted);
    const again = recoverPaxos(config, records, nowUs).state;
    expect(readMemory(again).promised).toBe(after.promised);
    expect(again.prefix).toBe(state.prefix);
    expect(again.governance).toEqual(state.governance);
    expect(readMemory(again).votes).toEqual(after.votes);
  }
}

/** A vote leaves after its record, in a proposal or by itself. */
function checkOrder(effects: readonly PaxosEffect[]): void {
  for (const [sent, effect] of effects.entries()) {
    if (effect.kind !== 'send') continue;
    const { message } = effect;
    if (message.kind !== 'vote' && !(message.kind === 'propose' && message.hasVote)) continue;
    const record = effects.findIndex(
      (one) => one.kind === 'persist' && one.record.kind === 'vote' && one.record.slot === message.slot,
    );
    if (record >= 0) expect(record).toBeLessThan(sent);
  }
}

describe.each([
  ['a replica of three', {}],
  ['a replica beside a witness', { witness: 1 }],
  ['a witness', { witness: 0 }],
  ['a replica of four', { n: 4 }],
])('%s', (_, changes) => {
  test('takes anything, forgets nothing, and remembers after a restart what it knew before', () => {
    const config = paxosConfig(0, { snapshotSlots: 4, windowSlots: 4, ackSlots: 2, ...changes });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => check(config, moves)),
      { numRuns: 150 },
    );
  });
});
