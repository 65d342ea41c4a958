/** Copies of byte strings that lie side by side. */
import { describe, expect, it } from 'vitest';
import { allocateBytes, copyBytes } from '../../src/wire/copy-bytes.js';

const LENGTHS = [0, 1, 63, 64, 65, 100, 1_000, 1_024, 1_025, 9_000];

describe('copies of byte strings', () => {
  it('hold what was copied, whatever becomes of the source and of other copies', () => {
    const source = Uint8Array.from({ length: 10_000 }, (_, at) => at * 7);
    const copies: { readonly copy: Uint8Array; readonly expected: number[] }[] = [];
    for (let round = 0; round < 40; round += 1) {
      for (const length of LENGTHS) {
        const at = (round * 13) % 1_000;
        copies.push({
          copy: copyBytes(source, at, length),
          expected: Array.from({ length }, (_, i) => ((at + i) * 7) & 0xff),
        });
      }
    }
    source.fill(0);
    for (const { copy, expected } of copies) expect(Array.from(copy)).toEqual(expected);
    copies.forEach(({ copy }, at) => copy.fill(at));
    copies.forEach(({ copy }, at) => expect(copy.every((byte) => byte === (at & 0xff))).toBe(true));
  });

  it('begin as zeros where nothing is copied', () => {
    for (let round = 0; round < 20; round += 1) {
      for (const length of LENGTHS) {
        const bytes = allocateBytes(length);
        expect(bytes).toHaveLength(length);
        expect(bytes.every((byte) => byte === 0)).toBe(true);
        bytes.fill(0xff);
      }
    }
  });
});
