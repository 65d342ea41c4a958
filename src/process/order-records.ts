/**
 * What a device of Simplified Paxos keeps, as records of a store: which keys a change of it touches, and what a store gives
 * back as the core takes it. It must never leave out a record that it cannot read: a vote that is overlooked is forgotten.
 */
import { orderRecords, recordKey } from '../core/paxos/durable-records.js';
import type { PaxosRecord, Slot } from '../core/paxos/types.js';
import type { RecordChange } from '../ports.js';
import { decodePaxosRecord, encodePaxosRecord, type PaxosLimits } from '../wire/paxos-codec.js';

/** How records become bytes, and back; null for what is none. */
export interface RecordCodec {
  readonly encode: (record: PaxosRecord) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => PaxosRecord | null;
}

/** As replicas keep them. */
export function recordCodec(limits: PaxosLimits): RecordCodec {
  return { encode: encodePaxosRecord, decode: (bytes) => decodePaxosRecord(limits, bytes) };
}

/** A store whose records are not of this rig and release. */
export class OrderStoreError extends Error {
  override readonly name = 'OrderStoreError';
}

/** The records in a store, kept abreast of what is written. */
export class OrderRecords {
  /** By key; the slot of those that a snapshot replaces. */
  private readonly kept = new Map<string, Slot | null>();

  constructor(private readonly codec: RecordCodec) {}

  /** What a store has loaded, in the order in which the core recovers from it. Throws OrderStoreError. */
  load(loaded: ReadonlyMap<string, Uint8Array>, place: string): readonly PaxosRecord[] {
    const records: PaxosRecord[] = [];
    for (const [key, bytes] of loaded) {
      const record = this.codec.decode(bytes);
      if (record === null || recordKey(record) !== key)
        throw new OrderStoreError(
          `${place}: the record "${key}" is not of this rig file and release; run the release and rig file that wrote it, or move the folder away and start again: the others then admit this device anew`,
        );
      records.push(record);
      this.note(record);
    }
    return orderRecords(records);
  }

  /** The changes that make `records` durable, in their order, and forget what they replace. */
  change(records: readonly PaxosRecord[]): readonly RecordChange[] {
    return records.flatMap((record) => {
      const key = recordKey(record);
      const replaced = this.listReplaced(record).filter((other) => other !== key);
      for (const other of replaced) this.kept.delete(other);
      this.note(record);
      return [
        ...replaced.map((other) => ({ key: other, bytes: null })),
        { key, bytes: this.codec.encode(record) },
      ];
    });
  }

  private note(record: PaxosRecord): void {
    const isOfSlot = record.kind === 'vote' || record.kind === 'entry';
    this.kept.set(recordKey(record), isOfSlot ? record.slot : null);
  }

  private listReplaced(record: PaxosRecord): readonly string[] {
    if (record.kind === 'stamp') return [...this.kept.keys()];
    if (record.kind !== 'snapshot') return [];
    const { slot: last } = record.snapshot;
    return [...this.kept].flatMap(([key, slot]) => (slot !== null && slot <= last ? [key] : []));
  }
}
