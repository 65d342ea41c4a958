/** The violations of a run: the first few as they were, all of them counted. */
import type { Tick } from '../core/types.js';
import type { Violation } from './observations.js';

/** Bounded by the number kept. */
export class ViolationLog {
  readonly kept: Violation[] = [];
  readonly countByRule = new Map<string, number>();
  count = 0;

  constructor(private readonly maxKept: number) {}

  /** The sentence is made only for those that are kept. */
  add(checker: string, rule: string, tick: Tick, who: string, what: () => string): void {
    this.count += 1;
    const name = `${checker} ${rule}`;
    this.countByRule.set(name, (this.countByRule.get(name) ?? 0) + 1);
    if (this.kept.length < this.maxKept) this.kept.push({ checker, rule, tick, who, what: what() });
  }
}
