/**
 * A simulated store of one device: records that share a flush become safe together, in the order in which they came.
 * When its computer loses power, each record that was under way is on the disk, is not, or is torn, each by itself; what
 * the store gives back is what it can stand for: all up to the first that is missing or torn. It keeps nothing that a
 * later record replaces.
 */
import type { Random } from '../faults/random.js';
import { isReplaced, orderRecords, recordKey } from '../core/paxos/durable-records.js';
import type { PaxosRecord } from '../core/paxos/types.js';

/**
 * What happens to the records of a flush under way: the process dies and the system writes them; or the power goes and
 * they are lost, one of them is torn, or later ones are written while earlier ones are not.
 */
export type PaxosCut = 'killed' | 'lost' | 'torn' | 'reordered';

/** The ways in which the power goes. */
export const POWER_CUTS = ['lost', 'torn', 'reordered'] as const satisfies readonly PaxosCut[];

export class PaxosDisk {
  /** One for each key. */
  private readonly kept = new Map<string, PaxosRecord>();
  /** Handed to the disk, not safe yet. */
  private underWay: readonly PaxosRecord[] = [];
  private waiting: PaxosRecord[] = [];
  /** Records that were ever made safe. */
  writes = 0;
  flushes = 0;

  /** `onKept`: a record is safe from now on. */
  constructor(
    private readonly random: Random,
    private readonly onKept: (record: PaxosRecord) => void,
  ) {}

  get hasWaiting(): boolean {
    return this.waiting.length > 0;
  }

  get isFlushing(): boolean {
    return this.underWay.length > 0;
  }

  /** As a driver hands them to the core: the store has them by key and in no order. */
  get records(): readonly PaxosRecord[] {
    return orderRecords([...this.kept.values()].reverse());
  }

  add(record: PaxosRecord): void {
    this.waiting.push(record);
  }

  /** All that waits is under way from now on. */
  beginFlush(): void {
    this.underWay = this.waiting;
    this.waiting = [];
  }

  endFlush(): void {
    const { underWay } = this;
    this.underWay = [];
    this.flushes += 1;
    for (const record of underWay) this.keep(record);
  }

  /** Nothing comes after this; what is on the disk is safe. */
  cut(how: PaxosCut): void {
    const { underWay, random } = this;
    this.underWay = [];
    this.waiting = [];
    const survivors = random.nextInteger(underWay.length + 1);
    const isIntact = (at: number): boolean => {
      if (how === 'killed') return true;
      if (how === 'reordered') return random.nextChance(0.5);
      return how === 'torn' && at < survivors;
    };
    for (const [at, record] of underWay.entries()) {
      if (!isIntact(at)) return;
      this.keep(record);
    }
  }

  /** Nothing is left. */
  wipe(): void {
    this.kept.clear();
    this.underWay = [];
    this.waiting = [];
  }

  /** What is there before the first start. */
  provision(record: PaxosRecord): void {
    this.keep(record);
  }

  private keep(record: PaxosRecord): void {
    if (record.kind === 'stamp' || record.kind === 'snapshot') {
      for (const [key, old] of this.kept) if (isReplaced(old, record)) this.kept.delete(key);
    }
    this.kept.set(recordKey(record), record);
    this.writes += 1;
    this.onKept(record);
  }
}
