/**
 * What a device missed (fast, column 19): chosen entries from whoever knows more, or a snapshot and the tail. It takes
 * an entry only for the slot next to its prefix, and asks for no more than one message at a time.
 */
import type { ReplicaIndex } from '../types.js';
import { installSnapshot, learn, notePrefix } from './learner.js';
import { send, type Run } from './run.js';
import type { Entries, Entry, Fetch, Slot, SnapshotMessage } from './types.js';

/** `from` says to know what is chosen up to `prefix`: what is missing here is asked for, again only after a while. */
export function noticePrefix(run: Run, from: ReplicaIndex, prefix: Slot): void {
  const { config, state } = run;
  state.prefixes[from] = Math.max(prefix, state.prefixes[from] ?? 0);
  if (prefix <= state.prefix || run.nowUs - state.fetchedUs < config.retryUs) return;
  fetch(run, from);
}

/** Asks for the next entries. */
export function fetch(run: Run, from: ReplicaIndex): void {
  run.state.fetchedUs = run.nowUs;
  send(run, from, { kind: 'fetch', incarnation: run.state.incarnation, from: run.state.prefix + 1 });
}

/** Sends what is asked for, as far as it is there. */
export function onFetch(run: Run, from: ReplicaIndex, message: Fetch): void {
  sendChosen(run, from, message.from);
}

/** Sends the chosen entries from `slot` on, or the snapshot where they are truncated. */
export function sendChosen(run: Run, to: ReplicaIndex, slot: Slot): void {
  const { config, state } = run;
  if (slot > state.prefix) return;
  if (state.firstKept === 0 || slot < state.firstKept) {
    // A leader that keeps no state has none to give; whoever executes has.
    if (state.snapshot !== null && config.keepsState && slot <= state.snapshot.slot)
      send(run, to, { kind: 'snapshot', incarnation: state.incarnation, snapshot: state.snapshot });
    return;
  }
  const entries: Entry[] = [];
  for (let at = slot; at <= state.prefix && entries.length < config.batchSlots; at += 1) {
    const chosen = state.chosen.get(at);
    if (chosen === undefined) break;
    entries.push(chosen.entry);
  }
  send(run, to, {
    kind: 'entries',
    incarnation: state.incarnation,
    from: slot,
    entries,
    prefix: state.prefix,
  });
}

/** Learns what follows on the prefix, and asks for more. */
export function onEntries(run: Run, from: ReplicaIndex, message: Entries): void {
  const { state } = run;
  const before = state.prefix;
  message.entries.forEach((entry, index) => {
    if (message.from + index === state.prefix + 1) learn(run, entry);
  });
  if (state.prefix === before) return;
  notePrefix(run, true);
  state.prefixes[from] = Math.max(message.prefix, state.prefixes[from] ?? 0);
  if (message.prefix > state.prefix) fetch(run, from);
}

/** Goes on from a snapshot, and asks for the tail. */
export function onSnapshot(run: Run, from: ReplicaIndex, message: SnapshotMessage): void {
  const { state } = run;
  if (message.snapshot.slot <= state.prefix) return;
  installSnapshot(run, message.snapshot);
  fetch(run, from);
}
