/**
 * Safety of one actuator (protocol.md §5, unsafe output). Always, whatever is faulty: an output has a majority behind
 * it (mid-value: 2f+1 commands), lies inside the envelope, comes in the order of ticks, while armed and within `hold`
 * of the one before; arming has a majority that names this boot; fail-safe is the declared value, and comes neither
 * before `hold` is over nor by order of fewer than a majority. Inside the hypothesis: a correct replica computed the
 * output (mid-value: it lies between those of correct ones). With a witness an order of one member of the operational quorum is
 * enough for all of this, whatever becomes of that member afterwards: who may order is for the governing checker to say.
 */
import type { ActuatorCommand, ReplicaIndex, Tick } from '../core/types.js';
import { holds } from './bytes.js';
import { CommandBook } from './command-book.js';
import type { CheckedActuator, CheckedRig, FailSafeCause, Order } from './observations.js';
import type { TickSlot, TickWindow } from './tick-slot.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'actuator';

export type VoterPhase = 'down' | 'fail-safe' | 'armed';

/** Follows one voter through all its lives. */
export class ActuatorChecker {
  phase: VoterPhase = 'down';
  /** Since the voter's start. */
  trips = 0;
  private readonly book: CommandBook;
  private readonly majority: number;
  private readonly slackUs: number;
  private bootNonce: Uint8Array = new Uint8Array();
  /** Over all lives: an older command never follows a newer one. */
  private lastTick: Tick = -1;
  /** Of the last output, or of arming. */
  private lastMoveUs = 0;
  private lastTripTick: Tick = -1;
  private presentTick: Tick = -1;

  constructor(
    private readonly rig: CheckedRig,
    private readonly actuator: CheckedActuator,
    private readonly at: number,
    private readonly ticks: TickWindow,
    private readonly log: ViolationLog,
  ) {
    const n = rig.replicas.length;
    this.book = new CommandBook(n);
    this.majority = rig.witness === undefined ? Math.floor(n / 2) + 1 : 1;
    this.slackUs = rig.slackUs ?? 2_000;
  }

  start(bootNonce: Uint8Array): void {
    this.phase = 'fail-safe';
    this.trips = 0;
    this.bootNonce = bootNonce;
    this.lastTripTick = -1;
    this.book.clear();
  }

  stop(): void {
    this.phase = 'down';
  }

  command(from: ReplicaIndex, command: ActuatorCommand, presentTick: Tick): void {
    this.presentTick = Math.max(this.presentTick, presentTick);
    this.book.note(from, command, this.presentTick < 0 ? command.tick : this.presentTick);
  }

  arm(tick: Tick, atUs: number): void {
    if (this.phase !== 'fail-safe') this.add('§5 arming', tick, () => `It was armed while ${this.phase}.`);
    const behind = this.book.countArming(tick, this.bootNonce, this.trips);
    if (behind < this.majority)
      this.add(
        '§5 arming by a majority',
        tick,
        () =>
          `It was armed by ${behind} that name this boot, this number of trips and this tick; it takes ${this.majority}.`,
      );
    if (tick <= this.lastTick)
      this.add(
        '§5 tick floor',
        tick,
        () => `It was armed from tick ${tick}, after an output of ${this.lastTick}.`,
      );
    this.phase = 'armed';
    this.lastMoveUs = atUs;
  }

  output(tick: Tick, count: number, atUs: number): void {
    const { actuator } = this;
    if (this.phase !== 'armed')
      this.add('§5 armed', tick, () => `It put out ${count} while ${this.phase}, without being armed.`);
    else if (atUs - this.lastMoveUs > actuator.holdUs + this.slackUs)
      this.add(
        '§5 hold',
        tick,
        () => `It put out ${count} when hold was over and nothing had armed it again.`,
      );
    if (!(count >= actuator.minCount && count <= actuator.maxCount))
      this.add(
        '§5 envelope',
        tick,
        () => `It put out ${count}, outside ${actuator.minCount} … ${actuator.maxCount}.`,
      );
    if (!(tick > this.lastTick))
      this.add(
        '§5 tick order',
        tick,
        () => `It put out a command of tick ${tick} after one of ${this.lastTick}.`,
      );
    this.judgeMajority(tick, count);
    this.lastTick = Math.max(this.lastTick, tick);
    this.lastMoveUs = atUs;
    const slot = this.ticks.at(tick);
    if (slot === null)
      this.add(
        '§5 window',
        tick,
        () => `It put out a command of tick ${tick}, which is no tick of these times.`,
      );
    else {
      slot.outputs[this.at] = count;
      // It came after the tick was judged.
      if (slot.judged) this.judge(slot);
    }
  }

  failSafe(cause: FailSafeCause, count: number, atUs: number): void {
    const { actuator } = this;
    const tick = this.lastTick;
    if (count !== actuator.failSafeCount)
      this.add(
        '§5 fail-safe value',
        tick,
        () => `It fell to ${count}; declared is ${actuator.failSafeCount}.`,
      );
    if (cause === 'start') return;
    if (this.phase !== 'armed') this.add('§5 trip', tick, () => `It tripped (${cause}) while ${this.phase}.`);
    if (cause === 'hold-expired' && atUs - this.lastMoveUs < actuator.holdUs - this.slackUs)
      this.add(
        '§5 hold',
        tick,
        () => `It tripped ${atUs - this.lastMoveUs} µs after its last output, before hold was over.`,
      );
    if (cause === 'ordered') {
      const behind = this.book.countTrips(this.lastTripTick);
      if (behind < this.majority)
        this.add(
          '§5 trip by a majority',
          tick,
          () => `It tripped on the order of ${behind}; it takes ${this.majority}.`,
        );
    }
    this.phase = 'fail-safe';
    this.trips += 1;
    this.lastTripTick = Math.max(this.lastTick, this.lastTripTick);
  }

  /** Time passes: an armed voter that has put nothing out for longer than `hold` ought to have tripped. */
  noteTime(tick: Tick, atUs: number): void {
    if (this.phase !== 'armed' || atUs - this.lastMoveUs <= this.actuator.holdUs + this.slackUs) return;
    this.add(
      '§5 hold',
      tick,
      () => `It stands on its last output for ${atUs - this.lastMoveUs} µs and does not trip.`,
    );
    // Told once for each time that hold has passed.
    this.lastMoveUs = atUs;
  }

  /** Whether a correct replica computed what was put out. */
  judge(slot: TickSlot): void {
    const count = slot.outputs[this.at] ?? null;
    if (count === null || !slot.inside) return;
    let least = Infinity;
    let most = -Infinity;
    // Where one order is enough: who has stopped since, perhaps before it told of it, had computed what it ordered.
    const behind = this.rig.witness === undefined ? 0 : this.book.listOutput(slot.tick, count);
    for (let replica = 0; replica < this.rig.replicas.length; replica += 1) {
      const isFaulty = holds(slot.faulty, replica);
      const hasStopped = isFaulty && holds(behind, replica) && !holds(slot.lying, replica);
      if (isFaulty && !hasStopped) continue;
      const told = slot.commands[replica]?.[this.at] ?? null;
      const order: Order = told === null && hasStopped ? count : told;
      if (typeof order !== 'number') continue;
      if (order === count) return;
      least = Math.min(least, order);
      most = Math.max(most, order);
    }
    if (this.actuator.vote === 'mid-value' && count > least && count < most) return;
    this.add('§5 computed by a correct replica', slot.tick, () =>
      least > most
        ? `It put out ${count}; no correct replica ordered anything.`
        : `It put out ${count}; correct replicas ordered ${least} to ${most}.`,
    );
  }

  private judgeMajority(tick: Tick, count: number): void {
    const { f, replicas } = this.rig;
    if (this.actuator.vote === 'mid-value') {
      const commands = this.book.countOutputs(tick);
      const least = Math.min(replicas.length, 2 * f + 1);
      if (commands < least)
        this.add(
          '§5 mid-value',
          tick,
          () => `It put out ${count} on ${commands} commands; it takes ${least}.`,
        );
      if (this.book.countOutput(tick, count) === 0)
        this.add('§5 mid-value', tick, () => `It put out ${count}, which nobody ordered.`);
      return;
    }
    const behind = this.book.countOutput(tick, count);
    if (behind < this.majority)
      this.add(
        '§5 majority',
        tick,
        () => `It put out ${count} on ${behind} equal commands; it takes ${this.majority}.`,
      );
  }

  private add(rule: string, tick: Tick, what: () => string): void {
    this.log.add(NAME, rule, tick, this.actuator.id, what);
  }
}
