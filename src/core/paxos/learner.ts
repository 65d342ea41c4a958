/**
 * The learner: which slots are chosen, in order, what follows from them, and whom to answer (simplified [0095]–[0101]).
 * A slot is judged only when all slots below it are known, as these say who governs it and whether its request was
 * executed before. It must never take a slot for chosen on less than the votes that choose it, and never tell one twice
 * or out of order.
 */
import { sameBytes } from '../bytes.js';
import { pairSuffices } from './acceptor.js';
import { ownerOf } from './ballot.js';
import { findOutcome, listClients, noteExecuted, readClients } from './client-table.js';
import { sameEntry, requestKey } from './entries.js';
import { bit, followEntry, isChosenBy } from './operational-quorum.js';
import { persist, persistLazily, type Run } from './run.js';
import type { PaxosState } from './state.js';
import type { Ballot, Entry, Request, Slot, Snapshot } from './types.js';

/** Takes every slot for chosen that the votes at hand choose; true when there was one. */
export function learnFromVotes(run: Run): boolean {
  const { config, state } = run;
  const before = state.prefix;
  for (;;) {
    const slot = state.prefix + 1;
    const vote = state.votes.get(slot);
    const tally = state.tallies.get(slot);
    if (vote === undefined || tally === undefined || tally.ballot !== vote.ballot) break;
    if (!isChosenBy(config, state.governance, tally.members, vote.entry)) break;
    learn(run, vote.entry);
  }
  return state.prefix > before;
}

/** The next slot is chosen: `entry`. */
export function learn(run: Run, entry: Entry): void {
  const { state } = run;
  const slot = state.prefix + 1;
  const vote = state.votes.get(slot);
  const isOwnVote = vote !== undefined && sameEntry(vote.entry, entry);
  const ballot = isOwnVote ? vote.ballot : 0;
  // What others told must be as durable as a vote: this device will say that it knows it.
  if (!isOwnVote && state.incarnation > 0) persist(run, { kind: 'entry', slot, entry });
  const answers = ballot > 0 && answersFor(run, ballot, entry);
  applyChosen(run, entry, ballot);
  if (entry.kind !== 'command') return;
  const repeats =
    state.repeated.size > 0 && state.repeated.delete(requestKey(entry.request)) && state.leadership !== null;
  if (answers || repeats) answer(run, entry.request);
}

/** What follows from the next slot's entry, here and for the driver. */
export function applyChosen(run: Run, entry: Entry, ballot: Ballot): void {
  const { config, state } = run;
  const slot = state.prefix + 1;
  state.votes.delete(slot);
  state.tallies.delete(slot);
  state.prefix = slot;
  state.chosen.set(slot, { entry, ballot });
  if (state.firstKept === 0) state.firstKept = slot;
  state.governance = followEntry(state.governance, slot, entry);
  if (entry.kind === 'incarnation') forgetVotesOf(state, entry.replica);
  // simplified [0099]: without a state of its own there is nothing to execute on
  if (!config.keepsState) return;
  const executes = entry.kind !== 'command' || noteExecuted(config, state.clients, entry.request, slot);
  run.effects.push({ kind: 'chosen', slot, entry, executes });
}

/**
 * Writes down how far is known what is chosen: before anything that follows leaves, if `isUrgent`. Whoever voted finds
 * it out again from votes; what others told would be lost.
 */
export function notePrefix(run: Run, isUrgent: boolean): void {
  const { state } = run;
  if (state.prefix === state.notedPrefix) return;
  state.notedPrefix = state.prefix;
  if (state.incarnation > 0)
    (isUrgent ? persist : persistLazily)(run, { kind: 'prefix', slot: state.prefix });
}

/** Asks for a snapshot when one is due. */
export function askForSnapshot(run: Run): void {
  const { config, state } = run;
  const last = state.taking?.slot ?? state.snapshot?.slot ?? 0;
  if (state.prefix - last < config.snapshotSlots) return;
  state.taking = {
    slot: state.prefix,
    state: new Uint8Array(0),
    clients: listClients(state.clients),
    ...state.governance,
  };
  // simplified [0099]: a leader that keeps no state has nothing to put there
  if (config.keepsState) run.effects.push({ kind: 'take-snapshot', slot: state.prefix });
  else onSnapshotTaken(run, state.prefix, new Uint8Array(0));
}

/** The driver's state after all slots up to `slot`: a snapshot, and what it replaces goes (fast, column 19). */
export function onSnapshotTaken(run: Run, slot: Slot, bytes: Uint8Array): void {
  const { state } = run;
  if (state.taking?.slot !== slot) return;
  state.snapshot = { ...state.taking, state: bytes };
  state.taking = null;
  if (state.incarnation > 0) persist(run, { kind: 'snapshot', snapshot: state.snapshot });
  truncate(run);
}

/** The state becomes that of a snapshot beyond all that is known here. */
export function installSnapshot(run: Run, snapshot: Snapshot): void {
  const { config, state } = run;
  if (snapshot.slot <= state.prefix) return;
  state.prefix = snapshot.slot;
  state.notedPrefix = snapshot.slot;
  state.snapshot = snapshot;
  state.taking = null;
  state.clients = readClients(snapshot.clients);
  const before = state.governance.incarnations;
  state.governance = {
    quorum: snapshot.quorum,
    quorumSlot: snapshot.quorumSlot,
    incarnations: snapshot.incarnations,
  };
  state.chosen.clear();
  state.firstKept = 0;
  for (const slot of [...state.votes.keys()]) if (slot <= snapshot.slot) state.votes.delete(slot);
  for (const slot of [...state.tallies.keys()]) if (slot <= snapshot.slot) state.tallies.delete(slot);
  snapshot.incarnations.forEach(({ incarnation }, replica) => {
    if (incarnation !== before[replica]?.incarnation) forgetVotesOf(state, replica);
  });
  if (state.incarnation > 0) persist(run, { kind: 'snapshot', snapshot });
  if (config.keepsState) run.effects.push({ kind: 'install', snapshot });
}

/** Tells a client what has come of its request, as far as that is known; nothing where it is not. */
export function answer(run: Run, request: Request): boolean {
  const outcome = findOutcome(run.config, run.state.clients, request);
  if (outcome === null) return false;
  run.effects.push({ kind: 'answer', client: request.client, sequence: request.sequence, outcome });
  return true;
}

/** Whether it is for this device to answer for a slot that it voted for in `ballot`, and which is now chosen. */
function answersFor(run: Run, ballot: Ballot, entry: Entry): boolean {
  const { config, state } = run;
  const leader = ownerOf(ballot, config.n);
  // simplified [0097]: whoever completes the quorum by its own vote answers
  if (leader !== config.self) return pairSuffices(config, state, leader, entry);
  // simplified [0114]: one device that is the quorum answers by itself; standard Paxos, [0093]: the leader does
  if (isChosenBy(config, state.governance, bit(config.self), entry)) return true;
  return config.learning === 'votes-to-all' || config.n > 3;
}

/** The votes of an incarnation are void beyond the admission of the next. */
function forgetVotesOf(state: PaxosState, replica: number): void {
  for (const [slot, tally] of state.tallies)
    state.tallies.set(slot, { ...tally, members: tally.members & ~bit(replica) });
}

/** Keeps a tail of as many entries as a laggard may lack without needing the snapshot. */
function truncate(run: Run): void {
  const { config, state } = run;
  const keepFrom = (state.snapshot?.slot ?? 0) - config.windowSlots + 1;
  for (let slot = state.firstKept; slot > 0 && slot < keepFrom && slot <= state.prefix; slot += 1) {
    state.chosen.delete(slot);
    state.firstKept = slot + 1;
  }
}

/** True when the device was admitted by what is chosen, with the nonce that it shows. */
export function findAdmission(run: Run): number | null {
  const current = run.state.governance.incarnations[run.config.self];
  if (current === undefined || !sameBytes(current.nonce, run.config.nonce)) return null;
  return current.incarnation;
}
