/**
 * A file of blocks, each with its length and a checksum: what is on disk is whole blocks and perhaps a torn last one.
 * Writing never waits for the disk and never throws; reading never hands on a block whose checksum is wrong.
 */
import { close, closeSync, openSync, readSync, write, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { RecordingError } from './recording-error.js';

/** Length and CRC-32 of what follows, 32 bits each, little-endian. */
const HEAD_BYTES = 8;

/** A longer block is none. */
export const MAX_BLOCK_BYTES = 2 ** 22;

/** More than this waiting for the disk means that it does not keep up. */
const MAX_WAITING_BYTES = 2 ** 24;

interface PlacedBlock {
  readonly bytes: Uint8Array;
  readonly position: number;
}

/** Appends blocks to a file that must not exist yet. */
export class BlockWriter {
  private readonly fd: number;
  private position: number;
  private waiting: PlacedBlock[] = [];
  private waitingBytes = 0;
  private inFlight: PlacedBlock | null = null;
  private failed = false;
  private onIdle: (() => void) | null = null;

  /**
   * Creates the file with `preamble` in front and throws what the file system throws. `onFailure` is called at most once,
   * in words, when writing fails later or the disk does not keep up; what comes after is not kept.
   */
  constructor(
    file: string,
    preamble: Uint8Array,
    private readonly onFailure: (what: string) => void,
  ) {
    this.fd = openSync(file, 'wx', 0o600);
    writeSync(this.fd, preamble, 0, preamble.length, 0);
    this.position = preamble.length;
  }

  /** Hands a block of at most `MAX_BLOCK_BYTES` to the disk and returns at once. */
  append(payload: Uint8Array): void {
    if (this.failed) return;
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
    bytes.writeUInt32LE(payload.length, 0);
    bytes.writeUInt32LE(crc32(payload), 4);
    bytes.set(payload, HEAD_BYTES);
    this.waiting.push({ bytes, position: this.position });
    this.waitingBytes += bytes.length;
    this.position += bytes.length;
    if (this.waitingBytes > MAX_WAITING_BYTES) this.fail('the disk does not keep up');
    else this.pump();
  }

  /** Writes all that waits before it returns: for a process that is about to die. */
  flushNow(): void {
    const left = this.inFlight === null ? this.waiting : [this.inFlight, ...this.waiting];
    this.waiting = [];
    this.waitingBytes = 0;
    try {
      // Every block knows its place: one that is under way may well be written twice.
      for (const { bytes, position } of left) writeSync(this.fd, bytes, 0, bytes.length, position);
    } catch (error) {
      this.fail(explain(error));
    }
  }

  /** Resolves when all is written and the file is closed. */
  async close(): Promise<void> {
    if (this.inFlight !== null || this.waiting.length > 0) {
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
      });
    }
    await new Promise<void>((resolve) => {
      close(this.fd, (error) => {
        if (error !== null) this.fail(explain(error));
        resolve();
      });
    });
  }

  private pump(): void {
    if (this.inFlight !== null) return;
    const next = this.waiting.shift();
    if (next === undefined) {
      this.onIdle?.();
      return;
    }
    const { bytes, position } = next;
    this.inFlight = next;
    this.waitingBytes -= bytes.length;
    write(this.fd, bytes, 0, bytes.length, position, (error, written) => {
      this.inFlight = null;
      if (error !== null) this.fail(explain(error));
      else if (written < bytes.length) {
        const rest = { bytes: bytes.subarray(written), position: position + written };
        this.waiting.unshift(rest);
        this.waitingBytes += rest.bytes.length;
      }
      this.pump();
    });
  }

  private fail(what: string): void {
    this.waiting = [];
    this.waitingBytes = 0;
    if (this.failed) return;
    this.failed = true;
    this.onFailure(what);
  }
}

/** Reads a file of blocks from the front, one at a time. */
export class BlockReader {
  private readonly fd: number;
  private position: number;
  /** Whether the file ended inside a block: what was being written when its process died. */
  isTorn = false;

  /** Throws RecordingError where the file cannot be read or does not begin with `preamble`. */
  constructor(
    private readonly file: string,
    preamble: Uint8Array,
    notPreamble: (found: Uint8Array) => string,
  ) {
    try {
      this.fd = openSync(file, 'r');
    } catch (error) {
      throw new RecordingError(`${file}: it cannot be read: ${explain(error)}`);
    }
    this.position = 0;
    const found = this.read(preamble.length);
    if (Buffer.compare(found, preamble) !== 0) {
      this.close();
      throw new RecordingError(`${file}: ${notPreamble(found)}`);
    }
  }

  /** The next whole block, or null after the last. Throws RecordingError for one that has been altered. */
  next(): Uint8Array | null {
    const start = this.position;
    const head = this.read(HEAD_BYTES);
    if (head.length < HEAD_BYTES) return this.end(head.length > 0);
    const length = head.readUInt32LE(0);
    if (length > MAX_BLOCK_BYTES) throw this.refuse(start);
    const payload = this.read(length);
    if (payload.length < length) return this.end(true);
    if (crc32(payload) !== head.readUInt32LE(4)) throw this.refuse(start);
    return payload;
  }

  close(): void {
    closeSync(this.fd);
  }

  private end(isTorn: boolean): null {
    this.isTorn ||= isTorn;
    return null;
  }

  private refuse(at: number): RecordingError {
    return new RecordingError(
      `${this.file}: the block at byte ${at} has been altered or damaged; record the flight anew`,
    );
  }

  /** As many bytes as there still are, up to `length`. */
  private read(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    let got = 0;
    while (got < length) {
      const more = readSync(this.fd, bytes, got, length - got, this.position + got);
      if (more === 0) break;
      got += more;
    }
    this.position += got;
    return bytes.subarray(0, got);
  }
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
