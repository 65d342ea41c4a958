/**
 * Under load, a leader of three does with less: where requests follow one another quickly, it sends a proposal to one follower alone,
 * whose vote completes the quorum and who answers (simplified [0098]), tells the other what was chosen, many slots in one message
 * (simplified [0101]), and proposes in one go what comes until what is under way is acknowledged. Then it waits for as many
 * requests as were open at once of late, as those who were answered ask again: but no longer than two batches take. A device that
 * is woken for sixteen requests does not sixteen times the work of one that is woken for one. Nothing about safety changes:
 * fewer devices are asked to vote, and what is told is chosen. It must never go on relying on one follower that does not
 * answer.
 */
import type { ReplicaIndex } from '../types.js';
import { sendChosen } from './catch-up.js';
import { liveMembers } from './leader-choice.js';
import { bit } from './operational-quorum.js';
import { listAsking, others, type Run } from './run.js';
import type { Sparing } from './pace.js';
import type { Leadership, PaxosState } from './state.js';
import type { Slot } from './types.js';

/** Nothing is held back for longer. */
const HOLD_BACK_US = 5_000;
/** What the time of a swift batch grows by with every batch that takes longer. */
const SLOWER = 1.1;
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
 * Whether requests wait to be proposed together with others: for what is under way to be acknowledged, and then for those who
 * come again, twice as long as that takes at most.
 */
export function isHeldBack(run: Run, leadership: Leadership): boolean {
  const { nowUs } = run;
  const { sparing } = leadership;
  if (sparing.isBegun) return false;
  const queued = run.state.queue.length;
  noteOpen(run, sparing, queued);
  const { batch, chosenUs, swiftUs, expected } = sparing;
  const untilUs =
    batch === null ? chosenUs + Math.min(2 * swiftUs, HOLD_BACK_US) : batch.sinceUs + HOLD_BACK_US;
  const isComplete = batch === null && queued >= expected;
  if (!isComplete && nowUs < untilUs && chooseOne(run, leadership) !== null) {
    sparing.heldUntilUs = untilUs;
    return true;
  }
  sparing.heldUntilUs = null;
  sparing.isBegun = true;
  // Those who did not come are not waited for again.
  sparing.expected = queued;
  return false;
}

/** Counts requests that are open at once: in the first third of a swift batch's time, before anybody in it is answered and asks again. */
function noteOpen({ state, nowUs }: Run, sparing: Sparing, queued: number): void {
  const { batch, swiftUs } = sparing;
  if (batch === null) return;
  const elapsedUs = nowUs - batch.sinceUs;
  if (batch.to <= state.prefix) {
    sparing.swiftUs = Math.min(elapsedUs, SLOWER * sparing.swiftUs);
    sparing.chosenUs = nowUs;
    sparing.batch = null;
  } else if (elapsedUs < swiftUs / 3) {
    sparing.expected = Math.max(sparing.expected, batch.to - state.prefix + queued);
  }
}

/** Until when requests are held back; null where none are. */
export function readHeldUntilUs({ queue, leadership }: PaxosState): number | null {
  return queue.length === 0 ? null : (leadership?.sparing.heldUntilUs ?? null);
}

/** All that may be proposed now has been: tells those who were not asked what has been chosen. */
export function endBatch(run: Run, leadership: Leadership): void {
  const { config, state } = run;
  const { sparing } = leadership;
  const last = leadership.next - 1;
  sparing.isBegun = false;
  if (last > Math.max(state.prefix, sparing.batch?.to ?? 0)) sparing.batch = { to: last, sinceUs: run.nowUs };
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
