/**
 * Writes that wait while a flush runs share the next one. Each is told once and in order; after a flush that failed, nothing is
 * told as durable any more, because what the disk then holds is unknown until it is read anew.
 */
import type { StoreRefusal } from '../ports.js';
import { StoreError } from './store-error.js';

export type OnDurable = (refusal: StoreRefusal | null) => void;

/** One flush at a time over whatever waits. */
export class GroupCommit<Item> {
  private waiting: { readonly item: Item; readonly onDurable: OnDurable }[] = [];
  private isFlushing = false;
  private refusal: StoreRefusal | null = null;
  private onIdle: (() => void) | null = null;

  /** How many writes were made durable. */
  writes = 0;

  /** `flush` makes all items durable, in their order, or rejects with a refusal. */
  constructor(
    private readonly place: string,
    private readonly flush: (items: readonly Item[]) => Promise<void>,
  ) {}

  /** What every further write is answered; null while they are taken. */
  get refused(): StoreRefusal | null {
    return this.refusal;
  }

  add(item: Item, onDurable: OnDurable): void {
    if (this.refusal !== null) {
      this.refuse(this.refusal, onDurable);
      return;
    }
    this.waiting.push({ item, onDurable });
    // At once: the disk is at it while the caller goes on.
    if (!this.isFlushing) {
      this.isFlushing = true;
      void this.run();
    }
  }

  /** Answers one write with a refusal, and goes on. */
  refuse(refusal: StoreRefusal, onDurable: OnDurable): void {
    queueMicrotask(() => onDurable(refusal));
  }

  /** Resolves when nothing waits; from the call on, nothing is taken. */
  async close(): Promise<void> {
    const what = 'the store is closed';
    this.refusal ??= new StoreError(
      'closed',
      this.place,
      what,
      'nothing more can be written by this process',
    );
    if (!this.isFlushing) return;
    await new Promise<void>((resolve) => {
      this.onIdle = resolve;
    });
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      const outcome = await this.attempt(group.map(({ item }) => item));
      if (outcome === null) this.writes += group.length;
      else this.refusal = outcome;
      const told = outcome === null ? group : [...group, ...this.waiting.splice(0)];
      for (const { onDurable } of told) onDurable(outcome);
    }
    this.isFlushing = false;
    this.onIdle?.();
  }

  private async attempt(items: readonly Item[]): Promise<StoreRefusal | null> {
    try {
      await this.flush(items);
      return null;
    } catch (error) {
      if (error instanceof StoreError) return error as StoreError<StoreRefusal['code']>;
      throw error;
    }
  }
}
