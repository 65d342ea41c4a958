/** A witness's record of Simplified Paxos as the 40 bytes of its state. */
import type { PaxosRecord } from '../core/paxos/types.js';
import { decodeWitnessState, encodeWitnessState } from './witness-state.js';

/** The bytes of its store. Throws RangeError for any other record, and where a number does not fit. */
export function encodeWitness(record: PaxosRecord): Uint8Array {
  if (record.kind !== 'witness') throw new RangeError(`a witness keeps no ${record.kind}`);
  return encodeWitnessState(record);
}

/** The record, or null for what no witness writes. */
export function decodeWitness(bytes: Uint8Array): PaxosRecord | null {
  const state = decodeWitnessState(bytes);
  return state === null ? null : { kind: 'witness', ...state };
}

/** How a witness keeps its record. */
export const witnessCodec = { encode: encodeWitness, decode: decodeWitness };
