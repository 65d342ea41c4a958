/**
 * All checkers behind one feed. They hold a window of ticks and counters, whatever the length of a run.
 */
import type { ActuatorCommand, AppliedRequest, ReplicaIndex, Tick } from '../core/types.js';
import { ActuatorChecker } from './actuator-checker.js';
import { AgreementChecker } from './agreement-checker.js';
import { ClockChecker } from './clock-checker.js';
import { CommandLogChecker } from './command-log-checker.js';
import { CoverageChecker } from './coverage-checker.js';
import { GoverningChecker } from './governing-checker.js';
import { HypothesisWatch } from './hypothesis-watch.js';
import { LivenessChecker } from './liveness-checker.js';
import { MemoryChecker } from './memory-checker.js';
import { MeetingChecker } from './meeting-checker.js';
import { MessageChecker } from './message-checker.js';
import type {
  CheckedRig,
  CheckedSlot,
  FailSafeCause,
  FaultKind,
  Observations,
  OperatorRequest,
  Order,
  Violation,
  WitnessTrouble,
} from './observations.js';
import { TickWindow } from './tick-slot.js';
import { ValidityChecker } from './validity-checker.js';
import { ViolationLog } from './violation-log.js';

/** What the checkers saw, for reports. */
export interface CheckersSummary {
  readonly ticks: number;
  readonly ticksInside: number;
  readonly ticksOutside: number;
  readonly violationCount: number;
  /** By checker and rule. */
  readonly violationsByRule: Readonly<Record<string, number>>;
  /** Outside the hypothesis, where it is allowed. */
  readonly disagreementsOutside: number;
  /** Trips that follow from ticks outside the hypothesis. */
  readonly tripsOutside: number;
  /** Acceptances of messages too old to be judged. */
  readonly unjudgedMessages: number;
  /** Ticks inside the hypothesis in which commands of operators took effect. */
  readonly commandTicks: number;
  /** How far apart the round clocks of correct replicas were at most, µs. */
  readonly largestSkewUs: number;
}

/** The feed, and what came of it. */
export interface Checkers extends Observations {
  /** The first few. */
  readonly violations: readonly Violation[];
  /** All of them. */
  readonly violationCount: number;
  summary(): CheckersSummary;
}

/** Violations kept in full unless said otherwise. */
const MAX_KEPT = 50;

/** Checkers for one run of one rig. `maxKept`: how many violations are kept in full. */
export function createCheckers(rig: CheckedRig, maxKept: number = MAX_KEPT): Checkers {
  return new CheckerSet(rig, maxKept);
}

class CheckerSet implements Checkers {
  private readonly log: ViolationLog;
  private readonly ticks: TickWindow;
  private readonly watch: HypothesisWatch;
  private readonly agreement: AgreementChecker;
  private readonly validity: ValidityChecker;
  private readonly liveness: LivenessChecker;
  private readonly actuators: readonly ActuatorChecker[];
  private readonly coverage: readonly CoverageChecker[];
  private readonly messages: MessageChecker;
  private readonly memory: MemoryChecker;
  private readonly clocks: ClockChecker;
  private readonly commands: CommandLogChecker;
  /** Null where the vector orders commands. */
  private readonly meeting: MeetingChecker | null;
  /** Null where there is no witness. */
  private readonly governing: GoverningChecker | null;
  private judged: Tick = -1;

  constructor(
    private readonly rig: CheckedRig,
    maxKept: number,
  ) {
    this.log = new ViolationLog(maxKept);
    this.ticks = new TickWindow(rig.replicas.length, rig.actuators.length);
    this.watch = new HypothesisWatch(rig);
    this.agreement = new AgreementChecker(rig, this.log);
    this.validity = new ValidityChecker(rig, this.log);
    this.liveness = new LivenessChecker(rig, this.log, this.watch);
    this.actuators = rig.actuators.map(
      (actuator, at) => new ActuatorChecker(rig, actuator, at, this.ticks, this.log),
    );
    this.coverage = rig.actuators.map(
      (actuator, at) =>
        new CoverageChecker(rig, actuator, this.actuators[at] as ActuatorChecker, this.log, this.watch),
    );
    this.messages = new MessageChecker(rig, this.log);
    this.memory = new MemoryChecker(rig, this.log);
    this.clocks = new ClockChecker(rig, this.log);
    this.commands = new CommandLogChecker(rig, this.log);
    this.meeting =
      rig.lagTicks === undefined ? null : new MeetingChecker(rig, rig.lagTicks, this.log, this.watch);
    this.governing = rig.witness === undefined ? null : new GoverningChecker(rig, rig.witness, this.log);
  }

  get violations(): readonly Violation[] {
    return this.log.kept;
  }

  get violationCount(): number {
    return this.log.count;
  }

  onFaulty(replica: ReplicaIndex, tick: Tick, fault: FaultKind | null): void {
    this.watch.noteFault(replica, tick, fault);
  }

  onRetired(replica: ReplicaIndex, tick: Tick, isRetired: boolean): void {
    this.watch.noteRetired(replica, tick, isRetired);
  }

  onWitness(tick: Tick, is: WitnessTrouble | null): void {
    this.watch.noteWitness(tick, is);
  }

  onLogForgotten(tick: Tick): void {
    this.governing?.forget();
    this.meeting?.forget(tick);
  }

  onProposed(replica: ReplicaIndex, tick: Tick, value: Uint8Array): void {
    this.ticks.at(tick)?.propose(replica, value);
  }

  onVector(replica: ReplicaIndex, tick: Tick, vector: readonly (Uint8Array | null)[]): void {
    this.ticks.at(tick)?.decide(replica, vector);
  }

  onStepped(
    replica: ReplicaIndex,
    tick: Tick,
    stateDigest: Uint8Array,
    commands: readonly (Order | undefined)[],
  ): void {
    this.ticks.at(tick)?.step(replica, stateDigest, commands);
  }

  onCommanded(replica: ReplicaIndex, tick: Tick, startTick: Tick, applied: readonly AppliedRequest[]): void {
    this.commands.note(replica, tick, startTick, applied);
  }

  onPrefixes(replica: ReplicaIndex, tick: Tick, prefixes: readonly (CheckedSlot | null)[]): void {
    this.meeting?.vector(replica, tick, prefixes);
    this.governing?.vector(replica, tick, prefixes);
  }

  onRunStarted(_replica: ReplicaIndex, tick: Tick, prefixes: readonly (CheckedSlot | null)[]): void {
    this.meeting?.started(tick, prefixes);
  }

  onSlotsApplied(
    replica: ReplicaIndex,
    tick: Tick,
    applied: readonly (OperatorRequest & { readonly slot: CheckedSlot })[],
  ): void {
    this.meeting?.tookEffect(replica, tick, applied);
  }

  onSlotChosen(replica: ReplicaIndex, slot: CheckedSlot, request: OperatorRequest | null): void {
    this.meeting?.chosen(replica, slot, request, this.judged);
  }

  onToldChosen(replica: ReplicaIndex, request: OperatorRequest, slot: CheckedSlot): void {
    this.meeting?.answered(replica, request, slot, this.judged);
  }

  onVoterStarted(actuator: number, bootNonce: Uint8Array, atUs: number): void {
    this.actuators[actuator]?.start(bootNonce);
    this.coverage[actuator]?.start(this.tickAt(atUs));
  }

  onVoterStopped(actuator: number, _atUs: number): void {
    this.actuators[actuator]?.stop();
    this.coverage[actuator]?.stop();
  }

  onCommand(actuator: number, from: ReplicaIndex, command: ActuatorCommand): void {
    this.actuators[actuator]?.command(from, command, this.judged);
    this.governing?.command(actuator, from, command);
  }

  onArmed(actuator: number, tick: Tick, atUs: number): void {
    this.actuators[actuator]?.arm(tick, atUs);
    this.coverage[actuator]?.arm();
  }

  onOutput(actuator: number, tick: Tick, count: number, atUs: number): void {
    this.actuators[actuator]?.output(tick, count, atUs);
  }

  onFailSafe(actuator: number, cause: FailSafeCause, count: number, atUs: number): void {
    this.actuators[actuator]?.failSafe(cause, count, atUs);
    this.coverage[actuator]?.failSafe(cause, this.tickAt(atUs));
  }

  onSent(from: ReplicaIndex, to: ReplicaIndex, key: number, tick: Tick): void {
    this.messages.sent(from, to, key, tick);
  }

  onAccepted(from: ReplicaIndex, to: ReplicaIndex, key: number, tick: Tick): void {
    this.messages.accepted(from, to, key, tick);
  }

  onClocks(tick: Tick, shown: readonly (number | null)[]): void {
    const slot = this.ticks.at(tick);
    if (slot !== null && slot !== undefined) slot.clocks = shown;
  }

  onMemory(replica: ReplicaIndex, bytes: number): void {
    this.memory.note(replica, bytes, this.judged);
  }

  onTickOver(tick: Tick, atUs: number): void {
    if (this.judged < 0) this.judged = tick - 1;
    while (this.judged < tick) {
      this.judged += 1;
      this.judge(this.judged);
    }
    for (const actuator of this.actuators) actuator.noteTime(tick, atUs);
  }

  summary(): CheckersSummary {
    const { watch } = this;
    return {
      ticks: watch.insideTicks + watch.outsideTicks,
      ticksInside: watch.insideTicks,
      ticksOutside: watch.outsideTicks,
      violationCount: this.log.count,
      violationsByRule: Object.fromEntries(this.log.countByRule),
      disagreementsOutside: this.agreement.disagreementsOutside,
      tripsOutside: this.coverage.reduce((sum, one) => sum + one.excusedTrips, 0),
      unjudgedMessages: this.messages.unjudged,
      commandTicks: this.commands.ticks,
      largestSkewUs: this.clocks.largestUs,
    };
  }

  private judge(tick: Tick): void {
    const slot = this.ticks.takeForJudgement(tick);
    this.watch.judge(slot);
    this.agreement.judge(slot);
    this.validity.judge(slot);
    this.liveness.judge(slot);
    for (const actuator of this.actuators) actuator.judge(slot);
    for (const coverage of this.coverage) coverage.judge(slot);
    this.messages.judge(slot);
    this.clocks.judge(slot);
    this.commands.judge(slot);
    this.meeting?.judge(slot);
    this.governing?.judge(slot);
  }

  private tickAt(atUs: number): Tick {
    const { tickAt, periodUs } = this.rig;
    return tickAt?.(atUs) ?? Math.floor(atUs / periodUs);
  }
}
