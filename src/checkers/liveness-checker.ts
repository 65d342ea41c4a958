/**
 * Liveness of replicas (protocol.md §3, §6, §11): inside the hypothesis every correct replica agrees on every tick and
 * steps it; and a replica whose fault is over becomes a member again within a bound, as does everybody after a start
 * or after ticks outside the hypothesis. What a joining replica owes meanwhile is nothing: it is silent.
 * With a witness (§9) nobody steps without the other member of the operational quorum before that is changed: for so long a
 * replica beside one that is gone, or on its way back, owes no step. A witness, too, has to come back.
 */
import type { ReplicaIndex, Tick } from '../core/types.js';
import { holds } from './bytes.js';
import type { HypothesisWatch } from './hypothesis-watch.js';
import type { CheckedRig } from './observations.js';
import type { TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'liveness';

/** Judges after the hypothesis watch has judged the same tick. */
export class LivenessChecker {
  private readonly n: number;
  private readonly returnTicks: number;
  /** Since when each replica has been on its way back without a break; −1 where it is not. */
  private readonly backSince: Tick[];
  /** With a witness: ticks in a row that each replica has not stepped, the other being no member. */
  private readonly heldUp: number[];

  constructor(
    private readonly rig: CheckedRig,
    private readonly log: ViolationLog,
    private readonly watch: HypothesisWatch,
  ) {
    this.n = rig.replicas.length;
    this.returnTicks = rig.returnTicks ?? 60;
    this.backSince = new Array<Tick>(this.n).fill(-1);
    this.heldUp = new Array<number>(this.n).fill(0);
  }

  judge(slot: TickSlot): void {
    for (let replica = 0; replica < this.n; replica += 1) {
      if (slot.inside && holds(this.watch.expected, replica) && !this.mayBeVotedOut(slot))
        this.judgeMember(slot, replica);
      this.judgeReturn(slot, replica);
    }
    this.judgeWitness(slot);
  }

  /** With a witness: a change of the operational quorum that was under way in a tick outside may still leave out who is correct. */
  private mayBeVotedOut(slot: TickSlot): boolean {
    const { witness } = this.rig;
    const { lastOutside } = this.watch;
    return witness !== undefined && lastOutside >= 0 && slot.tick - lastOutside <= witness.changeTicks;
  }

  /** Whether the operational quorum may still be one that somebody is missing from. */
  private mayBeHeldUp(slot: TickSlot, replica: ReplicaIndex): boolean {
    const { witness } = this.rig;
    if (witness === undefined) return false;
    const isAlone = (slot.correct & ~(1 << replica)) === 0;
    const ticks = isAlone && slot.stateDigests[replica] === null ? (this.heldUp[replica] ?? 0) + 1 : 0;
    this.heldUp[replica] = ticks;
    return ticks > 0 && ticks <= witness.changeTicks;
  }

  private judgeWitness(slot: TickSlot): void {
    const { witness } = this.rig;
    const ticks = this.watch.witnessAwayInRow;
    if (witness === undefined || ticks === 0 || ticks % this.returnTicks !== 0) return;
    this.log.add(
      NAME,
      '§6 comes back',
      slot.tick,
      witness.id,
      () => `Not all have heard that it votes, ${ticks} ticks after its fault or the start.`,
    );
  }

  private judgeMember(slot: TickSlot, replica: ReplicaIndex): void {
    const isHeldUp = this.mayBeHeldUp(slot, replica);
    if (isHeldUp) {
      // What it owes the others it owes all the same.
    } else if (slot.vectors[replica] === null)
      this.add('§3 decides', slot, replica, 'It is correct and agreed on nothing.');
    else if (slot.stateDigests[replica] === null)
      this.add('§3 steps', slot, replica, 'It is correct, has a vector and did not step.');
    if (slot.proposed[replica] === null)
      this.add('§3 speaks', slot, replica, 'It is correct and said nothing in round 1.');
  }

  private judgeReturn(slot: TickSlot, replica: ReplicaIndex): void {
    const onItsWay = !holds(slot.faulty | slot.correct | this.watch.retired, replica);
    if (!onItsWay || this.watch.quietInRow === 0) {
      this.backSince[replica] = -1;
      return;
    }
    if ((this.backSince[replica] as Tick) < 0) this.backSince[replica] = slot.tick;
    const ticks = slot.tick - (this.backSince[replica] as Tick) + 1;
    if (ticks <= this.returnTicks) return;
    this.add('§6 comes back', slot, replica, `It is no member, ${ticks} ticks after its fault or the start.`);
    // Told once for each time that the bound has passed.
    this.backSince[replica] = slot.tick;
  }

  private add(rule: string, slot: TickSlot, replica: ReplicaIndex, what: string): void {
    this.log.add(NAME, rule, slot.tick, this.rig.replicas[replica] ?? `replica ${replica}`, () => what);
  }
}
