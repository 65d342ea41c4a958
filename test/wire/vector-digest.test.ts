/** What names a vector tells every two of them apart. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../../src/core/bytes.js';
import { digestBytes } from '../../src/wire/replicated-state-codec.js';
import { createVectorDigest } from '../../src/wire/vector-digest.js';

const value = fc.option(fc.uint8Array({ minLength: 0, maxLength: 40 }));

test('vectors have one digest exactly if all their values are equal, absent unlike empty', () => {
  const digest = createVectorDigest(digestBytes);
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), fc.array(value, { maxLength: 4 }), (a, b) => {
      const name = (vector: (Uint8Array | null)[]): string =>
        vector.map((one) => (one === null ? 'absent' : toHex(one))).join();
      expect(toHex(digest(a)) === toHex(digest(b))).toBe(a.length === b.length && name(a) === name(b));
      expect(digest(a)).toEqual(createVectorDigest(digestBytes)(a.map((one) => one?.slice() ?? null)));
    }),
  );
  expect(digest([null])).not.toEqual(digest([new Uint8Array()]));
  expect(digest([new Uint8Array([1]), null])).not.toEqual(digest([null, new Uint8Array([1])]));
  // The values of one are the joint of the other's.
  expect(digest([new Uint8Array([1, 2]), new Uint8Array()])).not.toEqual(
    digest([new Uint8Array([1]), new Uint8Array([2])]),
  );
});

test('the digest of the last vector is remembered', () => {
  let asked = 0;
  const digest = createVectorDigest((bytes) => {
    asked += 1;
    return digestBytes(bytes);
  });
  const first = digest([new Uint8Array([1]), null]);
  expect(digest([new Uint8Array([1]), null])).toBe(first);
  expect(asked).toBe(1);
  digest([new Uint8Array([2]), null]);
  expect(asked).toBe(2);
});
