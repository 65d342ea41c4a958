/**
 * Who governs a slot: which votes choose it, and which promises make a leader of it (simplified [00105]–[00118]).
 *
 * Without a witness any majority of the n devices does both. With one, the operational quorum Q governs slot s, where Q
 * is the last one chosen below s. Commands are chosen by every member of Q, or by a majority of the three that holds a
 * member of Q; a change of Q by such a majority alone; phase 1 needs such a majority too.
 *
 * Why no slot ever has two values:
 *  1. Under one Q, whoever leads hears of what may be chosen: its majority meets every majority, and every set that holds
 *     all of Q, as it holds a member of Q. So Paxos holds slot by slot, once all use the same Q for a slot.
 *  2. They do: Q of slot s follows from what is chosen below s. A slot is taken for chosen, and a leader's promises are
 *     counted, only by what is known to be chosen below it. Nobody proposes past a change, of Q or of an incarnation, before
 *     that is chosen, and a new leader proposes one only beyond all that it found; so no slot is proposed under a Q that
 *     another value below it could replace.
 *  3. A witness keeps one vote only. What it drops is known: a leader proposes to the witness only as a member of Q, so its
 *     own vote and the witness's choose the change the moment that is cast. Whoever leads later has been told of it by the
 *     witness or by that leader before it may propose for that slot or beyond; so a later vote of the witness starts beyond
 *     the former, or has it in itself. A witness that lost its record is told, when it is admitted, which change governs.
 *  4. What the witness voted for below a change it knows by digest alone. A leader counts the witness's promise only once it
 *     knows all these slots, or holds votes for them that are no older; else it waits for the device that does (Fig. 13).
 *  5. A device is taken into Q only after it has told that it durably knows all slots below the change: else the other's
 *     failure would leave a quorum that lacks what was chosen.
 *  6. Votes and promises of an incarnation are void for slots beyond the admission of the next. The new one
 *     votes only once it knows all slots up to its admission; what the forgotten one helped to choose lies below, as
 *     the leader that admits it has first proposed all that it found.
 */
import { assert } from '../assert.js';
import { countBits } from '../bits.js';
import type { ReplicaIndex } from '../types.js';
import type { Entry, Members, PaxosConfig, Slot } from './types.js';

/** What chosen entries say of who may vote. */
export interface Governance {
  readonly quorum: Members;
  /** Where `quorum` was chosen; 0: from the beginning. */
  readonly quorumSlot: Slot;
  /** By replica. */
  readonly incarnations: readonly { readonly incarnation: number; readonly nonce: Uint8Array }[];
}

type Devices = Pick<PaxosConfig, 'n' | 'witness'>;

const NO_NONCE = new Uint8Array(0);

/** One replica as a set. */
export function bit(replica: ReplicaIndex): Members {
  return 1 << replica;
}

/** All devices that keep state. */
export function allReplicas(config: Devices): Members {
  const all = (1 << config.n) - 1;
  return config.witness === null ? all : all & ~bit(config.witness);
}

/** Before anything is chosen: all replicas, each as it was provisioned. */
export function foundGovernance(config: Devices): Governance {
  assert(config.witness === null || config.n === 3, 'a witness is one of three devices');
  return {
    quorum: allReplicas(config),
    quorumSlot: 0,
    incarnations: Array.from({ length: config.n }, () => ({ incarnation: 1, nonce: NO_NONCE })),
  };
}

/** Who governs the slots after `slot`, for which `entry` is chosen. */
export function followEntry(governance: Governance, slot: Slot, entry: Entry): Governance {
  if (entry.kind === 'quorum') return { ...governance, quorum: entry.members, quorumSlot: slot };
  if (entry.kind !== 'incarnation') return governance;
  return {
    ...governance,
    incarnations: governance.incarnations.map((current, replica) =>
      replica === entry.replica && entry.incarnation > current.incarnation
        ? { incarnation: entry.incarnation, nonce: entry.nonce }
        : current,
    ),
  };
}

/** New incarnations so far. */
export function countAdmissions(governance: Governance): number {
  return governance.incarnations.reduce((sum, { incarnation }) => sum + incarnation - 1, 0);
}

/** Nobody proposes past an entry of this kind before it is chosen. */
export function changesGovernance(entry: Entry): boolean {
  return entry.kind === 'quorum' || entry.kind === 'incarnation';
}

/** True when the votes of `voters` choose `entry`. */
export function isChosenBy(config: Devices, governance: Governance, voters: Members, entry: Entry): boolean {
  // simplified [00109], [00114]: the operational quorum alone, which may be one device
  if (
    config.witness !== null &&
    entry.kind !== 'quorum' &&
    (governance.quorum & ~voters) === 0 &&
    governance.quorum !== 0
  )
    return true;
  // simplified [00112]: the quorum itself is changed by a majority of the whole
  return isGoverningMajority(config, governance, voters);
}

/** True when the promises of `promisers` are enough to lead the next slot. */
export function isPromiseQuorum(config: Devices, governance: Governance, promisers: Members): boolean {
  return isGoverningMajority(config, governance, promisers);
}

/** More than half of all devices, the witness included. */
export function isMajority(config: Devices, members: Members): boolean {
  return countBits(members) > config.n / 2;
}

function isGoverningMajority(config: Devices, governance: Governance, members: Members): boolean {
  if (!isMajority(config, members)) return false;
  // simplified [00116]: no majority goes on without what the operational quorum executed by itself
  return config.witness === null || (members & governance.quorum) !== 0;
}
