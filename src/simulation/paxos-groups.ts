/** The groups of devices that Simplified Paxos is simulated with, and what they are given to do it. */
import type { Entry, Learning, PaxosConfig, Slot } from '../core/paxos/types.js';
import type { ReplicaIndex } from '../core/types.js';
import type { Random } from '../faults/random.js';

/** One kind of group. */
export interface PaxosGroup {
  readonly ids: readonly string[];
  readonly witness: ReplicaIndex | null;
  readonly learning: Learning;
}

const THREE = ['a', 'b', 'c'] as const;

/** By name. */
export const PAXOS_GROUPS = {
  three: { ids: THREE, witness: null, learning: 'leader-vote' },
  'one-learner': { ids: THREE, witness: null, learning: 'one-learner' },
  'votes-to-all': { ids: THREE, witness: null, learning: 'votes-to-all' },
  witness: { ids: ['a', 'b', 'w'], witness: 2, learning: 'leader-vote' },
  five: { ids: ['a', 'b', 'c', 'd', 'e'], witness: null, learning: 'leader-vote' },
} as const satisfies Readonly<Record<string, PaxosGroup>>;

export type PaxosGroupName = keyof typeof PAXOS_GROUPS;

export const PAXOS_GROUP_NAMES = Object.keys(PAXOS_GROUPS) as readonly PaxosGroupName[];

const BEAT_US = 10_000;
const SILENCE_US = 40_000;
const HOLD_DOWN_US = 25_000;
const RETRY_US = 12_000;
const MAX_VALUE_BYTES = 64;

/** How often a device is told the time. */
export const TICK_US = 5_000;

/** Small limits, so that a short run reaches them; the same for all devices of a run. */
export function drawConfig(
  group: PaxosGroup,
  clients: number,
  random: Random,
  digestEntries: (from: Slot, entries: readonly Entry[]) => Uint8Array,
): (self: ReplicaIndex, nonce: Uint8Array) => PaxosConfig {
  const between = (least: number, most: number): number => least + random.nextInteger(most - least + 1);
  const shared = {
    n: group.ids.length,
    witness: group.witness,
    learning: group.learning,
    proposesAhead: random.nextInteger(3) > 0,
    keepsState: true,
    beatUs: BEAT_US,
    silenceUs: SILENCE_US,
    holdDownUs: HOLD_DOWN_US,
    retryUs: RETRY_US,
    windowSlots: between(4, 24),
    batchSlots: between(3, 16),
    ackSlots: between(2, 8),
    maxQueued: between(4, 16),
    maxValueBytes: MAX_VALUE_BYTES,
    maxClients: clients,
    answersPerClient: between(4, 8),
    snapshotSlots: between(20, 80),
    // One in three never spares anybody.
    busySlots: [1, 3, Infinity][random.nextInteger(3)] ?? Infinity,
    digestEntries,
  };
  return (self, nonce) => ({ ...shared, self, nonce });
}
