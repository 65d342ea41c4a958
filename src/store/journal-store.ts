/**
 * A record store over a journal: two files of fixed size that are written in turn, each from front to back, one frame to a flush
 * (journal-layout.ts). When a file is full, and whenever the store is opened, all records go into the first frame
 * of the other one, and two end blocks close the one before: nothing in the new file counts before one of them is durable.
 * So a file is never written over while what it holds may be needed, and opening leaves behind no torn frame and
 * nothing that only the page cache knows. The files do not grow: a full disk cannot stop what is in them from being replaced.
 */
import type { RecordChange, RecordStore, StoreFigures } from '../ports.js';
import { BLOCK_BYTES, type DiskFile } from './disk.js';
import { GroupCommit, type OnDurable } from './group-commit.js';
import {
  encodeEnds,
  endOf,
  encodeFrame,
  encodeHead,
  measureFrame,
  type JournalHead,
} from './journal-layout.js';
import { fileOf } from './read-journal.js';
import { isRecordKey, measureChange, writeChange } from './record-changes.js';
import { explainDiskError, StoreError } from './store-error.js';

/** One of the two files, open, with its place for people. */
export interface JournalFile {
  readonly place: string;
  readonly file: DiskFile;
}

/** How many bytes of records two files of this size hold: half of one, so that each is filled with as much again. */
function boundLiveBytes(journalBytes: number): number {
  return Math.floor(journalBytes / BLOCK_BYTES / 2 - 1) * BLOCK_BYTES;
}

/** Made by `open`; see RecordStore. */
export class JournalStore implements RecordStore {
  readonly loaded: ReadonlyMap<string, Uint8Array>;
  /** All that was taken, durable or waiting, in the order in which it was written last. */
  private readonly records: Map<string, Uint8Array>;
  private readonly commit: GroupCommit<readonly RecordChange[]>;
  private readonly maxLiveBytes: number;
  private liveBytes = 0;
  private waitingBytes = 0;
  private frames = 0;
  private position = 0;
  private flushes = 0;
  private diskBytes = 0;

  private constructor(
    private readonly files: readonly [JournalFile, JournalFile],
    private head: JournalHead,
    records: ReadonlyMap<string, Uint8Array>,
    private readonly drawSalt: () => number,
  ) {
    this.loaded = records;
    this.records = new Map(records);
    this.maxLiveBytes = boundLiveBytes(head.blocks * BLOCK_BYTES);
    for (const [key, bytes] of records) this.liveBytes += measureChange({ key, bytes });
    this.commit = new GroupCommit(files[0].place, (group) => this.flush(group.flat()));
  }

  /**
   * Goes on from `records`, which are what the generation `head` holds, in a new generation; with generation 0, begins.
   * Resolves when all of `records` are durable. Rejects with StoreError.
   */
  static async open(
    files: readonly [JournalFile, JournalFile],
    head: JournalHead,
    records: ReadonlyMap<string, Uint8Array>,
    drawSalt: () => number,
  ): Promise<JournalStore> {
    const store = new JournalStore(files, head, records, drawSalt);
    await store.beginGeneration();
    return store;
  }

  write(changes: readonly RecordChange[], onDurable: OnDurable): void {
    const { added, written } = this.measure(changes);
    if (this.commit.refused !== null) {
      this.commit.refuse(this.commit.refused, onDurable);
      return;
    }
    if (this.liveBytes + added > this.maxLiveBytes) {
      this.refuseFull(`it would hold more than ${this.maxLiveBytes} bytes`, onDurable);
      return;
    }
    if (this.waitingBytes + written > this.maxLiveBytes) {
      this.refuseFull('the disk does not keep up with what is written', onDurable);
      return;
    }
    this.liveBytes += added;
    this.waitingBytes += written;
    for (const { key, bytes } of changes) {
      this.records.delete(key);
      if (bytes !== null) this.records.set(key, bytes);
    }
    this.commit.add(changes, onDurable);
  }

  figures(): StoreFigures {
    return {
      writes: this.commit.writes,
      flushes: this.flushes,
      diskBytes: this.diskBytes,
      records: this.records.size,
      liveBytes: this.liveBytes,
      maxLiveBytes: this.maxLiveBytes,
    };
  }

  async close(): Promise<void> {
    await this.commit.close();
    try {
      // A frame behind the last one: from now on, what cannot be read before it was altered and not torn.
      if (this.commit.refused?.code === 'closed') await this.flush([]);
    } finally {
      for (const { file } of this.files) await file.close();
    }
  }

  /** How much larger the records become, and how much there is to write. */
  private measure(changes: readonly RecordChange[]): { readonly added: number; readonly written: number } {
    const sizes = new Map<string, number>();
    let added = 0;
    let written = 0;
    for (const change of changes) {
      const { key, bytes } = change;
      if (!isRecordKey(key)) throw new RangeError(`no key of a record: ${JSON.stringify(key)}`);
      const before = this.records.get(key);
      const old = sizes.get(key) ?? (before === undefined ? 0 : measureChange({ key, bytes: before }));
      const size = bytes === null ? 0 : measureChange(change);
      sizes.set(key, size);
      added += size - old;
      written += measureChange(change);
    }
    return { added, written };
  }

  private refuseFull(what: string, onDurable: OnDurable): void {
    const cure = 'let what is kept be truncated sooner, or provision this replica with larger journals';
    this.commit.refuse(new StoreError('full', this.files[0].place, what, cure), onDurable);
  }

  private async flush(changes: readonly RecordChange[]): Promise<void> {
    const payloadBytes = changes.reduce((sum, change) => sum + measureChange(change), 0);
    this.waitingBytes = 0;
    const end = this.position + measureFrame(payloadBytes);
    if (end > endOf(this.head)) {
      await this.beginGeneration();
      return;
    }
    const frame = encodeFrame(this.head, this.frames, payloadBytes, fillWith(changes));
    const { position } = this;
    this.position = end;
    this.frames += 1;
    await this.writeDurably(this.files[fileOf(this.head.generation)], frame, position);
  }

  /** All records, those of the group that is being flushed among them, into the first frame of the other file. */
  private async beginGeneration(): Promise<void> {
    const before = this.head;
    this.head = { ...before, generation: before.generation + 1, salt: this.drawSalt() };
    const changes = [...this.records].map(([key, bytes]) => ({ key, bytes }));
    const frame = encodeFrame(this.head, 0, this.liveBytes, fillWith(changes));
    this.position = BLOCK_BYTES + frame.length;
    this.frames = 1;
    const bytes = Buffer.concat([encodeHead(this.head), frame]);
    await this.writeDurably(this.files[fileOf(this.head.generation)], bytes, 0);
    if (before.generation === 0) return;
    await this.writeDurably(this.files[fileOf(before.generation)], encodeEnds(before), endOf(before));
  }

  private async writeDurably(
    { file, place }: JournalFile,
    bytes: Uint8Array,
    position: number,
  ): Promise<void> {
    try {
      await file.write(bytes, position);
      await file.sync();
    } catch (error) {
      throw explainDiskError(place, error);
    }
    this.flushes += 1;
    this.diskBytes += bytes.length;
  }
}

function fillWith(changes: readonly RecordChange[]): (target: Buffer, offset: number) => void {
  return (target, offset) => {
    for (const change of changes) offset = writeChange(target, offset, change);
  };
}
