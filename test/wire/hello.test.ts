import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeCbor, type CborValue } from '../../src/wire/cbor.js';
import { decodeHello, encodeHello, HELLO_MAX_BYTES, type Hello } from '../../src/wire/hello.js';
import { DIGESTS } from './link-net.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hello: fc.Arbitrary<Hello> = fc
  .record({
    version: fc.constant(1),
    digests: fc.record({ rig: bytes(32), law: fc.option(bytes(32)), arithmetic: fc.option(bytes(32)) }),
    nonce: bytes(16),
    echo: bytes(16),
    level: fc.constantFrom(0 as const, 1 as const, 2 as const),
  })
  .chain((one) => fc.constantFrom<Hello>(one, { ...one, echo: null, level: 0 }));

test('hellos come back as they were, within their cap', () => {
  fc.assert(
    fc.property(hello, (one) => {
      const payload = encodeHello(one);
      expect(payload.length).toBeLessThanOrEqual(HELLO_MAX_BYTES);
      expect(decodeHello(payload, 1)).toEqual({ kind: 'hello', hello: one });
      expect(decodeHello(payload, 2)).toEqual({ kind: 'other-version', version: 1 });
    }),
  );
});

test('another version is named whatever follows it', () => {
  for (const rest of [[], [1], [{ a: 1 }, null]]) {
    expect(decodeHello(encodeCbor([9, ...rest]), 1)).toEqual({ kind: 'other-version', version: 9 });
  }
});

test('an insider that sends anything else, or noise, gets nothing but a refusal', () => {
  const nonce = new Uint8Array(16);
  const { rig, law, arithmetic } = DIGESTS;
  const refused: CborValue[] = [
    [],
    {},
    'text',
    [1],
    [-1, rig, law, arithmetic, nonce, null, 0],
    [1.5, rig, law, arithmetic, nonce, null, 0],
    [1, null, law, arithmetic, nonce, null, 0],
    [1, rig.subarray(1), law, arithmetic, nonce, null, 0],
    [1, rig, 'law', arithmetic, nonce, null, 0],
    [1, rig, law, arithmetic, null, null, 0],
    [1, rig, law, arithmetic, new Uint8Array(15), null, 0],
    [1, rig, law, arithmetic, nonce, new Uint8Array(17), 0],
    [1, rig, law, arithmetic, nonce, null, 1],
    [1, rig, law, arithmetic, nonce, nonce, 3],
    [1, rig, law, arithmetic, nonce, nonce, true],
    [1, rig, law, arithmetic, nonce, nonce, 0, 0],
  ];
  for (const value of refused) expect(decodeHello(encodeCbor(value), 1)).toEqual({ kind: 'malformed' });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      expect(['malformed', 'other-version']).toContain(decodeHello(noise, 1).kind);
    }),
    { numRuns: 5000 },
  );
});
