/**
 * Who should lead (fast, column 16; protocol.md §9): the lowest live replica, held down for a while after every try, so
 * that leaders do not chase one another. Terms are ballots: a leader that returns with a lower one than has been seen
 * leads nobody. Nothing here bears on agreement: two who take themselves for the leader cost time alone.
 */
import type { ReplicaIndex } from '../types.js';
import type { Ballot, Members, PaxosConfig } from './types.js';
import { bit } from './operational-quorum.js';

type Timeouts = Pick<PaxosConfig, 'n' | 'self' | 'silenceUs' | 'holdDownUs'>;

/** Mutable; made by `createLeaderChoice`. */
export interface LeaderChoice {
  /** By replica: when anything was last heard of it. */
  readonly heardUs: number[];
  /** By replica: since when it has been heard without a pause. */
  readonly steadyUs: number[];
  leader: ReplicaIndex | null;
  /** The highest ballot that was claimed to be led. */
  ballot: Ballot;
  /** When the leader was last heard to lead. */
  leaderUs: number;
  /** When somebody last began to try, this replica or another. */
  triedUs: number;
}

/** Nobody is heard yet: those who are there have `silenceUs` to speak. */
export function createLeaderChoice(n: number, nowUs: number): LeaderChoice {
  return {
    heardUs: Array.from({ length: n }, () => -Infinity),
    steadyUs: Array.from({ length: n }, () => -Infinity),
    leader: null,
    ballot: 0,
    leaderUs: nowUs,
    triedUs: -Infinity,
  };
}

/** Anything came from `peer`. */
export function hear(timeouts: Timeouts, choice: LeaderChoice, peer: ReplicaIndex, nowUs: number): void {
  const last = choice.heardUs[peer] ?? -Infinity;
  if (nowUs - last > timeouts.silenceUs) choice.steadyUs[peer] = nowUs;
  choice.heardUs[peer] = nowUs;
}

/**
 * `peer` leads with `ballot`; false for one whose term is over (S3: with terms a slow leader that returns leads
 * nobody).
 */
export function hearLeader(choice: LeaderChoice, peer: ReplicaIndex, ballot: Ballot, nowUs: number): boolean {
  if (ballot < choice.ballot) return false;
  choice.ballot = ballot;
  choice.leader = peer;
  choice.leaderUs = nowUs;
  return true;
}

/** Everybody heard lately, this device included. */
export function liveMembers(timeouts: Timeouts, choice: LeaderChoice, nowUs: number): Members {
  let live = bit(timeouts.self);
  for (let peer = 0; peer < timeouts.n; peer += 1)
    if (nowUs - (choice.heardUs[peer] ?? -Infinity) <= timeouts.silenceUs) live |= bit(peer);
  return live;
}

/** The leader that was heard lately. */
export function liveLeader(timeouts: Timeouts, choice: LeaderChoice, nowUs: number): ReplicaIndex | null {
  return choice.leader !== null && nowUs - choice.leaderUs <= timeouts.silenceUs ? choice.leader : null;
}

/** True when this replica, one of `candidates`, should try to lead: nobody does, and who has a lower id had its time. */
export function shouldTry(
  timeouts: Timeouts,
  choice: LeaderChoice,
  candidates: Members,
  nowUs: number,
): boolean {
  if ((candidates & bit(timeouts.self)) === 0) return false;
  let freeUs = Math.max(choice.leaderUs + timeouts.silenceUs, choice.triedUs + timeouts.holdDownUs);
  let lower = 0;
  for (let peer = 0; peer < timeouts.self; peer += 1) {
    const silentUs = (choice.heardUs[peer] ?? -Infinity) + timeouts.silenceUs;
    if ((candidates & bit(peer)) !== 0) lower += 1;
    // Until then it was for that one to try; those after it take turns from then on.
    else if (silentUs < nowUs) freeUs = Math.max(freeUs, silentUs);
  }
  return nowUs > freeUs + lower * timeouts.holdDownUs;
}
