/**
 * The durable store of a simulated device, and the disk under it, which outlives its processes. Writes that wait while a
 * flush runs share the next one; how long a flush takes is drawn by the seed. What becomes of writes under way when the
 * process dies or the power goes is said by a `PaxosCut`. It never gives back half a write, nor one without those before it.
 */
import type { Random } from '../faults/random.js';
import type { LogStore, RecordChange, StoreFigures, StoreRefusal, StoreRefusalCode } from '../ports.js';
import { RANK } from './event-queue.js';
import type { Host, World } from './host.js';
import type { PaxosCut } from './paxos-disk.js';

/** How long a flush takes: at least so long, and so much more on average. */
const FLUSH_US = 600;
const FLUSH_JITTER_US = 900;
/** Room for records, as in the journals of a replica. */
const MAX_LIVE_BYTES = 1_000_000;
const BLOCK_BYTES = 4_096;
/** A store is made in several steps; a process that is killed meanwhile leaves one with so great a chance. */
const MADE_WHEN_KILLED = 0.5;

type OnDurable = (refusal: StoreRefusal | null) => void;

interface Write {
  readonly changes: readonly RecordChange[];
  readonly onDurable: OnDurable;
  /** It makes the store. */
  readonly makes: boolean;
}

/** What becomes durable, in order: for whoever holds the device to its word. */
export type OnKept = (changes: readonly RecordChange[]) => void;

/** The disk of one device. */
export class StoreDisk {
  /** Null while there is no store on it. */
  private records: Map<string, Uint8Array> | null = null;
  private session: Session | null = null;

  constructor(
    private readonly world: World,
    /** Where it is, for people. */
    private readonly place: string,
    private readonly random: Random,
    private readonly onKept: OnKept = () => {},
  ) {}

  /** The store as a process on `host` finds it. What an earlier one was still writing is dealt with as if it had been killed. */
  open(host: Host): LogStore {
    this.cut('killed');
    const { world, place, random } = this;
    const session = new Session({
      place,
      loaded: this.records === null ? null : new Map(this.records),
      wait: (run) => {
        const us = FLUSH_US + Math.floor(-Math.log(1 - random.nextUnit()) * FLUSH_JITTER_US);
        host.schedule(world.nowUs + us, RANK.arrival, run);
      },
      soon: (run) => {
        host.schedule(world.nowUs, RANK.arrival, run);
      },
      keep: (write) => this.keep(write),
    });
    this.session = session;
    return session;
  }

  /** The process is gone, in this way; nothing comes after it. */
  cut(how: PaxosCut): void {
    const { session, random } = this;
    this.session = null;
    if (session === null) return;
    const underWay = session.end();
    const survivors = random.nextInteger(underWay.length + 1);
    for (const [at, write] of underWay.entries()) {
      if (!this.isIntact(how, at < survivors, write)) return;
      this.keep(write);
    }
  }

  /** The folder is emptied; the process that had it open writes to nowhere. */
  wipe(): void {
    this.session?.end();
    this.session = null;
    this.records = null;
  }

  private isIntact(how: PaxosCut, survives: boolean, { makes }: Write): boolean {
    switch (how) {
      case 'killed':
        return !makes || this.random.nextChance(MADE_WHEN_KILLED);
      case 'lost':
        return false;
      case 'torn':
        return survives;
      case 'reordered':
        // Each reaches the disk or not by itself; the store stands for all before the first that is missing.
        return this.random.nextChance(0.5);
    }
  }

  private keep({ changes, makes }: Write): void {
    if (makes) this.records = new Map();
    const { records } = this;
    if (records === null) throw new Error(`${this.place}: a write became durable before there was a store`);
    for (const { key, bytes } of changes) {
      records.delete(key);
      if (bytes !== null) records.set(key, bytes);
    }
    this.onKept(changes);
  }
}

interface SessionParts {
  readonly place: string;
  readonly loaded: ReadonlyMap<string, Uint8Array> | null;
  /** Runs when a flush that begins now is over. */
  readonly wait: (run: () => void) => void;
  /** Runs later, without waiting for the disk. */
  readonly soon: (run: () => void) => void;
  readonly keep: (write: Write) => void;
}

/** The store of one process. */
class Session implements LogStore {
  readonly place: string;
  readonly loaded: ReadonlyMap<string, Uint8Array> | null;
  /** Bytes of all that was taken, durable or not, by key; null before there is a store. */
  private sizes: Map<string, number> | null;
  private liveBytes = 0;
  private waiting: Write[] = [];
  private underWay: readonly Write[] = [];
  private refusal: StoreRefusal | null = null;
  private writes = 0;
  private flushes = 0;
  private diskBytes = 0;

  constructor(private readonly parts: SessionParts) {
    this.place = parts.place;
    this.loaded = parts.loaded;
    this.sizes = parts.loaded === null ? null : new Map();
    for (const [key, bytes] of parts.loaded ?? []) this.account(key, bytes);
  }

  write(changes: readonly RecordChange[], onDurable: OnDurable): void {
    if (this.sizes === null) throw new RangeError(`${this.place}: there is no store to write to`);
    this.take({ changes, onDurable, makes: false });
  }

  provision(records: readonly RecordChange[], onDurable: OnDurable): void {
    if (this.sizes !== null) throw new RangeError(`${this.place}: there is a store already`);
    this.sizes = new Map();
    this.take({ changes: records, onDurable, makes: true });
  }

  figures(): StoreFigures | null {
    const { sizes, writes, flushes, diskBytes, liveBytes } = this;
    if (sizes === null) return null;
    return { writes, flushes, diskBytes, records: sizes.size, liveBytes, maxLiveBytes: MAX_LIVE_BYTES };
  }

  close(): Promise<void> {
    this.refusal ??= this.refuse('closed', 'the store is closed');
    for (const write of [...this.underWay, ...this.waiting]) this.complete(write);
    this.underWay = [];
    this.waiting = [];
    return Promise.resolve();
  }

  /** Nobody is told any more; returns what the disk was at. */
  end(): readonly Write[] {
    const { underWay } = this;
    this.underWay = [];
    this.waiting = [];
    this.refusal ??= this.refuse('closed', 'its process is gone');
    return underWay;
  }

  private take(write: Write): void {
    const { refusal } = this;
    const answer = refusal ?? this.findOverflow(write.changes);
    if (answer !== null) {
      this.parts.soon(() => write.onDurable(answer));
      return;
    }
    for (const { key, bytes } of write.changes) this.account(key, bytes);
    this.waiting.push(write);
    if (this.underWay.length === 0) this.flush();
  }

  private flush(): void {
    const group = this.waiting;
    this.underWay = group;
    this.waiting = [];
    this.parts.wait(() => {
      // A store that was closed meanwhile has finished them.
      if (this.underWay !== group) return;
      this.underWay = [];
      this.flushes += 1;
      for (const write of group) this.complete(write);
      if (this.waiting.length > 0 && this.underWay.length === 0) this.flush();
    });
  }

  private complete(write: Write): void {
    this.parts.keep(write);
    this.writes += 1;
    const bytes = write.changes.reduce((sum, change) => sum + measure(change.key, change.bytes), 0);
    this.diskBytes += Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
    this.parts.soon(() => write.onDurable(null));
  }

  private account(key: string, bytes: Uint8Array | null): void {
    this.liveBytes -= this.sizes?.get(key) ?? 0;
    this.sizes?.delete(key);
    if (bytes === null) return;
    const size = measure(key, bytes);
    this.sizes?.set(key, size);
    this.liveBytes += size;
  }

  private findOverflow(changes: readonly RecordChange[]): StoreRefusal | null {
    const after = changes.reduce(
      (sum, { key, bytes }) => sum + measure(key, bytes) - (this.sizes?.get(key) ?? 0),
      this.liveBytes,
    );
    return after <= MAX_LIVE_BYTES
      ? null
      : this.refuse('full', `${after} bytes are more than the ${MAX_LIVE_BYTES} that it has room for`);
  }

  private refuse(code: StoreRefusalCode, what: string): StoreRefusal {
    return { code, message: `${this.place}: ${what}; start the replica again` };
  }
}

function measure(key: string, bytes: Uint8Array | null): number {
  return bytes === null ? 0 : key.length + bytes.length;
}
