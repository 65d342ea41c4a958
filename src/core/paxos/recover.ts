/**
 * A device at the start of its process: what its durable records make of it (protocol.md §9; P6). It must never promise
 * or vote on the strength of records that may not be all: without a stamp, or with a gap among them, it is amnesiac.
 */
import { countVote } from './acceptor.js';
import { allReplicas, foundGovernance } from './operational-quorum.js';
import { createLeaderChoice } from './leader-choice.js';
import { applyChosen, installSnapshot } from './learner.js';
import type { Run } from './run.js';
import { createPace } from './pace.js';
import type { PaxosState } from './state.js';
import type { Ballot, Entry, PaxosConfig, PaxosEffect, PaxosRecord, Slot, Snapshot } from './types.js';

/** What is remembered of a slot. */
interface SlotMemory {
  readonly entry: Entry;
  /** 0: learnt, and so chosen for certain. */
  readonly ballot: Ballot;
}

/** What is left of records once later ones have replaced earlier ones. */
interface Memory {
  incarnation: number;
  since: Slot;
  promised: Ballot;
  prefix: Slot;
  snapshot: Snapshot | null;
  readonly slots: Map<Slot, SlotMemory>;
}

/** The device, and effects to be carried out first: its state so far, from the snapshot on. */
export function recoverPaxos(
  config: PaxosConfig,
  records: readonly PaxosRecord[],
  nowUs: number,
): { readonly state: PaxosState; readonly effects: readonly PaxosEffect[] } {
  const state = createState(config, records.length === 0, nowUs);
  const effects: PaxosEffect[] = [];
  if (state.witness !== null) {
    const last = records.findLast((record) => record.kind === 'witness');
    if (last !== undefined) {
      state.incarnation = last.incarnation;
      state.witness.promised = last.promised;
      state.witness.change = last.change;
    }
    return { state, effects };
  }
  const memory = readRecords(records);
  if (memory.incarnation === 0 || hasGap(memory)) return { state, effects };
  const run: Run = { config, state, nowUs, effects };
  if (memory.snapshot !== null) installSnapshot(run, memory.snapshot);
  for (;;) {
    const slot = state.prefix + 1;
    const known = memory.slots.get(slot);
    if (known === undefined || slot > memory.prefix) break;
    applyChosen(run, known.entry, known.ballot);
  }
  for (const [slot, { entry, ballot }] of memory.slots)
    if (slot > state.prefix && ballot > 0) {
      state.votes.set(slot, { slot, ballot, entry });
      countVote(state, config.self, slot, ballot);
    }
  state.notedPrefix = state.prefix;
  state.incarnation = memory.incarnation;
  state.since = memory.since;
  state.promised = memory.promised;
  state.seen = memory.promised;
  return { state, effects };
}

function readRecords(records: readonly PaxosRecord[]): Memory {
  let memory = forgetAll();
  for (const record of records) {
    switch (record.kind) {
      case 'stamp':
        memory = { ...forgetAll(), incarnation: record.incarnation, since: record.since };
        break;
      case 'promise':
        memory.promised = Math.max(memory.promised, record.ballot);
        break;
      case 'vote':
        memory.promised = Math.max(memory.promised, record.ballot);
        memory.slots.set(record.slot, { entry: record.entry, ballot: record.ballot });
        break;
      case 'entry':
        memory.slots.set(record.slot, { entry: record.entry, ballot: 0 });
        // It was learnt when all slots below were known, by the votes and entries that came before.
        memory.prefix = Math.max(memory.prefix, record.slot);
        break;
      case 'prefix':
        memory.prefix = Math.max(memory.prefix, record.slot);
        break;
      case 'snapshot':
        memory.snapshot = record.snapshot;
        break;
      case 'witness':
        break;
    }
  }
  return memory;
}

function forgetAll(): Memory {
  return {
    incarnation: 0,
    since: 0,
    promised: 0,
    prefix: 0,
    snapshot: null,
    slots: new Map(),
  };
}

/** True when a slot that was known to be chosen has no record: the store has lost some. */
function hasGap(memory: Memory): boolean {
  for (let slot = (memory.snapshot?.slot ?? 0) + 1; slot <= memory.prefix; slot += 1)
    if (!memory.slots.has(slot)) return true;
  return false;
}

function createState(config: PaxosConfig, isBlank: boolean, nowUs: number): PaxosState {
  const perReplica = <T>(make: () => T): T[] => Array.from({ length: config.n }, make);
  return {
    incarnation: 0,
    since: 0,
    isBlank,
    vouchers: 0,
    promised: 0,
    votes: new Map(),
    prefix: 0,
    chosen: new Map(),
    firstKept: 0,
    clients: new Map(),
    governance: foundGovernance(config),
    snapshot: null,
    taking: null,
    tallies: new Map(),
    notedPrefix: 0,
    leadership: null,
    queue: [],
    wanted: allReplicas(config),
    repeated: new Set(),
    choice: createLeaderChoice(config.n, nowUs),
    seen: 0,
    heard: perReplica(() => ({ incarnation: 0, promised: 0, voted: 0 })),
    prefixes: perReplica(() => 0),
    asking: perReplica(() => null),
    askedUs: perReplica(() => -Infinity),
    fetchedUs: -Infinity,
    beatUs: -Infinity,
    pace: createPace(),
    unacknowledged: 0,
    told: null,
    witness: config.self === config.witness ? { promised: 0, change: null } : null,
  };
}
