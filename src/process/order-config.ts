/**
 * Simplified Paxos in one rig: who its devices are, and how long they wait for one another. The times suit boards on a local
 * network whose machines are busy: a leader that dies is missed within `silenceUs` and a beat, the next one has the
 * promises it needs a message and a flush later, and whoever waits for an answer has it well within half a second. A leader
 * that is taken for dead too early costs time alone.
 */
import { PAXOS_DEFAULTS } from '../core/paxos/defaults.js';
import type { Entry, PaxosConfig, Slot } from '../core/paxos/types.js';
import type { ReplicaIndex } from '../core/types.js';
import type { Principal } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { ORDER_TIMES } from '../rig/order-times.js';
import { deriveOrderLimits } from '../wire/limits.js';
import { encodePaxosMessage, type PaxosLimits } from '../wire/paxos-codec.js';
import { digestBytes } from '../wire/replicated-state-codec.js';

/** Length of the nonce that a device shows when it asks to be admitted. */
export const ORDER_NONCE_BYTES = 16;

/** The devices that vote, in the order of their indices: the replicas, and the witness last. */
export function listDevices({ replicas, witness }: Pick<Rig, 'replicas' | 'witness'>): readonly Principal[] {
  return [...replicas, ...(witness === null ? [] : [witness])].map(({ id }) => id);
}

/** The bounds of a rig whose commands a log orders. Throws RangeError for any other. */
export function requireOrderLimits(rig: Rig): PaxosLimits {
  const limits = deriveOrderLimits(rig);
  if (limits === null) throw new RangeError(`rig ${rig.id} orders nothing by a log`);
  return limits;
}

/** What Simplified Paxos is told in device `self` of a rig whose commands a log orders. `nonce`: 16 fresh bytes. */
export function buildOrderConfig(rig: Rig, self: ReplicaIndex, nonce: Uint8Array): PaxosConfig {
  const { n, windowSlots, batchSlots, maxValueBytes, maxClients, answersPerClient } = requireOrderLimits(rig);
  return {
    ...PAXOS_DEFAULTS,
    n,
    self,
    witness: rig.witness === null ? null : rig.replicas.length,
    nonce,
    ...ORDER_TIMES,
    windowSlots,
    batchSlots,
    maxValueBytes,
    maxClients,
    answersPerClient,
    digestEntries,
  };
}

/** By what a witness, which knows no entries, tells those from slot `from` on from others. */
export function digestEntries(from: Slot, entries: readonly Entry[]): Uint8Array {
  return digestBytes(encodePaxosMessage({ kind: 'entries', incarnation: 0, from, entries, prefix: 0 }));
}
