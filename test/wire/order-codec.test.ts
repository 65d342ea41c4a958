/** Messages of Simplified Paxos in frames: whole or in pieces, and what is lost on the way. */
import { describe, expect, test } from 'vitest';
import type { PaxosMessage } from '../../src/core/paxos/types.js';
import { PIECE_BYTES } from '../../src/core/state-fetch.js';
import { encodeCbor } from '../../src/wire/cbor.js';
import { OrderCodec } from '../../src/wire/order-codec.js';
import { encodePaxosMessage, type PaxosLimits } from '../../src/wire/paxos-codec.js';

const LIMITS: PaxosLimits = {
  n: 3,
  windowSlots: 8,
  batchSlots: 8,
  maxValueBytes: 256,
  maxClients: 2,
  answersPerClient: 4,
  maxStateBytes: 3 * PIECE_BYTES,
};
const PAYLOAD_BYTES = PIECE_BYTES + 32;

const vote = { kind: 'vote', incarnation: 1, ballot: 4, from: 9, slot: 9, prefix: 8 } as const;

function snapshotOf(bytes: number): PaxosMessage {
  const state = Uint8Array.from({ length: bytes }, (_, at) => at % 251);
  const incarnations = [1, 1, 1].map((incarnation) => ({ incarnation, nonce: new Uint8Array(0) }));
  return {
    kind: 'snapshot',
    incarnation: 1,
    snapshot: { slot: 7, state, clients: [], quorum: 7, quorumSlot: 0, incarnations },
  };
}

const VOTE = encodePaxosMessage(vote);

const codec = (): OrderCodec<string> => new OrderCodec(LIMITS, PAYLOAD_BYTES);

describe('a message', () => {
  test('that fits goes in one payload', () => {
    const [payload, ...rest] = codec().encode([vote]);
    expect(rest).toEqual([]);
    expect(codec().decode('a', payload as Uint8Array)).toEqual({ ok: true, messages: [vote] });
  });

  test('leaves in one payload with others for the same peer, as far as they fit', () => {
    const messages = Array.from({ length: 70 }, (_, at): PaxosMessage => ({ ...vote, slot: at + 1 }));
    const payloads = codec().encode([...messages, snapshotOf(PIECE_BYTES), vote]);
    expect(payloads).toHaveLength(2 + 2 + 1);
    const receiver = codec();
    const read = payloads.map((payload) => receiver.decode('a', payload));
    expect(read.flatMap((one) => (one.ok ? (one.messages ?? []) : []))).toEqual([
      ...messages,
      snapshotOf(PIECE_BYTES),
      vote,
    ]);
  });

  test('that is longer goes in pieces, each no longer than a frame, and is whole with the last', () => {
    const message = snapshotOf(2 * PIECE_BYTES + 17);
    const payloads = codec().encode([message]);
    expect(payloads).toHaveLength(3);
    for (const payload of payloads) expect(payload.length).toBeLessThanOrEqual(PAYLOAD_BYTES);
    const receiver = codec();
    const read = payloads.map((payload) => receiver.decode('a', payload));
    expect(read.slice(0, 2)).toEqual([
      { ok: true, messages: null },
      { ok: true, messages: null },
    ]);
    expect(read[2]).toEqual({ ok: true, messages: [message] });
  });

  test('of which a piece is lost is none, and the next one is', () => {
    const sender = codec();
    const receiver = codec();
    const [first, , third] = sender.encode([snapshotOf(2 * PIECE_BYTES + 17)]);
    for (const payload of [first, third])
      expect(receiver.decode('a', payload as Uint8Array)).toEqual({ ok: true, messages: null });
    const whole = sender.encode([snapshotOf(PIECE_BYTES + 1)]);
    expect(whole.map((payload) => receiver.decode('a', payload)).at(-1)).toEqual({
      ok: true,
      messages: [snapshotOf(PIECE_BYTES + 1)],
    });
  });

  test('of one peer is not made of pieces of another', () => {
    const receiver = codec();
    const [first, second] = codec().encode([snapshotOf(PIECE_BYTES + 1)]);
    receiver.decode('a', first as Uint8Array);
    expect(receiver.decode('b', second as Uint8Array)).toEqual({ ok: true, messages: null });
    expect(receiver.decode('a', second as Uint8Array)).toMatchObject({
      ok: true,
      messages: [{ kind: 'snapshot' }],
    });
  });
});

test.each([
  ['no list', encodeCbor(7)],
  ['a field too few', encodeCbor([1, 0, 1])],
  ['a place beyond the last piece', encodeCbor([1, 1, 1, new Uint8Array(3)])],
  ['more pieces than the longest message has', encodeCbor([1, 0, 99, new Uint8Array(3)])],
  ['no list inside', encodeCbor([1, 0, 1, new Uint8Array(3)])],
  ['an empty list', encodeCbor([1, 0, 1, encodeCbor([])])],
  ['no message in the list', encodeCbor([1, 0, 1, encodeCbor([new Uint8Array(3)])])],
  ['more messages than leave together', encodeCbor([1, 0, 1, encodeCbor(new Array(65).fill(VOTE))])],
  ['longer than a frame', encodeCbor([1, 0, 1, new Uint8Array(PAYLOAD_BYTES)])],
])('%s is refused', (_, payload) => {
  expect(codec().decode('a', payload)).toEqual({ ok: false });
});
