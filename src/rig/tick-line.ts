/**
 * The ticks of one run after another on one line, for somebody who only watches. A run that begins anew gives its ticks
 * numbers of their own, lower or higher ones than the run before; on the line they follow what has been. What a replica
 * takes for a tick by its own clock alone is no tick of the line.
 */
import { TickGrid } from './tick-grid.js';

/** What is told of a tick is never told so far from its time. */
const APART_TICKS = 16;
/** Runs that are remembered. */
const MAX_RUNS = 64;

/** Mutable. Times are µs on the watcher's clock. */
export class TickLine {
  readonly grid: TickGrid;
  /** From the numbers of each run to those of the line, the newest run last. */
  private readonly runs = new Map<string, number>();
  /** The same for the run that each replica is in. */
  private readonly offsets: number[];
  private newestOffset = 0;
  private plain = true;
  /** The newest time of which anybody in a run has told. */
  private sharedUs: number | null = null;

  constructor(
    n: number,
    private readonly periodUs: number,
  ) {
    this.grid = new TickGrid(periodUs);
    this.offsets = new Array<number>(n).fill(0);
  }

  /** Whether all ticks still have the numbers that replicas give them. */
  get isPlain(): boolean {
    return this.plain;
  }

  /** Where on the line the replica's tick lies, as far as is known of its run. */
  place(replica: number, tick: number): number {
    return tick + (this.offsets[replica] ?? 0);
  }

  /** The same for a tick of `run` that the replica shares with others and was at `atUs`; null: of no run yet. */
  placeShared(replica: number, tick: number, run: string | null, atUs: number): number {
    // Who waits for a run may stand on ticks of its own.
    if (run === null) return this.place(replica, tick);
    const offset = this.runs.get(run) ?? this.addRun(tick, run, atUs);
    this.offsets[replica] = offset;
    this.sharedUs = Math.max(this.sharedUs ?? atUs, atUs);
    return tick + offset;
  }

  /** Whether anybody has told of a tick of this run. */
  knows(run: string | null): boolean {
    return run !== null && this.runs.has(run);
  }

  /** Whether ticks of this run say where the present lies; before the first run all do. */
  isGuidedBy(run: string | null): boolean {
    return run !== null || this.runs.size === 0;
  }

  /** Whether what was told of runs reaches to `atUs`: if not, that may be in a run of which nothing has been told yet. */
  reaches(atUs: number): boolean {
    return this.sharedUs === null || atUs <= this.sharedUs + 2 * this.periodUs;
  }

  /** Where a voter's tick lies: in the run that puts it nearest to the present. */
  placeNear(tick: number, atUs: number): number {
    const present = this.grid.tickAt(atUs) ?? tick;
    let nearest = tick + this.newestOffset;
    for (const offset of this.offsets)
      if (Math.abs(tick + offset - present) < Math.abs(nearest - present)) nearest = tick + offset;
    return nearest;
  }

  /** Whether a tick of the line is one of those about `atUs`. */
  isOfTheseTimes(placed: number, atUs: number): boolean {
    const present = this.grid.tickAt(atUs);
    return present === null || Math.abs(placed - present) <= APART_TICKS;
  }

  /** Ticks that go on where those before left off keep their numbers; others follow the present one. */
  private addRun(tick: number, run: string, atUs: number): number {
    const present = this.grid.tickAt(atUs);
    if (present !== null && Math.abs(tick + this.newestOffset - present) > 1) {
      this.newestOffset = present + 1 - tick;
      this.plain = false;
      this.grid.forget();
      this.grid.note(present + 1, atUs);
    }
    this.runs.set(run, this.newestOffset);
    for (const oldest of this.runs.keys()) {
      if (this.runs.size <= MAX_RUNS) break;
      this.runs.delete(oldest);
    }
    return this.newestOffset;
  }
}
