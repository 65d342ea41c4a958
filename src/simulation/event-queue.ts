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
 * A binary heap. What it is ordered by lies apart from the events, as plain numbers, and so do the places where they lie:
 * comparing and moving is most of its work, and a collector that would have to know of every object that moves learns
 * nothing of numbers.
 */
export class EventQueue {
  /** By place: what waits there; null where nothing does. */
  private readonly events = new Array<ScheduledEvent | null>(ROOM_AT_FIRST).fill(null);
  /** By position in the heap: the time, rank and order of asking in one number, and the event's place. */
  private times = new Float64Array(ROOM_AT_FIRST);
  private turns = new Float64Array(ROOM_AT_FIRST);
  /** Each place once: behind the heap's end those that are free. */
  private places = Int32Array.from(this.events, (_, at) => at);
  private length = 0;
  private orders = 0;
  private cancelled = 0;
  /** Time of the event that was taken last. */
  takenAtUs = 0;

  /** How many are waiting. */
  get size(): number {
    return this.length - this.cancelled;
  }

  /** `rank`: a small whole number. */
  add(atUs: number, rank: number, event: ScheduledEvent): void {
    event.isWaiting = true;
    const at = this.length;
    if (at === this.times.length) this.makeRoom();
    this.length = at + 1;
    const place = this.places[at] as number;
    this.events[place] = event;
    const turn = rank * ORDERS_A_RANK + this.orders;
    this.orders += 1;
    this.rise(at, atUs, turn, place);
  }

  /** It will not happen; harmless when it has. */
  cancel(event: ScheduledEvent): void {
    if (!event.isWaiting) return;
    event.isWaiting = false;
    this.cancelled += 1;
    // Cancelled ones leave when their time comes; a world that cancels most of what it plans would keep them all.
    if (this.cancelled > 1_024 && this.cancelled > this.length / 2) this.sweep();
  }

  /** Takes the next one out; null when nothing is waiting. */
  take(): ScheduledEvent | null {
    const { events, times, turns, places } = this;
    while (this.length > 0) {
      const firstUs = times[0] as number;
      const place = places[0] as number;
      const first = events[place] as ScheduledEvent;
      events[place] = null;
      const last = this.length - 1;
      this.length = last;
      if (last > 0) this.sink(times[last] as number, turns[last] as number, places[last] as number);
      places[last] = place;
      if (!first.isWaiting) {
        this.cancelled -= 1;
        continue;
      }
      first.isWaiting = false;
      this.takenAtUs = firstUs;
      return first;
    }
    return null;
  }

  private makeRoom(): void {
    const { events, times, turns, places } = this;
    const room = times.length;
    this.times = new Float64Array(2 * room);
    this.times.set(times);
    this.turns = new Float64Array(2 * room);
    this.turns.set(turns);
    this.places = new Int32Array(2 * room);
    this.places.set(places);
    for (let place = room; place < 2 * room; place += 1) {
      this.places[place] = place;
      events.push(null);
    }
  }

  private sweep(): void {
    const { events, times, turns, places, length } = this;
    const freed: number[] = [];
    let kept = 0;
    for (let at = 0; at < length; at += 1) {
      const place = places[at] as number;
      if (events[place]?.isWaiting === true) {
        // What was looked at before makes room for what is kept.
        this.rise(kept++, times[at] as number, turns[at] as number, place);
      } else {
        events[place] = null;
        freed.push(place);
      }
    }
    places.set(freed, kept);
    this.length = kept;
    this.cancelled = 0;
  }

  /** From the end at `from` up to its position. */
  private rise(from: number, atUs: number, turn: number, place: number): void {
    const { times, turns, places } = this;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const parentUs = times[parent] as number;
      if (parentUs < atUs || (parentUs === atUs && (turns[parent] as number) < turn)) break;
      times[at] = parentUs;
      turns[at] = turns[parent] as number;
      places[at] = places[parent] as number;
      at = parent;
    }
    times[at] = atUs;
    turns[at] = turn;
    places[at] = place;
  }

  /** From the top down to its position. */
  private sink(atUs: number, turn: number, place: number): void {
    const { times, turns, places, length } = this;
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
      times[at] = childUs;
      turns[at] = turns[child] as number;
      places[at] = places[child] as number;
      at = child;
    }
    times[at] = atUs;
    turns[at] = turn;
    places[at] = place;
  }
}
