/**
 * The leader: phase 1 once for all slots from the first one that it does not know (fast, columns 16 and 19), then phase
 * 2 slot after slot, with its own vote inside the proposal (simplified [0095]), many slots at a time. It must never
 * propose a value of its own for a slot for which phase 1 told of a vote, never propose past a change of who governs,
 * and never let anybody count its own vote before that is durable. What it has not been answered it sends again: the
 * same value, slot and ballot.
 *
 * A new command leaves ahead of the leader's vote where the configuration has it so: the leader's disk and its followers'
 * write at the same time, and the vote comes in a message of its own. A leader that loses that vote proposes nothing
 * else in its ballot, as its promise was durable before: it leads with a higher one, and finds what others voted for.
 */
import { assert } from '../assert.js';
import { sameBytes } from '../bytes.js';
import type { ReplicaIndex } from '../types.js';
import { castVote, countVote, isCurrent, makePromise, mayVote } from './acceptor.js';
import { nextBallot, ownerOf } from './ballot.js';
import { requestKey, sameRequest } from './entries.js';
import { liveMembers } from './leader-choice.js';
import { answer, learn } from './learner.js';
import {
  allReplicas,
  bit,
  changesGovernance,
  countAdmissions,
  isPromiseQuorum,
} from './operational-quorum.js';
import { createSparing, maySpare, notePace } from './pace.js';
import { listAsking, listMembers, others, send, type Run } from './run.js';
import { chooseOne, growWary, isHeldBack, noteSpared } from './sparing.js';
import type { Leadership, PaxosState } from './state.js';
import {
  KNOWN_BALLOT,
  type Entry,
  type Members,
  type PaxosConfig,
  type PromiseMessage,
  type QuorumChange,
  type Refuse,
  type Request,
  type Slot,
  type Vote,
  type VoteMessage,
  type WitnessPromise,
} from './types.js';

/** Begins phase 1 with a ballot higher than any that has been seen. */
export function tryToLead(run: Run): void {
  const { config, state } = run;
  if (!mayVote(state)) return;
  const above = Math.max(state.seen, state.promised);
  const ballot = nextBallot(above, config.self, config.n, countAdmissions(state.governance));
  if (ballot === null) return;
  makePromise(run, ballot);
  state.choice.triedUs = run.nowUs;
  state.leadership = {
    ballot,
    phase: 'prepares',
    sinceUs: run.nowUs,
    preparedUs: run.nowUs,
    promises: new Map(),
    found: new Map(),
    next: state.prefix + 1,
    changeAt: 0,
    sent: new Map(),
    sparing: createSparing(),
    unsaid: new Map(),
  };
  notePromise(run, state.leadership, config.self, state.incarnation, state.prefix, [...state.votes.values()]);
  sendPrepares(run, state.leadership);
}

/** Asks everybody who has not promised yet. */
function sendPrepares(run: Run, leadership: Leadership): void {
  leadership.preparedUs = run.nowUs;
  for (const peer of others(run.config)) {
    if (countsPromise(run.state, leadership, peer)) continue;
    send(run, peer, {
      kind: 'prepare',
      incarnation: run.state.incarnation,
      ballot: leadership.ballot,
      from: run.state.prefix + 1,
    });
  }
}

/** Leads no more; waiting clients are sent on. */
export function stepDown(run: Run): void {
  const { state } = run;
  if (state.leadership === null) return;
  state.leadership = null;
  if (state.choice.leader === run.config.self) state.choice.leader = null;
  const leader = state.choice.leader;
  for (const { client, sequence } of state.queue.splice(0))
    run.effects.push({ kind: 'answer', client, sequence, outcome: { kind: 'redirect', leader } });
  state.repeated.clear();
}

/** A replica's promise, with its votes. */
export function onPromise(run: Run, from: ReplicaIndex, message: PromiseMessage): void {
  const { leadership } = run.state;
  if (leadership?.ballot !== message.ballot || from === run.config.witness) return;
  if (!isCurrent(run.state, from, message.incarnation)) return;
  notePromise(run, leadership, from, message.incarnation, message.prefix, message.votes);
}

/** The witness's promise: its last vote was for a change of the operational quorum, and chose it (simplified [00116]). */
export function onWitnessPromise(run: Run, from: ReplicaIndex, message: WitnessPromise): void {
  const { config, state } = run;
  const { leadership } = state;
  if (leadership?.ballot !== message.ballot || from !== config.witness) return;
  if (!isCurrent(state, from, message.incarnation)) return;
  const { change } = message;
  if (change !== null && change.slot > state.prefix) {
    const entry: Entry = { kind: 'quorum', members: change.quorum };
    noteFound(leadership, { slot: change.slot, ballot: KNOWN_BALLOT, entry });
    // The witness knows what was chosen below by digest alone: its promise counts once this device knows it by itself.
    if (holdsAllBelow(state, leadership, change)) {
      leadership.promises.set(from, { incarnation: message.incarnation, prefix: state.prefix });
      if (change.slot === state.prefix + 1) learn(run, entry);
    } else {
      leadership.promises.set(from, { incarnation: message.incarnation, prefix: change.slot - 1 });
    }
    return;
  }
  leadership.promises.set(from, { incarnation: message.incarnation, prefix: 0 });
}

/** True when for every slot below the change a vote is known that is no older than the witness's. */
function holdsAllBelow(state: PaxosState, leadership: Leadership, change: QuorumChange): boolean {
  for (let slot = state.prefix + 1; slot < change.slot; slot += 1)
    if ((leadership.found.get(slot)?.ballot ?? -1) < change.ballot) return false;
  return true;
}

function notePromise(
  run: Run,
  leadership: Leadership,
  from: ReplicaIndex,
  incarnation: number,
  prefix: Slot,
  votes: readonly Vote[],
): void {
  leadership.promises.set(from, { incarnation, prefix });
  run.state.prefixes[from] = Math.max(prefix, run.state.prefixes[from] ?? 0);
  for (const vote of votes)
    if (vote.slot > run.state.prefix && vote.slot >= leadership.next) noteFound(leadership, vote);
}

/** fast, column 16: the proposal with the largest number that any member of the quorum voted for. */
function noteFound(leadership: Leadership, vote: Vote): void {
  const known = leadership.found.get(vote.slot);
  if (known === undefined || known.ballot < vote.ballot) leadership.found.set(vote.slot, vote);
}

/**
 * A higher ballot has been answered (fast, column 17): leads no more, and tries again at once if nobody else is at it.
 */
export function onRefuse(run: Run, message: Refuse): void {
  const { config, state } = run;
  state.seen = Math.max(state.seen, message.promised);
  const { leadership } = state;
  if (leadership?.ballot !== message.ballot || message.promised <= message.ballot) return;
  const owner = ownerOf(message.promised, config.n);
  const isAlive = (liveMembers(config, state.choice, run.nowUs) & bit(owner)) !== 0;
  stepDown(run);
  if (owner === config.self || !isAlive) tryToLead(run);
}

/** A vote for a proposal of this leader. The witness's chooses everything up to its slot. */
export function onVoteForLeader(run: Run, from: ReplicaIndex, message: VoteMessage): void {
  const { config, state } = run;
  const { leadership } = state;
  if (from !== config.witness || leadership?.ballot !== message.ballot) return;
  if (message.slot !== leadership.changeAt || !isCurrent(state, from, message.incarnation)) return;
  for (let slot = state.prefix + 1; slot <= message.slot; slot += 1)
    countVote(state, from, slot, message.ballot);
}

/** Votes of a follower in this leader's ballot, told in a batch (simplified [0101], [0102]). */
export function countAcknowledged(
  run: Run,
  from: ReplicaIndex,
  incarnation: number,
  fromSlot: Slot,
  toSlot: Slot,
): void {
  const { state } = run;
  const { leadership } = state;
  if (leadership === null || !isCurrent(state, from, incarnation)) return;
  const last = Math.min(toSlot, leadership.next - 1);
  for (let slot = Math.max(fromSlot, state.prefix + 1); slot <= last; slot += 1)
    countVote(state, from, slot, leadership.ballot);
}

/** A client's request at this leader; false where it must be answered otherwise. */
export function queueRequest(run: Run, request: Request): void {
  const { config, state } = run;
  if (isUnderWay(state, request)) {
    state.repeated.add(requestKey(request));
    return;
  }
  if (state.queue.length < config.maxQueued) {
    state.queue.push(request);
    return;
  }
  const { client, sequence } = request;
  run.effects.push({ kind: 'answer', client, sequence, outcome: { kind: 'busy' } });
}

function isUnderWay(state: PaxosState, request: Request): boolean {
  const isSame = (entry: Entry): boolean => entry.kind === 'command' && sameRequest(entry.request, request);
  for (const { entry } of state.votes.values()) if (isSame(entry)) return true;
  for (const { entry } of state.leadership?.found.values() ?? []) if (isSame(entry)) return true;
  return state.queue.some((queued) => sameRequest(queued, request));
}

/** Proposes all that may be proposed now; true when it proposed. */
export function proposeNext(run: Run): boolean {
  const { config, state } = run;
  const { leadership } = state;
  if (leadership === null) return false;
  if (state.promised > leadership.ballot) {
    stepDown(run);
    return false;
  }
  if (!isPromiseQuorum(config, state.governance, promisers(state, leadership))) {
    enterPhase(run, leadership, 'prepares');
    return false;
  }
  enterPhase(run, leadership, 'leads');
  if (leadership.changeAt > state.prefix) return false;
  leadership.next = Math.max(leadership.next, state.prefix + 1);
  // What was found and has been learnt otherwise since, perhaps as another entry, is not under way any more.
  for (const slot of leadership.found.keys()) if (slot < leadership.next) leadership.found.delete(slot);
  const slot = leadership.next;
  const entry = chooseEntry(run, leadership, slot);
  if (entry === null) return false;
  propose(run, leadership, slot, entry);
  return true;
}

function enterPhase(run: Run, leadership: Leadership, phase: Leadership['phase']): void {
  if (leadership.phase === phase) return;
  leadership.phase = phase;
  leadership.sinceUs = run.nowUs;
  if (phase === 'prepares') {
    // Who governs has changed: others must promise, with the same ballot.
    sendPrepares(run, leadership);
    return;
  }
  const { config, state } = run;
  state.choice.leader = config.self;
  state.choice.ballot = leadership.ballot;
  state.choice.leaderUs = run.nowUs;
  state.beatUs = -Infinity;
}

/**
 * Those whose promise counts: of the incarnation that may vote, and with nothing chosen that this leader does not know.
 */
export function promisers(state: PaxosState, leadership: Leadership): Members {
  let members = 0;
  for (const peer of leadership.promises.keys())
    if (countsPromise(state, leadership, peer)) members |= bit(peer);
  return members;
}

function countsPromise(state: PaxosState, leadership: Leadership, peer: ReplicaIndex): boolean {
  const note = leadership.promises.get(peer);
  return note !== undefined && note.prefix <= state.prefix && isCurrent(state, peer, note.incarnation);
}

/** What may be proposed for a slot: what was found there, nothing below what was found, else something new. */
function chooseEntry(run: Run, leadership: Leadership, slot: Slot): Entry | null {
  const { config, state } = run;
  const found = leadership.found.get(slot);
  if (found !== undefined) return found.entry;
  for (const above of leadership.found.keys()) if (above > slot) return { kind: 'nothing' };
  const change = chooseChange(run);
  if (change !== null) return change;
  if (slot > state.prefix + config.windowSlots || isHeldBack(run, leadership)) return null;
  for (;;) {
    const request = state.queue.shift();
    if (request === undefined) return null;
    if (!config.keepsState || !answer(run, request)) return { kind: 'command', request };
  }
}

/** A change of who governs that is due: an admission, or another operational quorum. */
function chooseChange(run: Run): Entry | null {
  const { config, state } = run;
  const live = liveMembers(config, state.choice, run.nowUs);
  for (const replica of others(config)) {
    const nonce = state.asking[replica];
    const current = state.governance.incarnations[replica];
    if (nonce === null || nonce === undefined || current === undefined || isAdmitted(state, replica))
      continue;
    // It may have founded itself meanwhile (genesis.ts): then it asks no more.
    if ((state.askedUs[replica] ?? -Infinity) <= (state.leadership?.sinceUs ?? Infinity)) continue;
    // One of the operational quorum must leave it first: nothing is chosen with it.
    if (config.witness !== null && (state.governance.quorum & bit(replica)) !== 0) continue;
    return { kind: 'incarnation', replica, incarnation: current.incarnation + 1, nonce };
  }
  if (config.witness === null) return null;
  const { quorum } = state.governance;
  const self = bit(config.self);
  const able = live & allReplicas(config) & ~listAsking(state);
  // simplified [00112]: a member has failed, and this leader is another; or operators want another one without it
  const left = (quorum & able & state.wanted) === 0 ? quorum & able : quorum & able & state.wanted;
  if (left !== quorum && (quorum & self) !== 0) return { kind: 'quorum', members: left };
  // A device is back, or wanted again, has been there for a while, and knows all that has been proposed.
  const returned = allReplicas(config) & ~quorum & state.wanted;
  const isReady = listMembers(config.n, returned).every(
    (replica) =>
      replica === config.self ||
      ((able & bit(replica)) !== 0 &&
        run.nowUs - (state.choice.steadyUs[replica] ?? run.nowUs) >= config.holdDownUs &&
        (state.prefixes[replica] ?? 0) >= (state.leadership?.next ?? Infinity) - 1),
  );
  return returned !== 0 && isReady ? { kind: 'quorum', members: quorum | returned } : null;
}

/** True when this replica was chosen as the incarnation that it asks to be: it has only to learn of it. */
export function isAdmitted(state: PaxosState, replica: ReplicaIndex): boolean {
  const nonce = state.asking[replica];
  const current = state.governance.incarnations[replica];
  return nonce !== null && nonce !== undefined && current !== undefined && sameBytes(current.nonce, nonce);
}

/** Votes for a proposal of its own, durably, and sends it with that vote (simplified [0095], [0096]) or ahead of it. */
function propose(run: Run, leadership: Leadership, slot: Slot, entry: Entry): void {
  const { config, state } = run;
  leadership.next = slot + 1;
  if (changesGovernance(entry)) leadership.changeAt = slot;
  if (maySpare(config)) notePace(state.pace, config.busySlots, run.nowUs);
  const isAhead = mayProposeAhead(config, leadership, slot, entry);
  if (isAhead) transmit(run, leadership, slot, entry, false);
  castVote(run, slot, leadership.ballot, entry);
  if (!isAhead) transmit(run, leadership, slot, entry, true);
}

/**
 * Whether a proposal leaves ahead of this device's vote: a new command, so that nobody can know of another choice for its slot,
 * of which this leader would have to hear.
 */
function mayProposeAhead(
  { proposesAhead, learning }: PaxosConfig,
  { found }: Leadership,
  slot: Slot,
  entry: Entry,
): boolean {
  return proposesAhead && learning !== 'one-learner' && entry.kind === 'command' && !found.has(slot);
}

/** Sends a proposal to those who are to vote for it. */
function transmit(run: Run, leadership: Leadership, slot: Slot, entry: Entry, hasVote: boolean): void {
  const { config, state } = run;
  const times = (leadership.sent.get(slot)?.times ?? 0) + 1;
  leadership.sent.set(slot, { atUs: run.nowUs, times });
  for (const to of voters(run, leadership, slot, entry, times)) {
    send(run, to, {
      kind: 'propose',
      incarnation: state.incarnation,
      ballot: leadership.ballot,
      slot,
      entry,
      prefix: hasVote ? state.prefix : 0,
      hasVote,
    });
    if (!hasVote) leadership.unsaid.set(to, { from: leadership.unsaid.get(to)?.from ?? slot, to: slot });
  }
  if (config.witness !== null && entry.kind === 'quorum') sendChange(run, leadership, slot, entry.members);
}

/** The votes for all that this step has proposed ahead of them, in one message for each who was asked. */
export function sayVotes(run: Run, { ballot, unsaid }: Leadership): void {
  const { incarnation, prefix } = run.state;
  for (const [to, { from, to: slot }] of unsaid)
    send(run, to, { kind: 'vote', incarnation, ballot, from, slot, prefix });
  unsaid.clear();
}

/** simplified [00112]: the change, and with it all that is proposed below, through the witness. */
function sendChange(run: Run, leadership: Leadership, slot: Slot, quorum: Members): void {
  const { config, state } = run;
  const { witness } = config;
  const voter = state.governance.incarnations[witness ?? -1];
  // The witness's vote is proof only together with that of a member of the operational quorum.
  if (witness === null || voter === undefined || (state.governance.quorum & bit(config.self)) === 0) return;
  const from = state.prefix + 1;
  const below: Entry[] = [];
  for (let at = from; at < slot; at += 1) {
    const vote = state.votes.get(at);
    assert(vote?.ballot === leadership.ballot, 'all slots below a change are proposed in its ballot');
    below.push(vote.entry);
  }
  const digest = config.digestEntries(from, below);
  send(run, witness, {
    kind: 'propose-change',
    incarnation: state.incarnation,
    voter: voter.incarnation,
    change: { ballot: leadership.ballot, from, slot, quorum, digest },
  });
}

/** Who is asked to vote for a slot, at the so many-th time. */
function voters(
  run: Run,
  leadership: Leadership,
  slot: Slot,
  entry: Entry,
  times: number,
): readonly ReplicaIndex[] {
  const { config, state } = run;
  const one = changesGovernance(entry) ? null : chooseOne(run, leadership);
  if (one !== null) {
    noteSpared(run, leadership, one, slot);
    return [one];
  }
  const peers = others(config).filter((peer) => peer !== config.witness);
  // simplified [00109]: functions are voted for by the operational quorum alone
  if (config.witness !== null && entry.kind !== 'quorum')
    return peers.filter((peer) => (state.governance.quorum & bit(peer)) !== 0);
  if (config.learning !== 'one-learner' || config.witness !== null) return peers;
  // simplified [0098]: one other device completes the quorum; if it does not answer, the next is sent the same
  const live = liveMembers(config, state.choice, run.nowUs);
  const able = peers.filter((peer) => (live & bit(peer)) !== 0);
  const choices = able.length > 0 ? able : peers;
  return choices.filter((_, index) => index === (times - 1) % choices.length);
}

/** Sends again what has not been answered. */
export function retransmit(run: Run): void {
  const { config, state } = run;
  const { leadership } = state;
  if (leadership === null) return;
  const isDue = (atUs: number): boolean => run.nowUs - atUs >= config.retryUs;
  if (leadership.phase === 'prepares' && isDue(leadership.preparedUs)) sendPrepares(run, leadership);
  let left = config.batchSlots;
  for (const [slot, { atUs }] of leadership.sent) {
    const vote = state.votes.get(slot);
    if (slot <= state.prefix || vote === undefined) leadership.sent.delete(slot);
    else if (left > 0 && isDue(atUs)) {
      left -= 1;
      growWary(run, leadership);
      transmit(run, leadership, slot, vote.entry, true);
    }
  }
}
