/** Messages and records of Simplified Paxos: fixed ones for WIRE.md, and arbitrary ones that a device could write. */
import fc from 'fast-check';
import { KNOWN_BALLOT, type Entry, type PaxosMessage, type PaxosRecord } from '../../src/core/paxos/types.js';
import { OrderCodec } from '../../src/wire/order-codec.js';
import { encodePaxosMessage, encodePaxosRecord, type PaxosLimits } from '../../src/wire/paxos-codec.js';

export const PAXOS_LIMITS: PaxosLimits = {
  n: 3,
  windowSlots: 4,
  batchSlots: 3,
  maxValueBytes: 16,
  maxClients: 3,
  answersPerClient: 2,
  maxStateBytes: 64,
};

const count = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(KNOWN_BALLOT));
const nonce = fc.uint8Array({ minLength: 16, maxLength: 16 });
const members = fc.integer({ min: 0, max: 7 });
const client = fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme-ascii' });
const request = fc.record({
  client,
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  value: fc.uint8Array({ maxLength: PAXOS_LIMITS.maxValueBytes }),
});
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ kind: fc.constant('command' as const), request }),
  fc.record({ kind: fc.constant('nothing' as const) }),
  fc.record({ kind: fc.constant('quorum' as const), members }),
  fc.record({
    kind: fc.constant('incarnation' as const),
    replica: fc.integer({ min: 0, max: 2 }),
    incarnation: count,
    nonce,
  }),
);
const vote = fc.record({ slot: count, ballot: count, entry });
const change = fc.record({
  ballot: count,
  from: count,
  slot: count,
  quorum: members,
  digest: fc.uint8Array({ maxLength: 16 }),
});
const snapshot = fc.record({
  slot: count,
  state: fc.uint8Array({ maxLength: PAXOS_LIMITS.maxStateBytes }),
  clients: fc.array(
    fc.record({ client, answers: fc.array(fc.record({ sequence: count, slot: count }), { maxLength: 2 }) }),
    { maxLength: 3 },
  ),
  quorum: members,
  quorumSlot: count,
  incarnations: fc.array(
    fc.record({ incarnation: count, nonce: fc.oneof(nonce, fc.constant(new Uint8Array(0))) }),
    { minLength: 3, maxLength: 3 },
  ),
});

function kind<K extends string>(name: K): { kind: fc.Arbitrary<K>; incarnation: fc.Arbitrary<number> } {
  return { kind: fc.constant(name), incarnation: count };
}

/** Every message that a device of these limits could send. */
export const anyPaxosMessage: fc.Arbitrary<PaxosMessage> = fc.oneof(
  fc.record({ ...kind('prepare'), ballot: count, from: count }),
  fc.record({ ...kind('promise'), ballot: count, prefix: count, votes: fc.array(vote, { maxLength: 9 }) }),
  fc.record({ ...kind('witness-promise'), ballot: count, change: fc.option(change) }),
  fc.record({ ...kind('refuse'), ballot: count, promised: count }),
  fc.record({
    ...kind('propose'),
    ballot: count,
    slot: count,
    prefix: count,
    entry,
    hasVote: fc.boolean(),
  }),
  fc.record({ ...kind('vote'), ballot: count, from: count, slot: count, prefix: count }),
  fc.record({ ...kind('propose-change'), voter: count, change }),
  fc.record({ ...kind('admit'), admitted: count, nonce, promised: count, change }),
  fc.record({ ...kind('fetch'), from: count }),
  fc.record({ ...kind('entries'), from: count, prefix: count, entries: fc.array(entry, { maxLength: 3 }) }),
  fc.record({ ...kind('snapshot'), snapshot }),
  fc.record({
    ...kind('beat'),
    promised: count,
    leads: fc.boolean(),
    prefix: count,
    votedFrom: count,
    votedTo: count,
    nonce: fc.option(nonce),
    heard: fc.array(fc.record({ incarnation: count, promised: count, voted: count }), {
      minLength: 3,
      maxLength: 3,
    }),
    vouches: fc.array(nonce, { maxLength: 3 }),
  }),
);

/** Every record that a device of these limits could keep. */
export const anyPaxosRecord: fc.Arbitrary<PaxosRecord> = fc.oneof(
  fc.record({ kind: fc.constant('stamp' as const), incarnation: count, since: count }),
  fc.record({ kind: fc.constant('promise' as const), ballot: count }),
  fc.record({ kind: fc.constant('vote' as const), slot: count, ballot: count, entry }),
  fc.record({ kind: fc.constant('entry' as const), slot: count, entry }),
  fc.record({ kind: fc.constant('prefix' as const), slot: count }),
  fc.record({ kind: fc.constant('snapshot' as const), snapshot }),
  fc.record({
    kind: fc.constant('witness' as const),
    incarnation: count,
    promised: count,
    change: fc.option(change),
  }),
);

/** The golden bytes of WIRE.md, section 2.4, by name. */
export function makePaxosGolden(): Record<string, string> {
  const value = Uint8Array.of(0x75);
  const command: Entry = { kind: 'command', request: { client: 'pilot', sequence: 7, value } };
  const quorum: Entry = { kind: 'quorum', members: 0b100 };
  const changed = { ballot: 200, from: 31, slot: 31, quorum: 0b100, digest: new Uint8Array(16).fill(0x44) };
  const heard = [0, 1, 2].map((voted) => ({ incarnation: 1, promised: 200, voted: 28 + voted }));
  const messages: Record<string, PaxosMessage> = {
    'paxos-prepare': { kind: 'prepare', incarnation: 1, ballot: 300, from: 31 },
    'paxos-promise': {
      kind: 'promise',
      incarnation: 1,
      ballot: 300,
      prefix: 29,
      votes: [
        { slot: 30, ballot: 200, entry: command },
        { slot: 31, ballot: 200, entry: quorum },
      ],
    },
    'paxos-propose': {
      kind: 'propose',
      incarnation: 1,
      ballot: 200,
      slot: 30,
      prefix: 0,
      entry: command,
      hasVote: false,
    },
    'paxos-vote': { kind: 'vote', incarnation: 1, ballot: 200, from: 30, slot: 30, prefix: 29 },
    'paxos-propose-change': { kind: 'propose-change', incarnation: 1, voter: 1, change: changed },
    'paxos-witness-promise': { kind: 'witness-promise', incarnation: 1, ballot: 300, change: changed },
    'paxos-beat': {
      kind: 'beat',
      incarnation: 1,
      promised: 200,
      leads: false,
      prefix: 30,
      votedFrom: 30,
      votedTo: 30,
      nonce: null,
      heard,
      vouches: [],
    },
  };
  const golden: Record<string, string> = {};
  const put = (name: string, bytes: Uint8Array): void => {
    golden[name] = Buffer.from(bytes).toString('hex');
  };
  for (const [name, message] of Object.entries(messages)) put(name, encodePaxosMessage(message));
  const together = ['paxos-prepare', 'paxos-propose'].flatMap((name) => messages[name] ?? []);
  const [order = new Uint8Array(0)] = new OrderCodec(PAXOS_LIMITS, 1_024).encode(together);
  put('order', order);
  put('paxos-vote-record', encodePaxosRecord({ kind: 'vote', slot: 30, ballot: 200, entry: command }));
  put(
    'paxos-witness-record',
    encodePaxosRecord({ kind: 'witness', incarnation: 1, promised: 300, change: changed }),
  );
  return golden;
}
