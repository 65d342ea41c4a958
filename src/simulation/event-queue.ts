/**
 * What is going to happen in a simulated world, in the order in which it happens: by time, at the same time by rank,
 * and at the same rank by who asked first. So a run is a function of its inputs alone.
 */

/** One thing that is going to happen. One that has happened may be added again. */
export abstract class ScheduledEvent {
  /** Neither taken out nor cancelled; the queue's to set. */
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

/** More than any run adds, and few enough that a rank and a number of order are one whole number. */
const ORDERS_A_RANK = 2 ** 50;
const ROOM_AT_FIRST = 256;

/**
 * A binary heap. What it is ordered by lies apart from the events, as plain numbers: comparing is most of its work, and
 * reads nothing else.
 */
export class EventQueue {
  private readonly heap: ScheduledEvent[] = [];
  /** By place in the heap: the time, and rank and order of asking in one number. */
  private times = new Float64Array(ROOM_AT_FIRST);
  private turns = new Float64Array(ROOM_AT_FIRST);
  private orders = 0;
  private cancelled = 0;
  /** Time of the event that was taken last. */
  takenAtUs = 0;

  /** How many are waiting. */
  get size(): number {
    return this.heap.length - this.cancelled;
  }

  /** `rank`: a small whole number. */
  add(atUs: number, rank: number, event: ScheduledEvent): void {
    const { heap } = this;
    event.isWaiting = true;
    const at = heap.length;
    if (at === this.times.length) this.makeRoom();
    heap.push(event);
    const turn = rank * ORDERS_A_RANK + this.orders;
    this.orders += 1;
    this.rise(at, atUs, turn, event);
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
    const { heap, times, turns } = this;
    for (;;) {
      const first = heap[0];
      if (first === undefined) return null;
      const firstUs = times[0] as number;
      const last = heap.pop() as ScheduledEvent;
      const { length } = heap;
      if (length > 0) this.sink(times[length] as number, turns[length] as number, last);
      if (!first.isWaiting) {
        this.cancelled -= 1;
        continue;
      }
      first.isWaiting = false;
      this.takenAtUs = firstUs;
      return first;
    }
  }

  private makeRoom(): void {
    const { times, turns } = this;
    this.times = new Float64Array(2 * times.length);
    this.times.set(times);
    this.turns = new Float64Array(2 * turns.length);
    this.turns.set(turns);
  }

  private sweep(): void {
    const { heap, times, turns } = this;
    let kept = 0;
    for (let at = 0; at < heap.length; at += 1) {
      const event = heap[at] as ScheduledEvent;
      // What was looked at before makes room for what is kept.
      if (event.isWaiting) this.rise(kept++, times[at] as number, turns[at] as number, event);
    }
    heap.length = kept;
    this.cancelled = 0;
  }

  /** From the end at `from` up to its place. */
  private rise(from: number, atUs: number, turn: number, event: ScheduledEvent): void {
    const { heap, times, turns } = this;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const parentUs = times[parent] as number;
      if (parentUs < atUs || (parentUs === atUs && (turns[parent] as number) < turn)) break;
      heap[at] = heap[parent] as ScheduledEvent;
      times[at] = parentUs;
      turns[at] = turns[parent] as number;
      at = parent;
    }
    heap[at] = event;
    times[at] = atUs;
    turns[at] = turn;
  }

  /** From the top down to its place. */
  private sink(atUs: number, turn: number, event: ScheduledEvent): void {
    const { heap, times, turns } = this;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      let childUs = times[child] as number;
      const right = child + 1;
      if (right < length) {
        const rightUs = times[right] as number;
        if (
          rightUs < childUs ||
          (rightUs === childUs && (turns[right] as number) < (turns[child] as number))
        ) {
          child = right;
          childUs = rightUs;
        }
      }
      if (childUs > atUs || (childUs === atUs && (turns[child] as number) > turn)) break;
      heap[at] = heap[child] as ScheduledEvent;
      times[at] = childUs;
      turns[at] = turns[child] as number;
      at = child;
    }
    heap[at] = event;
    times[at] = atUs;
    turns[at] = turn;
  }
}
