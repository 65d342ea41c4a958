/**
 * Commands of operators in a flight, as replicas tell that they took effect: counted when as many told the same as hold
 * a correct one. What a single replica tells counts for nothing.
 */
import type { CommandRecord } from '../process/telemetry.js';
import type { CommandFigures } from './figures.js';

export class CommandWatch {
  /** By what was told: who told it. */
  private readonly told = new Map<string, Set<string>>();

  constructor(
    /** Equal accounts that hold a correct replica's. */
    private readonly needed: number,
  ) {}

  note(replica: string, record: CommandRecord): void {
    const { client, sequence, tick, outcome } = record;
    const key = `${outcome} ${client} ${sequence} ${tick}`;
    const by = this.told.get(key) ?? new Set();
    this.told.set(key, by.add(replica));
  }

  figures(): CommandFigures {
    const figures = { done: 0, refused: 0, lapsed: 0 };
    for (const [key, by] of this.told) {
      if (by.size < this.needed) continue;
      figures[key.slice(0, key.indexOf(' ')) as keyof CommandFigures] += 1;
    }
    return figures;
  }
}
