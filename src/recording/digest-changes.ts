/** Changes of records in a few bytes, for a log of calls: what a store was given is compared, not kept. */
import { crc32 } from 'node:zlib';
import type { RecordChange } from '../ports.js';

/** CRC-32 over every key and what becomes of it. */
export function digestChanges(changes: readonly RecordChange[]): number {
  let crc = 0;
  for (const { key, bytes } of changes) {
    crc = crc32(`${key} ${bytes === null ? 'forgotten' : bytes.length} `, crc);
    if (bytes !== null) crc = crc32(bytes, crc);
  }
  return crc;
}
