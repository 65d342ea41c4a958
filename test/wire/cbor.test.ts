import { decode as decodeCborg, encode as encodeCborg, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CborEncodeError,
  CborWriter,
  checkCbor,
  decodeCbor,
  encodeCbor,
  MAX_DEPTH,
  type CborFault,
  type CborValue,
} from '../../src/wire/cbor.js';
import { APPENDIX_A } from './cbor-vectors.js';
import { hex } from './make-rig.js';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Any text but one that begins with a byte order mark, which cborg, the other side of the comparison, drops. */
function text(maxLength = 10): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', maxLength }).filter((value) => !value.startsWith('\uFEFF'));
}

/** Anything that can be written, NaN and −0 aside. */
const values: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true }).map((number) => number + 0),
      fc.float({ noNaN: true }).map((number) => number + 0),
      text(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 40 }),
    ),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .dictionary(text(30), tie('value'), { maxKeys: 5 })
      .map((map) => Object.fromEntries(Object.entries(map).filter(([key]) => key !== '__proto__'))),
  ),
})).value;

/** What cborg accepts only in the deterministic form. */
const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
} as const;

describe('RFC 8949 appendix A', () => {
  test.each(APPENDIX_A.filter(({ fault }) => fault === undefined))(
    '$encoded is read and written back',
    ({ encoded, value }) => {
      const decoded = decodeCbor(hex(encoded));
      expect(decoded).toEqual({ ok: true, value });
      expect(toHex(encodeCbor(value as CborValue))).toBe(encoded);
    },
  );

  test.each(APPENDIX_A.filter(({ fault }) => fault !== undefined))(
    '$encoded is refused: $fault',
    ({ encoded, fault }) => {
      expect(decodeCbor(hex(encoded))).toEqual({ ok: false, fault });
    },
  );

  test('the table is whole', () => expect(APPENDIX_A).toHaveLength(82));
});

describe('writing', () => {
  test('every value has one encoding that reads back as itself, and that cborg writes and reads alike', () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeCbor(value);
        expect(checkCbor(bytes)).toBeNull();
        expect(decodeCbor(bytes)).toEqual({ ok: true, value });
        expect(decodeCborg(bytes, STRICT)).toEqual(value);
        expect(toHex(encodeCborg(value, rfc8949EncodeOptions))).toBe(toHex(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  test('heads and integers change length exactly where they must', () => {
    const bounds: [number, string][] = [
      [23, '17'],
      [24, '1818'],
      [255, '18ff'],
      [256, '190100'],
      [65_535, '19ffff'],
      [65_536, '1a00010000'],
      [4_294_967_295, '1affffffff'],
      [4_294_967_296, '1b0000000100000000'],
      [9_007_199_254_740_991, '1b001fffffffffffff'],
      [9_007_199_254_740_992, 'fa5a000000'],
      [-24, '37'],
      [-25, '3818'],
      [-256, '38ff'],
      [-257, '390100'],
      [-65_536, '39ffff'],
      [-65_537, '3a00010000'],
      [-4_294_967_296, '3affffffff'],
      [-4_294_967_297, '3b0000000100000000'],
      [-9_007_199_254_740_991, '3b001ffffffffffffe'],
      [-9_007_199_254_740_992, 'fada000000'],
    ];
    for (const [number, encoded] of bounds) {
      expect(toHex(encodeCbor(number))).toBe(encoded);
      expect(decodeCbor(hex(encoded))).toEqual({ ok: true, value: number });
    }
  });

  test('all 65536 half floats: written in half precision exactly where they are no integer', () => {
    for (let bits = 0; bits < 0x10000; bits += 1) {
      const exponent = (bits >> 10) & 0x1f;
      const mantissa = bits & 0x3ff;
      const sign = bits & 0x8000 ? -1 : 1;
      const value =
        exponent === 31
          ? mantissa === 0
            ? sign * Infinity
            : NaN
          : sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
      const encoded = Uint8Array.from([0xf9, bits >> 8, bits & 0xff]);
      if (Number.isNaN(value)) expect(checkCbor(encoded)).toBe('nan');
      else if (Object.is(value, -0)) expect(checkCbor(encoded)).toBe('negative-zero');
      else if (Number.isInteger(value)) expect(checkCbor(encoded)).toBe('not-minimal');
      else {
        expect(toHex(encodeCbor(value))).toBe(toHex(encoded));
        expect(checkCbor(encoded)).toBeNull();
      }
    }
  });

  test('−0 becomes 0; NaN, undefined and what has no form are refused', () => {
    expect(toHex(encodeCbor(-0))).toBe('00');
    const deep = Array.from({ length: MAX_DEPTH + 1 }).reduce<CborValue>((inner) => [inner], 1);
    const refused: unknown[] = [
      NaN,
      undefined,
      [undefined],

      [1, , 2],
      { a: undefined },
      1n,
      () => 1,
      Symbol('a'),
      new Date(),
      new Map(),
      '\ud800',
      { '\udfff': 1 },
      JSON.parse('{"__proto__": 1}'),
      deep,
    ];
    for (const value of refused) expect(() => encodeCbor(value as CborValue)).toThrow(CborEncodeError);
  });

  test('map keys are sorted by their encoded bytes: shorter before longer, then bytewise', () => {
    const map = { bb: 1, a: 2, é: 3, b: 4, aa: 5, z: 6, '': 7 };
    expect(Object.keys((decodeCborg(encodeCbor(map)) as object) ?? {})).toEqual([
      '',
      'a',
      'b',
      'z',
      'aa',
      'bb',
      'é',
    ]);
    expect(toHex(encodeCbor({ b: 1, a: 2 }))).toBe(toHex(encodeCbor({ a: 2, b: 1 })));
  });

  test('a writer that is used again starts empty and hands out copies', () => {
    const writer = new CborWriter(1);
    writer.writeText('first');
    const first = writer.take();
    writer.reset();
    writer.writeArrayHead(300);
    for (let i = 0; i < 300; i += 1) writer.writeNumber(i);
    expect(checkCbor(writer.take())).toBeNull();
    expect(toHex(first)).toBe('656669727374');
  });
});

describe('reading', () => {
  const refused: [string, string, CborFault][] = [
    ['nothing', '', 'truncated'],
    ['a head without its argument', '19ff', 'truncated'],
    ['a byte string cut short', '4201', 'truncated'],
    ['an array that promises more than there is', '9affffffff', 'truncated'],
    ['a map that promises more than there is', 'baffffffff', 'truncated'],
    ['a byte string of 2^53 − 1', '5b001fffffffffffff', 'truncated'],
    ['a second item', '0000', 'trailing-bytes'],
    ['24 in one byte too many', '1817', 'not-minimal'],
    ['a length in one byte too many', '580161', 'not-minimal'],
    ['an array head that is not minimal', '98020101', 'not-minimal'],
    ['a map head that is not minimal', 'b801616101', 'not-minimal'],
    ['a 64-bit argument that fits into 32', '1b00000000ffffffff', 'not-minimal'],
    ['a double that fits into a float', 'fb3ff8000000000000', 'not-minimal'],
    ['a float that fits into a half', 'fa3fc00000', 'not-minimal'],
    ['−2^53', '3b001fffffffffffff', 'out-of-range'],
    ['2^53', '1b0020000000000000', 'out-of-range'],
    ['a lone break', 'ff', 'indefinite-length'],
    ['reserved head', '1c', 'reserved'],
    ['reserved simple', 'fc', 'reserved'],
    ['false in two bytes', 'f814', 'simple-value'],
    ['a date', 'c100', 'tag'],
    ['a set as cbor-x knows it', 'd9010280', 'tag'],
    ['an inline record of cbor-x', 'd9dfff83190001816161', 'tag'],
    ['a bignum', 'c25820' + 'ff'.repeat(32), 'tag'],
    ['an overlong UTF-8 form', '62c080', 'invalid-text'],
    ['half of a surrogate pair in UTF-8', '63eda080', 'invalid-text'],
    ['beyond U+10FFFF', '64f4908080', 'invalid-text'],
    ['a character cut short', '61c3', 'invalid-text'],
    ['keys out of order', 'a2616201616101', 'key-order'],
    ['a longer key before a shorter', 'a262616101616201', 'key-order'],
    ['the same key twice', 'a2616101616102', 'key-order'],
    ['a number as a key', 'a10101', 'key-not-text'],
    ['the key __proto__', 'a1695f5f70726f746f5f5f01', 'key-forbidden'],
    ['nine levels', '81'.repeat(9) + '00', 'too-deep'],
  ];

  test.each(refused)('%s is refused', (_what, encoded, fault) => {
    expect(decodeCbor(hex(encoded))).toEqual({ ok: false, fault });
  });

  test('eight levels are read', () => expect(decodeCbor(hex('81'.repeat(8) + '00')).ok).toBe(true));

  test('caps hold: bytes, items, and no time is lost on what promises much', () => {
    expect(checkCbor(new Uint8Array(11), 10)).toBe('too-long');
    const many = Uint8Array.from([0x99, 0x50, 0x00, ...new Uint8Array(0x5000)]);
    expect(checkCbor(many)).toBe('too-many-items');
  });

  test('the input is left as it is', () => {
    const input = hex('8243010203a1616b420405');
    decodeCbor(input);
    expect(Object.keys(input)).toHaveLength(input.length);
  });

  test('byte strings are copies of the input', () => {
    const input = hex('8243010203a1616b420405');
    const decoded = decodeCbor(input);
    input.fill(0);
    expect(decoded).toEqual({ ok: true, value: [hex('010203'), { k: hex('0405') }] });
    if (!decoded.ok || !Array.isArray(decoded.value)) throw new Error('an array');
    expect((decoded.value[0] as Uint8Array).buffer.byteLength).toBe(3);
  });

  test('random bytes never throw, and what is accepted is the one encoding of its value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const decoded = decodeCbor(bytes);
        if (decoded.ok) expect(toHex(encodeCbor(decoded.value))).toBe(toHex(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  test('altered encodings never throw, and never read as the same value', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, mask) => {
        const bytes = encodeCbor(value);
        const altered = Uint8Array.from(bytes);
        altered[at % altered.length] = (altered[at % altered.length] as number) ^ mask;
        const decoded = decodeCbor(altered);
        if (decoded.ok) expect(toHex(encodeCbor(decoded.value))).toBe(toHex(altered));
      }),
      { numRuns: 5000 },
    );
  });

  test('what is accepted, cborg reads as the same value in its strict mode', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const decoded = decodeCbor(bytes);
        if (decoded.ok) expect(decodeCborg(bytes, STRICT)).toEqual(decoded.value);
      }),
      { numRuns: 10_000 },
    );
  });
});
