import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type {
  ActuatorCommand,
  ActuatorStatus,
  Entry,
  PeerMessage,
  Reading,
  Stamp,
  Standing,
} from '../../src/core/types.js';
import {
  decodeCommand,
  decodeStatus,
  encodeCommand,
  encodeStatus,
  type StatusFrame,
} from '../../src/wire/actuator-codec.js';
import { decodeCbor, encodeCbor, type CborValue } from '../../src/wire/cbor.js';
import {
  decodeControlAnswer,
  decodeControlRequest,
  encodeControlAnswer,
  encodeControlRequest,
} from '../../src/wire/control-codec.js';
import { decodeEntry, encodeEntry } from '../../src/wire/entry-codec.js';
import { deriveLimits, ANSWER_TEXT_MAX_BYTES, CONTROL_TEXT_MAX_BYTES } from '../../src/wire/limits.js';
import { PeerCodec, purposeOf, type PeerPurpose } from '../../src/wire/peer-codec.js';
import { makeRig } from './make-rig.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const count = fc.nat(Number.MAX_SAFE_INTEGER);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const SHAPE = { sensorTypes: ['number', 'boolean', 'number'] as const, actuators: 2, requests: null };

const status: fc.Arbitrary<ActuatorStatus> = fc.record({
  bootNonce: bytes(8),
  phase: fc.constantFrom('armed' as const, 'fail-safe' as const),
  trips: count,
  lastTick: fc.oneof(count, fc.constant(-1)),
});
const replicaSet = fc.nat(127);
const number: fc.Arbitrary<Reading> = fc.option(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const standing: fc.Arbitrary<Standing> = fc.oneof(
  fc.record({ kind: fc.constant('waiting' as const), nonce: bytes(16), waitedTicks: count }),
  fc.record({ kind: fc.constant('running' as const), stateTick: count, stateDigest: bytes(16) }),
);
const entry: fc.Arbitrary<Entry> = fc.record({
  standing,
  readings: fc.tuple<Reading[]>(number, fc.option(fc.boolean()) as fc.Arbitrary<Reading>, number),
  actuators: fc.tuple<(ActuatorStatus | null)[]>(fc.option(status), fc.option(status)),
  missed: replicaSet,
  joins: replicaSet,
});
const command: fc.Arbitrary<ActuatorCommand> = fc.record(
  {
    tick: count,
    order: fc.oneof(
      fc.record({ kind: fc.constant('output' as const), count: int32 }),
      fc.constant({ kind: 'trip' as const }),
      fc.constant({ kind: 'none' as const }),
    ),
    arm: fc.option(fc.record({ bootNonce: bytes(8), trips: count, firstTick: count })),
    basis: bytes(16),
  },
  { requiredKeys: ['tick', 'order', 'arm'] },
);
const statusFrame: fc.Arbitrary<StatusFrame> = fc
  .record({ status, lastCount: int32, missedTicks: count })
  .map(({ status: own, ...numbers }) => ({ ...own, ...numbers }));

/** Every value with one item of the tree replaced by something of another kind. */
function* spoil(value: CborValue): Generator<CborValue> {
  const strangers: CborValue[] = [
    null,
    true,
    1.5,
    -7,
    2 ** 60,
    Infinity,
    'text',
    new Uint8Array(3),
    [],
    {},
    [[]],
  ];
  for (const stranger of strangers) yield stranger;
  if (!Array.isArray(value)) return;
  const items = value as readonly CborValue[];
  yield [...items, null];
  if (items.length > 0) yield items.slice(0, -1);
  for (const [at, item] of items.entries()) {
    for (const spoiled of spoil(item)) yield items.map((one, i) => (i === at ? spoiled : one));
  }
}

/** Whatever a decoder accepts must be what its encoder writes; nothing may throw. */
function expectStrict<T>(
  encoded: Uint8Array,
  decode: (bytes: Uint8Array) => T | null,
  encode: (value: T) => Uint8Array,
): number {
  const decoded = decodeCbor(encoded);
  if (!decoded.ok) throw new Error('an encoder writes deterministic CBOR');
  let refused = 0;
  for (const spoiled of spoil(decoded.value)) {
    const altered = encodeCbor(spoiled);
    const result = decode(altered);
    if (result === null) refused += 1;
    else expect(Buffer.from(encode(result)).toString('hex')).toBe(Buffer.from(altered).toString('hex'));
  }
  return refused;
}

describe('entries', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(entry, (one) => {
        expect(decodeEntry(encodeEntry(one), SHAPE)).toEqual(one);
      }),
      { numRuns: 1000 },
    );
  });

  test('readings that are not finite become absent, −0 becomes 0', () => {
    const one: Entry = {
      standing: { kind: 'running', stateTick: 1, stateDigest: new Uint8Array(16) },
      readings: [NaN, true, Infinity],
      actuators: [null, null],
      missed: 0,
      joins: 0,
    };
    expect(decodeEntry(encodeEntry(one), SHAPE)?.readings).toEqual([null, true, null]);
    const zero = decodeEntry(encodeEntry({ ...one, readings: [-0, false, 0] }), SHAPE);
    expect(zero?.readings.map((reading) => Object.is(reading, -0))).toEqual([false, false, false]);
  });

  test('of another form are null: wrong types, numbers of things, lengths, infinities', () => {
    fc.assert(
      fc.property(entry, (one) => {
        expect(expectStrict(encodeEntry(one), (raw) => decodeEntry(raw, SHAPE), encodeEntry)).toBeGreaterThan(
          50,
        );
      }),
      { numRuns: 30 },
    );
    fc.assert(
      fc.property(entry, fc.uint8Array(), (one, noise) => {
        const whole = encodeEntry(one);
        expect(decodeEntry(whole, { ...SHAPE, actuators: 1 })).toBeNull();
        expect(decodeEntry(whole, { ...SHAPE, sensorTypes: ['number', 'boolean'] })).toBeNull();
        expect(decodeEntry(whole.subarray(1), SHAPE)).toBeNull();
        expect(decodeEntry(Uint8Array.from([...whole, 0]), SHAPE)).toBeNull();
        decodeEntry(noise, SHAPE);
      }),
    );
    const infinite = encodeCbor([
      [1, 0, new Uint8Array(16)],
      [Infinity, true, 0],
      [null, null],
    ]);
    expect(decodeEntry(infinite, SHAPE)).toBeNull();
  });
});

describe('commands and statuses', () => {
  test('come back as they were, and equal commands have equal bytes', () => {
    fc.assert(
      fc.property(command, statusFrame, (one, account) => {
        expect(decodeCommand(encodeCommand(one))).toEqual(one);
        expect(encodeCommand(structuredClone(one))).toEqual(encodeCommand(one));
        expect(decodeStatus(encodeStatus(account))).toEqual(account);
      }),
      { numRuns: 500 },
    );
  });

  test('of another form are null', () => {
    fc.assert(
      fc.property(command, statusFrame, fc.uint8Array(), (one, account, noise) => {
        expect(expectStrict(encodeCommand(one), decodeCommand, encodeCommand)).toBeGreaterThan(15);
        expect(expectStrict(encodeStatus(account), decodeStatus, encodeStatus)).toBeGreaterThan(30);
        decodeCommand(noise);
        decodeStatus(noise);
      }),
      { numRuns: 50 },
    );
    for (const outOfRange of [2 ** 31, -(2 ** 31) - 1, 0.5])
      expect(decodeCommand(encodeCbor([1, outOfRange, null]))).toBeNull();
  });
});

describe('control', () => {
  test('requests and answers come back as they were; others are null', () => {
    fc.assert(
      fc.property(
        count,
        fc.boolean(),
        fc.string({ maxLength: 100 }),
        fc.uint8Array(),
        (sequence, ok, text, noise) => {
          expect(decodeControlRequest(encodeControlRequest({ sequence, text }))).toEqual({ sequence, text });
          expect(decodeControlAnswer(encodeControlAnswer({ sequence, ok, text }))).toEqual({
            sequence,
            ok,
            text,
          });
          expectStrict(encodeControlRequest({ sequence, text }), decodeControlRequest, encodeControlRequest);
          expectStrict(encodeControlAnswer({ sequence, ok, text }), decodeControlAnswer, encodeControlAnswer);
          decodeControlRequest(noise);
          decodeControlAnswer(noise);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('too long a request is the sender’s error; too long an answer is cut at a character', () => {
    expect(() => encodeControlRequest({ sequence: 1, text: 'x'.repeat(CONTROL_TEXT_MAX_BYTES + 1) })).toThrow(
      /at most 512/,
    );
    const oversize = encodeCbor([1, 'x'.repeat(CONTROL_TEXT_MAX_BYTES + 1)]);
    expect(decodeControlRequest(oversize)).toBeNull();
    const answer = decodeControlAnswer(
      encodeControlAnswer({ sequence: 1, ok: true, text: 'é'.repeat(ANSWER_TEXT_MAX_BYTES) }),
    );
    expect(answer?.text).toMatch(/^é+…$/);
    expect(Buffer.byteLength(answer?.text ?? '')).toBeLessThanOrEqual(ANSWER_TEXT_MAX_BYTES);
  });
});

describe('messages between replicas, MACs', () => {
  const limits = deriveLimits(
    makeRig({ replicas: 7, hypothesis: { kind: 'byzantine', f: 2, authenticators: 'mac' } }),
  );
  const codec = new PeerCodec(limits, null);
  const run = bytes(16);
  const value = fc.option(fc.uint8Array({ maxLength: 60 }));
  const item = (round: number) =>
    fc.record({ path: fc.array(fc.nat(6), { minLength: round - 1, maxLength: round - 1 }), value });
  const us = fc.nat(2 ** 32);
  const stamp: fc.Arbitrary<Stamp> = fc.record({
    lagUs: us,
    heldUs: fc.array(fc.option(us), { minLength: 7, maxLength: 7 }),
  });
  const round: fc.Arbitrary<PeerMessage> = fc.integer({ min: 1, max: 3 }).chain((at) =>
    fc.record({
      kind: fc.constant('round' as const),
      tick: count,
      round: fc.constant(at),
      run,
      items: fc.array(item(at), { maxLength: limits.itemsByRound[at] as number }),
      ...(at === 1 ? { stamp } : {}),
    }),
  );
  const message: fc.Arbitrary<PeerMessage> = fc.oneof(
    round,
    fc.record({ kind: fc.constant('state-request' as const), digest: bytes(16), offset: count }),
    fc.record({
      kind: fc.constant('state-reply' as const),
      digest: bytes(16),
      length: count,
      offset: count,
      piece: fc.uint8Array({ maxLength: 200 }),
    }),
    fc.record({ kind: fc.constant('join' as const), tick: count, ready: fc.boolean(), stamp }),
    fc.record({
      kind: fc.constant('start' as const),
      step: fc.constantFrom('init' as const, 'echo' as const),
    }),
  );

  test('come back as they were', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(codec.decode(0, purposeOf(one), codec.encode(one))).toEqual({ ok: true, message: one });
      }),
      { numRuns: 1000 },
    );
  });

  test('of another form are malformed', () => {
    fc.assert(
      fc.property(message, fc.uint8Array(), (one, noise) => {
        const purpose = purposeOf(one);
        const decode = (raw: Uint8Array): PeerMessage | null => {
          const result = codec.decode(0, purpose, raw);
          return result.ok ? result.message : null;
        };
        expect(expectStrict(codec.encode(one), decode, (again) => codec.encode(again))).toBeGreaterThan(8);
        decode(noise);
        const other: PeerPurpose = purpose === 'round' ? 'state' : 'round';
        expect(codec.decode(0, other, codec.encode(one))).toEqual({ ok: false, cause: 'malformed-payload' });
      }),
      { numRuns: 60 },
    );
  });

  test('bounds: rounds, items, path lengths and ids, run, size', () => {
    const zeros = new Uint8Array(16);
    const held = [null, 1, 2, 3, 4, 5, 2 ** 32];
    const refused: CborValue[][] = [
      [1, 0, zeros, []],
      [1, 4, zeros, []],
      [-1, 1, zeros, []],
      [1, 1, new Uint8Array(15), []],
      [1, 1, zeros, [[new Uint8Array(1), null]]],
      [1, 2, zeros, [[new Uint8Array(0), null]]],
      [1, 2, zeros, [[Uint8Array.from([7]), null]]],
      [
        1,
        1,
        zeros,
        [
          [new Uint8Array(0), null],
          [new Uint8Array(0), null],
        ],
      ],
      [1, 1, zeros, [[new Uint8Array(0), new Uint8Array(limits.payloadBytes.round)]]],
      [1, 1, zeros, [[new Uint8Array(0), null, new Uint8Array(73)]]],
    ];
    for (const one of refused) {
      const stamped = one[1] === 1 ? [...one, 0, held] : one;
      expect(codec.decode(0, 'round', encodeCbor(stamped))).toEqual({
        ok: false,
        cause: 'malformed-payload',
      });
    }
    const items = [[new Uint8Array(0), null]];
    const accepts = (one: CborValue): boolean => codec.decode(0, 'round', encodeCbor(one)).ok;
    expect(accepts([1, 1, zeros, items, 0, held])).toBe(true);
    // A stamp for each replica, in round 1 and in no other.
    expect(accepts([1, 1, zeros, items])).toBe(false);
    expect(accepts([1, 2, zeros, [], 0, held])).toBe(false);
    expect(accepts([1, 1, zeros, items, -1, held])).toBe(false);
    expect(accepts([1, 1, zeros, items, 2 ** 32 + 1, held])).toBe(false);
    expect(accepts([1, 1, zeros, items, 0, held.slice(1)])).toBe(false);
    expect(accepts([1, 1, zeros, items, 0, [...held.slice(1), 2 ** 32 + 1]])).toBe(false);
  });

  test('what is relayed of a commander is the value that came before, and where it was altered the altered one', () => {
    const receiver = new PeerCodec(limits, null);
    const read = (from: number, path: readonly number[], said: Uint8Array): Uint8Array => {
      const heading = { kind: 'round', tick: 4, round: path.length + 1, run: new Uint8Array(16) } as const;
      const items = [{ path, value: said }];
      const stamp = path.length === 0 ? { stamp: { lagUs: 0, heldUs: new Array<null>(7).fill(null) } } : {};
      const decoded = receiver.decode(from, 'round', codec.encode({ ...heading, items, ...stamp }));
      if (!decoded.ok || decoded.message.kind !== 'round') throw new Error('it does not decode');
      return decoded.message.items[0]?.value ?? new Uint8Array(0);
    };
    const said = Uint8Array.of(1, 2, 3);
    const first = read(1, [], said);
    expect(first).toEqual(said);
    expect(read(2, [1], said)).toBe(first);
    for (const altered of [Uint8Array.of(1, 2, 4), Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3, 0)]) {
      expect(read(2, [1], altered)).toEqual(altered);
      expect(read(3, [1], said)).toEqual(said);
    }
    expect(first).toEqual(said);
  });

  test('signature chains go with signed rigs only', () => {
    expect(() => new PeerCodec({ ...limits, isSigned: true }, null)).toThrow();
  });
});
