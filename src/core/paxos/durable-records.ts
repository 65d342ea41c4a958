/**
 * Which durable record replaces which, for stores that keep the last one of each key (types.ts, `PaxosRecord`): what is
 * left of any number of records, in an order from which a device recovers the same state.
 */
import type { PaxosRecord } from './types.js';

const ORDER: readonly PaxosRecord['kind'][] = [
  'stamp',
  'snapshot',
  'vote',
  'entry',
  'promise',
  'prefix',
  'witness',
];

/** A record takes the place of any that has the same key: `stamp`, `promise`, …, `slot-17`. */
export function recordKey(record: PaxosRecord): string {
  return record.kind === 'vote' || record.kind === 'entry' ? `slot-${record.slot}` : record.kind;
}

/** True when `later` makes `earlier` void: by its key, by a stamp, or by a snapshot that holds its slot. */
export function isReplaced(earlier: PaxosRecord, later: PaxosRecord): boolean {
  if (later.kind === 'stamp' || recordKey(earlier) === recordKey(later)) return true;
  if (later.kind !== 'snapshot' || (earlier.kind !== 'vote' && earlier.kind !== 'entry')) return false;
  return earlier.slot <= later.snapshot.slot;
}

/** Records of a store without an order, in one that `recoverPaxos` takes. */
export function orderRecords(records: readonly PaxosRecord[]): readonly PaxosRecord[] {
  const slotOf = (record: PaxosRecord): number => ('slot' in record ? record.slot : 0);
  return [...records].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || slotOf(a) - slotOf(b));
}
