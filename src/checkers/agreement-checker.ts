/**
 * Agreement (protocol.md §3 rule 6, §11): in a tick inside the hypothesis no two correct replicas hold different
 * vectors, states or commands. Always: nobody who is not faulty steps without a vector, or from one with fewer than
 * n−f entries, or says two different things of one tick.
 */
import type { ReplicaIndex } from '../core/types.js';
import { equalEntries, holds, shorten } from './bytes.js';
import type { CheckedRig, Order } from './observations.js';
import { equalVectors, type TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'agreement';

/**
 * Compares everybody who counts with the first one who counts: equality is transitive. At most one violation of a kind
 * and tick.
 */
export class AgreementChecker {
  /** Ticks outside the hypothesis in which replicas without a fault differed: allowed, and worth telling. */
  disagreementsOutside = 0;
  private readonly n: number;

  constructor(
    private readonly rig: CheckedRig,
    private readonly log: ViolationLog,
  ) {
    this.n = rig.replicas.length;
  }

  judge(slot: TickSlot): void {
    this.judgeEach(slot);
    const among = slot.inside ? slot.correct : ~slot.faulty;
    const vector = this.findOdd(among, slot.vectors, equalVectors);
    const state = this.findOdd(among, slot.stateDigests, equalEntries);
    const command = this.findOdd(among, slot.commands, equalOrders);
    if (vector < 0 && state < 0 && command < 0) return;
    if (!slot.inside) {
      this.disagreementsOutside += 1;
      return;
    }
    if (vector >= 0) this.add('§3.6 vector', slot, vector, () => this.tellVectors(slot, vector));
    if (state >= 0) this.add('§11 state', slot, state, () => this.tellStates(slot, state));
    if (command >= 0) this.add('§11 command', slot, command, () => this.tellCommands(slot, command));
  }

  private judgeEach(slot: TickSlot): void {
    for (let replica = 0; replica < this.n; replica += 1) {
      if (holds(slot.faulty, replica)) continue;
      if (holds(slot.contradicted, replica))
        this.add('§3 one vector', slot, replica, () => 'It told two different things of one tick.');
      if (slot.stateDigests[replica] === null) continue;
      const vector = slot.vectors[replica] ?? null;
      if (vector === null) {
        this.add('§4 vector before step', slot, replica, () => 'It stepped a tick that it has no vector of.');
        continue;
      }
      const least = this.n - (this.rig.hypothesis === 'none' ? 1 : this.rig.f);
      let present = 0;
      for (const entry of vector) if (entry !== null) present += 1;
      if (present < least)
        this.add(
          '§3 short vector',
          slot,
          replica,
          () => `It stepped from ${present} entries; it takes ${least}.`,
        );
    }
  }

  /** The first replica of `among` that holds something else than the one before it; −1 where all hold the same. */
  private findOdd<T>(
    among: number,
    held: readonly (T | null)[],
    equal: (a: T, b: T) => boolean,
  ): ReplicaIndex {
    let first: T | null = null;
    for (let replica = 0; replica < this.n; replica += 1) {
      const mine = holds(among, replica) ? (held[replica] ?? null) : null;
      if (mine === null) continue;
      if (first === null) first = mine;
      else if (!equal(first, mine)) return replica;
    }
    return -1;
  }

  /** Whom `findOdd` compared with. */
  private firstOf(slot: TickSlot, held: readonly unknown[]): ReplicaIndex {
    return held.findIndex((one, replica) => one !== null && holds(slot.correct, replica));
  }

  private tellVectors(slot: TickSlot, replica: ReplicaIndex): string {
    const first = this.firstOf(slot, slot.vectors);
    const mine = slot.vectors[replica] ?? [];
    const theirs = slot.vectors[first] ?? [];
    const at = mine.findIndex((entry, index) => !equalEntries(entry, theirs[index] ?? null));
    return (
      `For ${this.rig.replicas[at] ?? 'nobody'} it holds ${shorten(mine[at] ?? null)}, ` +
      `${this.rig.replicas[first]} holds ${shorten(theirs[at] ?? null)}.`
    );
  }

  private tellStates(slot: TickSlot, replica: ReplicaIndex): string {
    const first = this.firstOf(slot, slot.stateDigests);
    return (
      `Its state is ${shorten(slot.stateDigests[replica] ?? null)}, ` +
      `that of ${this.rig.replicas[first]} is ${shorten(slot.stateDigests[first] ?? null)}.`
    );
  }

  private tellCommands(slot: TickSlot, replica: ReplicaIndex): string {
    const first = this.firstOf(slot, slot.commands);
    return (
      `It ordered ${tellOrders(slot.commands[replica])}, ` +
      `${this.rig.replicas[first]} ${tellOrders(slot.commands[first])}.`
    );
  }

  private add(rule: string, slot: TickSlot, replica: ReplicaIndex, what: () => string): void {
    this.log.add(NAME, rule, slot.tick, this.rig.replicas[replica] ?? `replica ${replica}`, what);
  }
}

function equalOrders(a: readonly (Order | undefined)[], b: readonly (Order | undefined)[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (!Object.is(a[at], b[at])) return false;
  return true;
}

function tellOrders(orders: readonly (Order | undefined)[] | null | undefined): string {
  return `[${(orders ?? []).map((order) => String(order ?? 'nothing')).join(', ')}]`;
}
