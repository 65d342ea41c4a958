/**
 * Who is correct in a tick, and whether the tick lies inside the fault hypothesis (protocol.md §2, §3 overrun, §6).
 *
 * A replica is *correct* when no fault is at work on it and it is a member: a replica that starts, or whose fault is
 * over, is on its way back until it has taken its full part in a few ticks in a row (spoken in round 1, agreed,
 * stepped). Until then it is silent or speaks of an old state, so it uses up one of the f like a faulty one. More than
 * f of both and the tick is outside. After a tick outside everybody has to show that it is a member again: the rig may
 * be split over two states, or even two runs, and finds together by itself.
 *
 * A replica that operators have retired uses up one too, until they want it again.
 * A witness is one of the devices that f speaks of: while it is faulty, or on its way back, it uses up one. Beside it a
 * replica is assumed to stop or to fall silent, and not to linger.
 *
 * It must never take a replica that fails to do its part for a faulty one: once correct, only the truth about faults,
 * or a tick outside, ends that.
 */
import type { ReplicaIndex, Tick } from '../core/types.js';
import { holds, sizeOf } from './bytes.js';
import type { CheckedRig, FaultKind, WitnessTrouble } from './observations.js';
import type { TickSlot } from './tick-slot.js';

interface Change {
  readonly replica: ReplicaIndex;
  readonly tick: Tick;
  readonly fault: FaultKind | null;
}

/** Judges tick after tick, in order. */
export class HypothesisWatch {
  /** Who was correct already before the tick that was judged last, and is not faulty in it: who owes it a step. */
  expected = 0;
  lastOutside: Tick = -1;
  /** Ticks in a row inside the hypothesis. */
  insideInRow = 0;
  /** Ticks in a row with no more than f faulty replicas, whoever is on its way back. */
  quietInRow = 0;
  insideTicks = 0;
  outsideTicks = 0;
  /** Whom operators have taken out of the operational quorum. */
  retired = 0;
  /** Ticks in a row that a witness has been away, its fault being over and no more than f devices being faulty. */
  witnessAwayInRow = 0;

  private readonly n: number;
  private readonly everybody: number;
  private readonly tolerated: number;
  private readonly settleTicks: number;
  private readonly faults: (FaultKind | null)[];
  private readonly changes: Change[] = [];
  private readonly partsInRow: number[];
  private readonly retirements: {
    readonly replica: ReplicaIndex;
    readonly tick: Tick;
    readonly isRetired: boolean;
  }[] = [];
  private readonly witnessChanges: { readonly tick: Tick; readonly is: WitnessTrouble | null }[] = [];
  private witness: WitnessTrouble | null;
  private correct = 0;
  private everFaulty = false;

  constructor(private readonly rig: CheckedRig) {
    this.n = rig.replicas.length;
    this.everybody = 2 ** this.n - 1;
    this.tolerated = rig.hypothesis === 'none' ? 0 : rig.f;
    this.settleTicks = rig.settleTicks ?? 3;
    this.witness = rig.witness === undefined ? null : 'away';
    this.faults = new Array<null>(this.n).fill(null);
    this.partsInRow = new Array<number>(this.n).fill(0);
  }

  noteFault(replica: ReplicaIndex, tick: Tick, fault: FaultKind | null): void {
    let at = this.changes.length;
    while (at > 0 && (this.changes[at - 1] as Change).tick > tick) at -= 1;
    this.changes.splice(at, 0, { replica, tick, fault });
  }

  noteWitness(tick: Tick, is: WitnessTrouble | null): void {
    this.witnessChanges.push({ tick, is });
  }

  noteRetired(replica: ReplicaIndex, tick: Tick, isRetired: boolean): void {
    this.retirements.push({ replica, tick, isRetired });
  }

  /** Fills in the slot's verdict. */
  judge(slot: TickSlot): void {
    this.applyFaults(slot);
    const witness = this.followWitness(slot.tick);
    this.followRetirements(slot.tick);
    const { faulty } = slot;
    this.expected = this.correct & ~faulty & ~this.retired;
    slot.correct = this.expected;
    for (let replica = 0; replica < this.n; replica += 1) {
      const part = !holds(faulty | this.retired, replica) && slot.tookPart(replica);
      this.partsInRow[replica] = part ? (this.partsInRow[replica] as number) + 1 : 0;
      if ((this.partsInRow[replica] as number) >= this.settleTicks) slot.correct |= 1 << replica;
    }
    const asAssumed = this.isOfAssumedKind(slot);
    const missing = sizeOf(this.everybody & ~slot.correct) + (witness === null ? 0 : 1);
    slot.inside = asAssumed && missing <= this.tolerated;
    slot.judged = true;
    const broken = sizeOf(faulty) + (witness === 'faulty' ? 1 : 0);
    this.quietInRow = asAssumed && broken <= this.tolerated ? this.quietInRow + 1 : 0;
    this.witnessAwayInRow = witness === 'away' && this.quietInRow > 0 ? this.witnessAwayInRow + 1 : 0;
    if (slot.inside) {
      this.insideTicks += 1;
      this.insideInRow += 1;
      this.correct = slot.correct;
      return;
    }
    this.outsideTicks += 1;
    this.insideInRow = 0;
    this.lastOutside = slot.tick;
    this.correct = 0;
  }

  private followRetirements(tick: Tick): void {
    while (this.retirements.length > 0 && (this.retirements[0]?.tick ?? 0) <= tick) {
      const { replica = 0, isRetired } = this.retirements.shift() ?? {};
      this.retired = isRetired === true ? this.retired | (1 << replica) : this.retired & ~(1 << replica);
    }
  }

  /** What the witness is at worst in the tick. */
  private followWitness(tick: Tick): WitnessTrouble | null {
    const { witnessChanges } = this;
    if (witnessChanges.length === 0) return this.witness;
    const until = witnessChanges.findIndex((change) => change.tick > tick);
    const due = witnessChanges.splice(0, until < 0 ? Infinity : until);
    if (due.length === 0) return this.witness;
    this.witness = due.at(-1)?.is ?? null;
    return due.find(({ is }) => is === 'faulty')?.is ?? due.find(({ is }) => is !== null)?.is ?? null;
  }

  private applyFaults(slot: TickSlot): void {
    for (let replica = 0; replica < this.n; replica += 1)
      if (!this.isChanging(replica, slot.tick)) this.addFault(slot, replica, this.faults[replica] ?? null);
    while (this.changes.length > 0 && (this.changes[0] as Change).tick <= slot.tick) {
      const { replica, fault } = this.changes.shift() as Change;
      this.addFault(slot, replica, fault);
      this.faults[replica] = fault;
    }
    this.everFaulty ||= slot.faulty !== 0;
  }

  private isChanging(replica: ReplicaIndex, tick: Tick): boolean {
    for (const change of this.changes) if (change.replica === replica && change.tick <= tick) return true;
    return false;
  }

  private addFault(slot: TickSlot, replica: ReplicaIndex, fault: FaultKind | null): void {
    if (fault === null) return;
    slot.faulty |= 1 << replica;
    if (fault === 'lies') slot.lying |= 1 << replica;
    if (fault === 'lingers') slot.lingering |= 1 << replica;
  }

  /** Whether the faults are of the kind that the hypothesis speaks of. Without agreement nothing mends a split. */
  private isOfAssumedKind(slot: TickSlot): boolean {
    switch (this.rig.hypothesis) {
      case 'byzantine':
        return true;
      case 'crash':
        return slot.lying === 0 && slot.lingering === 0;
      case 'none':
        return !this.everFaulty;
    }
  }
}
