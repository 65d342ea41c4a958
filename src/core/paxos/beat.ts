/**
 * Beats: signs of life, batched acknowledgements and claims to lead in one message (simplified [0101], [0102]). They
 * also tell a device what it has told others: one whose store was rolled back remembers less, and votes no more.
 */
import type { ReplicaIndex } from '../types.js';
import { mayVote } from './acceptor.js';
import { loseMemory } from './admission.js';
import { ownerOf } from './ballot.js';
import { noticePrefix } from './catch-up.js';
import { listVouches, noteVouches } from './genesis.js';
import { countAcknowledged, isAdmitted, stepDown } from './leader.js';
import { hearLeader } from './leader-choice.js';
import { learnFromVotes } from './learner.js';
import { others, send, type Run } from './run.js';
import type { PaxosState } from './state.js';
import { KNOWN_BALLOT, type Ballot, type Beat, type PaxosConfig, type Slot } from './types.js';

/**
 * What a device says of itself now; the driver may let it ride on round 1. It leaves after what is held back, as `send`
 * does.
 */
export function readBeat(config: PaxosConfig, state: PaxosState): Beat {
  const votedFrom = (state.prefixes[ownerOf(state.promised, config.n)] ?? 0) + 1;
  return {
    kind: 'beat',
    incarnation: state.incarnation,
    promised: state.promised,
    leads: state.leadership?.phase === 'leads',
    prefix: state.prefix,
    votedFrom,
    votedTo: mayVote(state) && state.promised > 0 ? lastVotedFrom(config, state, votedFrom) : votedFrom - 1,
    nonce: state.incarnation === 0 ? config.nonce : null,
    heard: state.heard.map((heard) => ({ ...heard })),
    vouches: listVouches(state),
  };
}

/** The last slot of a run of votes in the promised ballot that begins at `from`; `from` − 1 for none. */
function lastVotedFrom(config: PaxosConfig, state: PaxosState, from: Slot): Slot {
  const last = from + 2 * config.windowSlots;
  let slot = from;
  while (slot < last && votedBallot(state, slot) === state.promised) slot += 1;
  return slot - 1;
}

function votedBallot(state: PaxosState, slot: Slot): Ballot {
  return state.votes.get(slot)?.ballot ?? state.chosen.get(slot)?.ballot ?? 0;
}

/** Sends a beat to everybody. */
export function sendBeats(run: Run): void {
  const beat = readBeat(run.config, run.state);
  run.state.beatUs = run.nowUs;
  for (const peer of others(run.config)) send(run, peer, beat);
}

/** Acknowledges at once what would otherwise wait for the next beat, when it has become much or the leader waits for it under load. */
export function acknowledge(run: Run): void {
  const { config, state } = run;
  if (state.unacknowledged < (state.pace.isBusy ? 1 : config.ackSlots)) return;
  state.unacknowledged = 0;
  const leader = ownerOf(state.promised, config.n);
  if (leader !== config.self) send(run, leader, readBeat(config, state));
}

/** Takes what a beat says. */
export function onBeat(run: Run, from: ReplicaIndex, beat: Beat): void {
  const { config, state } = run;
  if (hasForgotten(config, state, beat)) {
    loseMemory(run);
    return;
  }
  noteVouches(run, from, beat);
  state.seen = Math.max(state.seen, beat.promised);
  const { leadership } = state;
  if (leadership !== null && beat.promised === leadership.ballot) {
    countAcknowledged(run, from, beat.incarnation, beat.votedFrom, beat.votedTo);
    // What the votes choose need not be asked for.
    learnFromVotes(run);
  }
  if (beat.leads && hearLeader(state.choice, from, beat.promised, run.nowUs)) {
    if (leadership !== null && leadership.ballot < beat.promised) stepDown(run);
  }
  if (from !== config.witness) noticePrefix(run, from, beat.prefix);
  else admitWitness(run, from, beat);
}

/** True when this device has told more than it remembers: its store is older than its word. */
export function hasForgotten(config: PaxosConfig, state: PaxosState, beat: Beat): boolean {
  const own = beat.heard[config.self];
  if (own === undefined || state.incarnation === 0) return false;
  if (own.incarnation !== state.incarnation) return own.incarnation > state.incarnation;
  let voted = state.prefix;
  for (const slot of state.votes.keys()) voted = Math.max(voted, slot);
  return own.promised > state.promised || own.voted > voted;
}

/**
 * Tells a witness that has lost its record what it was chosen as, and what it must know. Whoever knows of its admission
 * may: what has changed since then was voted for by both replicas, as the witness had no vote.
 */
function admitWitness(run: Run, witness: ReplicaIndex, beat: Beat): void {
  const { config, state } = run;
  if (beat.nonce === null || !isAdmitted(state, witness)) return;
  const { quorum, quorumSlot, incarnations } = state.governance;
  const digest = config.digestEntries(quorumSlot, []);
  send(run, witness, {
    kind: 'admit',
    incarnation: state.incarnation,
    admitted: incarnations[witness]?.incarnation ?? 0,
    nonce: beat.nonce,
    promised: state.seen,
    change: { ballot: KNOWN_BALLOT, from: quorumSlot, slot: quorumSlot, quorum, digest },
  });
}
