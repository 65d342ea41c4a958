/** The operational quorum, as whoever knows of it tells people. It decides nothing. */
import type { Members, Slot } from '../core/paxos/types.js';
import type { Rig } from '../rig/rig.js';
import type { Telemetry } from './telemetry.js';

type QuorumAccount = Extract<Telemetry, { kind: 'quorum' }>;

/** What is told of a change that is chosen at `slot`. */
export function describeQuorum(
  rig: Pick<Rig, 'replicas'>,
  slot: Slot,
  members: Members,
): Pick<QuorumAccount, 'quorum' | 'fromSlot' | 'text'> {
  const isMember = (_: unknown, replica: number): boolean => (members & (1 << replica)) !== 0;
  const quorum = rig.replicas.filter(isMember).map(({ id }) => id);
  const missing = rig.replicas.filter(({ id }) => !quorum.includes(id)).map(({ id }) => id);
  const fromSlot = slot + 1;
  const text =
    missing.length === 0
      ? `${quorum.join(' and ')} are the operational quorum from slot ${fromSlot} on`
      : `${quorum.join(' and ')} alone is the operational quorum from slot ${fromSlot} on, without ${missing.join(' and ')}`;
  return { quorum, fromSlot, text };
}
