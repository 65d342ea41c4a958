/**
 * The few file operations that stores are made of, so that tests can stand between a store and its disk and cut the power
 * at each of them. Only a sync promises anything: until it has resolved, every sector that was written since may hold what
 * it held before, what was written, or neither; in any order.
 */

/** What a disk never writes together with its neighbours: this, or several. Stores rely on no more than the file system's block. */
export const SECTOR_BYTES = 512;

/** The block of file systems and page cache: a write into one may write all of it again. */
export const BLOCK_BYTES = 4096;

/** One folder. Every method rejects with what the operating system answers. */
export interface Disk {
  /** Where it is, for people. */
  readonly folder: string;
  /** The names of its files. */
  list(): Promise<readonly string[]>;
  /** Opens for reading and writing; null where there is no such file. */
  open(name: string): Promise<DiskFile | null>;
  /** Makes an empty file, in place of what had its name. */
  create(name: string): Promise<DiskFile>;
  /** Gives a file another name, in place of what had it. Durable after `syncFolder`. */
  rename(from: string, to: string): Promise<void>;
  /** Makes durable which names there are. */
  syncFolder(): Promise<void>;
}

export interface DiskFile {
  /** All of it, but no more than `maxBytes`. */
  read(maxBytes: number): Promise<Uint8Array>;
  /** Writes all of `bytes` at `position`. They must not change until it has resolved. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Resolves when what was written, and how long the file is, is durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
