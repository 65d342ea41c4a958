/**
 * Time (protocol.md §6): whatever the clocks of faulty replicas show, the round clocks of correct ones stay together,
 * within the bound that the delays of the network, the drift of the machines and the slew allow.
 */
import { holds } from './bytes.js';
import type { CheckedRig } from './observations.js';
import type { TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

/** Judges after the hypothesis watch has judged the same tick. */
export class ClockChecker {
  /** The largest skew of correct clocks so far, µs. */
  largestUs = 0;

  /** Last tick in which each replica was faulty. */
  private readonly faultyTick: number[];

  constructor(
    private readonly rig: CheckedRig,
    private readonly log: ViolationLog,
  ) {
    this.faultyTick = rig.replicas.map(() => -Infinity);
  }

  judge(slot: TickSlot): void {
    const { skewMaxUs, skewSettleTicks = 0 } = this.rig;
    for (let replica = 0; replica < this.faultyTick.length; replica += 1)
      if (!holds(slot.correct, replica)) this.faultyTick[replica] = slot.tick;
    if (skewMaxUs === undefined || slot.clocks === null || !slot.inside) return;
    let lowest = Infinity;
    let highest = -Infinity;
    let ahead = -1;
    slot.clocks.forEach((shown, replica) => {
      // Whatever drew a clock away while its replica was faulty, the slew needs time to take back.
      if (shown === null || slot.tick - (this.faultyTick[replica] as number) <= skewSettleTicks) return;
      lowest = Math.min(lowest, shown);
      if (shown <= highest) return;
      highest = shown;
      ahead = replica;
    });
    if (ahead < 0) return;
    const skewUs = highest - lowest;
    this.largestUs = Math.max(this.largestUs, skewUs);
    if (skewUs <= skewMaxUs) return;
    const who = this.rig.replicas[ahead] ?? `replica ${ahead}`;
    this.log.add(
      'clock',
      '§6 skew',
      slot.tick,
      who,
      () =>
        `Its round clock is ${skewUs} µs ahead of another correct one; the bound is ${Math.round(skewMaxUs)} µs.`,
    );
  }
}
