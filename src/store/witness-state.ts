/**
 * All that a witness must not forget, as 40 bytes at fixed places (integers little-endian, unused bytes 0):
 *
 *  0  4  incarnation               12  4  ballot of the last vote      24  16  digest, 0 behind it
 *  4  4  promised ballot           16  4  first slot it covers
 *  8  1  1: there is a last vote   20  4  slot of the quorum change
 *  9  1  quorum, bit i: replica i
 * 10  1  length of the digest
 */

/** Of a witness's state, always. */
export const WITNESS_STATE_BYTES = 40;

const DIGEST_AT = 24;
const MAX_DIGEST_BYTES = 16;

/** What a witness promised, and its last vote. */
export interface WitnessState {
  readonly incarnation: number;
  readonly promised: number;
  readonly change: {
    readonly ballot: number;
    readonly from: number;
    readonly slot: number;
    readonly quorum: number;
    readonly digest: Uint8Array;
  } | null;
}

/** Throws RangeError where a number does not fit. */
export function encodeWitnessState({ incarnation, promised, change }: WitnessState): Uint8Array {
  const bytes = Buffer.alloc(WITNESS_STATE_BYTES);
  bytes.writeUInt32LE(incarnation, 0);
  bytes.writeUInt32LE(promised, 4);
  if (change === null) return Uint8Array.from(bytes);
  const { digest } = change;
  if (digest.length > MAX_DIGEST_BYTES) throw new RangeError(`a digest of ${digest.length} bytes`);
  bytes.writeUInt8(1, 8);
  bytes.writeUInt8(change.quorum, 9);
  bytes.writeUInt8(digest.length, 10);
  bytes.writeUInt32LE(change.ballot, 12);
  bytes.writeUInt32LE(change.from, 16);
  bytes.writeUInt32LE(change.slot, 20);
  bytes.set(digest, DIGEST_AT);
  return Uint8Array.from(bytes);
}

/** Null where it is not what `encodeWitnessState` makes. */
export function decodeWitnessState(bytes: Uint8Array): WitnessState | null {
  if (bytes.length !== WITNESS_STATE_BYTES) return null;
  const view = Buffer.from(bytes);
  const digestBytes = view.readUInt8(10);
  if (view.readUInt8(8) > 1 || digestBytes > MAX_DIGEST_BYTES) return null;
  const state: WitnessState = {
    incarnation: view.readUInt32LE(0),
    promised: view.readUInt32LE(4),
    change:
      view.readUInt8(8) === 0
        ? null
        : {
            ballot: view.readUInt32LE(12),
            from: view.readUInt32LE(16),
            slot: view.readUInt32LE(20),
            quorum: view.readUInt8(9),
            digest: Uint8Array.from(view.subarray(DIGEST_AT, DIGEST_AT + digestBytes)),
          },
  };
  return view.equals(encodeWitnessState(state)) ? state : null;
}
