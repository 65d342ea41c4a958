/**
 * The shape of the exponential information gathering tree for n replicas and a number of rounds: a node for every
 * path of distinct ids up to that length (Bar-Noy, Dolev, Dwork, Strong 1987; protocol.md §3 rule 2). The shape is
 * the same at every tick and every replica, so it is laid out once; a tick only fills in values.
 */
import { assert } from '../assert.js';
import type { ReplicaIndex } from '../types.js';

export interface EigNode {
  readonly index: number;
  /** The commander first, the last relayer last. */
  readonly path: readonly ReplicaIndex[];
  /** Bit i set when replica i stands on the path. */
  readonly members: number;
}

export interface EigTree {
  readonly n: number;
  readonly rounds: number;
  /** Nodes by path length: `levels[0]` holds the n roots, in the order of their commanders. */
  readonly levels: readonly (readonly EigNode[])[];
  readonly size: number;
  /** Index of the child of `node` that `relayer` adds; −1 where there is none. */
  childOf(node: number, relayer: ReplicaIndex): number;
}

/** Lays out the tree. n 2 … 7, rounds 1 … n−1. */
export function layOutEigTree(n: number, rounds: number): EigTree {
  assert(n >= 2 && n <= 7 && rounds >= 1 && rounds < n, `EIG tree for n=${n}, rounds=${rounds}`);
  const levels: EigNode[][] = [];
  const childTable: number[] = [];
  let size = 0;
  const addNode = (path: readonly ReplicaIndex[], members: number): EigNode => {
    const node = { index: size, path, members };
    size += 1;
    for (let id = 0; id < n; id += 1) childTable.push(-1);
    return node;
  };
  levels.push(Array.from({ length: n }, (_, id) => addNode([id], 1 << id)));
  for (let level = 1; level < rounds; level += 1) {
    const nodes: EigNode[] = [];
    for (const parent of levels[level - 1] as EigNode[]) {
      for (let id = 0; id < n; id += 1) {
        if ((parent.members & (1 << id)) !== 0) continue;
        const node = addNode([...parent.path, id], parent.members | (1 << id));
        childTable[parent.index * n + id] = node.index;
        nodes.push(node);
      }
    }
    levels.push(nodes);
  }
  return { n, rounds, levels, size, childOf: (node, relayer) => childTable[node * n + relayer] as number };
}
