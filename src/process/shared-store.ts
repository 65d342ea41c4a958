/**
 * The store of a device that lives several times in one process, as a fault may have it: every life finds what the ones before
 * it have written. What they wrote last need not be durable yet; whoever opens it again has to wait for that (`isReopened`).
 * Where a write was refused nobody knows what the store holds, and later lives are refused too.
 */
import type { LogStore, RecordChange, StoreRefusal } from '../ports.js';

/** A store as one life is given it. */
export interface OpenedStore {
  readonly store: LogStore;
  readonly isReopened: boolean;
}

export class SharedStore {
  private contents: Map<string, Uint8Array> | null;
  private refusal: StoreRefusal | null = null;
  private isOpened = false;

  constructor(private readonly store: LogStore) {
    this.contents = store.loaded === null ? null : new Map(store.loaded);
  }

  /** The next life's; the one before must have ended. */
  open(): OpenedStore {
    const { store, contents, isOpened } = this;
    this.isOpened = true;
    return {
      isReopened: isOpened,
      store: {
        place: store.place,
        loaded: contents === null ? null : new Map(contents),
        write: (changes, onDurable) => {
          this.note(changes);
          store.write(changes, this.tell(onDurable));
        },
        provision: (records, onDurable) => {
          this.contents = new Map();
          this.note(records);
          store.provision(records, this.tell(onDurable));
        },
        figures: () => store.figures(),
        close: () => store.close(),
      },
    };
  }

  private note(changes: readonly RecordChange[]): void {
    for (const { key, bytes } of changes) {
      if (bytes === null) this.contents?.delete(key);
      else this.contents?.set(key, bytes);
    }
  }

  private tell(onDurable: (refusal: StoreRefusal | null) => void): (refusal: StoreRefusal | null) => void {
    return (refusal) => {
      this.refusal ??= refusal;
      onDurable(this.refusal);
    };
  }
}
