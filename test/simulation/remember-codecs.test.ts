/** Codecs with a short memory answer as those without one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/core/types.js';
import type { ReplicaCodecs } from '../../src/process/replica-config.js';
import { rememberCodecs } from '../../src/simulation/remember-codecs.js';
import { decodeEntry, encodeEntry } from '../../src/wire/entry-codec.js';
import {
  decodeReplicatedState,
  digestBytes,
  encodeReplicatedState,
} from '../../src/wire/replicated-state-codec.js';
import { createVectorDigest } from '../../src/wire/vector-digest.js';

const SHAPE = { sensorTypes: ['number'], actuators: 0, requests: null } as const;

function countingCodecs(): { readonly codecs: ReplicaCodecs; readonly count: () => number } {
  let asked = 0;
  const codecs: ReplicaCodecs = {
    encodeEntry,
    decodeEntry: (value) => {
      asked += 1;
      return decodeEntry(value, SHAPE);
    },
    encodeState: encodeReplicatedState,
    decodeState: (bytes) => decodeReplicatedState(bytes, 1, 1),
    digest: digestBytes,
    digestVector: createVectorDigest(digestBytes),
  };
  return { codecs, count: () => asked };
}

const entryOf = (reading: number): Entry => ({
  standing: { kind: 'waiting', nonce: new Uint8Array(16), waitedTicks: 3 },
  readings: [reading],
  actuators: [],
  missed: 0,
  joins: 0,
});

describe('codecs that remember', () => {
  it('answer as the codecs themselves, in whatever order they are asked', () => {
    const { codecs } = countingCodecs();
    const remembering = rememberCodecs(codecs);
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 200 }), (readings) => {
        for (const reading of readings) {
          const bytes = encodeEntry(entryOf(reading));
          // Some are no entry at all.
          if (reading % 7 === 0) bytes[0] = 0xff;
          expect(remembering.decodeEntry(bytes)).toEqual(decodeEntry(bytes, SHAPE));
          expect(remembering.digest(bytes)).toEqual(digestBytes(bytes));
        }
      }),
    );
  });

  it('ask once for equal bytes, and again for bytes that differ in one place', () => {
    const { codecs, count } = countingCodecs();
    const remembering = rememberCodecs(codecs);
    const first = remembering.decodeEntry(encodeEntry(entryOf(1.5)));
    expect(remembering.decodeEntry(encodeEntry(entryOf(1.5)))).toBe(first);
    expect(count()).toBe(1);
    expect(remembering.decodeEntry(encodeEntry(entryOf(2.5)))?.readings).toEqual([2.5]);
    expect(count()).toBe(2);
  });
});
