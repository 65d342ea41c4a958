/**
 * What one replica had to say to another in a round, what it said instead, and what became of it: the one record that
 * tables and trees of an exchange are drawn from, whether the exchange ran without time (test/support/agree.ts) or in
 * a whole rig (test/support/lockstep.ts).
 */
import { sameValue } from '../../../src/core/bytes.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round } from '../../../src/core/types.js';

export interface Sending {
  readonly round: Round;
  readonly from: ReplicaIndex;
  readonly to: ReplicaIndex;
  /** What the algorithm asks for. */
  readonly due: readonly RelayItem[];
  /** What went out; null for nothing at all. */
  readonly said: readonly RelayItem[] | null;
  /** What the receiver took of it. */
  readonly taken: readonly RelayItem[];
  /** Why nothing of it was taken, where something went out: too late, lost by the link, its receiver dead. */
  readonly fate: 'late' | 'lost' | 'unheard' | null;
}

/** How the parties of a trace and their values are written. */
export interface Notation {
  readonly names: readonly string[];
  readonly label: (value: MaybeValue) => string;
  /** `oral`: c:b:a, "c says that b says that a said". `signed`: a:b:c, signed by a, then by b, then by c. */
  readonly paths: 'oral' | 'signed';
}

/** Absent. */
export const ABSENT = '⊥';
/** Nothing was sent. */
export const NOTHING = '–';
/** No message can go this way: the path holds the receiver. */
export const NO_WAY = '·';
/** Not what a correct replica would say. */
export const LIE = '*';
/** It arrived and was not taken. */
export const REFUSED = '!';

/** The whole path of an item: the sender stands last. */
export function pathOf(item: RelayItem, from: ReplicaIndex): readonly ReplicaIndex[] {
  return [...item.path, from];
}

/** A path as the literature writes it. */
export function writePath(notation: Notation, path: readonly ReplicaIndex[]): string {
  const names = path.map((id) => notation.names[id] ?? '?');
  return (notation.paths === 'oral' ? names.reverse() : names).join(':');
}

/** What travels on a path to a receiver. Several values where a liar says several. */
export function saidOn(
  items: readonly RelayItem[] | null,
  from: ReplicaIndex,
  path: readonly ReplicaIndex[],
): readonly MaybeValue[] {
  return (items ?? []).filter((item) => samePath(pathOf(item, from), path)).map((item) => item.value);
}

export function samePath(a: readonly ReplicaIndex[], b: readonly ReplicaIndex[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}

export function sameValues(a: readonly MaybeValue[], b: readonly MaybeValue[]): boolean {
  return a.length === b.length && a.every((value, at) => sameValue(value, b[at] ?? null));
}

/** Paths of a round that anything was due or said on, by commander and then in the order of relayers. */
export function listPaths(sendings: readonly Sending[]): (readonly ReplicaIndex[])[] {
  const paths: (readonly ReplicaIndex[])[] = [];
  for (const { from, due, said } of sendings)
    for (const item of [...due, ...(said ?? [])]) {
      const path = pathOf(item, from);
      if (!paths.some((other) => samePath(other, path))) paths.push(path);
    }
  return paths.sort(comparePaths);
}

function comparePaths(a: readonly ReplicaIndex[], b: readonly ReplicaIndex[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? -1) - (b[at] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
