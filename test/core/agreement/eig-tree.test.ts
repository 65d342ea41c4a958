/** The tree's shape against its closed formula and its definition (Bar-Noy, Dolev, Dwork, Strong 1987). */
import { expect, test } from 'vitest';
import { layOutEigTree } from '../../../src/core/agreement/eig-tree.js';

const SHAPES = [2, 3, 4, 5, 6, 7].flatMap((n) =>
  [1, 2, 3].filter((rounds) => rounds < n).map((rounds) => ({ n, rounds })),
);

test.each(SHAPES)(
  'n=$n, $rounds rounds: every path of distinct ids once, levels n·(n−1)·…',
  ({ n, rounds }) => {
    const tree = layOutEigTree(n, rounds);
    expect(tree.levels).toHaveLength(rounds);
    let size = 0;
    let expected = 1;
    tree.levels.forEach((level, at) => {
      expected *= n - at;
      expect(level).toHaveLength(expected);
      expect(new Set(level.map(({ path }) => path.join('>'))).size).toBe(expected);
      for (const { path, members } of level) {
        expect(path).toHaveLength(at + 1);
        expect(new Set(path).size).toBe(path.length);
        expect(members).toBe(path.reduce((bits, id) => bits | (1 << id), 0));
      }
      size += expected;
    });
    expect(tree.size).toBe(size);
    expect(tree.levels.flat().map(({ index }) => index)).toEqual(
      Array.from({ length: size }, (_, index) => index),
    );
  },
);

test('the roots stand first, in the order of their commanders', () => {
  expect(layOutEigTree(4, 2).levels[0]?.map(({ index, path }) => [index, ...path])).toEqual([
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
});

test('childOf leads from a path to the path with one more id, and nowhere for an id that stands on it', () => {
  const tree = layOutEigTree(5, 3);
  const nodes = tree.levels.flat();
  for (const { index, path } of nodes) {
    for (let relayer = 0; relayer < 5; relayer += 1) {
      const child = tree.childOf(index, relayer);
      const wanted = nodes.find((other) => other.path.join('>') === [...path, relayer].join('>'));
      expect(child).toBe(wanted?.index ?? -1);
    }
  }
});

test.each([
  [1, 1],
  [8, 2],
  [4, 0],
  [3, 3],
])('n=%d with %d rounds is none', (n, rounds) => {
  expect(() => layOutEigTree(n, rounds)).toThrow(/broken invariant/);
});
