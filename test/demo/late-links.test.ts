import fc from 'fast-check';
import { expect, test } from 'vitest';
import { explainMissedLinks, type MissedLink } from '../../src/demo/late-links.js';

test('nobody was late where nothing was missed', () => {
  expect(explainMissedLinks([], 4)).toEqual([]);
});

test('one sender that two missed was late, not the two', () => {
  expect(
    explainMissedLinks(
      [
        { from: 2, to: 0 },
        { from: 2, to: 3 },
      ],
      4,
    ),
  ).toEqual([2]);
});

test('one receiver that missed two was late, not the two', () => {
  expect(
    explainMissedLinks(
      [
        { from: 0, to: 3 },
        { from: 1, to: 3 },
      ],
      4,
    ),
  ).toEqual([3]);
});

test('a single missed link is put down to its sender', () => {
  expect(explainMissedLinks([{ from: 1, to: 0 }], 4)).toEqual([1]);
});

test('two links without an end in common take two', () => {
  expect(
    explainMissedLinks(
      [
        { from: 1, to: 0 },
        { from: 2, to: 3 },
      ],
      4,
    ),
  ).toHaveLength(2);
});

const anyLink = fc
  .record({ from: fc.nat(6), to: fc.nat(6) })
  .filter(({ from, to }) => from !== to) as fc.Arbitrary<MissedLink>;

test('those named stand at one end of every link, and one fewer would not do', () => {
  fc.assert(
    fc.property(fc.array(anyLink, { maxLength: 12 }), (links) => {
      const late = explainMissedLinks(links, 7);
      const covers = (members: readonly number[]): boolean =>
        links.every(({ from, to }) => members.includes(from) || members.includes(to));
      expect(covers(late)).toBe(true);
      for (const one of late) expect(covers(late.filter((other) => other !== one))).toBe(false);
    }),
  );
});
