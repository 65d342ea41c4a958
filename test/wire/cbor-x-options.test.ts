/**
 * Why the writer is our own: no set of cbor-x's options writes core deterministic encoding (RFC 8949 §4.2.1), and
 * why nothing unproven reaches its reader. When one of these fails, cbor-x has changed and this should be thought over.
 */
import { Decoder, Encoder } from 'cbor-x';
import { describe, expect, test } from 'vitest';
import { encodeCbor, type CborValue } from '../../src/wire/cbor.js';
import { hex } from './make-rig.js';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const samples: readonly CborValue[] = [
  { b: 1, a: 2 },
  4_294_967_296,
  1.5,
  1.100000023841858,
  -0,
  Uint8Array.from([1]),
  'text',
  [1, [2]],
];

describe('cbor-x as a writer', () => {
  const choices = [true, false];
  const sets = choices.flatMap((variableMapSize) =>
    choices.flatMap((tagUint8Array) =>
      [undefined, 1, 2, 3, 4].map((useFloat32) => ({
        useRecords: false,
        mapsAsObjects: true,
        variableMapSize,
        tagUint8Array,
        useFloat32,
      })),
    ),
  );

  test.each(sets)('options %o miss the deterministic form somewhere', (options) => {
    const encoder = new Encoder(options as ConstructorParameters<typeof Encoder>[0]);
    const missed = samples.filter((value) => toHex(encoder.encode(value)) !== toHex(encodeCbor(value)));
    expect(missed.length).toBeGreaterThan(0);
  });

  test('variableMapSize makes map heads minimal, tagUint8Array: false writes plain byte strings; floats and key order stay wrong', () => {
    const encoder = new Encoder({
      useRecords: false,
      mapsAsObjects: true,
      variableMapSize: true,
      tagUint8Array: false,
    });
    expect(toHex(encoder.encode({ a: 1 }))).toBe('a1616101');
    expect(toHex(encoder.encode(Uint8Array.from([1])))).toBe('4101');
    expect(toHex(encoder.encode(1.5))).toBe('fb3ff8000000000000');
    expect(toHex(encoder.encode(4_294_967_296))).toBe('fb41f0000000000000');
    expect(toHex(encoder.encode({ b: 1, a: 2 }))).toBe('a2616201616102');
  });
});

describe('cbor-x as a reader, with its safe options', () => {
  const decoder = new Decoder({
    useRecords: false,
    mapsAsObjects: true,
    variableMapSize: true,
    tagUint8Array: false,
  });

  test('takes silently what the scan before it refuses', () => {
    expect(decoder.decode(hex('a2616101616102'))).toEqual({ a: 2 });
    expect(decoder.decode(hex('f97e00'))).toBeNaN();
    expect(decoder.decode(hex('1800'))).toBe(0);
    expect(decoder.decode(hex('9f01ff'))).toEqual([1]);
    expect(decoder.decode(hex('c100'))).toBeInstanceOf(Date);
    expect(Object.is(decoder.decode(hex('f98000')), -0)).toBe(true);
  });

  test('hands out views of its input', () => {
    const input = hex('4101');
    expect((decoder.decode(input) as Uint8Array).buffer).toBe(input.buffer);
  });
});
