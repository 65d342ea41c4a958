/** One step under way: what it reads, what it changes, and what comes of it. */
import type { ReplicaIndex } from '../types.js';
import { bit } from './operational-quorum.js';
import type { PaxosState } from './state.js';
import type { Members, PaxosConfig, PaxosEffect, PaxosMessage, PaxosRecord } from './types.js';

export interface Run {
  readonly config: PaxosConfig;
  readonly state: PaxosState;
  readonly nowUs: number;
  readonly effects: PaxosEffect[];
}

/** Sends a message, after all that has to be durable before it. */
export function send(run: Run, to: ReplicaIndex, message: PaxosMessage): void {
  run.effects.push({ kind: 'send', to, message });
}

/**
 * True for a proposal whose leader's vote comes later: no vote has to be durable before it leaves. It rests on the promise of
 * its ballot alone, which keeps a leader from proposing anything else in it (Lamport's phase 2a has no vote either).
 */
export function isAheadOfVote(message: PaxosMessage): boolean {
  return message.kind === 'propose' && !message.hasVote;
}

/** Writes a record that must be durable before anything that follows leaves. */
export function persist(run: Run, record: PaxosRecord): void {
  run.effects.push({ kind: 'persist', record, barrier: true });
}

/** Writes a record whose loss costs time alone. */
export function persistLazily(run: Run, record: PaxosRecord): void {
  run.effects.push({ kind: 'persist', record, barrier: false });
}

/** By set of devices, those in it: asked for at every step, and there are few. */
const listed = new Map<Members, readonly ReplicaIndex[]>();

/** The other devices, lowest first. */
export function others(config: Pick<PaxosConfig, 'n' | 'self'>): readonly ReplicaIndex[] {
  return listMembers(config.n, ((1 << config.n) - 1) & ~bit(config.self));
}

/** Those of `members`, lowest first. */
export function listMembers(n: number, members: Members): readonly ReplicaIndex[] {
  const all = members & ((1 << n) - 1);
  const known = listed.get(all);
  if (known !== undefined) return known;
  const list = Array.from({ length: n }, (_, index) => index).filter((index) => (all & bit(index)) !== 0);
  listed.set(all, list);
  return list;
}

/** Those who say that they remember nothing: they neither promise nor vote. */
export function listAsking(state: PaxosState): Members {
  return state.asking.reduce((members, nonce, peer) => (nonce === null ? members : members | bit(peer)), 0);
}
