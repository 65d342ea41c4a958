/**
 * Stands between a TCP socket and an MQTT library, on either end, and sees every packet before the library does:
 * stamps arrivals where the socket is read, refuses an oversize packet as soon as its length is known and before
 * any of it is buffered, and lets its owner take packets (the QoS 0 PUBLISH of the hot path) out of the way.
 * TCP_NODELAY is set here, so that no end can be without it. Memory held for a peer: at most one packet.
 * It never throws on what a peer sends; whatever is wrong ends in one call of `onFault`.
 */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

/** What becomes of a packet: the library behind gets it, it has been dealt with, or the connection ends. */
export type Verdict = 'pass' | 'taken' | 'cut';

export interface PacketStreamOptions {
  /** Longest packet, fixed header included, in bytes. */
  readonly maxPacketBytes: number;
  readonly nowUs: () => number;
  /** `bytes[start, end)` is one whole packet, whose body begins at `bodyStart`. */
  readonly onPacket: (
    stream: PacketStream,
    bytes: Buffer,
    start: number,
    bodyStart: number,
    end: number,
    arrivedUs: number,
  ) => Verdict;
  /** The peer broke the framing or the size limit; the stream is destroyed right after this call. */
  readonly onFault: (stream: PacketStream, fault: 'malformed' | 'oversize') => void;
  /** Called with the arrival time before the packets of each read are looked at. */
  readonly onRead?: (stream: PacketStream, arrivedUs: number) => void;
}

/** At most one byte of type and four of length (section 2.2.3). */
const maxHeaderBytes = 5;

export class PacketStream extends Duplex {
  /** When the peer was last heard, microseconds. */
  lastReadUs: number;
  readonly #socket: Socket;
  readonly #options: PacketStreamOptions;
  /** An unfinished packet: its header while the length is unknown, then the packet in a buffer of its final size. */
  #held: Buffer | null = null;
  #heldBytes = 0;
  readonly #head = Buffer.alloc(maxHeaderBytes);
  #headBytes = 0;

  constructor(socket: Socket, options: PacketStreamOptions) {
    super({ allowHalfOpen: false, readableHighWaterMark: 4096, writableHighWaterMark: 16_384 });
    this.#socket = socket;
    this.#options = options;
    this.lastReadUs = options.nowUs();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#onRead(chunk);
    });
    socket.on('end', () => {
      if (!this.destroyed) this.push(null);
    });
    socket.on('error', (error) => {
      this.destroy(error);
    });
    socket.on('close', () => {
      this.destroy();
    });
  }

  /** Bytes written that the operating system has not taken yet. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  /** Sends a whole packet past the library; false when the socket's buffer has filled up. */
  writePacket(packet: Buffer): boolean {
    return this.#socket.write(packet);
  }

  /** Calls back once, when everything written has been taken. */
  onceDrained(callback: () => void): void {
    this.#socket.once('drain', callback);
  }

  override _read(): void {
    // Packets are pushed as they arrive; what may wait is bounded by the owner's verdicts.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, (error) => {
      done(error);
    });
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.write(
      Buffer.concat(
        chunks.map(({ chunk, encoding }) =>
          typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
        ),
      ),
      (error) => {
        done(error);
      },
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held = null;
    this.#socket.destroy();
    done(error);
  }

  #onRead(chunk: Buffer): void {
    if (this.destroyed) return;
    const arrivedUs = this.#options.nowUs();
    this.lastReadUs = arrivedUs;
    this.#options.onRead?.(this, arrivedUs);
    let at = 0;
    const end = chunk.length;
    while (at < end && !this.destroyed) {
      if (this.#held !== null) {
        const taken = Math.min(this.#held.length - this.#heldBytes, end - at);
        chunk.copy(this.#held, this.#heldBytes, at, at + taken);
        this.#heldBytes += taken;
        at += taken;
        if (this.#heldBytes < this.#held.length) return;
        const packet = this.#held;
        this.#held = null;
        this.#onPacket(packet, 0, this.#headBytes, packet.length, arrivedUs);
        this.#headBytes = 0;
        continue;
      }
      if (this.#headBytes > 0) {
        // A header split over two reads: rare, so gathered byte by byte.
        this.#head[this.#headBytes] = chunk[at] ?? 0;
        this.#headBytes += 1;
        at += 1;
        this.#startHeld(this.#head, this.#headBytes);
        if (this.#held !== null && this.#heldBytes === (this.#held as Buffer).length) {
          const packet = this.#held as Buffer;
          this.#held = null;
          this.#onPacket(packet, 0, this.#headBytes, packet.length, arrivedUs);
          this.#headBytes = 0;
        }
        continue;
      }
      const headerBytes = readHeaderLength(chunk, at, end);
      if (headerBytes === 0) {
        this.#headBytes = chunk.copy(this.#head, 0, at, end);
        return;
      }
      const size = this.#readSize(chunk, at, headerBytes);
      if (size < 0) return;
      if (at + size > end) {
        this.#headBytes = headerBytes;
        this.#held = Buffer.allocUnsafeSlow(size);
        this.#heldBytes = chunk.copy(this.#held, 0, at, end);
        return;
      }
      this.#onPacket(chunk, at, at + headerBytes, at + size, arrivedUs);
      at += size;
    }
  }

  /** Begins to hold a packet once its header is whole. */
  #startHeld(head: Buffer, headBytes: number): void {
    const headerBytes = readHeaderLength(head, 0, headBytes);
    if (headerBytes === 0) return;
    const size = this.#readSize(head, 0, headerBytes);
    if (size < 0) return;
    this.#held = Buffer.allocUnsafeSlow(size);
    this.#heldBytes = head.copy(this.#held, 0, 0, headBytes);
  }

  /** Whole size of the packet whose header stands at `at`; −1 after a fault. */
  #readSize(bytes: Buffer, at: number, headerBytes: number): number {
    if (headerBytes < 0) return this.#fail('malformed');
    let rest = 0;
    for (let i = headerBytes - 1; i >= 1; i -= 1) rest = (rest << 7) | ((bytes[at + i] ?? 0) & 0x7f);
    const size = headerBytes + rest;
    return size > this.#options.maxPacketBytes ? this.#fail('oversize') : size;
  }

  #fail(fault: 'malformed' | 'oversize'): -1 {
    this.#options.onFault(this, fault);
    this.destroy();
    return -1;
  }

  #onPacket(bytes: Buffer, start: number, bodyStart: number, end: number, arrivedUs: number): void {
    const verdict = this.#options.onPacket(this, bytes, start, bodyStart, end, arrivedUs);
    if (verdict === 'taken' || this.destroyed) return;
    if (verdict === 'cut') this.destroy();
    else this.push(Buffer.from(bytes.subarray(start, end)));
  }
}

/** Bytes of the fixed header at `at`: 0 while it is not whole, −1 when its length runs over four bytes. */
function readHeaderLength(bytes: Buffer, at: number, end: number): number {
  for (let i = 1; i < maxHeaderBytes; i += 1) {
    const byte = at + i < end ? bytes[at + i] : undefined;
    if (byte === undefined) return 0;
    if (byte < 0x80) return i + 1;
  }
  return -1;
}
