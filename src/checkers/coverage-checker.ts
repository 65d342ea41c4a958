/**
 * Liveness at one actuator (protocol.md §11: a tick that `hold` does not cover). Inside the hypothesis a running voter
 * does not trip, for whatever cause, and is not left in fail-safe. Excused: what follows from ticks outside within
 * `hold`; the time that arming takes after them or after the voter's own start; and a trip outside of a rig that only
 * its operator re-arms. A control law that gives no command for longer than `hold` is not excused.
 */
import type { Tick } from '../core/types.js';
import type { ActuatorChecker } from './actuator-checker.js';
import type { HypothesisWatch } from './hypothesis-watch.js';
import type { CheckedActuator, CheckedRig, FailSafeCause } from './observations.js';
import type { TickSlot } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'coverage';
/** What lies between a tick and the moment at which a voter misses its command. */
const MARGIN_TICKS = 3;
const MAX_PENDING = 64;

interface Trip {
  readonly tick: Tick;
  readonly cause: FailSafeCause;
}

/** Judges after the hypothesis watch has judged the same tick. */
export class CoverageChecker {
  /** Trips that the ticks before them excuse. */
  excusedTrips = 0;
  private readonly holdTicks: number;
  private readonly armTicks: number;
  private readonly pending: Trip[] = [];
  /** Tick in which the voter fell to fail-safe, or started; −1 while armed or down. */
  private failSafeSince: Tick = -1;
  private startedAt: Tick = -1;
  /** The last trip was excused and waits for the operator. */
  private waitsForOperator = false;

  constructor(
    rig: CheckedRig,
    private readonly actuator: CheckedActuator,
    private readonly safety: ActuatorChecker,
    private readonly log: ViolationLog,
    private readonly watch: HypothesisWatch,
  ) {
    this.holdTicks = Math.ceil(actuator.holdUs / rig.periodUs);
    this.armTicks = rig.armTicks ?? 20;
  }

  start(tick: Tick): void {
    this.failSafeSince = tick;
    this.startedAt = tick;
    this.waitsForOperator = false;
  }

  stop(): void {
    this.failSafeSince = -1;
  }

  arm(): void {
    this.failSafeSince = -1;
    this.waitsForOperator = false;
  }

  failSafe(cause: FailSafeCause, tick: Tick): void {
    if (cause === 'start') return;
    this.failSafeSince = tick;
    this.pending.push({ tick, cause });
    if (this.pending.length > MAX_PENDING) this.pending.shift();
  }

  judge(slot: TickSlot): void {
    while (this.pending.length > 0 && (this.pending[0] as Trip).tick <= slot.tick)
      this.judgeTrip(this.pending.shift() as Trip);
    if (!slot.inside || this.safety.phase !== 'fail-safe') return;
    if (this.failSafeSince < 0 || this.failSafeSince > slot.tick || this.waitsForOperator) return;
    const calm = Math.min(this.watch.insideInRow, slot.tick - this.startedAt);
    if (calm <= this.armTicks + this.holdTicks + MARGIN_TICKS) return;
    this.log.add(
      NAME,
      '§11 covered',
      slot.tick,
      this.actuator.id,
      () =>
        `It stands in fail-safe since tick ${this.failSafeSince}, after ${calm} ticks inside the hypothesis.`,
    );
  }

  private judgeTrip({ tick, cause }: Trip): void {
    const excused = this.watch.lastOutside >= tick - this.holdTicks - MARGIN_TICKS;
    if (excused) {
      this.excusedTrips += 1;
      this.waitsForOperator = this.actuator.rearm === 'operator' && this.safety.phase === 'fail-safe';
      return;
    }
    this.log.add(
      NAME,
      '§11 no trip',
      tick,
      this.actuator.id,
      () => `It tripped (${cause}) though all of hold lay inside the hypothesis.`,
    );
  }
}
