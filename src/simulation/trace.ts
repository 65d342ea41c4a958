/**
 * What happened in a simulated run, as one digest and, where somebody listens, as lines. Everything that leaves a
 * process, every account of a tick and everything that a voter did goes into it, in order and with its virtual time:
 * same seed and version, same digest. It must never influence what happens.
 */
import { createHash } from 'node:crypto';
import type { Principal, Purpose } from '../ports.js';
import type { TickRecord, VoterRecord } from '../process/telemetry.js';

/** One line of a written trace. Times are the world's, microseconds. */
export type TraceLine =
  | {
      readonly kind: 'frame';
      readonly atUs: number;
      readonly from: Principal;
      readonly to: Principal;
      readonly purpose: Purpose;
      readonly bytes: string;
    }
  | { readonly kind: 'tick'; readonly atUs: number; readonly id: Principal; readonly record: TickRecord }
  | { readonly kind: 'voter'; readonly atUs: number; readonly id: Principal; readonly record: VoterRecord };

const CHUNK_BYTES = 1 << 16;
/** Longer pieces are digested by themselves. */
const PIECE_MAX_BYTES = 4_096;
/** Few bytes go faster one by one than through a call that copies. */
const SHORT_BYTES = 32;

export class Trace {
  private readonly hash = createHash('sha256');
  private readonly chunk = new Uint8Array(CHUNK_BYTES);
  private readonly view = new DataView(this.chunk.buffer);
  private used = 0;
  private readonly names = new Map<string, number>();

  constructor(
    private readonly nowUs: () => number,
    private readonly onLine: ((line: TraceLine) => void) | null,
  ) {}

  noteFrame(from: Principal, to: Principal, purpose: Purpose, frame: Uint8Array): void {
    const atUs = this.nowUs();
    this.addNumber(atUs);
    this.addNumber(this.numberOf(from) * 65_536 + this.numberOf(to) * 256 + this.numberOf(purpose));
    this.addBytes(frame);
    this.onLine?.({ kind: 'frame', atUs, from, to, purpose, bytes: Buffer.from(frame).toString('hex') });
  }

  noteTick(id: Principal, record: TickRecord): void {
    const atUs = this.nowUs();
    this.addNumber(atUs);
    this.addNumber(this.numberOf(id) * 256 + this.numberOf(record.mode));
    this.addNumber(record.tick);
    this.addText(record.vector ?? '-');
    this.addText(record.state ?? '-');
    this.addNumber(record.agreedUs ?? -1);
    for (const command of record.commands ?? [])
      this.addNumber(command === null ? NaN : command === 'trip' ? Infinity : command);
    this.addNumber(record.absent * 256 + record.late);
    this.onLine?.({ kind: 'tick', atUs, id, record });
  }

  noteVoter(id: Principal, record: VoterRecord): void {
    const atUs = this.nowUs();
    this.addNumber(atUs);
    this.addText(id);
    this.addText(writeVoter(record));
    this.onLine?.({ kind: 'voter', atUs, id, record });
  }

  /** SHA-256 of everything so far, hexadecimal. */
  digest(): string {
    this.spill();
    return this.hash.copy().digest('hex');
  }

  /** A name by the order of its first appearance; the first time it is written out. */
  private numberOf(name: string): number {
    const known = this.names.get(name);
    if (known !== undefined) return known;
    this.names.set(name, this.names.size);
    this.addText(name);
    return this.names.size - 1;
  }

  private addNumber(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.used, value, true);
    this.used += 8;
  }

  private addText(text: string): void {
    const { chunk, view } = this;
    const length = Math.min(text.length, PIECE_MAX_BYTES);
    this.reserve(2 + length);
    view.setUint16(this.used, length, true);
    const from = this.used + 2;
    for (let at = 0; at < length; at += 1) chunk[from + at] = text.charCodeAt(at);
    this.used = from + length;
  }

  private addBytes(bytes: Uint8Array): void {
    this.addNumber(bytes.length);
    if (bytes.length > PIECE_MAX_BYTES) {
      this.spill();
      this.hash.update(bytes);
      return;
    }
    this.reserve(bytes.length);
    const { chunk, used } = this;
    if (bytes.length > SHORT_BYTES) chunk.set(bytes, used);
    else for (let at = 0; at < bytes.length; at += 1) chunk[used + at] = bytes[at] as number;
    this.used = used + bytes.length;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes > CHUNK_BYTES) this.spill();
  }

  private spill(): void {
    this.hash.update(this.chunk.subarray(0, this.used));
    this.used = 0;
  }
}

/** JSON. An output is nearly all that a voter tells, and its whole numbers are written as JSON writes them. */
function writeVoter(record: VoterRecord): string {
  if (record.kind !== 'output') return JSON.stringify(record);
  const { tick, count, votes, atUs } = record;
  return `{"kind":"output","tick":${tick},"count":${count},"votes":${votes},"atUs":${atUs}}`;
}
