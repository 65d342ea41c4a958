/**
 * Under load, a leader of three does with less: where requests follow one another quickly, it sends a proposal to one follower alone,
 * whose vote completes the quorum and who answers (simplified [0098]), tells the other what was chosen, many slots in one message
 * (simplified [0101]), and proposes what comes meanwhile in one go, as soon as what is under way is acknowledged. A device that is
 * woken for eight requests does not eight times the work of one that is woken for one. Nothing about safety changes: fewer
 * devices are asked to vote, and what is told is chosen. It must never go on relying on one follower that does not answer.
 */
import type { ReplicaIndex } from '../types.js';
import { sendChosen } from './catch-up.js';
import { liveMembers } from './leader-choice.js';
import { bit } from './operational-quorum.js';
import { listAsking, others, type Run } from './run.js';
import type { Leadership } from './state.js';
import type { Slot } from './types.js';

/** What is under way holds back nothing for longer. */
const HOLD_BACK_US = 5_000;
/** A follower that was relied on and did not answer: all are asked for so many retries. */
const WARY_RETRIES = 10;
/** How often those who were not asked are told what has been chosen. */
const TELL_US = 2_500;

/** The one follower to ask; null where all are asked. */
export function chooseOne(run: Run, { sparing }: Leadership): ReplicaIndex | null {
  const { config, state } = run;
  if (!state.pace.isBusy || run.nowUs < sparing.waryUntilUs) return null;
  const peers = others(config);
  const able = liveMembers(config, state.choice, run.nowUs) & ~listAsking(state);
  if (peers.some((peer) => (able & bit(peer)) === 0)) return null;
  const knows = (peer: ReplicaIndex): Slot => state.prefixes[peer] ?? 0;
  sparing.relied ??= peers.reduce((best, peer) => (knows(peer) > knows(best) ? peer : best));
  return sparing.relied;
}

/** A slot was proposed to `voter` alone. */
export function noteSpared(run: Run, { sparing }: Leadership, voter: ReplicaIndex, slot: Slot): void {
  for (const peer of others(run.config))
    if (peer !== voter) sparing.untold.set(peer, { from: sparing.untold.get(peer)?.from ?? slot, to: slot });
}

/** Whoever was asked did not answer in time. */
export function growWary(run: Run, { sparing }: Leadership): void {
  sparing.waryUntilUs = run.nowUs + WARY_RETRIES * run.config.retryUs;
  sparing.relied = null;
}

/**
 * Whether requests wait to be proposed together with others: for what is under way to be acknowledged, or until there are as
 * many of them as that, but for no third batch.
 */
export function isHeldBack(run: Run, leadership: Leadership): boolean {
  const { state } = run;
  const { sparing } = leadership;
  if (sparing.isBegun) return false;
  while ((sparing.underWay[0]?.to ?? Infinity) <= state.prefix) sparing.underWay.shift();
  const [first, second] = sparing.underWay;
  const waits =
    first !== undefined &&
    run.nowUs - first.sinceUs < HOLD_BACK_US &&
    (second !== undefined || state.queue.length < first.to - state.prefix) &&
    chooseOne(run, leadership) !== null;
  sparing.isBegun = !waits;
  return waits;
}

/** All that may be proposed now has been: tells those who were not asked what has been chosen. */
export function endBatch(run: Run, leadership: Leadership): void {
  const { config, state } = run;
  const { sparing } = leadership;
  const last = leadership.next - 1;
  sparing.isBegun = false;
  if (last > Math.max(state.prefix, sparing.underWay.at(-1)?.to ?? 0))
    sparing.underWay.push({ to: last, sinceUs: run.nowUs });
  // While more is under way, what is chosen meanwhile goes with it.
  if (last > state.prefix && run.nowUs - sparing.toldUs < TELL_US) return;
  for (const [peer, { from, to }] of sparing.untold) {
    if (from > state.prefix) continue;
    const upTo = Math.min(to, state.prefix);
    sparing.toldUs = run.nowUs;
    for (let slot = from; slot <= upTo; slot += config.batchSlots) sendChosen(run, peer, slot);
    if (upTo === to) sparing.untold.delete(peer);
    else sparing.untold.set(peer, { from: upTo + 1, to });
  }
}
