/** Stores in memory or in a folder, as tests of them need them. */
import type { RecordChange, RecordStore, StoreRefusal } from '../../src/ports.js';
import type { Disk } from '../../src/store/disk.js';
import type { StoreKind, StoreOwner } from '../../src/store/stamp.js';
import { StoreError } from '../../src/store/store-error.js';
import { openStore, provisionStore } from '../../src/store/store-folder.js';
import { WITNESS_KEY } from '../../src/store/witness-store.js';
import { encodeWitnessState } from '../../src/store/witness-state.js';
import { seededEntropy } from '../wire/make-rig.js';

/** The shortest journals: eight blocks. */
export const SHORT_JOURNAL_BYTES = 8 * 4096;

export const ownerOf = (kind: StoreKind, over: Partial<StoreOwner> = {}): StoreOwner => ({
  kind,
  rigId: 'test-rig',
  replicaId: 'a',
  ...over,
});

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

export const put = (key: string, text: string): RecordChange => ({ key, bytes: bytesOf(text) });

export const initialOf = (kind: StoreKind): readonly RecordChange[] =>
  kind === 'journal'
    ? [put('stamp', 'one')]
    : [{ key: WITNESS_KEY, bytes: encodeWitnessState({ incarnation: 1, promised: 0, change: null }) }];

export async function provision(disk: Disk, kind: StoreKind = 'journal', seed = 'provision'): Promise<void> {
  await provisionStore(disk, ownerOf(kind), {
    entropy: seededEntropy(seed),
    records: initialOf(kind),
    journalBytes: SHORT_JOURNAL_BYTES,
  });
}

export async function openProvisioned(disk: Disk, kind: StoreKind = 'journal'): Promise<RecordStore> {
  const opened = await openStore(disk, ownerOf(kind), seededEntropy('open'));
  if (opened.kind === 'amnesia') throw new Error('there is no stamp');
  return opened.store;
}

/** Opens, closes and says what was there. */
export async function load(disk: Disk): Promise<Record<string, string>> {
  const store = await openProvisioned(disk);
  await store.close();
  return textsOf(store);
}

/** Resolves with the answer. */
export function write(store: RecordStore, changes: readonly RecordChange[]): Promise<StoreRefusal | null> {
  return new Promise((resolve) => store.write(changes, resolve));
}

/** The records by key, as text. */
export function textsOf(store: RecordStore): Record<string, string> {
  return Object.fromEntries([...store.loaded].map(([key, bytes]) => [key, Buffer.from(bytes).toString()]));
}

export async function refusalOf(work: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreError)) throw new Error(`expected a StoreError, got ${String(error)}`);
  return error;
}
