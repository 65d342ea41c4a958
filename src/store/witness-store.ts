/**
 * The record store of a witness: one record, of the size of a witness's state, in two alternating places of one file, each in a
 * block of its own. A torn write loses nothing: the record before it is in the other place.
 */
import type { RecordChange, RecordStore, StoreFigures } from '../ports.js';
import { BLOCK_BYTES, type DiskFile } from './disk.js';
import { GroupCommit, type OnDurable } from './group-commit.js';
import { explainDiskError, StoreError } from './store-error.js';
import {
  decodeWitnessRecord,
  encodeWitnessRecord,
  WITNESS_RECORD_BYTES,
  type WitnessRecord,
} from './witness-record.js';
import { WITNESS_STATE_BYTES } from './witness-state.js';

/** Name of its only record. */
export const WITNESS_KEY = 'witness';

/** Of the file with both places. */
export const WITNESS_FILE_BYTES = BLOCK_BYTES * 2;

/** The newer record of a file, or what is wrong with it, in words. */
export function readWitnessFile(file: Buffer, stampDigest: Uint8Array): WitnessRecord | string {
  if (file.length !== WITNESS_FILE_BYTES) return `it has ${file.length} bytes, not ${WITNESS_FILE_BYTES}`;
  const [even, odd] = [0, 1].map((place) => {
    const at = place * BLOCK_BYTES;
    const record = decodeWitnessRecord(file.subarray(at, at + WITNESS_RECORD_BYTES), stampDigest);
    return record !== null && record.sequence % 2 === place ? record : null;
  });
  if (even && odd && Math.abs(even.sequence - odd.sequence) !== 1) {
    return 'its two records do not follow each other';
  }
  if (even && odd) return even.sequence > odd.sequence ? even : odd;
  return even ?? odd ?? 'neither of its records can be read';
}

/** Made by `open`; see RecordStore. */
export class WitnessStore implements RecordStore {
  readonly loaded: ReadonlyMap<string, Uint8Array>;
  private readonly commit: GroupCommit<Uint8Array>;
  private flushes = 0;
  private diskBytes = 0;

  private constructor(
    private readonly place: string,
    private readonly file: DiskFile,
    private readonly stampDigest: Uint8Array,
    private sequence: number,
    state: Uint8Array,
  ) {
    this.loaded = new Map([[WITNESS_KEY, state]]);
    this.commit = new GroupCommit(place, async (states) => {
      const last = states.at(-1);
      if (last !== undefined) await this.writeNext(last);
    });
  }

  /**
   * Goes on from `record`, which it writes once more: after that both places hold it. The file must have been synced since
   * it was last written. Rejects with StoreError.
   */
  static async open(
    place: string,
    file: DiskFile,
    stampDigest: Uint8Array,
    { sequence, state }: WitnessRecord,
  ): Promise<WitnessStore> {
    const store = new WitnessStore(place, file, stampDigest, sequence, state);
    await store.writeNext(state);
    return store;
  }

  write(changes: readonly RecordChange[], onDurable: OnDurable): void {
    const [change] = changes;
    if (changes.length !== 1 || change?.key !== WITNESS_KEY || change.bytes === null) {
      throw new RangeError(`a witness keeps one record, "${WITNESS_KEY}"`);
    }
    if (change.bytes.length !== WITNESS_STATE_BYTES) {
      throw new RangeError(`a witness keeps ${WITNESS_STATE_BYTES} bytes, not ${change.bytes.length}`);
    }
    this.commit.add(change.bytes, onDurable);
  }

  figures(): StoreFigures {
    const { flushes, diskBytes } = this;
    const bytes = WITNESS_STATE_BYTES;
    return {
      writes: this.commit.writes,
      flushes,
      diskBytes,
      records: 1,
      liveBytes: bytes,
      maxLiveBytes: bytes,
    };
  }

  async close(): Promise<void> {
    await this.commit.close();
    await this.file.close();
  }

  private async writeNext(state: Uint8Array): Promise<void> {
    const sequence = this.sequence + 1;
    if (sequence > 0xffff_ffff) {
      throw new StoreError('full', this.place, 'its sequence has run out', 'provision this witness anew');
    }
    const bytes = encodeWitnessRecord({ sequence, state }, this.stampDigest);
    const position = (sequence % 2) * BLOCK_BYTES;
    try {
      await this.file.write(bytes, position);
      await this.file.sync();
    } catch (error) {
      await this.takeBack(position);
      throw explainDiskError(this.place, error);
    }
    this.sequence = sequence;
    this.flushes += 1;
    this.diskBytes += bytes.length;
  }

  /**
   * After a flush that failed, the page cache shows a record that need not be on the disk. Whoever opened the file next would take
   * it for the newer one, and write over the only one that is durable.
   */
  private async takeBack(position: number): Promise<void> {
    try {
      await this.file.write(new Uint8Array(WITNESS_RECORD_BYTES), position);
    } catch {
      // The disk takes nothing at all; why is told for the write that failed.
    }
  }
}
