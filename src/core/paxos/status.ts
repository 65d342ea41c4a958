/**
 * Where a device stands, for people: above all for whom it waits when nothing can be chosen (simplified [00116],
 * [00118]).
 */
import { bit, allReplicas, isPromiseQuorum } from './operational-quorum.js';
import { promisers } from './leader.js';
import { liveLeader, liveMembers } from './leader-choice.js';
import { listAsking, type Run } from './run.js';
import type { Leadership } from './state.js';
import type { Members, PaxosStatus, Waits } from './types.js';

/** What is to be told now. */
export function describeStatus(run: Run): PaxosStatus {
  const { config, state } = run;
  const { leadership } = state;
  return {
    role: describeRole(run),
    leader: leadership?.phase === 'leads' ? config.self : liveLeader(config, state.choice, run.nowUs),
    ballot: leadership?.ballot ?? state.witness?.promised ?? state.promised,
    incarnation: state.incarnation,
    quorum: state.governance.quorum,
    waits: describeWaits(run),
  };
}

/** True when both say the same. */
export function sameStatus(a: PaxosStatus | null, b: PaxosStatus): boolean {
  return (
    a !== null &&
    a.role === b.role &&
    a.leader === b.leader &&
    a.ballot === b.ballot &&
    a.incarnation === b.incarnation &&
    a.quorum === b.quorum &&
    a.waits?.for === b.waits?.for &&
    a.waits?.why === b.waits?.why
  );
}

function describeRole(run: Run): PaxosStatus['role'] {
  const { state } = run;
  if (state.incarnation === 0) return 'amnesiac';
  if (state.witness !== null) return 'witness';
  return state.leadership?.phase ?? 'follows';
}

function describeWaits(run: Run): Waits | null {
  const { config, state } = run;
  const peers = allReplicas(config) & ~bit(config.self);
  if (state.incarnation === 0) return { for: describeHosts(run), why: 'admission' };
  if (state.witness !== null || liveLeader(config, state.choice, run.nowUs) !== null) return null;
  const { leadership } = state;
  if (leadership?.phase === 'leads') return null;
  if (leadership !== null) return describeUnpromised(run, leadership);
  if (run.nowUs - state.choice.leaderUs <= config.silenceUs) return null;
  if (state.prefix < state.since) return { for: peers, why: 'entries' };
  const able = liveMembers(config, state.choice, run.nowUs) & ~listAsking(state);
  return isPromiseQuorum(config, state.governance, able) ? null : describeMissing(run, able);
}

/** Who must let this device in: in a new rig whoever has not said yet that it holds nothing either, the witness included. */
function describeHosts(run: Run): Members {
  const { config, state } = run;
  const peers = (2 ** config.n - 1) & ~bit(config.self);
  return state.vouchers === 0 ? peers & allReplicas(config) : peers & ~state.vouchers;
}

/** Whom phase 1 waits for, once they have had the time to answer. */
function describeUnpromised(run: Run, leadership: Leadership): Waits | null {
  const { config, state } = run;
  if (run.nowUs - leadership.sinceUs < config.retryUs) return null;
  let behind = 0;
  for (const [peer, { prefix }] of leadership.promises) if (prefix > state.prefix) behind |= bit(peer);
  state.heard.forEach(({ incarnation }, peer) => {
    if (incarnation > (state.governance.incarnations[peer]?.incarnation ?? 0)) behind |= bit(peer);
  });
  // What the witness has voted for, or was admitted by, is to be had from the replicas.
  if (behind !== 0) return { for: allReplicas(config) & ~bit(config.self), why: 'entries' };
  return describeMissing(run, promisers(state, leadership));
}

function describeMissing(run: Run, present: number): Waits {
  const { config, state } = run;
  const { quorum } = state.governance;
  // simplified [00116]: what the operational quorum executed by itself, only its members know
  if (config.witness !== null && (present & quorum) === 0) return { for: quorum, why: 'operational-quorum' };
  return { for: (2 ** config.n - 1) & ~present, why: 'majority' };
}
