/**
 * Genesis: how a new rig begins, whose stores are all empty. A device whose store is empty cannot tell whether it is new
 * or has lost what it promised; the others can. Each tells, in its beats, the nonces of those who ask, as long as it has
 * promised, voted for and learnt nothing: it vouches. Whoever has been vouched for by all others, the witness included,
 * with the nonce of this start of its process, takes itself for incarnation 1, which votes from slot 1 on.
 *
 * Why nobody forgets anything by it, as long as no two stores are lost at once. Let D found itself so.
 *  1. A nonce is made when a process starts, so each of the others said what it said during this life of D: at that moment
 *     it held no promise. What D did in an earlier life, with a store that is lost, was over by then.
 *  2. So in no earlier life of D did anybody promise it anything, nor anybody lead whom D could have voted for, as a leader
 *     promises its own ballot before it asks anyone. D has neither led nor voted; at most it promised its own ballot, in
 *     which it never proposed. Nothing that counts is forgotten.
 *  3. It does not matter how long ago the others vouched, nor what they have done since: one that founds itself late, after
 *     others have voted, is a device that has not voted. It has learnt nothing by then, else it leaves it to the others to
 *     let it in.
 *  4. If one of the others loses its store after it vouched, D is still as it was; and the one that lost it is not vouched
 *     for by anybody who has promised or learnt something since, and comes back by `admission.ts`.
 * A store that is empty but for a void stamp, or has a gap, is no empty one: its device neither founds itself nor vouches.
 *
 * Why a new rig gets going. A device that has founded itself goes on to vouch until it promises; it tries to lead only with
 * others who have founded themselves (`paxos.ts`), and these are enough to let in whoever came too late.
 *
 * If all lose their stores, what was chosen is gone, and a new log begins. If some do, but too many to go on, those that are
 * left do not vouch, and all wait.
 */
import { sameBytes } from '../bytes.js';
import { bit } from './operational-quorum.js';
import { others, persist, type Run } from './run.js';
import type { PaxosState } from './state.js';
import type { ReplicaIndex } from '../types.js';
import type { Beat } from './types.js';

/** The incarnation of a rig's first devices. */
const FIRST_INCARNATION = 1;

/** The nonces that this device vouches for: of all who ask, as long as it can say that it holds nothing. */
export function listVouches(state: PaxosState): readonly Uint8Array[] {
  if (!isPristine(state)) return [];
  return state.asking.filter((nonce) => nonce !== null);
}

/** Notes whether a device asks, and whether it vouches for this one. */
export function noteVouches(run: Run, from: ReplicaIndex, beat: Beat): void {
  const { config, state } = run;
  state.asking[from] = beat.nonce;
  state.askedUs[from] = run.nowUs;
  if (beat.vouches.some((nonce) => sameBytes(nonce, config.nonce))) state.vouchers |= bit(from);
}

/** Takes itself for one of a new rig, where all others vouch for it. */
export function followGenesis(run: Run): void {
  const { config, state } = run;
  if (state.incarnation > 0 || !isPristine(state)) return;
  if (!others(config).every((peer) => (state.vouchers & bit(peer)) !== 0)) return;
  state.incarnation = FIRST_INCARNATION;
  if (state.witness === null) persist(run, { kind: 'stamp', incarnation: FIRST_INCARNATION, since: 0 });
  else persist(run, { kind: 'witness', incarnation: FIRST_INCARNATION, promised: 0, change: null });
}

/** True for a device that has promised, voted for and learnt nothing, as far as any store of it can tell. */
function isPristine(state: PaxosState): boolean {
  if (state.incarnation === 0 && !state.isBlank) return false;
  if (state.witness !== null) return state.witness.promised === 0 && state.witness.change === null;
  return state.promised === 0 && state.prefix === 0 && state.votes.size === 0;
}
