/**
 * Makes and opens the store in the folder of one replica. The folder is that of state-folder.ts, which keeps a second process
 * out of it: claim it first. Nothing that can be read is ever destroyed: a folder that is not what it should be is
 * refused as it is, and what is left in one without a stamp gets another name.
 */
import path from 'node:path';
import type { Entropy, RecordChange, RecordStore } from '../ports.js';
import { BLOCK_BYTES, type Disk, type DiskFile } from './disk.js';
import { JournalStore, type JournalFile } from './journal-store.js';
import { fileOf, readJournal } from './read-journal.js';
import {
  decodeStamp,
  digestStamp,
  encodeStamp,
  INCARNATION_BYTES,
  isJournalLength,
  MOVE_AWAY,
  STAMP_FILE,
  STAMP_MAX_BYTES,
  type Stamp,
  type StoreOwner,
} from './stamp.js';
import { explainDiskError, StoreError } from './store-error.js';
import { readWitnessFile, WITNESS_FILE_BYTES, WITNESS_KEY, WitnessStore } from './witness-store.js';

/** Length of each of a store's two journals, unless told otherwise: five hundred flushes between two turns. */
export const JOURNAL_BYTES = 2 * 2 ** 20;

const JOURNAL_FILES = ['store-journal.0', 'store-journal.1'] as const;
const WITNESS_FILE = 'store-witness';
const NEW_STAMP_FILE = `${STAMP_FILE}.new`;
const ZEROS = new Uint8Array(2 ** 18);

/** amnesia: there is no stamp; `left` are files of a store that had one, or was not finished. */
export type OpenedStore =
  | { readonly kind: 'opened'; readonly stamp: Stamp; readonly store: RecordStore }
  | { readonly kind: 'amnesia'; readonly left: readonly string[] };

export interface ProvisionOptions {
  /** For the incarnation and the salts. */
  readonly entropy: Entropy;
  /** What is in it from the beginning; of a witness, exactly its record. */
  readonly records: readonly RecordChange[];
  /** A multiple of 4096. */
  readonly journalBytes?: number;
}

/**
 * Makes a new store, with a new incarnation, in a folder that is there and has no stamp. The stamp is written when all else
 * is durable. Rejects with StoreError: `exists` where there is a stamp, readable or not.
 */
export async function provisionStore(
  disk: Disk,
  owner: StoreOwner,
  { entropy, records, journalBytes = JOURNAL_BYTES }: ProvisionOptions,
): Promise<Stamp> {
  const isJournal = owner.kind === 'journal';
  if (isJournal && !isJournalLength(journalBytes)) throw new RangeError(`journals of ${journalBytes} bytes`);
  const incarnation = entropy.bytes(INCARNATION_BYTES);
  const stamp = { ...owner, incarnation, journalBytes: isJournal ? journalBytes : 0 };
  return explaining(disk.folder, async () => {
    const names = await disk.list();
    if (names.includes(STAMP_FILE)) {
      const place = placeOf(disk, STAMP_FILE);
      const cure = `open it, or, to begin anew, ${MOVE_AWAY}`;
      throw new StoreError('exists', place, 'this folder holds a store already', cure);
    }
    for (const name of listLeft(names)) await disk.rename(name, nameAside(name, names));
    const store = isJournal
      ? await makeJournals(disk, stamp, entropy)
      : await makeWitness(disk, stamp, records);
    try {
      if (records.length > 0) await writeAll(store, records);
    } finally {
      await store.close();
    }
    await disk.syncFolder();
    await writeStamp(disk, stamp);
    return stamp;
  });
}

/** Opens the store of `owner`. Resolves when all that is loaded is durable. Rejects with StoreError. */
export async function openStore(disk: Disk, owner: StoreOwner, entropy: Entropy): Promise<OpenedStore> {
  return explaining(disk.folder, async () => {
    const names = await disk.list();
    const place = placeOf(disk, STAMP_FILE);
    const bytes = await readWhole(disk, STAMP_FILE, STAMP_MAX_BYTES);
    if (bytes === null) return { kind: 'amnesia', left: listLeft(names) };
    const stamp = decodeStamp(place, bytes, owner);
    const store = await (stamp.kind === 'journal'
      ? openJournals(disk, stamp, entropy)
      : openWitness(disk, stamp));
    return { kind: 'opened', stamp, store };
  });
}

/** The stamp of a folder, for people; null where there is none. Rejects with StoreError. */
export async function readStamp(disk: Disk, owner: StoreOwner): Promise<Stamp | null> {
  return explaining(disk.folder, async () => {
    const bytes = await readWhole(disk, STAMP_FILE, STAMP_MAX_BYTES);
    return bytes === null ? null : decodeStamp(placeOf(disk, STAMP_FILE), bytes, owner);
  });
}

async function makeJournals(disk: Disk, stamp: Stamp, entropy: Entropy): Promise<RecordStore> {
  return closingOnError(async (opened) => {
    const files: JournalFile[] = [];
    for (const name of JOURNAL_FILES) files.push(await makeFile(disk, name, stamp.journalBytes, opened));
    const blocks = stamp.journalBytes / BLOCK_BYTES;
    const before = { generation: 0, stampDigest: digestStamp(stamp), salt: 0, blocks };
    return JournalStore.open(pairOf(files), before, new Map(), drawSaltOf(entropy));
  });
}

async function openJournals(disk: Disk, stamp: Stamp, entropy: Entropy): Promise<RecordStore> {
  return closingOnError(async (opened) => {
    const files: (JournalFile | null)[] = [];
    const contents: Buffer[] = [];
    for (const name of JOURNAL_FILES) {
      const file = await disk.open(name);
      files.push(file === null ? null : { file, place: placeOf(disk, name) });
      if (file === null) {
        contents.push(Buffer.alloc(0));
        continue;
      }
      opened.add(file);
      // Else an end block that the process before this one wrote and did not flush could be lost while the file
      // that it closed is written over.
      await file.sync();
      contents.push(toBuffer(await file.read(stamp.journalBytes + 1)));
    }
    const content = readJournal(pairOf(contents), digestStamp(stamp));
    if ('damage' in content) {
      throw new StoreError('damaged', placeOf(disk, JOURNAL_FILES[content.file]), content.damage, MOVE_AWAY);
    }
    const { head, records } = content;
    const next = fileOf(head.generation + 1);
    if (contents[next]?.length !== stamp.journalBytes) {
      // It was superseded, and is missing or has another length: nothing in it counts.
      const superseded = files[next]?.file;
      if (superseded) {
        opened.delete(superseded);
        await superseded.close();
      }
      files[next] = await makeFile(disk, JOURNAL_FILES[next], stamp.journalBytes, opened);
      await disk.syncFolder();
    }
    const present = files.filter((file) => file !== null);
    return JournalStore.open(pairOf(present), head, records, drawSaltOf(entropy));
  });
}

async function makeWitness(disk: Disk, stamp: Stamp, records: readonly RecordChange[]): Promise<RecordStore> {
  const state = records.find(({ key }) => key === WITNESS_KEY)?.bytes;
  if (!state || records.length !== 1) throw new RangeError('a witness begins with its record');
  return closingOnError(async (opened) => {
    const { file, place } = await makeFile(disk, WITNESS_FILE, WITNESS_FILE_BYTES, opened);
    return WitnessStore.open(place, file, digestStamp(stamp), { sequence: 0, state });
  });
}

async function openWitness(disk: Disk, stamp: Stamp): Promise<RecordStore> {
  const place = placeOf(disk, WITNESS_FILE);
  return closingOnError(async (opened) => {
    const file = await disk.open(WITNESS_FILE);
    if (file === null) throw new StoreError('damaged', place, 'it is not there', MOVE_AWAY);
    opened.add(file);
    await file.sync();
    const bytes = toBuffer(await file.read(WITNESS_FILE_BYTES + 1));
    const record = readWitnessFile(bytes, digestStamp(stamp));
    if (typeof record === 'string') throw new StoreError('damaged', place, record, MOVE_AWAY);
    return WitnessStore.open(place, file, digestStamp(stamp), record);
  });
}

/** Closes what `work` has listed where it fails. */
async function closingOnError<T>(work: (opened: Set<DiskFile>) => Promise<T>): Promise<T> {
  const opened = new Set<DiskFile>();
  try {
    return await work(opened);
  } catch (error) {
    for (const file of opened) await file.close();
    throw error;
  }
}

/** A file of zeros, all of it on the disk: writing into it later changes nothing but what is written. */
async function makeFile(
  disk: Disk,
  name: string,
  bytes: number,
  opened: Set<DiskFile>,
): Promise<JournalFile> {
  const file = await disk.create(name);
  opened.add(file);
  for (let at = 0; at < bytes; at += ZEROS.length) {
    await file.write(ZEROS.subarray(0, Math.min(ZEROS.length, bytes - at)), at);
  }
  await file.sync();
  return { file, place: placeOf(disk, name) };
}

async function writeStamp(disk: Disk, stamp: Stamp): Promise<void> {
  const file = await disk.create(NEW_STAMP_FILE);
  try {
    await file.write(encodeStamp(stamp), 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(NEW_STAMP_FILE, STAMP_FILE);
  await disk.syncFolder();
}

async function writeAll(store: RecordStore, records: readonly RecordChange[]): Promise<void> {
  const refusal = await new Promise<unknown>((resolve) => store.write(records, resolve));
  if (refusal !== null) throw refusal;
}

async function readWhole(disk: Disk, name: string, maxBytes: number): Promise<Uint8Array | null> {
  const file = await disk.open(name);
  if (file === null) return null;
  try {
    return await file.read(maxBytes);
  } finally {
    await file.close();
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Every error of the disk in words; what is one of this store's already stays. */
async function explaining<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError || error instanceof RangeError) throw error;
    throw explainDiskError(folder, error);
  }
}

function listLeft(names: readonly string[]): readonly string[] {
  return [...JOURNAL_FILES, WITNESS_FILE].filter((name) => names.includes(name));
}

function nameAside(name: string, names: readonly string[]): string {
  let number = 1;
  while (names.includes(`${name}.left-${number}`)) number += 1;
  return `${name}.left-${number}`;
}

function placeOf(disk: Disk, name: string): string {
  return path.join(disk.folder, name);
}

function pairOf<T>(items: readonly T[]): readonly [T, T] {
  const [first, second] = items;
  if (first === undefined || second === undefined) throw new Error('a journal has two files');
  return [first, second];
}

function drawSaltOf(entropy: Entropy): () => number {
  return () => Buffer.from(entropy.bytes(4)).readUInt32LE();
}
