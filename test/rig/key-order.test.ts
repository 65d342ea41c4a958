/** Keys of plain data in the order in which deterministic CBOR reads them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyOrder } from '../../src/rig/key-order.js';
import { copyPlain, type PlainValue } from '../../src/rig/plain-value.js';
import { decodeCbor, encodeCbor } from '../../src/wire/cbor.js';

const key = fc.string({ unit: 'grapheme-ascii', maxLength: 6 }).filter((one) => one !== '__proto__');
const { plain } = fc.letrec<{ plain: PlainValue }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 4 },
    fc.integer(),
    fc.boolean(),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
    fc.constant(null),
    fc.array(tie('plain'), { maxLength: 4 }),
    fc.dictionary(key, tie('plain'), { maxKeys: 6, noNullPrototype: true }),
  ),
}));

/** JSON keeps the order of keys, which `toEqual` does not look at. */
const written = (value: unknown): string => JSON.stringify(value);

describe('the order of keys', () => {
  it('is the one in which the codec reads back what it wrote, whatever shapes came before', () => {
    const order = new KeyOrder();
    fc.assert(
      fc.property(plain, (value) => {
        const decoded = decodeCbor(encodeCbor(value));
        expect(decoded.ok).toBe(true);
        if (decoded.ok) expect(written(order.apply(value))).toBe(written(decoded.value));
      }),
    );
  });

  it('is left to the codec where a key is not ASCII', () => {
    const order = new KeyOrder();
    expect(order.apply({ a: { grün: 1 } })).toBeNull();
    expect(order.apply([1, { b: 2, a: 1 }])).toEqual([1, { a: 1, b: 2 }]);
  });

  it('changes nothing in what it is given', () => {
    const value = { later: 1, b: [{ d: 1, c: 2 }] };
    const before = written(value);
    expect(written(new KeyOrder().apply(value))).toBe('{"b":[{"c":2,"d":1}],"later":1}');
    expect(written(value)).toBe(before);
  });

  it('is the same for maps of numbers that are copied in one pass, once their shape is known', () => {
    const order = new KeyOrder();
    expect(order.copyNumbers({ later: 1, b: 2 })).toBeNull();
    fc.assert(
      fc.property(plain, (value) => {
        const copied = copyPlain(value);
        const ordered = copied.ok ? order.apply(copied.value) : null;
        const quick = order.copyNumbers(value);
        if (quick !== null) expect(written(quick)).toBe(written(ordered));
      }),
    );
    const known = new KeyOrder();
    const map = { later: 1, b: -0 };
    known.apply(map);
    const copy = known.copyNumbers(map);
    expect(written(copy)).toBe('{"b":0,"later":1}');
    expect(Object.is(copy?.['b'], 0)).toBe(true);
    for (const inner of [NaN, Infinity, null, '1', true, {}, [1], undefined])
      expect(known.copyNumbers({ later: 1, b: inner })).toBeNull();
    expect(known.copyNumbers({ later: 1, b: 1, c: 1 })).toBeNull();
    expect(known.copyNumbers(Object.assign(new Date(0), map))).toBeNull();
    expect(known.copyNumbers([1, 2])).toBeNull();
  });
});
