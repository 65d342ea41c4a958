/** The witness's record in 40 bytes: all that the core may keep, and nothing else. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KNOWN_BALLOT, type PaxosRecord } from '../../src/core/paxos/types.js';
import { decodeWitness, encodeWitness } from '../../src/store/witness-codec.js';
import { WITNESS_STATE_BYTES } from '../../src/store/witness-state.js';

type WitnessRecord = Extract<PaxosRecord, { kind: 'witness' }>;

const count = fc.nat({ max: 0xffff_fffe });
const ballot = fc.oneof(count, fc.constant(KNOWN_BALLOT));
const records: fc.Arbitrary<WitnessRecord> = fc.record({
  kind: fc.constant('witness'),
  incarnation: count,
  promised: ballot,
  change: fc.option(
    fc.record({
      ballot,
      from: count,
      slot: count,
      quorum: fc.nat({ max: 7 }),
      digest: fc.uint8Array({ maxLength: 16 }),
    }),
  ),
});

describe('the record of a witness', () => {
  test('comes back as it was, from 40 bytes', () => {
    fc.assert(
      fc.property(records, (record) => {
        const bytes = encodeWitness(record);
        expect(bytes).toHaveLength(WITNESS_STATE_BYTES);
        expect(decodeWitness(bytes)).toEqual(record);
      }),
    );
  });

  test('a ballot that four bytes do not hold is refused, never cut', () => {
    const change = { ballot: 2 ** 32, from: 1, slot: 1, quorum: 1, digest: new Uint8Array(0) };
    expect(() =>
      encodeWitness({ kind: 'witness', incarnation: 1, promised: 2 ** 32 - 1, change: null }),
    ).toThrow(RangeError);
    expect(() => encodeWitness({ kind: 'witness', incarnation: 1, promised: 1, change })).toThrow(RangeError);
  });

  test('no other record, and no other bytes', () => {
    expect(() => encodeWitness({ kind: 'promise', ballot: 1 })).toThrow(/keeps no promise/);
    expect(decodeWitness(new Uint8Array(39))).toBeNull();
    expect(decodeWitness(new Uint8Array(40).fill(255))).toBeNull();
  });
});
