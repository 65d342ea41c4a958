/** The witness's record in 40 bytes: all that the core may keep, in every range of ballots, and nothing else. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextBallot } from '../../src/core/paxos/ballot.js';
import { KNOWN_BALLOT, type Ballot, type PaxosRecord } from '../../src/core/paxos/types.js';
import { decodeWitness, encodeWitness } from '../../src/store/witness-codec.js';
import { WITNESS_STATE_BYTES } from '../../src/store/witness-state.js';

type WitnessRecord = Extract<PaxosRecord, { kind: 'witness' }>;

const DEVICES = 3;
const count = fc.nat({ max: 0xffff_ffff });
/** As leaders draw them, after so many admissions. */
const ballot = fc.oneof(
  fc
    .tuple(fc.nat({ max: 254 }), fc.nat({ max: 2 }))
    .map(([admissions, replica]) => nextBallot(0, replica, DEVICES, admissions) as Ballot),
  fc.nat({ max: 0xffff_ffff }),
  fc.constant(KNOWN_BALLOT),
);
const records: fc.Arbitrary<WitnessRecord> = fc.record({
  kind: fc.constant('witness'),
  incarnation: fc.nat({ max: 0xffff }),
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

  test('no other record, and no other bytes', () => {
    expect(() => encodeWitness({ kind: 'promise', ballot: 1 })).toThrow(/keeps no promise/);
    expect(decodeWitness(new Uint8Array(39))).toBeNull();
    // A range of all ones is that of the ballot above all, at one place only.
    expect(decodeWitness(Uint8Array.of(1, 0, 255, 255, ...new Uint8Array(36)))).toBeNull();
  });
});
