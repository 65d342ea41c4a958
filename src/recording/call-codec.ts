/**
 * Port calls as bytes, and back. One byte says the kind; integers are variable-length (seven bits a byte, low ones
 * first), and times are written as the difference to the time before, so that a look at the clock takes two or three bytes.
 * Reading must never hand on what it has not understood.
 */
import type { Principal, Purpose, StoreRefusal, StoreRefusalCode } from '../ports.js';
import type { PortCall } from './port-call.js';
import { RecordingError } from './recording-error.js';

/** By their number in the bytes. */
const KINDS = [
  'timer',
  'frame',
  'link',
  'line-open',
  'line-bytes',
  'line-close',
  'order',
  'stop',
  'stopped',
  'now',
  'entropy',
  'taken',
  'sent',
  'dial',
  'written',
  'hang-up',
  'tick',
  'voter',
  'told',
  'killed',
  'loaded',
  'stored',
  'durable',
] as const satisfies readonly PortCall['kind'][];

const KIND_NUMBERS = new Map<PortCall['kind'], number>(KINDS.map((kind, at) => [kind, at]));

/** By their number in the bytes. */
const PURPOSES: readonly Purpose[] = [
  'hello',
  'round',
  'state',
  'command',
  'status',
  'control',
  'answer',
  'report',
  'request',
  'reply',
  'order',
];

/** By their number in the bytes, after 0 for none. */
const REFUSALS: readonly StoreRefusalCode[] = ['full', 'disk-full', 'io-error', 'read-only', 'closed'];

const NESTED = 0x80;

/** Integers beyond this are written as floats, which hold them as well. */
const MAX_PACKED = 2 ** 50;

const INITIAL_BYTES = 4_096;

/** Turns calls into bytes, one after the other. */
export class CallEncoder {
  private bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  private at = 0;
  private lastUs = 0;
  private readonly numbers: ReadonlyMap<Principal, number>;

  /** `principals`: those that calls will name mostly; others are written in full. */
  constructor(principals: readonly Principal[]) {
    this.numbers = new Map(principals.map((id, number) => [id, number]));
  }

  /** Bytes since the last `take`. */
  get length(): number {
    return this.at;
  }

  write(call: PortCall): void {
    const nested = 'nested' in call && call.nested ? NESTED : 0;
    this.writeByte((KIND_NUMBERS.get(call.kind) as number) | nested);
    switch (call.kind) {
      case 'timer':
        this.writeInteger(call.id);
        this.writeTime(call.atUs);
        break;
      case 'frame':
        this.writePrincipal(call.from);
        this.writePurpose(call.purpose);
        this.writeTime(call.arrivedUs);
        this.writeBytes(call.frame);
        break;
      case 'link':
        this.writePrincipal(call.to);
        this.writeByte(call.up ? 1 : 0);
        break;
      case 'line-open':
      case 'dial':
      case 'hang-up':
        this.writeInteger(call.line);
        break;
      case 'line-bytes':
        this.writeInteger(call.line);
        this.writeBytes(call.bytes);
        break;
      case 'line-close':
        this.writeInteger(call.line);
        this.writeText(call.reason);
        break;
      case 'now':
        this.writeTime(call.us);
        break;
      case 'entropy':
        this.writeBytes(call.bytes);
        break;
      case 'taken':
        this.writeByte(call.taken ? 1 : 0);
        break;
      case 'sent':
        this.writeByte(call.claimed === null ? 0 : 1);
        if (call.claimed !== null) this.writePrincipal(call.claimed);
        this.writePrincipal(call.to);
        this.writePurpose(call.purpose);
        this.writeInteger(call.length);
        this.writeCrc(call.crc);
        break;
      case 'written':
        this.writeInteger(call.line);
        this.writeInteger(call.length);
        this.writeCrc(call.crc);
        break;
      case 'loaded':
        this.writeText(call.place);
        this.writeInteger(call.records === null ? 0 : call.records.length + 1);
        for (const [key, bytes] of call.records ?? []) {
          this.writeText(key);
          this.writeBytes(bytes);
        }
        break;
      case 'stored':
        this.writeInteger(call.write);
        this.writeByte(call.made ? 1 : 0);
        this.writeInteger(call.changes);
        this.writeCrc(call.crc);
        break;
      case 'durable':
        this.writeInteger(call.write);
        this.writeByte(call.refusal === null ? 0 : REFUSALS.indexOf(call.refusal.code) + 1);
        if (call.refusal !== null) this.writeText(call.refusal.message);
        break;
      case 'order':
      case 'tick':
      case 'voter':
      case 'told':
        this.writeText(call.text);
        break;
      case 'stop':
      case 'stopped':
      case 'killed':
        break;
    }
  }

  /** A copy of what has been written since the last time. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.bytes.subarray(0, this.at));
    this.at = 0;
    return taken;
  }

  private reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.at + more, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
  }

  private writeByte(byte: number): void {
    this.reserve(1);
    this.bytes[this.at++] = byte;
  }

  /** From 0 to 2⁵³ − 1. */
  private writeInteger(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.at++] = rest;
  }

  /** Whole microseconds as twice their zigzag distance from the time before; others as 1 and eight bytes. */
  private writeTime(us: number): void {
    const distance = us - this.lastUs;
    if (Number.isSafeInteger(us) && Math.abs(distance) <= MAX_PACKED) {
      this.writeInteger(2 * (distance >= 0 ? 2 * distance : -2 * distance - 1));
      this.lastUs = us;
      return;
    }
    this.writeByte(1);
    this.reserve(8);
    this.at = this.bytes.writeDoubleLE(us, this.at);
  }

  private writeCrc(crc: number): void {
    this.reserve(4);
    this.at = this.bytes.writeUInt32LE(crc, this.at);
  }

  private writeBytes(bytes: Uint8Array): void {
    this.writeInteger(bytes.length);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  private writeText(text: string): void {
    const length = Buffer.byteLength(text);
    this.writeInteger(length);
    this.reserve(length);
    this.at += this.bytes.write(text, this.at);
  }

  private writePrincipal(id: Principal): void {
    const number = this.numbers.get(id);
    this.writeInteger(number === undefined ? 0 : number + 1);
    if (number === undefined) this.writeText(id);
  }

  private writePurpose(purpose: Purpose): void {
    this.writeByte(PURPOSES.indexOf(purpose));
  }
}

/** Reads what a `CallEncoder` with the same principals wrote, block by block in the same order. */
export class CallDecoder {
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private lastUs = 0;

  /** `file`: what errors call the source. */
  constructor(
    private readonly principals: readonly Principal[],
    private readonly file: string,
  ) {}

  /** Goes on with the next block; a call never straddles two. */
  load(block: Uint8Array): void {
    this.bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    this.at = 0;
  }

  /** The next call, or null at the end of the block. Throws RecordingError. */
  next(): PortCall | null {
    if (this.at >= this.bytes.length) return null;
    const first = this.readByte();
    const kind = KINDS[first & ~NESTED];
    const nested = (first & NESTED) !== 0;
    switch (kind) {
      case 'timer':
        return { kind, id: this.readInteger(), atUs: this.readTime(), nested };
      case 'frame': {
        const from = this.readPrincipal();
        const purpose = this.readPurpose();
        const arrivedUs = this.readTime();
        return { kind, from, purpose, frame: this.readBytes(), arrivedUs, nested };
      }
      case 'link':
        return { kind, to: this.readPrincipal(), up: this.readByte() === 1, nested };
      case 'line-open':
        return { kind, line: this.readInteger(), nested };
      case 'line-bytes':
        return { kind, line: this.readInteger(), bytes: this.readBytes(), nested };
      case 'line-close':
        return { kind, line: this.readInteger(), reason: this.readText(), nested };
      case 'order':
        return { kind, text: this.readText(), nested };
      case 'stop':
      case 'stopped':
        return { kind, nested };
      case 'now':
        return { kind, us: this.readTime() };
      case 'entropy':
        return { kind, bytes: this.readBytes() };
      case 'taken':
        return { kind, taken: this.readByte() === 1 };
      case 'sent': {
        const claimed = this.readByte() === 0 ? null : this.readPrincipal();
        const to = this.readPrincipal();
        const purpose = this.readPurpose();
        const length = this.readInteger();
        return { kind, claimed, to, purpose, length, crc: this.readCrc() };
      }
      case 'dial':
      case 'hang-up':
        return { kind, line: this.readInteger() };
      case 'written':
        return { kind, line: this.readInteger(), length: this.readInteger(), crc: this.readCrc() };
      case 'loaded':
        return { kind, place: this.readText(), records: this.readRecords() };
      case 'stored': {
        const write = this.readInteger();
        const made = this.readByte() === 1;
        return { kind, write, made, changes: this.readInteger(), crc: this.readCrc() };
      }
      case 'durable':
        return { kind, write: this.readInteger(), refusal: this.readRefusal(), nested };
      case 'tick':
      case 'voter':
      case 'told':
        return { kind, text: this.readText() };
      case 'killed':
        return { kind };
      default:
        throw this.refuse();
    }
  }

  private refuse(): RecordingError {
    return new RecordingError(
      `${this.file}: a call in it is not of this format; replay it with the release that recorded it`,
    );
  }

  private skip(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw this.refuse();
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }

  private readByte(): number {
    return this.skip(1)[0] as number;
  }

  private readInteger(): number {
    let value = 0;
    for (let unit = 1; unit < Number.MAX_SAFE_INTEGER; unit *= 0x80) {
      const byte = this.readByte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
    throw this.refuse();
  }

  private readTime(): number {
    const packed = this.readInteger();
    if (packed % 2 === 1) {
      if (packed !== 1) throw this.refuse();
      return this.skip(8).readDoubleLE();
    }
    const zigzag = packed / 2;
    this.lastUs += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    return this.lastUs;
  }

  private readCrc(): number {
    return this.skip(4).readUInt32LE();
  }

  private readText(): string {
    return this.skip(this.readInteger()).toString('utf8');
  }

  private readBytes(): Uint8Array {
    return new Uint8Array(this.skip(this.readInteger()));
  }

  private readRecords(): readonly (readonly [string, Uint8Array])[] | null {
    const number = this.readInteger();
    if (number === 0) return null;
    const records: (readonly [string, Uint8Array])[] = [];
    while (records.length < number - 1) records.push([this.readText(), this.readBytes()]);
    return records;
  }

  private readRefusal(): StoreRefusal | null {
    const number = this.readByte();
    if (number === 0) return null;
    const code = REFUSALS[number - 1];
    if (code === undefined) throw this.refuse();
    return { code, message: this.readText() };
  }

  private readPrincipal(): Principal {
    const number = this.readInteger();
    if (number === 0) return this.readText();
    const id = this.principals[number - 1];
    if (id === undefined) throw this.refuse();
    return id;
  }

  private readPurpose(): Purpose {
    const purpose = PURPOSES[this.readByte()];
    if (purpose === undefined) throw this.refuse();
    return purpose;
  }
}
