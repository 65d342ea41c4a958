/**
 * What is going to happen in a simulated world, in the order in which it happens: by time, at the same time by rank,
 * and at the same rank by who asked first. So a run is a function of its inputs alone.
 */

/** One thing that is going to happen. The queue sets its fields; one that has happened may be added again. */
export abstract class ScheduledEvent {
  atUs = 0;
  rank = 0;
  order = 0;
  /** Neither taken out nor cancelled. */
  isWaiting = false;

  /** Lets it happen. */
  abstract run(): void;
}

/** What happens is a call. */
export class ScheduledCall extends ScheduledEvent {
  constructor(private readonly call: () => void) {
    super();
  }

  run(): void {
    this.call();
  }
}

/** What comes first at the same instant: what arrives is read before a timer is noticed. */
export const RANK = { arrival: 0, timer: 1 } as const;

/** A binary heap. */
export class EventQueue {
  private readonly heap: ScheduledEvent[] = [];
  private orders = 0;
  private cancelled = 0;

  /** How many are waiting. */
  get size(): number {
    return this.heap.length - this.cancelled;
  }

  add(atUs: number, rank: number, event: ScheduledEvent): void {
    event.atUs = atUs;
    event.rank = rank;
    event.order = this.orders;
    event.isWaiting = true;
    this.orders += 1;
    this.heap.push(event);
    this.rise(this.heap.length - 1);
  }

  /** It will not happen; harmless when it has. */
  cancel(event: ScheduledEvent): void {
    if (!event.isWaiting) return;
    event.isWaiting = false;
    this.cancelled += 1;
    // Cancelled ones leave when their time comes; a world that cancels most of what it plans would keep them all.
    if (this.cancelled > 1_024 && this.cancelled > this.heap.length / 2) this.sweep();
  }

  /** Takes the next one out; null when nothing is waiting. */
  take(): ScheduledEvent | null {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined) return null;
      const last = this.heap.pop() as ScheduledEvent;
      if (this.heap.length > 0) {
        this.heap[0] = last;
        this.sink(0);
      }
      if (!first.isWaiting) {
        this.cancelled -= 1;
        continue;
      }
      first.isWaiting = false;
      return first;
    }
  }

  private sweep(): void {
    const alive = this.heap.filter(({ isWaiting }) => isWaiting);
    this.heap.length = 0;
    this.cancelled = 0;
    for (const event of alive) {
      this.heap.push(event);
      this.rise(this.heap.length - 1);
    }
  }

  private rise(from: number): void {
    const { heap } = this;
    const event = heap[from] as ScheduledEvent;
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as ScheduledEvent;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  private sink(from: number): void {
    const { heap } = this;
    const event = heap[from] as ScheduledEvent;
    const { length } = heap;
    let at = from;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= length) break;
      let child = heap[childAt] as ScheduledEvent;
      const right = heap[childAt + 1];
      if (right !== undefined && isBefore(right, child)) {
        childAt += 1;
        child = right;
      }
      if (!isBefore(child, event)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = event;
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  if (a.atUs !== b.atUs) return a.atUs < b.atUs;
  if (a.rank !== b.rank) return a.rank < b.rank;
  return a.order < b.order;
}
