/**
 * Validity (protocol.md §3 rule 6): inside the hypothesis the entry of a correct commander in a correct replica's
 * vector is what it proposed. A commander that does not lie but is silent, late or on its way back may be absent
 * instead; it is never anything else, and absent where it proposed nothing.
 */
import type { ReplicaIndex } from '../core/types.js';
import { equalEntries, holds, shorten } from './bytes.js';
import type { CheckedRig } from './observations.js';
import type { TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'validity';

/** Looks at each entry of each correct replica's vector. */
export class ValidityChecker {
  private readonly n: number;

  constructor(
    private readonly rig: CheckedRig,
    private readonly log: ViolationLog,
  ) {
    this.n = rig.replicas.length;
  }

  judge(slot: TickSlot): void {
    if (!slot.inside) return;
    for (let replica = 0; replica < this.n; replica += 1) {
      const vector = holds(slot.correct, replica) ? (slot.vectors[replica] ?? null) : null;
      if (vector === null) continue;
      if (vector.length !== this.n)
        this.add('§1 one entry a commander', slot, replica, () => `Its vector has ${vector.length} entries.`);
      for (let commander = 0; commander < this.n; commander += 1)
        this.judgeEntry(slot, replica, commander, vector[commander] ?? null);
    }
  }

  private judgeEntry(
    slot: TickSlot,
    replica: ReplicaIndex,
    commander: ReplicaIndex,
    entry: Uint8Array | null,
  ): void {
    if (holds(slot.lying, commander)) return;
    const proposed = slot.proposed[commander] ?? null;
    if (equalEntries(entry, proposed)) return;
    const who = this.rig.replicas[commander];
    if (entry === null) {
      if (holds(slot.correct, commander))
        this.add(
          '§3.6 present',
          slot,
          replica,
          () => `It holds absent for ${who}, which is correct and spoke.`,
        );
      return;
    }
    // One that crashed and came back within the tick proposed twice: either may stand.
    if (holds(slot.contradicted, commander) && holds(slot.faulty, commander)) return;
    this.add(
      '§3.6 as sent',
      slot,
      replica,
      () =>
        `For ${who}, which does not lie, it holds ${shorten(entry)}; ${who} proposed ${shorten(proposed)}.`,
    );
  }

  private add(rule: string, slot: TickSlot, replica: ReplicaIndex, what: () => string): void {
    this.log.add(NAME, rule, slot.tick, this.rig.replicas[replica] ?? `replica ${replica}`, what);
  }
}
