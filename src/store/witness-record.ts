/**
 * One of the two records of a witness, 64 bytes: a page of a common serial EEPROM (integers little-endian):
 *
 *  0   4  magic "VPW1"           20  40  state (witness-state.ts)
 *  4   4  sequence               60   4  CRC-32 (IEEE 802.3) of bytes 0 to 59
 *  8  12  stamp digest, first 12 bytes
 *
 * Sequences count from 1. The even ones stand in the first place, the odd ones in the second; a new one goes where the older
 * one is, so that the newer one is whole whatever becomes of the write.
 */
import { crc32 } from 'node:zlib';
import { WITNESS_STATE_BYTES } from './witness-state.js';

/** Of a record. */
export const WITNESS_RECORD_BYTES = 64;

export interface WitnessRecord {
  readonly sequence: number;
  readonly state: Uint8Array;
}

const MAGIC = Buffer.from('VPW1');
const DIGEST_AT = 8;
const DIGEST_BYTES = 12;
const STATE_AT = 20;
const CRC_AT = 60;

export function encodeWitnessRecord({ sequence, state }: WitnessRecord, stampDigest: Uint8Array): Buffer {
  const bytes = Buffer.alloc(WITNESS_RECORD_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(sequence, 4);
  bytes.set(stampDigest.subarray(0, DIGEST_BYTES), DIGEST_AT);
  bytes.set(state, STATE_AT);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** Null where it is torn, another stamp's or none. */
export function decodeWitnessRecord(bytes: Buffer, stampDigest: Uint8Array): WitnessRecord | null {
  if (bytes.length !== WITNESS_RECORD_BYTES) return null;
  const state = Uint8Array.from(bytes.subarray(STATE_AT, STATE_AT + WITNESS_STATE_BYTES));
  const record = { sequence: bytes.readUInt32LE(4), state };
  return bytes.equals(encodeWitnessRecord(record, stampDigest)) ? record : null;
}
