/**
 * Amnesia, and the way back (protocol.md §9): a device whose store does not remember what it promised neither promises
 * nor votes. It learns what is chosen like any other; when the others have chosen it as a new incarnation, with the
 * nonce of this start of its process, it votes again, once it knows all that is chosen up to there.
 */
import { findAdmission } from './learner.js';
import { stepDown } from './leader.js';
import { persist, type Run } from './run.js';

/** The store is older than the device's word, or another incarnation has taken its place: nothing in it is a promise. */
export function loseMemory(run: Run): void {
  const { state } = run;
  stepDown(run);
  state.incarnation = 0;
  state.isBlank = false;
  state.since = 0;
  state.votes.clear();
  state.tallies.clear();
  persist(run, { kind: 'stamp', incarnation: 0, since: 0 });
}

/** Votes again where the others have chosen it; loses its voice where they have chosen somebody else in its place. */
export function followAdmission(run: Run): void {
  const { config, state } = run;
  const admitted = state.governance.incarnations[config.self]?.incarnation ?? 0;
  if (state.incarnation > 0 && admitted > state.incarnation) loseMemory(run);
  if (state.incarnation > 0) return;
  const incarnation = findAdmission(run);
  if (incarnation === null) return;
  state.incarnation = incarnation;
  state.since = state.prefix;
  // A stamp first, as it makes void whatever an older store still holds; then all that the new incarnation knows.
  persist(run, { kind: 'stamp', incarnation, since: state.since });
  if (state.snapshot !== null) persist(run, { kind: 'snapshot', snapshot: state.snapshot });
  for (const [slot, { entry }] of state.chosen)
    if (slot > (state.snapshot?.slot ?? 0)) persist(run, { kind: 'entry', slot, entry });
  persist(run, { kind: 'promise', ballot: state.seen });
  state.promised = state.seen;
}
