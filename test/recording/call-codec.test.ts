/** Calls as bytes and back. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Purpose, StoreRefusalCode } from '../../src/ports.js';
import { CallDecoder, CallEncoder } from '../../src/recording/call-codec.js';
import type { PortCall } from '../../src/recording/port-call.js';
import { RecordingError } from '../../src/recording/recording-error.js';

const PRINCIPALS = ['a', 'b', 'elevator'];

const principal = fc.constantFrom(...PRINCIPALS, 'stranger', '');
const purpose = fc.constantFrom<Purpose>(
  'hello',
  'round',
  'state',
  'command',
  'status',
  'control',
  'answer',
  'report',
  'order',
);
const bytes = fc.uint8Array({ maxLength: 300 });
const count = fc.nat();
const crc = fc.nat({ max: 0xffffffff });
const text = fc.string({ unit: 'binary' });
const nested = fc.boolean();
/** Whole microseconds mostly, in any order; faults may set a timer for a fraction of one. */
const time = fc.oneof(fc.maxSafeInteger(), fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true }));

const kind = <Kind extends PortCall['kind']>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);

const call: fc.Arbitrary<PortCall> = fc.oneof(
  fc.record({ kind: kind('timer'), id: count, atUs: time, nested }),
  fc.record({ kind: kind('frame'), from: principal, purpose, frame: bytes, arrivedUs: time, nested }),
  fc.record({ kind: kind('link'), to: principal, up: fc.boolean(), nested }),
  fc.record({ kind: kind('line-open'), line: count, nested }),
  fc.record({ kind: kind('line-bytes'), line: count, bytes, nested }),
  fc.record({ kind: kind('line-close'), line: count, reason: text, nested }),
  fc.record({ kind: kind('order'), text, nested }),
  fc.record({ kind: fc.constantFrom('stop' as const, 'stopped' as const), nested }),
  fc.record({ kind: kind('now'), us: time }),
  fc.record({ kind: kind('entropy'), bytes }),
  fc.record({ kind: kind('taken'), taken: fc.boolean() }),
  fc.record({
    kind: kind('sent'),
    claimed: fc.option(principal),
    to: principal,
    purpose,
    length: count,
    crc,
  }),
  fc.record({ kind: kind('dial'), line: count }),
  fc.record({ kind: kind('written'), line: count, length: count, crc }),
  fc.record({ kind: kind('hang-up'), line: count }),
  fc.record({ kind: fc.constantFrom('tick' as const, 'voter' as const, 'told' as const), text }),
  fc.record({ kind: kind('killed') }),
  fc.record({ kind: kind('loaded'), place: text, records: fc.option(fc.array(fc.tuple(text, bytes))) }),
  fc.record({ kind: kind('stored'), write: count, made: fc.boolean(), changes: count, crc }),
  fc.record({
    kind: kind('durable'),
    write: count,
    refusal: fc.option(
      fc.record({
        code: fc.constantFrom<StoreRefusalCode>('full', 'disk-full', 'io-error', 'read-only', 'closed'),
        message: text,
      }),
    ),
    nested,
  }),
);

function decodeAll(blocks: readonly Uint8Array[]): readonly PortCall[] {
  const decoder = new CallDecoder(PRINCIPALS, 'x.calls');
  const calls: PortCall[] = [];
  for (const block of blocks) {
    decoder.load(block);
    for (let read = decoder.next(); read !== null; read = decoder.next()) calls.push(read);
  }
  return calls;
}

test('any calls, in any blocks, come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.array(call)), (blocks) => {
      const encoder = new CallEncoder(PRINCIPALS);
      const written = blocks.map((calls) => {
        for (const one of calls) encoder.write(one);
        return encoder.take();
      });
      // Minus zero is no time.
      const plain = (calls: readonly PortCall[]): string => JSON.stringify(calls);
      expect(plain(decodeAll(written))).toBe(plain(blocks.flat()));
    }),
    { numRuns: 300 },
  );
});

test('reading gives its own bytes', () => {
  const encoder = new CallEncoder(PRINCIPALS);
  const frame = new Uint8Array([1, 2, 3]);
  encoder.write({ kind: 'frame', from: 'a', purpose: 'round', frame, arrivedUs: 5, nested: false });
  const block = encoder.take();
  frame.fill(9);
  const [read] = decodeAll([block]);
  block.fill(0);
  expect(read).toMatchObject({ frame: new Uint8Array([1, 2, 3]) });
});

test('looks at the clock a tick apart take few bytes', () => {
  const encoder = new CallEncoder(PRINCIPALS);
  encoder.write({ kind: 'now', us: 1_300_000_000_000 });
  const before = encoder.length;
  encoder.write({ kind: 'now', us: 1_300_000_000_025 });
  encoder.write({ kind: 'now', us: 1_300_000_020_025 });
  expect(encoder.length - before).toBeLessThanOrEqual(6);
});

test('bytes that are no calls are refused or read as other calls, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (block) => {
      try {
        for (const read of decodeAll([block])) expect(read.kind).toBeTypeOf('string');
      } catch (error) {
        expect(error).toBeInstanceOf(RecordingError);
        expect((error as Error).message).toMatch(/^x\.calls: .*; replay it with/);
      }
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['an unknown kind', [0x7f]],
  ['a call that is cut', [1, 1]],
  ['a principal that there is not', [2, 77, 1]],
  ['an integer without end', [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
])('%s is refused', (_, block) => {
  expect(() => decodeAll([new Uint8Array(block)])).toThrow(RecordingError);
});
