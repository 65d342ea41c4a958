/**
 * A witness's record as the 40 bytes of its state. Ballots of four bytes do: they grow by three with every try to lead. The
 * ballot above all (`KNOWN_BALLOT`) is the largest of them, and no ballot of a vote.
 */
import { KNOWN_BALLOT, type PaxosRecord } from '../core/paxos/types.js';
import { decodeWitnessState, encodeWitnessState } from './witness-state.js';

const KNOWN = 0xffff_ffff;

/** The bytes of its store. Throws RangeError for any other record, and where a number does not fit. */
export function encodeWitness(record: PaxosRecord): Uint8Array {
  if (record.kind !== 'witness') throw new RangeError(`a witness keeps no ${record.kind}`);
  const { incarnation, promised, change } = record;
  return encodeWitnessState({
    incarnation,
    promised: toBytes(promised),
    change: change === null ? null : { ...change, ballot: toBytes(change.ballot) },
  });
}

/** The record, or null for what no witness writes. */
export function decodeWitness(bytes: Uint8Array): PaxosRecord | null {
  const state = decodeWitnessState(bytes);
  if (state === null) return null;
  const { incarnation, promised, change } = state;
  return {
    kind: 'witness',
    incarnation,
    promised: fromBytes(promised),
    change: change === null ? null : { ...change, ballot: fromBytes(change.ballot) },
  };
}

function toBytes(ballot: number): number {
  if (ballot === KNOWN_BALLOT) return KNOWN;
  if (ballot >= KNOWN) throw new RangeError(`ballot ${ballot} does not fit into a witness's record`);
  return ballot;
}

function fromBytes(ballot: number): number {
  return ballot === KNOWN ? KNOWN_BALLOT : ballot;
}
