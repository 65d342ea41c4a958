/** What the commands of a simulated group make: how many were executed, and up to which slot. */
import type { Slot } from '../core/paxos/types.js';

export interface PaxosAppState {
  readonly slot: Slot;
  readonly executed: number;
}

/** Bytes, as a snapshot holds them. */
export function encodeState({ slot, executed }: PaxosAppState): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, slot);
  view.setFloat64(8, executed);
  return bytes;
}

/** The opposite; throws a RangeError for bytes that no `encodeState` made. */
export function decodeState(bytes: Uint8Array): PaxosAppState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { slot: view.getFloat64(0), executed: view.getFloat64(8) };
}
