/**
 * Who should lead (fast, column 16; protocol.md §9): the lowest live replica, held down for a while after every try, so
 * that leaders do not chase one another. Terms are ballots: a leader that returns with a lower one than has been seen
 * leads nobody. Nothing here bears on agreement: two who take themselves for the leader cost time alone.
 *
 * On a machine with other things to do processes stand still for longer than a dead one is waited for, and each change of
 * leader costs more than the wait. So whoever stood still itself listens to what has piled up before it tries, and
 * where somebody taken for dead is heard again, everybody is waited for longer for a while.
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
  /** When this device last looked at the time, infinite before the first; and when last after it had stood still. */
  lookedUs: number;
  wokeUs: number;
  /** How many times the silence a device is waited for, and since when. */
  patience: number;
  patientUs: number;
}

/** Silence is waited out this many times at most, so that a leader's death is noticed soon even so. */
const MAX_PATIENCE = 4;
/** Whoever is heard again after more silences than this was started anew, and no machine's delay. */
const STALL_SILENCES = 4;
/** Nobody having been taken for dead for so many silences, patience halves. */
const CALM_SILENCES = 100;

/** Nobody is heard yet: those who are there have `silenceUs` to speak. */
export function createLeaderChoice(n: number, nowUs: number): LeaderChoice {
  return {
    heardUs: Array.from({ length: n }, () => -Infinity),
    steadyUs: Array.from({ length: n }, () => -Infinity),
    leader: null,
    ballot: 0,
    leaderUs: nowUs,
    triedUs: -Infinity,
    lookedUs: Infinity,
    wokeUs: -Infinity,
    patience: 1,
    patientUs: nowUs,
  };
}

/** Once for every time that the clock is looked at, before anything is concluded from it. */
export function look(timeouts: Timeouts, choice: LeaderChoice, nowUs: number): void {
  const { silenceUs } = timeouts;
  // Once for each leader that was heard, or one that stands still all the time would never try.
  const stoodStill = nowUs - choice.lookedUs > silenceUs / 2;
  if (stoodStill && choice.leader !== null && choice.leaderUs > choice.wokeUs) choice.wokeUs = nowUs;
  choice.lookedUs = nowUs;
  if (choice.patience === 1 || nowUs - choice.patientUs <= CALM_SILENCES * silenceUs) return;
  choice.patience /= 2;
  choice.patientUs = nowUs;
}

/** For how long nothing is heard of whoever is taken for dead. */
function waitUs(timeouts: Timeouts, choice: LeaderChoice): number {
  return timeouts.silenceUs * choice.patience;
}

/** Anything came from `peer`. */
export function hear(timeouts: Timeouts, choice: LeaderChoice, peer: ReplicaIndex, nowUs: number): void {
  const silentUs = nowUs - (choice.heardUs[peer] ?? -Infinity);
  const patientUs = waitUs(timeouts, choice);
  if (silentUs > patientUs) {
    choice.steadyUs[peer] = nowUs;
    if (silentUs <= STALL_SILENCES * timeouts.silenceUs) {
      choice.patience = Math.min(2 * choice.patience, MAX_PATIENCE);
      choice.patientUs = nowUs;
    }
  }
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
  const silenceUs = waitUs(timeouts, choice);
  for (let peer = 0; peer < timeouts.n; peer += 1)
    if (nowUs - (choice.heardUs[peer] ?? -Infinity) <= silenceUs) live |= bit(peer);
  return live;
}

/** The leader that was heard lately. */
export function liveLeader(timeouts: Timeouts, choice: LeaderChoice, nowUs: number): ReplicaIndex | null {
  const isHeard = choice.leader !== null && nowUs - choice.leaderUs <= waitUs(timeouts, choice);
  return isHeard ? choice.leader : null;
}

/** True when this replica, one of `candidates`, should try to lead: nobody does, and who has a lower id had its time. */
export function shouldTry(
  timeouts: Timeouts,
  choice: LeaderChoice,
  candidates: Members,
  nowUs: number,
): boolean {
  if ((candidates & bit(timeouts.self)) === 0) return false;
  const { holdDownUs } = timeouts;
  const silenceUs = waitUs(timeouts, choice);
  let freeUs = Math.max(
    choice.leaderUs + silenceUs,
    choice.triedUs + holdDownUs,
    choice.wokeUs + holdDownUs / 2,
  );
  let lower = 0;
  for (let peer = 0; peer < timeouts.self; peer += 1) {
    const silentUs = (choice.heardUs[peer] ?? -Infinity) + silenceUs;
    if ((candidates & bit(peer)) !== 0) lower += 1;
    // Until then it was for that one to try; those after it take turns from then on.
    else if (silentUs < nowUs) freeUs = Math.max(freeUs, silentUs);
  }
  return nowUs > freeUs + lower * holdDownUs;
}
