/**
 * The store of a device in its folder, as its process is given it (`LogStore` in ../ports.ts): opened where there is a stamp,
 * else made when the others have let this device in anew. It must never make a store unasked: an empty folder is news.
 */
import type { Entropy, LogStore, RecordChange, RecordStore, StoreFigures, StoreRefusal } from '../ports.js';
import type { Disk } from './disk.js';
import type { OnDurable } from './group-commit.js';
import type { StoreOwner } from './stamp.js';
import { StoreError } from './store-error.js';
import { openStore, provisionStore } from './store-folder.js';

/** A store, and what is known of a folder without one. */
export interface OpenedLogStore {
  readonly store: LogStore;
  /** Where `store` remembers nothing: files of a store that lost its stamp, or was not finished. */
  readonly left: readonly string[];
}

/** Opens the store of `owner`, whose folder must be claimed. Rejects with StoreError. */
export async function openLogStore(disk: Disk, owner: StoreOwner, entropy: Entropy): Promise<OpenedLogStore> {
  const opened = await openStore(disk, owner, entropy);
  if (opened.kind === 'amnesia')
    return { store: new FolderStore(disk, owner, entropy, null), left: opened.left };
  return { store: new FolderStore(disk, owner, entropy, opened.store), left: [] };
}

interface Waiting {
  readonly changes: readonly RecordChange[];
  readonly onDurable: OnDurable;
}

class FolderStore implements LogStore {
  readonly loaded: ReadonlyMap<string, Uint8Array> | null;
  /** While the store is made: what is written meanwhile. */
  private waiting: Waiting[] = [];
  private making: Promise<void> | null = null;
  /** Why it could not be made. */
  private refusal: StoreRefusal | null = null;

  constructor(
    private readonly disk: Disk,
    private readonly owner: StoreOwner,
    private readonly entropy: Entropy,
    private store: RecordStore | null,
  ) {
    this.loaded = store?.loaded ?? null;
  }

  get place(): string {
    return this.disk.folder;
  }

  write(changes: readonly RecordChange[], onDurable: OnDurable): void {
    const { store, refusal } = this;
    if (store !== null) store.write(changes, onDurable);
    else if (refusal !== null) queueMicrotask(() => onDurable(refusal));
    else if (this.making !== null) this.waiting.push({ changes, onDurable });
    else throw new RangeError(`${this.place}: there is no store to write to`);
  }

  provision(records: readonly RecordChange[], onDurable: OnDurable): void {
    if (this.loaded !== null || this.making !== null)
      throw new RangeError(`${this.place}: there is a store already`);
    this.making = this.make(records, onDurable);
  }

  figures(): StoreFigures | null {
    return this.store?.figures() ?? null;
  }

  async close(): Promise<void> {
    await this.making;
    await this.store?.close();
  }

  private async make(records: readonly RecordChange[], onDurable: OnDurable): Promise<void> {
    const { disk, owner, entropy } = this;
    try {
      await provisionStore(disk, owner, { entropy, records });
      const opened = await openStore(disk, owner, entropy);
      if (opened.kind === 'opened') this.store = opened.store;
      else
        this.refusal = { code: 'io-error', message: `${disk.folder}: the store that was made is not there` };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.refusal = toRefusal(error);
    }
    onDurable(this.refusal);
    for (const one of this.waiting.splice(0)) this.write(one.changes, one.onDurable);
  }
}

/** What hinders the making of a store is not of those that an open one answers: all the same nothing is kept. */
function toRefusal({ code, message }: StoreError): StoreRefusal {
  switch (code) {
    case 'full':
    case 'disk-full':
    case 'read-only':
    case 'closed':
      return { code, message };
    default:
      return { code: 'io-error', message };
  }
}
