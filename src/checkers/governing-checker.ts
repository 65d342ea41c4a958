/**
 * Who may order where there are two replicas and a witness (protocol.md §5, §9 witness). A tick is governed by the operational
 * quorum after the largest prefix of the log that its vector states. In it only members of that quorum order anything, and
 * only with every other member accounted for: with an entry in the vector, or ordering nothing in this tick. No two replicas order
 * different things of one tick, and nothing goes out under an older quorum than before.
 *
 * All this holds however many have failed, as long as nobody lies. Which quorum there is follows from the votes that devices
 * keep, never from what one of them says of it; where nobody can know it, as when all have lost their memory, the rules rest.
 */
import type { ActuatorCommand, ReplicaIndex, Tick } from '../core/types.js';
import { holds } from './bytes.js';
import type { CheckedRig, CheckedSlot, CheckedWitness } from './observations.js';
import type { TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'governing';

interface Ordered {
  readonly from: ReplicaIndex;
  readonly actuator: number;
  /** In words; equal orders, equal words. */
  readonly what: string;
}

interface Said {
  /** By replica: what the commanders of its vector state, null for those absent; null where it told of none. */
  readonly prefixes: (readonly (CheckedSlot | null)[] | null)[];
  readonly orders: Ordered[];
}

/** One for a run of a rig with a witness. */
export class GoverningChecker {
  private readonly said = new Map<Tick, Said>();
  private newestJudged: Tick = -1;
  /** Where the quorum was chosen that governed the last output; it never goes back. */
  private lastChange: CheckedSlot = 0;

  constructor(
    private readonly rig: CheckedRig,
    private readonly witness: CheckedWitness,
    private readonly log: ViolationLog,
  ) {}

  vector(replica: ReplicaIndex, tick: Tick, prefixes: readonly (CheckedSlot | null)[]): void {
    const said = this.of(tick);
    if (said !== null) said.prefixes[replica] = prefixes;
  }

  /** A voter was handed the command. */
  command(actuator: number, from: ReplicaIndex, { tick, order }: ActuatorCommand): void {
    if (order.kind === 'none') return;
    const what = order.kind === 'trip' ? 'a trip' : String(order.count);
    const orders = this.of(tick)?.orders;
    if (orders?.some((one) => one.from === from && one.actuator === actuator && one.what === what) === false)
      orders.push({ from, actuator, what });
  }

  judge(slot: TickSlot): void {
    const { tick } = slot;
    this.newestJudged = tick;
    const said = this.said.get(tick);
    this.said.delete(tick);
    // One that lies may order anything, and what it said others take for a part of their vectors.
    if (said === undefined || slot.lying !== 0) return;
    this.judgeEqual(tick, said.orders);
    for (const from of new Set(said.orders.map((one) => one.from)))
      this.judgeMember(tick, from, said, holds(slot.faulty, from));
    if (slot.outputs.some((count) => count !== null)) this.judgeOrder(tick, said);
  }

  private judgeEqual(tick: Tick, orders: readonly Ordered[]): void {
    for (const [at, one] of orders.entries()) {
      const other = orders.find(
        ({ actuator, what }, before) => before < at && actuator === one.actuator && what !== one.what,
      );
      if (other === undefined) continue;
      this.add(
        '§5 one order',
        tick,
        one.from,
        () => `It ordered ${one.what}, ${this.nameOf(other.from)} ordered ${other.what}.`,
      );
      return;
    }
  }

  private judgeMember(tick: Tick, from: ReplicaIndex, { prefixes, orders }: Said, isFaulty: boolean): void {
    const stated = prefixes[from] ?? null;
    if (stated === null) {
      // One that stops in a tick does not tell of it any more.
      if (!isFaulty)
        this.add('§4 vector before order', tick, from, () => 'It ordered something and has no vector.');
      return;
    }
    const quorum = this.witness.quorumAfter(findLargest(stated));
    if (quorum === null) return;
    if (!holds(quorum.members, from))
      this.add(
        '§9 member',
        tick,
        from,
        () => `It ordered something, and ${this.nameSet(quorum.members)} govern by slot ${quorum.slot}.`,
      );
    this.rig.replicas.forEach((id, member) => {
      if (member === from || !holds(quorum.members, member)) return;
      if ((stated[member] ?? null) !== null || !orders.some((one) => one.from === member)) return;
      this.add(
        '§5 operational quorum',
        tick,
        from,
        () => `It ordered something without an entry of ${id}, which orders too.`,
      );
    });
  }

  /** Never back to an older quorum. */
  private judgeOrder(tick: Tick, { prefixes, orders }: Said): void {
    for (const { from } of orders) {
      const stated = prefixes[from] ?? null;
      const quorum = stated === null ? null : this.witness.quorumAfter(findLargest(stated));
      if (quorum === null) continue;
      const { lastChange } = this;
      if (quorum.slot < lastChange)
        this.add(
          '§5 older quorum',
          tick,
          from,
          () =>
            `It ordered under the quorum of slot ${quorum.slot}, after an output under that of ${lastChange}.`,
        );
      this.lastChange = Math.max(lastChange, quorum.slot);
    }
  }

  /** A log that all have lost begins anew. */
  forget(): void {
    this.lastChange = 0;
  }

  /** Null for a tick that is past. */
  private of(tick: Tick): Said | null {
    const known = this.said.get(tick);
    if (known !== undefined) return known;
    if (tick <= this.newestJudged) return null;
    const said = { prefixes: this.rig.replicas.map(() => null), orders: [] };
    this.said.set(tick, said);
    return said;
  }

  private nameOf(replica: ReplicaIndex): string {
    return this.rig.replicas[replica] ?? `replica ${replica}`;
  }

  private nameSet(set: number): string {
    return this.rig.replicas.filter((_, at) => holds(set, at)).join(' and ');
  }

  private add(rule: string, tick: Tick, who: ReplicaIndex, what: () => string): void {
    this.log.add(NAME, rule, tick, this.nameOf(who), what);
  }
}

function findLargest(prefixes: readonly (CheckedSlot | null)[]): CheckedSlot {
  return Math.max(0, ...prefixes.map((one) => one ?? 0));
}
