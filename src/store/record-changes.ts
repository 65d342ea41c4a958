/**
 * Changes of records as bytes, one after the other (integers little-endian):
 * kind (1 put, 2 delete), length of the key, [length of the value: 32 bits], key in ASCII, [value].
 */
import type { RecordChange } from '../ports.js';

/** Longest key. */
export const MAX_KEY_BYTES = 64;

const PUT = 1;
const DELETE = 2;
const PUT_HEAD_BYTES = 6;
const DELETE_HEAD_BYTES = 2;

/** How long one change is. */
export function measureChange({ key, bytes }: RecordChange): number {
  return bytes === null ? DELETE_HEAD_BYTES + key.length : PUT_HEAD_BYTES + key.length + bytes.length;
}

/** Whether a record may have this name: 1 to 64 printable characters of ASCII. */
export function isRecordKey(key: string): boolean {
  return key.length <= MAX_KEY_BYTES && /^[\x21-\x7e]+$/.test(key);
}

/** Writes one change at `offset` and returns where it ends. */
export function writeChange(target: Buffer, offset: number, { key, bytes }: RecordChange): number {
  let at = target.writeUInt8(bytes === null ? DELETE : PUT, offset);
  at = target.writeUInt8(key.length, at);
  if (bytes !== null) at = target.writeUInt32LE(bytes.length, at);
  at += target.write(key, at, 'latin1');
  if (bytes !== null) {
    target.set(bytes, at);
    at += bytes.length;
  }
  return at;
}

/**
 * Carries out what `writeChange` wrote, in order; a record that is put again is the last one. False, and `records` in part
 * changed, where `bytes` are none of its.
 */
export function applyChanges(records: Map<string, Uint8Array>, bytes: Buffer): boolean {
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at];
    if (at + PUT_HEAD_BYTES > bytes.length && kind !== DELETE) return false;
    const keyBytes = bytes[at + 1] ?? 0;
    const valueBytes = kind === PUT ? bytes.readUInt32LE(at + 2) : 0;
    const keyAt = at + (kind === PUT ? PUT_HEAD_BYTES : DELETE_HEAD_BYTES);
    const end = keyAt + keyBytes + valueBytes;
    const key = bytes.toString('latin1', keyAt, keyAt + keyBytes);
    if ((kind !== PUT && kind !== DELETE) || end > bytes.length || !isRecordKey(key)) return false;
    records.delete(key);
    if (kind === PUT) records.set(key, Uint8Array.from(bytes.subarray(keyAt + keyBytes, end)));
    at = end;
  }
  return true;
}
