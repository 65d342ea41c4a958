/** Timeouts and bounds that suit three boards on a local network; whoever makes a `PaxosConfig` may change each. */
import type { PaxosConfig } from './types.js';

export const PAXOS_DEFAULTS = {
  learning: 'leader-vote',
  proposesAhead: true,
  keepsState: true,
  beatUs: 20_000,
  silenceUs: 100_000,
  holdDownUs: 50_000,
  retryUs: 40_000,
  windowSlots: 64,
  batchSlots: 32,
  ackSlots: 16,
  busySlots: 20,
  maxQueued: 256,
  maxValueBytes: 1024,
  maxClients: 64,
  answersPerClient: 16,
  snapshotSlots: 1024,
} as const satisfies Partial<PaxosConfig>;
