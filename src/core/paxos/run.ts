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

/** Writes a record that must be durable before anything that follows leaves. */
export function persist(run: Run, record: PaxosRecord): void {
  run.effects.push({ kind: 'persist', record, barrier: true });
}

/** Writes a record whose loss costs time alone. */
export function persistLazily(run: Run, record: PaxosRecord): void {
  run.effects.push({ kind: 'persist', record, barrier: false });
}

/** By number of devices and own index: asked for several times in every step. */
const OTHERS = new Map<number, readonly ReplicaIndex[]>();

/** The other devices, lowest first. */
export function others({ n, self }: Pick<PaxosConfig, 'n' | 'self'>): readonly ReplicaIndex[] {
  const key = n * n + self;
  const known = OTHERS.get(key);
  if (known !== undefined) return known;
  const listed = Array.from({ length: n }, (_, index) => index).filter((index) => index !== self);
  OTHERS.set(key, listed);
  return listed;
}

/** Those of `members`, lowest first. */
export function listMembers(n: number, members: Members): readonly ReplicaIndex[] {
  return Array.from({ length: n }, (_, index) => index).filter((index) => (members & bit(index)) !== 0);
}

/** Those who say that they remember nothing: they neither promise nor vote. */
export function listAsking(state: PaxosState): Members {
  return state.asking.reduce((members, nonce, peer) => (nonce === null ? members : members | bit(peer)), 0);
}
