/**
 * Which sets of devices choose (protocol.md §9), as sets of bits. Without a witness any majority does. With one, a slot is
 * governed by the last operational quorum chosen below it: all its members choose, or a majority that holds one of them;
 * a change of the quorum takes the latter.
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

/** The operational quorum before the first change: everybody but the witness. */
export function firstQuorum(group: CheckedGroup): number {
  const all = (1 << group.replicas.length) - 1;
  return group.witness === null ? all : all & ~(1 << group.witness);
}

/** Whether they are more than half of all devices. */
export function isMajority(group: CheckedGroup, set: number): boolean {
  return sizeOf(set) > group.replicas.length / 2;
}
