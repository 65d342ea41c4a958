/**
 * Simplified Paxos behind a single `stepPaxos` (protocol.md §9; simplified [0093]–[00118]; fast, columns 14–20). It
 * knows no socket, timer or file; time, messages and requests come in as inputs, and what has to happen goes out as
 * effects, to be carried out by the contract in `types.ts`.
 *
 * A request's way with a settled leader: `onRequest` → `proposeNext` (the leader votes and proposes) → `onPropose` at
 * the others (they vote) → `learnFromVotes` (the leader's vote and one's own are a quorum of three) → the client is
 * answered, one message delay after the leader sent.
 *
 * It must never throw for anything that a peer or client sends, and never promise, vote or answer what is not durable
 * first.
 */
import { assert } from '../assert.js';
import type { ReplicaIndex } from '../types.js';
import { isVoid, mayVote, onPrepare, onPropose, onVote } from './acceptor.js';
import { followAdmission } from './admission.js';
import { acknowledge, onBeat, readBeat, sendBeats } from './beat.js';
import { ownerOf } from './ballot.js';
import { fetch, noticePrefix, onEntries, onFetch, onSnapshot, sendChosen } from './catch-up.js';
import {
  onPromise,
  onRefuse,
  onVoteForLeader,
  onWitnessPromise,
  proposeNext,
  queueRequest,
  retransmit,
  sayVotes,
  stepDown,
  tryToLead,
} from './leader.js';
import { followGenesis } from './genesis.js';
import { hear, hearLeader, liveLeader, liveMembers, look, shouldTry } from './leader-choice.js';
import { answer, askForSnapshot, learnFromVotes, notePrefix, onSnapshotTaken } from './learner.js';
import { allReplicas, bit, isChosenBy, isMajority } from './operational-quorum.js';
import { listAsking, others, type Run } from './run.js';
import { endBatch } from './sparing.js';
import type { PaxosState } from './state.js';
import { describeStatus, sameStatus } from './status.js';
import type {
  Beat,
  Members,
  Outcome,
  PaxosConfig,
  PaxosEffect,
  PaxosInput,
  PaxosMessage,
  Propose,
  Request,
  Slot,
  VoteMessage,
} from './types.js';
import { readWitnessBeat, stepWitness } from './witness.js';

/** One transition: effects in the order in which they must be carried out. */
export interface PaxosTransition {
  readonly state: PaxosState;
  readonly effects: readonly PaxosEffect[];
}

const MAX_CLIENT_CHARACTERS = 64;

/** Takes one input. The state is changed in place and returned. */
export function stepPaxos(config: PaxosConfig, state: PaxosState, input: PaxosInput): PaxosTransition {
  const run: Run = { config, state, nowUs: input.nowUs, effects: [] };
  if (input.kind === 'received') {
    assert(input.from !== config.self, 'nobody sends to itself');
    if (!isPlausible(config, input.from, input.message)) return { state, effects: run.effects };
    hear(config, state.choice, input.from, run.nowUs);
    noteHeard(state, input.from, input.message);
  }
  if (state.witness !== null) stepWitness(run, state.witness, input);
  else stepReplica(run, input);
  const status = describeStatus(run);
  if (!sameStatus(state.told, status)) {
    state.told = status;
    run.effects.push({ kind: 'status', status });
  }
  return { state, effects: run.effects };
}

/** False for a sender that is none, and for one that leads with a ballot that is not its own. */
function isPlausible(config: PaxosConfig, from: ReplicaIndex, message: PaxosMessage): boolean {
  if (from < 0 || from >= config.n) return false;
  if (message.kind !== 'prepare' && message.kind !== 'propose' && message.kind !== 'propose-change')
    return true;
  const ballot = message.kind === 'propose-change' ? message.change.ballot : message.ballot;
  return ballot > 0 && ownerOf(ballot, config.n) === from;
}

/** What a device would say in a beat now, for those that ride on round 1. */
export function readPaxosBeat(config: PaxosConfig, state: PaxosState): Beat {
  return state.witness === null ? readBeat(config, state) : readWitnessBeat(config, state, state.witness);
}

function stepReplica(run: Run, input: PaxosInput): void {
  const before = run.state.prefix;
  switch (input.kind) {
    case 'time':
      onTime(run);
      break;
    case 'received':
      onMessage(run, input.from, input.message);
      break;
    case 'request':
      onRequest(run, input.request);
      break;
    case 'wanted':
      run.state.wanted = input.members & allReplicas(run.config);
      break;
    case 'snapshot-taken':
      onSnapshotTaken(run, input.slot, input.state);
      break;
  }
  settle(run);
  if (input.kind === 'received' && input.message.kind === 'propose') inform(run, input.from, before + 1);
}

/** simplified [0098], message 721: the one learner tells the third device what was chosen, and for which slots. */
function inform(run: Run, leader: ReplicaIndex, slot: Slot): void {
  const { config } = run;
  if (config.learning !== 'one-learner' || config.witness !== null) return;
  for (const peer of others(config)) if (peer !== leader) sendChosen(run, peer, slot);
}

/**
 * Whatever follows from what is now known: slots are chosen, and further ones proposed, until there is nothing left to
 * do.
 */
function settle(run: Run): void {
  for (;;) {
    const learns = learnFromVotes(run);
    followAdmission(run);
    followGenesis(run);
    if (!proposeNext(run) && !learns) break;
  }
  if (run.state.leadership !== null) {
    sayVotes(run, run.state.leadership);
    endBatch(run, run.state.leadership);
  }
  notePrefix(run, false);
  askForSnapshot(run);
  acknowledge(run);
}

function onMessage(run: Run, from: ReplicaIndex, message: PaxosMessage): void {
  switch (message.kind) {
    case 'prepare':
      onPrepare(run, from, message);
      return;
    case 'promise':
      onPromise(run, from, message);
      noticePrefix(run, from, message.prefix);
      return;
    case 'witness-promise':
      onWitnessPromise(run, from, message);
      return;
    case 'refuse':
      onRefuse(run, message);
      return;
    case 'propose':
      onProposal(run, from, message);
      return;
    case 'vote':
      if (from === run.config.witness) onVoteForLeader(run, from, message);
      else onVotes(run, from, message);
      return;
    case 'fetch':
      onFetch(run, from, message);
      return;
    case 'entries':
      onEntries(run, from, message);
      return;
    case 'snapshot':
      onSnapshot(run, from, message);
      return;
    case 'beat':
      onBeat(run, from, message);
      return;
    case 'propose-change':
    case 'admit':
      // For a witness.
      return;
  }
}

/**
 * A proposal: what is known to be chosen is told, what is too far ahead must wait for what is missing, the rest is
 * voted for.
 */
function onProposal(run: Run, from: ReplicaIndex, message: Propose): void {
  const { config, state } = run;
  if (isVoid(state, from, message.incarnation)) return;
  hearLeader(state.choice, from, message.ballot, run.nowUs);
  if (message.slot <= state.prefix) {
    // fast, column 19: whoever knows that a function was selected informs the leader
    if (message.slot === message.prefix + 1) sendChosen(run, from, message.slot);
    return;
  }
  if (message.slot > state.prefix + 2 * config.windowSlots) {
    fetch(run, from);
    return;
  }
  noticePrefix(run, from, message.prefix);
  if (mayVote(state)) onPropose(run, from, message);
}

/** Votes of another replica, and what it knows to be chosen: what the votes choose need not be asked for. */
function onVotes(run: Run, from: ReplicaIndex, message: VoteMessage): void {
  onVote(run, from, message);
  learnFromVotes(run);
  noticePrefix(run, from, message.prefix);
}

function onTime(run: Run): void {
  const { config, state } = run;
  look(config, state.choice, run.nowUs);
  if (config.beatUs !== null && run.nowUs - state.beatUs >= config.beatUs) sendBeats(run);
  const live = liveMembers(config, state.choice, run.nowUs);
  const able = live & ~listAsking(state);
  const { leadership } = state;
  if (leadership !== null) {
    const isTried = run.nowUs - leadership.sinceUs > config.silenceUs;
    const canChoose = isChosenBy(config, state.governance, live, { kind: 'nothing' });
    // Nobody would vote: whoever still hears this leader should not wait for it.
    if (leadership.phase === 'leads' && isTried && !canChoose) stepDown(run);
    else if (leadership.phase === 'leads') state.choice.leaderUs = run.nowUs;
    retransmit(run);
  } else if (
    isMajority(config, able) &&
    shouldTry(config, state.choice, findCandidates(run, able), run.nowUs)
  ) {
    tryToLead(run);
  }
  const ahead = state.prefixes.findIndex((prefix, peer) => prefix > state.prefix && (live & bit(peer)) !== 0);
  if (ahead >= 0 && ahead !== config.self) noticePrefix(run, ahead, state.prefixes[ahead] ?? 0);
}

/**
 * Who could lead, of those who are live and remember: whoever belongs to the operational quorum as far as this device
 * knows. Where none of it is there, whoever hears the witness asks it: it may know of a later one (simplified [00116]).
 */
function findCandidates(run: Run, able: Members): Members {
  const { config, state } = run;
  const replicas = able & allReplicas(config);
  const members = replicas & state.governance.quorum;
  const candidates = members === 0 ? replicas : members;
  return mayVote(state) ? candidates : candidates & ~bit(config.self);
}

function onRequest(run: Run, request: Request): void {
  const { config, state } = run;
  const { client, sequence } = request;
  const say = (outcome: Outcome): void => {
    run.effects.push({ kind: 'answer', client, sequence, outcome });
  };
  const isWell =
    client.length > 0 &&
    client.length <= MAX_CLIENT_CHARACTERS &&
    Number.isSafeInteger(sequence) &&
    sequence > 0;
  if (!isWell) say({ kind: 'refused', reason: 'malformed' });
  else if (request.value.length > config.maxValueBytes) say({ kind: 'refused', reason: 'value-too-large' });
  else if (config.keepsState && answer(run, request)) return;
  else {
    const waits = state.told?.waits ?? null;
    if (waits !== null) say({ kind: 'waits', for: waits.for });
    else if (state.leadership === null)
      say({ kind: 'redirect', leader: liveLeader(config, state.choice, run.nowUs) });
    else queueRequest(run, request);
  }
}

/** What a message tells of its sender's promises and votes, to be told back to it. */
function noteHeard(state: PaxosState, from: ReplicaIndex, message: PaxosMessage): void {
  if (message.incarnation > 0) state.asking[from] = null;
  const heard = state.heard[from];
  if (heard === undefined || message.incarnation < heard.incarnation) return;
  if (message.incarnation > heard.incarnation) {
    heard.incarnation = message.incarnation;
    heard.promised = 0;
    heard.voted = 0;
  }
  const { promised, voted } = readWord(message);
  heard.promised = Math.max(heard.promised, promised);
  heard.voted = Math.max(heard.voted, voted);
}

function readWord(message: PaxosMessage): { readonly promised: number; readonly voted: number } {
  switch (message.kind) {
    case 'prepare':
      return { promised: message.ballot, voted: 0 };
    case 'promise':
      return { promised: message.ballot, voted: message.votes.at(-1)?.slot ?? 0 };
    case 'witness-promise':
      return { promised: message.ballot, voted: message.change?.slot ?? 0 };
    case 'refuse':
      return { promised: message.promised, voted: 0 };
    case 'propose':
      return { promised: message.ballot, voted: message.hasVote ? message.slot : 0 };
    case 'vote':
      return { promised: message.ballot, voted: message.slot };
    case 'beat':
      return { promised: message.promised, voted: message.votedTo < message.votedFrom ? 0 : message.votedTo };
    case 'propose-change':
      return { promised: message.change.ballot, voted: message.change.slot };
    case 'fetch':
    case 'entries':
    case 'snapshot':
    case 'admit':
      return { promised: 0, voted: 0 };
  }
}
