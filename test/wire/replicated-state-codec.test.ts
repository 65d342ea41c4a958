import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReplicatedState } from '../../src/core/replicated-state.js';
import { MAX_REPLICAS, MAX_SENSORS, MAX_STATE_BYTES } from '../../src/rig/schema.js';
import {
  decodeReplicatedState,
  digestBytes,
  encodeReplicatedState,
} from '../../src/wire/replicated-state-codec.js';

const count = fc.nat(2 ** 40);
const state: fc.Arbitrary<ReplicatedState> = fc.record({
  tick: count.map((tick) => tick + 1),
  run: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  startTick: fc.nat(1),
  law: fc.uint8Array({ maxLength: 100 }),
  sensors: fc.tuple(
    fc.record({
      held: fc.option(fc.double({ noNaN: true }).map((held) => held + 0)),
      lostSince: fc.option(count),
    }),
    fc.record({ held: fc.option(fc.boolean()), lostSince: fc.option(count) }),
  ),
  members: fc.array(
    fc.record({
      status: fc.constantFrom('active' as const, 'excluded' as const),
      sinceTick: count,
      missedTicks: count,
      penaltyTicks: count,
    }),
    { minLength: 3, maxLength: 3 },
  ),
});

test('states come back as they were, and equal states have equal digests of 16 bytes', () => {
  fc.assert(
    fc.property(state, (one) => {
      const encoded = encodeReplicatedState(one);
      expect(decodeReplicatedState(encoded, 2, 3)).toEqual(one);
      expect(digestBytes(encoded)).toHaveLength(16);
      expect(encodeReplicatedState(structuredClone(one))).toEqual(encoded);
    }),
  );
});

test('for another number of sensors, cut, altered or noise: null, or the state that these bytes stand for', () => {
  fc.assert(
    fc.property(
      state,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.uint8Array(),
      (one, at, mask, noise) => {
        const encoded = encodeReplicatedState(one);
        expect(decodeReplicatedState(encoded, 1, 3)).toBeNull();
        expect(decodeReplicatedState(encoded, 2, 4)).toBeNull();
        expect(decodeReplicatedState(encoded.subarray(0, -1), 2, 3)).toBeNull();
        const altered = Uint8Array.from(encoded);
        altered[at % altered.length] = (altered[at % altered.length] as number) ^ mask;
        for (const bytes of [altered, noise]) {
          const decoded = decodeReplicatedState(bytes, 2, 3);
          if (decoded !== null) expect(encodeReplicatedState(decoded)).toEqual(bytes);
        }
      },
    ),
  );
});

test('the longest state that a law may keep is read', () => {
  const one: ReplicatedState = {
    tick: 2 ** 40,
    run: new Uint8Array(16),
    startTick: 1,
    law: new Uint8Array(MAX_STATE_BYTES),
    sensors: Array.from({ length: MAX_SENSORS }, () => ({ held: 0.1, lostSince: 2 ** 40 })),
    members: Array.from({ length: MAX_REPLICAS }, () => ({
      status: 'active' as const,
      sinceTick: 2 ** 40,
      missedTicks: 2 ** 40,
      penaltyTicks: 2 ** 40,
    })),
  };
  const encoded = encodeReplicatedState(one);
  expect(decodeReplicatedState(encoded, MAX_SENSORS, MAX_REPLICAS)).toEqual(one);
});
