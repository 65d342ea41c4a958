/**
 * The witness: an inexpensive device that helps to choose the operational quorum and nothing else (simplified
 * [00105]–[00113]). It votes for every change that it is sent unless it promised more, reads no command, and keeps one
 * small record: what it promised, and its last vote. Whether its vote counts is for the leader to know, by the rules in
 * `operational-quorum.ts`.
 */
import type { ReplicaIndex } from '../types.js';
import { sameBytes } from '../bytes.js';
import { followGenesis, listVouches, noteVouches } from './genesis.js';
import { others, persist, send, type Run } from './run.js';
import type { PaxosState, WitnessMemory } from './state.js';
import type { Admit, Beat, PaxosConfig, PaxosInput, Prepare, ProposeChange, QuorumChange } from './types.js';

/** One step of a witness. */
export function stepWitness(run: Run, memory: WitnessMemory, input: PaxosInput): void {
  const { config, state } = run;
  if (input.kind === 'received') onMessage(run, memory, input.from, input.message);
  if (input.kind === 'request') {
    const { client, sequence } = input.request;
    run.effects.push({ kind: 'answer', client, sequence, outcome: { kind: 'redirect', leader: null } });
  }
  if (config.beatUs !== null && run.nowUs - state.beatUs >= config.beatUs) {
    state.beatUs = run.nowUs;
    for (const peer of others(config)) send(run, peer, readWitnessBeat(config, state, memory));
  }
}

type Received = Extract<PaxosInput, { kind: 'received' }>;

function onMessage(run: Run, memory: WitnessMemory, from: ReplicaIndex, message: Received['message']): void {
  const { config, state } = run;
  switch (message.kind) {
    case 'prepare':
      if (state.incarnation > 0) onPrepare(run, memory, from, message);
      return;
    case 'propose-change':
      if (state.incarnation > 0) onChange(run, memory, from, message);
      return;
    case 'admit':
      // protocol.md §9: votes again as the incarnation that the others chose
      if (state.incarnation === 0) onAdmit(run, memory, message);
      return;
    case 'beat':
      if (isForgotten(config, state, memory, message)) {
        state.incarnation = 0;
        state.isBlank = false;
        memory.promised = 0;
        memory.change = null;
        persist(run, { kind: 'witness', incarnation: 0, promised: 0, change: null });
      }
      noteVouches(run, from, message);
      followGenesis(run);
      return;
    default:
      return;
  }
}

function onPrepare(run: Run, memory: WitnessMemory, from: ReplicaIndex, message: Prepare): void {
  const { incarnation } = run.state;
  if (message.ballot < memory.promised) {
    send(run, from, { kind: 'refuse', incarnation, ballot: message.ballot, promised: memory.promised });
    return;
  }
  if (message.ballot > memory.promised) {
    memory.promised = message.ballot;
    remember(run, memory);
  }
  // simplified [00116]: the last vote goes with the promise
  send(run, from, {
    kind: 'witness-promise',
    incarnation,
    ballot: message.ballot,
    change: memory.change,
  });
}

/** simplified [00113]: votes for every proposal, so long as it has not answered a higher number. */
function onChange(run: Run, memory: WitnessMemory, from: ReplicaIndex, message: ProposeChange): void {
  const { incarnation } = run.state;
  const { change } = message;
  if (message.voter !== incarnation) return;
  if (change.ballot < memory.promised) {
    send(run, from, { kind: 'refuse', incarnation, ballot: change.ballot, promised: memory.promised });
    return;
  }
  // A leader knows all that it may propose beyond; only one that does not keep the rules would go back.
  if (memory.change !== null && change.slot < memory.change.slot) return;
  if (memory.change === null || !sameVote(memory.change, change)) {
    memory.promised = change.ballot;
    memory.change = change;
    remember(run, memory);
  }
  // simplified [00113], message 1014
  const { ballot, slot } = change;
  send(run, from, { kind: 'vote', incarnation, ballot, from: slot, slot, prefix: 0 });
}

function sameVote(a: QuorumChange, b: QuorumChange): boolean {
  return a.ballot === b.ballot && a.slot === b.slot && a.quorum === b.quorum;
}

/** The others have chosen what this start of the witness shows: it takes over what it must know. */
function onAdmit(run: Run, memory: WitnessMemory, message: Admit): void {
  if (message.admitted <= 0 || !sameBytes(message.nonce, run.config.nonce)) return;
  run.state.incarnation = message.admitted;
  memory.promised = message.promised;
  memory.change = message.change;
  remember(run, memory);
}

function remember(run: Run, memory: WitnessMemory): void {
  const { promised, change } = memory;
  persist(run, { kind: 'witness', incarnation: run.state.incarnation, promised, change });
}

function isForgotten(config: PaxosConfig, state: PaxosState, memory: WitnessMemory, beat: Beat): boolean {
  const own = beat.heard[config.self];
  if (own === undefined || state.incarnation === 0) return false;
  if (own.incarnation !== state.incarnation) return own.incarnation > state.incarnation;
  return own.promised > memory.promised || own.voted > (memory.change?.slot ?? 0);
}

/** What a witness says of itself. */
export function readWitnessBeat(config: PaxosConfig, state: PaxosState, memory: WitnessMemory): Beat {
  return {
    kind: 'beat',
    incarnation: state.incarnation,
    promised: memory.promised,
    leads: false,
    prefix: 0,
    votedFrom: 1,
    votedTo: 0,
    nonce: state.incarnation === 0 ? config.nonce : null,
    heard: state.heard.map((heard) => ({ ...heard })),
    vouches: listVouches(state),
  };
}
