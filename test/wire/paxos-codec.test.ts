/** Messages and records of Simplified Paxos on the wire and on disk: nothing is lost, and nothing else is read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkCbor, decodeCbor, encodeCbor, type CborValue } from '../../src/wire/cbor.js';
import {
  decodePaxosMessage,
  decodePaxosRecord,
  encodePaxosMessage,
  encodePaxosRecord,
  maxPaxosBytes,
  type PaxosLimits,
} from '../../src/wire/paxos-codec.js';
import { anyPaxosMessage, anyPaxosRecord, PAXOS_LIMITS } from './paxos-samples.js';

/** The same with one field of one list replaced, dropped or doubled. */
const damage = (value: CborValue, at: readonly number[], how: number): CborValue => {
  if (!Array.isArray(value) || value.length === 0) return how % 2 === 0 ? -1 : 'x';
  const list = [...(value as readonly CborValue[])];
  const [first = 0, ...rest] = at;
  const index = first % list.length;
  if (how === 0 || rest.length > 0) list[index] = damage(list[index] as CborValue, rest, how);
  else if (how === 1) list.splice(index, 1);
  else list.push(list[index] as CborValue);
  return list;
};

describe.each([
  ['messages', anyPaxosMessage, encodePaxosMessage, decodePaxosMessage],
  ['records', anyPaxosRecord, encodePaxosRecord, decodePaxosRecord],
] as const)('%s', (_, any, encode, decode) => {
  const write = encode as (value: unknown) => Uint8Array;
  const read = decode as (limits: PaxosLimits, bytes: Uint8Array) => unknown;

  test('are read as they were written, in deterministic CBOR within the bound', () => {
    fc.assert(
      fc.property(any as fc.Arbitrary<unknown>, (value) => {
        const bytes = write(value);
        expect(checkCbor(bytes)).toBeNull();
        expect(bytes.length).toBeLessThanOrEqual(maxPaxosBytes(PAXOS_LIMITS));
        expect(read(PAXOS_LIMITS, bytes)).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test('that are damaged are read as what writes the same bytes, or not at all', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        any as fc.Arbitrary<unknown>,
        fc.array(fc.nat({ max: 8 }), { minLength: 1, maxLength: 5 }),
        fc.nat({ max: 2 }),
        (value, at, how) => {
          const decoded = decodeCbor(write(value));
          if (!decoded.ok) throw new Error(decoded.fault);
          const bytes = encodeCbor(damage(decoded.value, at, how));
          const again = read(PAXOS_LIMITS, bytes);
          if (again === null) refused += 1;
          else expect(write(again)).toEqual(bytes);
        },
      ),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  test('that are any bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const value = read(PAXOS_LIMITS, bytes);
        if (value !== null) expect(write(value)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe('limits', () => {
  const nothing = [1];
  const read = (fields: CborValue): unknown => decodePaxosMessage(PAXOS_LIMITS, encodeCbor(fields));

  test('more entries, votes, clients or replicas than a rig has are refused', () => {
    expect(read([9, 1, 5, 9, [nothing, nothing, nothing]])).not.toBeNull();
    expect(read([9, 1, 5, 9, [nothing, nothing, nothing, nothing]])).toBeNull();
    const votes = (length: number): CborValue => Array.from({ length }, (_, slot) => [slot, 3, nothing]);
    expect(read([1, 1, 3, 0, votes(9)])).not.toBeNull();
    expect(read([1, 1, 3, 0, votes(10)])).toBeNull();
    expect(read([4, 1, 3, 1, 0, [2, 7], true])).not.toBeNull();
    expect(read([4, 1, 3, 1, 0, [2, 8], true])).toBeNull();
  });

  test('a value at its longest is read, a longer one is not', () => {
    const propose = (length: number): CborValue => [4, 1, 3, 1, 0, [0, 'c', 1, new Uint8Array(length)], true];
    expect(read(propose(16))).not.toBeNull();
    expect(read(propose(17))).toBeNull();
  });

  test('a witness keeps no more than its record holds: a few dozen bytes', () => {
    const change = { ballot: 2 ** 40, from: 2 ** 40, slot: 2 ** 40, quorum: 7, digest: new Uint8Array(16) };
    const record = { kind: 'witness', incarnation: 9, promised: 2 ** 40, change } as const;
    expect(encodePaxosRecord(record).length).toBeLessThanOrEqual(64);
  });
});
