/** A folder of the machine as the disk of a store. */
import { constants } from 'node:fs';
import { open, readdir, rename, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Disk, DiskFile } from './disk.js';

/**
 * Where the system writes through, a write is as durable when it resolves as one behind which the disk was waited for, with one
 * way to the disk and back in place of two; 0 where it does not.
 */
const WRITE_THROUGH = process.platform === 'linux' ? constants.O_DSYNC : 0;

/** The folder must be there. */
export class FileDisk implements Disk {
  constructor(readonly folder: string) {}

  list(): Promise<readonly string[]> {
    return readdir(this.folder);
  }

  async open(name: string): Promise<DiskFile | null> {
    try {
      return await this.openWith(name, 0);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  create(name: string): Promise<DiskFile> {
    return this.openWith(name, constants.O_CREAT | constants.O_TRUNC);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(path.join(this.folder, from), path.join(this.folder, to));
  }

  async syncFolder(): Promise<void> {
    const handle = await open(this.folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Never through a link: what it leads to is not this store's. */
  private async openWith(name: string, flags: number): Promise<DiskFile> {
    const file = path.join(this.folder, name);
    return new HandleFile(
      await open(file, constants.O_RDWR | constants.O_NOFOLLOW | WRITE_THROUGH | flags, 0o600),
    );
  }
}

class HandleFile implements DiskFile {
  constructor(private readonly handle: FileHandle) {}

  async read(maxBytes: number): Promise<Uint8Array> {
    const { size } = await this.handle.stat();
    const bytes = new Uint8Array(Math.min(size, maxBytes));
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await this.handle.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const left = bytes.length - written;
      const { bytesWritten } = await this.handle.write(bytes, written, left, position + written);
      written += bytesWritten;
    }
  }

  /** Leaves out the times of the file, which nobody needs and which cost a write of their own. */
  async sync(): Promise<void> {
    if (WRITE_THROUGH === 0) await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
