/**
 * The log of one life of one process: a header that says whose it is, then every call across its ports in order. It is
 * only ever appended to; a process that is killed leaves a log that ends with the last block that was handed to the disk.
 */
import type { Principal } from '../ports.js';
import { BlockReader, BlockWriter } from './block-file.js';
import { CallDecoder, CallEncoder } from './call-codec.js';
import type { PortCall } from './port-call.js';
import { RecordingError } from './recording-error.js';

/** Changes whenever what is in the file would be misread by the release before. */
export const CALL_LOG_VERSION = 1;

const MAGIC = Buffer.from('VPCALLS', 'latin1');
const PREAMBLE = Buffer.concat([MAGIC, Buffer.from([CALL_LOG_VERSION])]);

/** Calls are gathered to blocks of about this size. */
const BLOCK_BYTES = 65_536;

/** Whose calls a log holds, and of what life. */
export interface CallLogHeader {
  readonly rig: string;
  /** Id of the replica or actuator. */
  readonly process: Principal;
  readonly kind: 'replica' | 'actuator';
  /** From 1; a restarted process begins a log of its own. */
  readonly life: number;
  /** What its injected faults draw from. */
  readonly seed: string;
  /** Hexadecimal, as compared at joining; null for what this kind of process has no use for. */
  readonly digests: {
    readonly rig: string;
    readonly law: string | null;
    readonly arithmetic: string | null;
  };
  readonly versions: { readonly voteplane: string; readonly node: string };
  readonly principals: readonly Principal[];
}

/** Takes the calls of one process as they happen. */
export interface CallSink {
  write(call: PortCall): void;
}

/** Writes a log. Nothing waits for the disk except where it says so. */
export class CallLogWriter implements CallSink {
  private readonly encoder: CallEncoder;
  private readonly blocks: BlockWriter;

  /** Creates the file and throws what the file system throws; see `BlockWriter` for `onFailure`. */
  constructor(file: string, header: CallLogHeader, onFailure: (what: string) => void) {
    this.encoder = new CallEncoder(header.principals);
    this.blocks = new BlockWriter(file, PREAMBLE, onFailure);
    this.blocks.append(new TextEncoder().encode(JSON.stringify(header)));
    this.blocks.flushNow();
  }

  write(call: PortCall): void {
    this.encoder.write(call);
    if (this.encoder.length >= BLOCK_BYTES) this.flush();
  }

  /** Hands what has been gathered to the disk. */
  flush(): void {
    if (this.encoder.length > 0) this.blocks.append(this.encoder.take());
  }

  /** The same, and returns when the operating system has it. */
  flushNow(): void {
    this.flush();
    this.blocks.flushNow();
  }

  async close(): Promise<void> {
    this.flush();
    await this.blocks.close();
  }
}

/** Calls in order, with a look at the next one. */
export interface CallSource {
  /** The next call, or null after the last. Throws RecordingError. */
  peek(): PortCall | null;
  /** The same, and steps over it. */
  next(): PortCall | null;
}

/** Reads a log from the front. */
export class CallLogReader implements CallSource {
  readonly header: CallLogHeader;
  private readonly blocks: BlockReader;
  private readonly decoder: CallDecoder;
  private held: PortCall | null = null;

  /** Throws RecordingError where the file is no log, or one of another version. */
  constructor(file: string) {
    this.blocks = new BlockReader(file, PREAMBLE, (found) => {
      const isOther =
        found.length === PREAMBLE.length && Buffer.compare(found.subarray(0, MAGIC.length), MAGIC) === 0;
      return isOther
        ? `it is of format version ${String(found[MAGIC.length])}, this release reads version ${CALL_LOG_VERSION}; replay it with the release that recorded it`
        : 'it is no call log of a recording; name the folder that "demo --record" has written';
    });
    const header = this.blocks.next();
    if (header === null) {
      throw new RecordingError(`${file}: it ends before its header is whole; record the flight anew`);
    }
    this.header = parseHeader(header, file);
    this.decoder = new CallDecoder(this.header.principals, file);
  }

  /** Whether the file ends inside a block. */
  get isTorn(): boolean {
    return this.blocks.isTorn;
  }

  peek(): PortCall | null {
    this.held ??= this.read();
    return this.held;
  }

  next(): PortCall | null {
    const call = this.peek();
    this.held = null;
    return call;
  }

  close(): void {
    this.blocks.close();
  }

  private read(): PortCall | null {
    for (;;) {
      const call = this.decoder.next();
      if (call !== null) return call;
      const block = this.blocks.next();
      if (block === null) return null;
      this.decoder.load(block);
    }
  }
}

/** The block's checksum vouches for what `CallLogWriter` has put into it. */
function parseHeader(block: Uint8Array, file: string): CallLogHeader {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(block)) as CallLogHeader;
  } catch {
    throw new RecordingError(`${file}: its header is not readable; record the flight anew`);
  }
}
