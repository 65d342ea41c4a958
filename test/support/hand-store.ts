/** A store of a device whose writes become durable when a test says so. */
import type { LogStore, RecordChange, StoreFigures, StoreRefusal } from '../../src/ports.js';
import { isRecordKey } from '../../src/store/record-changes.js';

interface Write {
  readonly changes: readonly RecordChange[];
  readonly onDurable: (refusal: StoreRefusal | null) => void;
}

export class HandStore implements LogStore {
  readonly place = 'hand';
  readonly loaded: ReadonlyMap<string, Uint8Array> | null;
  /** What a power cut leaves. */
  readonly durable = new Map<string, Uint8Array>();
  readonly waiting: Write[] = [];
  /** What the disk answers to every write; null while it takes them. */
  refusal: StoreRefusal | null = null;
  writes = 0;
  provisioned = 0;

  constructor(loaded: ReadonlyMap<string, Uint8Array> | null) {
    this.loaded = loaded;
    for (const [key, bytes] of loaded ?? []) this.durable.set(key, bytes);
  }

  write(changes: readonly RecordChange[], onDurable: (refusal: StoreRefusal | null) => void): void {
    for (const { key } of changes) if (!isRecordKey(key)) throw new RangeError(`no key: ${key}`);
    this.writes += 1;
    this.waiting.push({ changes, onDurable });
  }

  provision(records: readonly RecordChange[], onDurable: (refusal: StoreRefusal | null) => void): void {
    this.provisioned += 1;
    this.write(records, onDurable);
  }

  /** The flush of all that waits is over: durable, or refused where the disk refuses. */
  flush(): void {
    if (this.refusal !== null) {
      for (const { onDurable } of this.waiting.splice(0)) onDurable(this.refusal);
      return;
    }
    for (const { changes, onDurable } of this.waiting.splice(0)) {
      for (const { key, bytes } of changes) {
        if (bytes === null) this.durable.delete(key);
        else this.durable.set(key, bytes);
      }
      onDurable(null);
    }
  }

  figures(): StoreFigures | null {
    return null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
