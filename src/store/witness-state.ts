/**
 * All that a witness must not forget, as 40 bytes at fixed places (integers little-endian, unused bytes 0):
 *
 *  0  2  incarnation               11  1  range of the last vote's ballot     24  16  digest, 0 behind it
 *  2  2  range of what is promised 12  4  place of that ballot in its range
 *  4  4  place of it in its range  16  4  first slot it covers
 *  8  1  1: there is a last vote   20  4  slot of the quorum change
 *  9  1  quorum, bit i: replica i
 * 10  1  length of the digest
 *
 * Every admission of a device that lost its memory opens another range of ballots (core/paxos/ballot.ts); a place is where a
 * ballot is in its range. All ones stand for the ballot above all.
 */
import { joinBallot, splitBallot } from '../core/paxos/ballot.js';
import { KNOWN_BALLOT } from '../core/paxos/types.js';

/** Of a witness's state, always. */
export const WITNESS_STATE_BYTES = 40;

const DIGEST_AT = 24;
const MAX_DIGEST_BYTES = 16;
/** A witness is one of three. */
const DEVICES = 3;

interface Place {
  readonly rangeAt: number;
  readonly rangeBytes: number;
  readonly placeAt: number;
}

const PROMISED: Place = { rangeAt: 2, rangeBytes: 2, placeAt: 4 };
const VOTED: Place = { rangeAt: 11, rangeBytes: 1, placeAt: 12 };
const PLACE_BYTES = 4;
const MAX_PLACE = 2 ** (8 * PLACE_BYTES) - 1;

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
  bytes.writeUInt16LE(incarnation, 0);
  writeBallot(bytes, PROMISED, promised);
  if (change === null) return Uint8Array.from(bytes);
  const { digest } = change;
  if (digest.length > MAX_DIGEST_BYTES) throw new RangeError(`a digest of ${digest.length} bytes`);
  bytes.writeUInt8(1, 8);
  bytes.writeUInt8(change.quorum, 9);
  bytes.writeUInt8(digest.length, 10);
  writeBallot(bytes, VOTED, change.ballot);
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
  const promised = readBallot(view, PROMISED);
  const ballot = readBallot(view, VOTED);
  if (promised === null || ballot === null) return null;
  const state: WitnessState = {
    incarnation: view.readUInt16LE(0),
    promised,
    change:
      view.readUInt8(8) === 0
        ? null
        : {
            ballot,
            from: view.readUInt32LE(16),
            slot: view.readUInt32LE(20),
            quorum: view.readUInt8(9),
            digest: Uint8Array.from(view.subarray(DIGEST_AT, DIGEST_AT + digestBytes)),
          },
  };
  return view.equals(encodeWitnessState(state)) ? state : null;
}

function maxRange({ rangeBytes }: Place): number {
  return 2 ** (8 * rangeBytes) - 1;
}

function writeBallot(bytes: Buffer, at: Place, ballot: number): void {
  const known = ballot === KNOWN_BALLOT;
  const { admissions, place } = known
    ? { admissions: maxRange(at), place: MAX_PLACE }
    : splitBallot(ballot, DEVICES);
  if (!known && (admissions >= maxRange(at) || place > MAX_PLACE))
    throw new RangeError(`ballot ${ballot} does not fit into a witness's record`);
  bytes.writeUIntLE(admissions, at.rangeAt, at.rangeBytes);
  bytes.writeUInt32LE(place, at.placeAt);
}

/** Null where no ballot is written so. */
function readBallot(view: Buffer, at: Place): number | null {
  const admissions = view.readUIntLE(at.rangeAt, at.rangeBytes);
  const place = view.readUInt32LE(at.placeAt);
  if (admissions < maxRange(at)) return joinBallot(admissions, place, DEVICES);
  return place === MAX_PLACE ? KNOWN_BALLOT : null;
}
