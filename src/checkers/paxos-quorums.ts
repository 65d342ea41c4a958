/**
 * Which sets of devices choose, promise and change the quorum (protocol.md §9), as sets of bits. Without a witness any
 * majority does all of it. With one, a slot is governed by the last operational quorum chosen below it: all its members
 * choose, or a majority that holds one of them; phase 1 and a change of the quorum take the latter.
 */
import { sizeOf } from './bytes.js';
import type { CheckedGroup } from './paxos-observations.js';

/** Whether `voters`, who voted for one value in one ballot, choose it in a slot that `quorum` governs. */
export function choose(group: CheckedGroup, quorum: number, voters: number, isChange: boolean): boolean {
  const { witness } = group;
  if (witness === null) return isMajority(group, voters);
  if (!isChange && (voters & quorum) === quorum) return true;
  return isMajority(group, voters) && (voters & quorum) !== 0;
}

/** Whether promises of `promisers` are enough to propose in a slot that `quorum` governs. */
export function allow(group: CheckedGroup, quorum: number, promisers: number): boolean {
  return isMajority(group, promisers) && (group.witness === null || (promisers & quorum) !== 0);
}

/** The operational quorum before the first change: everybody but the witness. */
export function firstQuorum(group: CheckedGroup): number {
  const all = (1 << group.replicas.length) - 1;
  return group.witness === null ? all : all & ~(1 << group.witness);
}

function isMajority(group: CheckedGroup, set: number): boolean {
  return sizeOf(set) > group.replicas.length / 2;
}
