/** The violations of a run of Paxos: the first few as they were, all of them counted. */
import type { ReplicaIndex } from '../core/types.js';
import type { CheckedGroup, CheckedSlot, PaxosViolation } from './paxos-observations.js';

/** Bounded by the number kept. */
export class PaxosViolationLog {
  readonly kept: PaxosViolation[] = [];
  readonly countByRule = new Map<string, number>();
  count = 0;

  constructor(
    private readonly group: CheckedGroup,
    private readonly maxKept: number,
  ) {}

  /** The sentence is made only for those that are kept. */
  add(
    checker: string,
    rule: string,
    slot: CheckedSlot | null,
    who: ReplicaIndex | string,
    what: () => string,
  ): void {
    this.count += 1;
    const name = `${checker} ${rule}`;
    this.countByRule.set(name, (this.countByRule.get(name) ?? 0) + 1);
    if (this.kept.length >= this.maxKept) return;
    const id = typeof who === 'number' ? (this.group.replicas[who] ?? `replica ${who}`) : who;
    this.kept.push({ checker, rule, slot, who: id, what: what() });
  }
}
