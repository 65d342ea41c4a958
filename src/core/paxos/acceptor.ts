/**
 * The acceptor: promises and votes (fast, columns 15–18; simplified [0095]). It must never answer a prepare or cast a
 * vote below a ballot that it promised, never before that is durable, and never without remembering all that its
 * incarnation said.
 */
import type { ReplicaIndex } from '../types.js';
import { sameEntry } from './entries.js';
import { bit, isChosenBy } from './operational-quorum.js';
import { maySpare, notePace } from './pace.js';
import { others, persist, send, type Run } from './run.js';
import type { PaxosState } from './state.js';
import type { Ballot, Entry, PaxosConfig, Prepare, Propose, Slot, VoteMessage } from './types.js';

/** True when this device remembers all that it said, and may promise and vote. */
export function mayVote(state: PaxosState): boolean {
  return state.incarnation > 0 && state.prefix >= state.since;
}

/** True when a message is of the incarnation of its sender that counts, as far as this device knows. */
export function isCurrent(state: PaxosState, from: ReplicaIndex, incarnation: number): boolean {
  return state.governance.incarnations[from]?.incarnation === incarnation;
}

/** True when the sender has been replaced by a later incarnation of itself: nothing that it says counts. */
export function isVoid(state: PaxosState, from: ReplicaIndex, incarnation: number): boolean {
  return incarnation < (state.governance.incarnations[from]?.incarnation ?? Infinity);
}

/** Promises to vote in no lower ballot. */
export function makePromise(run: Run, ballot: Ballot): void {
  if (ballot <= run.state.promised) return;
  run.state.promised = ballot;
  run.state.seen = Math.max(run.state.seen, ballot);
  persist(run, { kind: 'promise', ballot });
}

/** Answers phase 1 (fast, column 16): with all votes above the chosen prefix, or the higher ballot. */
export function onPrepare(run: Run, from: ReplicaIndex, message: Prepare): void {
  const { state } = run;
  if (!mayVote(state) || isVoid(state, from, message.incarnation)) return;
  if (message.ballot < state.promised) {
    refuse(run, from, message.ballot);
    return;
  }
  // Who tries for the first time with this ballot is given time.
  if (message.ballot > state.promised) state.choice.triedUs = run.nowUs;
  makePromise(run, message.ballot);
  send(run, from, {
    kind: 'promise',
    incarnation: state.incarnation,
    ballot: message.ballot,
    prefix: state.prefix,
    votes: [...state.votes.values()].sort((a, b) => a.slot - b.slot),
  });
}

/** Names the higher ballot (fast, column 17). */
export function refuse(run: Run, to: ReplicaIndex, ballot: Ballot): void {
  send(run, to, {
    kind: 'refuse',
    incarnation: run.state.incarnation,
    ballot,
    promised: run.state.promised,
  });
}

/** Votes; whoever calls has seen that nothing forbids it. */
export function castVote(run: Run, slot: Slot, ballot: Ballot, entry: Entry): void {
  const { config, state } = run;
  // The vote promises too, and a snapshot may take the place of its record, but of no promise.
  makePromise(run, ballot);
  state.votes.set(slot, { slot, ballot, entry });
  persist(run, { kind: 'vote', slot, ballot, entry });
  countVote(state, config.self, slot, ballot);
}

/** Notes who voted for a slot; of several ballots the highest one counts. */
export function countVote(state: PaxosState, voter: ReplicaIndex, slot: Slot, ballot: Ballot): void {
  const tally = state.tallies.get(slot);
  if (tally === undefined || tally.ballot < ballot) {
    state.tallies.set(slot, { ballot, members: bit(voter) });
  } else if (tally.ballot === ballot) {
    state.tallies.set(slot, { ballot, members: tally.members | bit(voter) });
  }
}

/** Phase 2: votes for a proposal that a leader voted for itself. The slot is known to be below the window's end. */
export function onPropose(run: Run, from: ReplicaIndex, message: Propose): void {
  const { config, state } = run;
  const { ballot, slot, entry } = message;
  if (ballot < state.promised) {
    refuse(run, from, ballot);
    return;
  }
  const own = state.votes.get(slot);
  if (own === undefined || own.ballot < ballot) castVote(run, slot, ballot, entry);
  else if (!sameEntry(own.entry, entry)) return;
  state.unacknowledged += 1;
  // Before the leader takes it for busy: what it holds back waits for acknowledgements.
  if (maySpare(config)) notePace(state.pace, config.busySlots / 2, run.nowUs);
  // simplified [0095]: the leader's vote came with the proposal
  if (message.hasVote && isCurrent(state, from, message.incarnation)) countVote(state, from, slot, ballot);
  if (pairSuffices(config, state, from, entry)) return;
  for (const peer of others(config)) {
    if (peer !== config.witness)
      send(run, peer, {
        kind: 'vote',
        incarnation: state.incarnation,
        ballot,
        from: slot,
        slot,
        prefix: state.prefix,
      });
  }
}

/** True when the leader's vote and one's own are a quorum (simplified [0094]). */
export function pairSuffices(
  config: PaxosConfig,
  state: PaxosState,
  leader: ReplicaIndex,
  entry: Entry,
): boolean {
  if (config.learning === 'votes-to-all') return false;
  return isChosenBy(config, state.governance, bit(leader) | bit(config.self), entry);
}

/** Another device's votes. */
export function onVote(run: Run, from: ReplicaIndex, message: VoteMessage): void {
  const { config, state } = run;
  if (!isCurrent(state, from, message.incarnation)) return;
  const last = Math.min(message.slot, state.prefix + 2 * config.windowSlots);
  for (let slot = Math.max(message.from, state.prefix + 1); slot <= last; slot += 1)
    countVote(state, from, slot, message.ballot);
}
