/** Requests of operators and what goes with them: strict, bounded, and the same bytes for the same meaning. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  KEPT_ANSWERS,
  openBook,
  OPEN_REQUESTS,
  type CommandBook,
} from '../../src/core/commands/command-book.js';
import type { Entry, RequestOutcome } from '../../src/core/types.js';
import { PACKET_LIMIT_BYTES } from '../../src/rig/derive.js';
import type { Rig } from '../../src/rig/rig.js';
import { decodeCbor, encodeCbor, type CborValue } from '../../src/wire/cbor.js';
import { decodeBook, encodeBook, shapeBook, type BookShape } from '../../src/wire/command-book-codec.js';
import { decodeEntry, encodeEntry, shapeEntries } from '../../src/wire/entry-codec.js';
import {
  deriveLimits,
  LOG_ITEMS_MAX,
  REASON_MAX_BYTES,
  REQUEST_CONTENT_MAX_BYTES,
} from '../../src/wire/limits.js';
import { PeerCodec } from '../../src/wire/peer-codec.js';
import { decodeFold, encodeFold } from '../../src/wire/folded-log-codec.js';
import { MAX_STATE_BYTES } from '../../src/rig/schema.js';
import { decodeReplicatedState, encodeReplicatedState } from '../../src/wire/replicated-state-codec.js';
import {
  decodeContent,
  decodeReply,
  decodeRequest,
  digestContent,
  encodeContent,
  encodeReply,
  encodeRequest,
  REFUSAL_CODES,
  type OperatorReply,
  type RequestContent,
} from '../../src/wire/request-codec.js';
import { makeRig } from './make-rig.js';

const LONG = Number.MAX_SAFE_INTEGER;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const count = fc.nat(LONG);
const slot = fc.integer({ min: 1, max: LONG });
const id = fc.string({ minLength: 1, maxLength: 16, unit: fc.constantFrom('a', 'b', '-', '7') });
const content: fc.Arbitrary<RequestContent> = fc.record({
  client: id,
  sequence: count,
  command: id,
  values: fc.array(
    fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      fc.boolean(),
      id,
    ),
    { maxLength: 6 },
  ),
  rigDigest: bytes(32),
});
const outcome: fc.Arbitrary<RequestOutcome> = fc.oneof(
  fc.constant({ kind: 'done' as const }),
  fc.constant({ kind: 'lapsed' as const }),
  fc.record({
    kind: fc.constant('refused' as const),
    reason: fc.string({ maxLength: 40, unit: 'binary-ascii' }),
  }),
);
const reply: fc.Arbitrary<OperatorReply> = fc.oneof(
  fc.record({
    kind: fc.constant('verdict' as const),
    sequence: count,
    digest: bytes(32),
    verdict: fc.oneof(
      fc.record({ kind: fc.constant('applied' as const), tick: count, outcome, slot: fc.option(slot) }),
      fc.record({ kind: fc.constant('chosen' as const), slot, leader: fc.option(fc.nat(6)) }),
      fc.record({
        kind: fc.constant('waits' as const),
        text: fc.string({ maxLength: 40, unit: 'binary-ascii' }),
      }),
      fc.record({
        kind: fc.constant('refused' as const),
        code: fc.constantFrom(...REFUSAL_CODES),
        text: fc.string({ maxLength: 40, unit: 'binary-ascii' }),
      }),
    ),
  }),
  fc.record({
    kind: fc.constant('log' as const),
    sequence: count,
    items: fc.array(
      fc
        .record({
          client: fc.nat(7),
          sequence: count,
          digest: bytes(32),
          effect: fc.option(fc.record({ tick: count, outcome })),
          slot: fc.option(slot),
          content: fc.option(fc.uint8Array({ maxLength: 40 })),
        })
        // What has had no effect is known by its place in the log.
        .filter((item) => item.effect !== null || item.slot !== null),
      { maxLength: 3 },
    ),
  }),
);

/** Every value with one item of the tree replaced by something of another kind. */
function* spoil(value: CborValue): Generator<CborValue> {
  for (const stranger of [null, true, 1.5, -7, 'x'.repeat(17), new Uint8Array(3), [], {}] as CborValue[])
    yield stranger;
  if (!Array.isArray(value)) return;
  const items = value as readonly CborValue[];
  yield [...items, null];
  for (const [at, item] of items.entries())
    for (const spoiled of spoil(item)) yield items.map((one, i) => (i === at ? spoiled : one));
}

function expectStrict<T>(
  encoded: Uint8Array,
  decode: (raw: Uint8Array) => T | null,
  encode: (value: T) => Uint8Array,
): void {
  const decoded = decodeCbor(encoded);
  if (!decoded.ok) throw new Error('an encoder writes deterministic CBOR');
  for (const spoiled of spoil(decoded.value)) {
    const altered = encodeCbor(spoiled);
    const read = decode(altered);
    if (read !== null) expect(Buffer.from(encode(read))).toEqual(Buffer.from(altered));
  }
  expect(decode(encoded.subarray(1))).toBeNull();
  expect(decode(Uint8Array.from([...encoded, 0]))).toBeNull();
}

describe.each([
  ['contents', content, encodeContent, decodeContent] as const,
  ['replies', reply, encodeReply, decodeReply] as const,
])('%s', (_, arbitrary, encodeOne, decodeOne) => {
  const encode = encodeOne as (value: unknown) => Uint8Array;
  const decode = decodeOne as (raw: Uint8Array) => unknown;

  test('come back as they were', () => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<unknown>, (one) => {
        expect(decode(encode(one))).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  test('of another form are null, and noise never throws', () => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<unknown>, fc.uint8Array(), (one, noise) => {
        expectStrict(encode(one), decode, encode);
        decode(noise);
      }),
      { numRuns: 30 },
    );
  });
});

test('requests come back, and one that is too long is none', () => {
  const whole = new Uint8Array(REQUEST_CONTENT_MAX_BYTES);
  expect(decodeRequest(encodeRequest({ kind: 'submit', content: whole }))).toEqual({
    kind: 'submit',
    content: whole,
  });
  expect(decodeRequest(encodeRequest({ kind: 'log', sequence: 4 }))).toEqual({ kind: 'log', sequence: 4 });
  const long = new Uint8Array(REQUEST_CONTENT_MAX_BYTES + 1);
  expect(decodeRequest(encodeRequest({ kind: 'submit', content: long }))).toBeNull();
  for (const other of [[], [2, 1], [0, 1], [1, -1], [1, new Uint8Array(1)], [0, whole, 1]])
    expect(decodeRequest(encodeCbor(other))).toBeNull();
});

test('the fullest content is no longer than its cap', () => {
  const fullest = encodeContent({
    client: 'x'.repeat(16),
    sequence: LONG,
    command: 'x'.repeat(16),
    values: Array.from({ length: 8 }, () => 'x'.repeat(16)),
    rigDigest: new Uint8Array(32),
  });
  expect(fullest.length).toBeLessThanOrEqual(REQUEST_CONTENT_MAX_BYTES);
  expect(decodeContent(fullest)).not.toBeNull();
});

/** Digest of a control law. */
const LAW = new Uint8Array(32).fill(7);

describe('a rig whose commands a log orders', () => {
  const rig: Rig = {
    ...makeRig({ sensors: 1, actuators: 2 }),
    hypothesis: { kind: 'crash', f: 1 },
    operators: ['operator', 'pilot'],
    commands: [{ id: 'go', by: ['pilot'], effect: 'law', arguments: [] }],
  };
  const shape = shapeEntries(rig);
  const entry: Entry = {
    standing: { kind: 'running', stateTick: LONG, stateDigest: new Uint8Array(16) },
    readings: [1.1],
    actuators: [null, null],
    missed: 0,
    joins: 0,
    prefix: LONG,
  };
  const answer = {
    client: 1,
    sequence: 3,
    digest: new Uint8Array(32).fill(7),
    tick: 9,
    outcome: { kind: 'done' },
    slot: 4,
  } as const;
  const book: CommandBook = {
    clients: [
      { floor: -1, applied: [] },
      { floor: 2, applied: [answer] },
    ],
    pending: [],
    postures: [0, 1].map(() => ({ disarmed: true, armUntil: -1 })),
    prefix: 5,
  };
  const bookShape = shapeBook(rig);

  test('states a prefix in its entries and names no requests', () => {
    expect(decodeEntry(encodeEntry(entry), shape)).toEqual(entry);
    expectStrict(encodeEntry(entry), (raw) => decodeEntry(raw, shape), encodeEntry);
    const { prefix, ...bare } = entry;
    expect(prefix).toBe(LONG);
    expect(decodeEntry(encodeEntry(bare), shape)).toBeNull();
    expect(decodeEntry(encodeEntry({ ...bare, requests: [] }), shape)).toBeNull();
    expect(decodeEntry(encodeEntry({ ...bare, prefix: -1 }), shape)).toBeNull();
    expect(decodeEntry(encodeEntry(entry), { ...shape, prefix: false })).toBeNull();
  });

  test('keeps slots and the prefix in its book, and nothing pending', () => {
    if (bookShape === null) throw new Error('the rig has commands');
    expect(bookShape.order).toBe('log');
    expect(decodeBook(encodeBook(book), bookShape)).toEqual(book);
    expectStrict(encodeBook(book), (raw) => decodeBook(raw, bookShape), encodeBook);
    expect(decodeBook(encodeBook(book), { ...bookShape, order: 'vector' })).toBeNull();
    const { slot, ...unplaced } = answer;
    expect(slot).toBe(4);
    const clients = [
      { floor: -1, applied: [] },
      { floor: 2, applied: [unplaced] },
    ];
    expect(decodeBook(encodeBook({ ...book, clients }), bookShape)).toBeNull();
    const pending = [{ client: 0, sequence: 1, digest: new Uint8Array(32), agreedTick: 3 }];
    expect(decodeBook(encodeBook({ ...book, pending }), bookShape)).toBeNull();
  });

  test('keeps in its book whom operators want, exactly with a witness', () => {
    if (bookShape === null) throw new Error('the rig has commands');
    const inbox = rig.replicas[0]?.inbox;
    if (inbox === undefined) throw new Error('the rig has replicas');
    const two = { ...rig, replicas: rig.replicas.slice(0, 2), witness: { id: 'w', inbox } };
    const witnessed = shapeBook(two) as BookShape;
    for (const wanted of [0b01, 0b10, 0b11]) {
      const whole = { ...book, wanted };
      expect(decodeBook(encodeBook(whole), witnessed)).toEqual(whole);
      expect(decodeBook(encodeBook(whole), bookShape)).toBeNull();
      expectStrict(encodeBook(whole), (raw) => decodeBook(raw, witnessed), encodeBook);
      const fold = { law: new Uint8Array(1), book: whole };
      expect(decodeFold(encodeFold(fold, LAW), witnessed, LAW)).toEqual(fold);
    }
    for (const wanted of [0, 0b100, -1, 1.5])
      expect(decodeBook(encodeBook({ ...book, wanted }), witnessed)).toBeNull();
    expect(decodeBook(encodeBook(book), witnessed)).toBeNull();
  });

  test('folds it into snapshots, strictly read', () => {
    if (bookShape === null) throw new Error('the rig has commands');
    const fold = { law: new Uint8Array(3).fill(1), book };
    expect(decodeFold(encodeFold(fold, LAW), bookShape, LAW)).toEqual(fold);
    expectStrict(
      encodeFold(fold, LAW),
      (raw) => decodeFold(raw, bookShape, LAW),
      (read) => encodeFold(read, LAW),
    );
    const large = { law: new Uint8Array(MAX_STATE_BYTES), book };
    expect(decodeFold(encodeFold(large, LAW), bookShape, LAW)).toEqual(large);
    expect(decodeFold(encodeFold(fold, LAW), { ...bookShape, clients: 1 }, LAW)).toBeNull();
    expect(decodeFold(encodeFold(fold, LAW), bookShape, new Uint8Array(32))).toBeNull();
    for (const other of [[], [1, 2, 3], [LAW, new Uint8Array(1), new Uint8Array(1)], 'fold'])
      expect(decodeFold(encodeCbor(other), bookShape, LAW)).toBeNull();
  });
});

describe('a rig with commands', () => {
  const rig: Rig = {
    ...makeRig({ sensors: 3, actuators: 2 }),
    operators: ['operator', 'pilot'],
    commands: [{ id: 'go', by: ['pilot'], effect: 'law', arguments: [] }],
  };
  const limits = deriveLimits(rig);
  const shape = shapeEntries(rig);
  const name = { client: 1, sequence: LONG, digest: new Uint8Array(32).fill(7) };
  const entry: Entry = {
    standing: { kind: 'running', stateTick: LONG, stateDigest: new Uint8Array(16) },
    readings: [1.1, 1.1, 1.1],
    actuators: [null, null],
    missed: 0,
    joins: 0,
    requests: [],
  };
  const naming = (requests: number): Entry => ({
    ...entry,
    requests: Array.from({ length: requests }, () => name),
  });
  const book: CommandBook = {
    clients: [0, 1].map((client) => ({
      floor: LONG,
      applied: Array.from({ length: KEPT_ANSWERS }, () => ({
        client,
        sequence: LONG,
        digest: new Uint8Array(32),
        tick: LONG,
        outcome: { kind: 'refused' as const, reason: 'x'.repeat(REASON_MAX_BYTES) },
      })),
    })),
    pending: Array.from({ length: 2 * OPEN_REQUESTS }, () => ({ ...name, agreedTick: LONG })),
    postures: [0, 1].map(() => ({ disarmed: true, armUntil: LONG })),
  };

  test('names in its entries as many requests as may be open, and no more', () => {
    const most = 2 * OPEN_REQUESTS;
    expect(decodeEntry(encodeEntry(naming(most)), shape)).toEqual(naming(most));
    expect(decodeEntry(encodeEntry(naming(most + 1)), shape)).toBeNull();
    expectStrict(encodeEntry(naming(2)), (raw) => decodeEntry(raw, shape), encodeEntry);
  });

  test('takes no entry of one without, and the other way round', () => {
    const { requests, ...bare } = entry;
    expect(requests).toEqual([]);
    expect(decodeEntry(encodeEntry(bare), shape)).toBeNull();
    expect(decodeEntry(encodeEntry(entry), { ...shape, requests: null })).toBeNull();
  });

  const shapeOf = (clients: number, actuators: number): BookShape => ({
    clients,
    actuators,
    order: 'vector',
    wantable: null,
  });

  test('keeps a book of bounded size, strictly read', () => {
    const encoded = encodeBook(book);
    expect(decodeBook(encoded, shapeOf(2, 2))).toEqual(book);
    expect(decodeBook(encoded, shapeOf(1, 2))).toBeNull();
    expect(decodeBook(encoded, shapeOf(2, 1))).toBeNull();
    const small: CommandBook = { ...openBook(2, 2), pending: [{ ...name, agreedTick: 3 }] };
    expectStrict(encodeBook(small), (raw) => decodeBook(raw, shapeOf(2, 2)), encodeBook);
    const long = { ...small, pending: Array.from({ length: 9 }, () => ({ ...name, agreedTick: 1 })) };
    expect(decodeBook(encodeBook(long), shapeOf(2, 2))).toBeNull();
  });

  test('has the book in its state, and none without commands', () => {
    const state = {
      tick: 5,
      run: new Uint8Array(16),
      startTick: 1,
      law: new Uint8Array(3),
      sensors: [],
      members: [],
    };
    const commands = shapeOf(2, 2);
    const whole = encodeReplicatedState({ ...state, book });
    expect(decodeReplicatedState(whole, 0, 0, commands)).toEqual({ ...state, book });
    expect(decodeReplicatedState(whole, 0, 0)).toBeNull();
    expect(decodeReplicatedState(encodeReplicatedState(state), 0, 0, commands)).toBeNull();
  });

  test('has frames for the fullest of all these', () => {
    const codec = new PeerCodec(limits, null);
    const value = encodeEntry(naming(2 * OPEN_REQUESTS));
    const items = [
      { path: [2], value },
      { path: [3], value },
    ];
    const round = codec.encode({ kind: 'round', tick: LONG, round: 2, run: new Uint8Array(16), items });
    expect(round.length).toBeLessThanOrEqual(limits.payloadBytes.round);
    const whole = new Uint8Array(REQUEST_CONTENT_MAX_BYTES);
    expect(codec.encode({ kind: 'content-reply', content: whole }).length).toBeLessThanOrEqual(
      limits.payloadBytes.state,
    );
    expect(encodeRequest({ kind: 'submit', content: whole }).length).toBeLessThanOrEqual(
      limits.payloadBytes.request,
    );
    const log = encodeReply({
      kind: 'log',
      sequence: LONG,
      items: Array.from({ length: LOG_ITEMS_MAX }, () => ({
        ...name,
        client: 7,
        effect: {
          tick: LONG,
          outcome: { kind: 'refused' as const, reason: 'x'.repeat(REASON_MAX_BYTES) },
        },
        slot: LONG,
        content: whole,
      })),
    });
    expect(log.length).toBeLessThanOrEqual(limits.payloadBytes.reply);
    for (const cap of Object.values(limits.frameBytes)) expect(cap).toBeLessThanOrEqual(PACKET_LIMIT_BYTES);
  });

  test('reads contents among replicas strictly, and a rig without commands reads none', () => {
    const codec = new PeerCodec(limits, null);
    const digest = digestContent(Uint8Array.of(1));
    for (const message of [
      { kind: 'content-request', digest },
      { kind: 'content-reply', content: Uint8Array.of(1, 2) },
    ] as const) {
      const payload = codec.encode(message);
      expect(codec.decode(0, 'state', payload)).toEqual({ ok: true, message });
      expect(new PeerCodec(deriveLimits(makeRig()), null).decode(0, 'state', payload).ok).toBe(false);
    }
    for (const other of [
      [4, new Uint8Array(31)],
      [4, digest, 1],
      [5, 'x'],
      [5, new Uint8Array(257)],
      [6, digest],
    ])
      expect(codec.decode(0, 'state', encodeCbor(other)).ok).toBe(false);
  });
});
