/**
 * The drive loop of a replica: turns arrivals and time into the core's inputs and carries out its effects over ports,
 * in order, all of them before the next input. The live rig and the simulator run this same loop over different
 * ports. It decides nothing.
 */
import {
  createReplica,
  isDueAtOnce,
  nextTick,
  nextWakeUs,
  readFold,
  readWanted,
  step,
  wakeSlackUs,
  type Effect,
  type Input,
  type ReplicaConfig,
  type ReplicaState,
  type Report,
  type RequestAnswer,
} from '../core/replica.js';
import type { LinkAccount } from '../core/clock/peer-clocks.js';
import type { ClockAccount } from '../core/clock/round-clock.js';
import type { Evidence } from '../core/membership/health.js';
import type { Entry as LogEntry, Members, Slot, Snapshot as LogSnapshot } from '../core/paxos/types.js';
import type { ReplicatedState } from '../core/replicated-state.js';
import type { ActuatorStatus, PeerMessage, ReplicaIndex, RequestName } from '../core/types.js';
import type { Cancel, Clock, CommandPort, PeerPort, SensorPort } from '../ports.js';

export interface ReplicaDriveParts {
  readonly config: ReplicaConfig;
  readonly clock: Clock;
  readonly peers: PeerPort;
  readonly commands: CommandPort;
  readonly sensors: SensorPort;
  /** What each actuator's voter last said of itself; null where that is too long ago. */
  readonly readStatuses: (nowUs: number) => readonly (ActuatorStatus | null)[];
  /** A tick begins, before anything of it is sampled or sent; `startTick` is the first of the run. */
  readonly onTick: (
    tick: number,
    startTick: number | null,
    ownUs: number,
    latenessUs: number,
    account: ClockAccount | null,
  ) => void;
  /**
   * Called after the effects that a report belongs to have been carried out, when nobody waits for this replica:
   * before the samples of the next tick are asked for, or at the latest before it begins.
   */
  readonly onReport: (report: Report) => void;
  /** What to tell the operator whose request this is; called at once. */
  readonly onReply?: (name: RequestName, answer: RequestAnswer) => void;
}

/** How long before a tick begins its samples are asked for, as a share of the period, within limits. */
const SAMPLE_LEAD_SHARE = 1 / 8;
const SAMPLE_LEAD_MIN_US = 2_000;
const SAMPLE_LEAD_MAX_US = 10_000;

/** What needs no exact time may come this much later. */
const TIMER_SLACK_US = 1_000;

/** Reports beyond this are told at once. */
const MAX_WAITING_REPORTS = 64;

/** One replica at work, from `start` until `stop`. */
export class ReplicaDrive {
  private readonly state: ReplicaState;
  private readonly sampleLeadUs: number;
  private readonly inputs: Input[] = [];
  /** The sample that an effect has asked for: it comes before all other inputs. */
  private sampled: Input | null = null;
  private reports: Report[] = [];
  private busy = false;
  private cancelWake: Cancel | null = null;
  private wakeAtUs = -1;
  private cancelRequest: Cancel | null = null;
  private stopping: (() => void) | null = null;
  private halted = false;

  constructor(private readonly parts: ReplicaDriveParts) {
    const { config } = parts;
    this.state = createReplica(config);
    this.sampleLeadUs =
      this.state.leadUs +
      Math.max(
        SAMPLE_LEAD_MIN_US,
        Math.min(SAMPLE_LEAD_MAX_US, Math.floor(config.periodUs * SAMPLE_LEAD_SHARE)),
      );
  }

  /** Begins with the next tick. */
  start(): void {
    this.requestSamples(-1);
    this.wake();
  }

  /** Finishes the tick under way and stops; resolves when nothing more will leave this replica. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.stopping = () => {
        this.cancelWake?.();
        this.cancelRequest?.();
        this.tellReports();
        resolve();
      };
      if (!this.isInsideTick()) this.stopping();
    });
  }

  /** Stops at once, in the middle of whatever it is doing; nothing more is taken in or carried out. */
  halt(): void {
    this.halted = true;
    this.sampled = null;
    this.inputs.length = 0;
    this.cancelWake?.();
    this.cancelRequest?.();
  }

  /** What the round clock shows now; null for a replica that does not run. */
  readRoundClock(): number | null {
    const { state, parts } = this;
    return state.mode === 'running' && state.aligned ? state.clock.read(parts.clock.nowUs()) : null;
  }

  /** An authenticated, decoded message of a peer. */
  receive(from: ReplicaIndex, message: PeerMessage, arrivedUs: number): void {
    this.beginDueTick(arrivedUs);
    this.feed({ kind: 'received', from, message, arrivedUs });
  }

  /** A request of an operator that has been checked. */
  order(name: RequestName, content: Uint8Array): void {
    this.feed({ kind: 'requested', name, content, nowUs: this.parts.clock.nowUs() });
  }

  /** The next slot of the command log is chosen and durable here. */
  noteChosen(slot: Slot, entry: LogEntry, executes: boolean): void {
    this.feed({ kind: 'chosen', slot, entry, executes, nowUs: this.parts.clock.nowUs() });
  }

  /** This device votes for a change of the operational quorum at `slot`, before anybody else hears of it. */
  noteVotedForQuorum(slot: Slot): void {
    this.feed({ kind: 'voted', slot, nowUs: this.parts.clock.nowUs() });
  }

  /** What the command log up to a later slot has come to, in place of its entries. */
  install(snapshot: LogSnapshot): void {
    this.feed({ kind: 'installed', snapshot, nowUs: this.parts.clock.nowUs() });
  }

  /** What the command log up to `slot` comes to; null where that is not known. */
  readFold(slot: Slot): Uint8Array | null {
    return readFold(this.parts.config, this.state, slot);
  }

  /** Whom operators want in the operational quorum; null where there is no witness, or where it is not known. */
  readWanted(): Members | null {
    return readWanted(this.state);
  }

  /** The replicated state that it holds; null for a replica that does not run. */
  readState(): ReplicatedState | null {
    const { mode, snapshot } = this.state;
    return mode === 'running' ? (snapshot?.state ?? null) : null;
  }

  /** Evidence against a peer that never became a message. */
  notice(peer: ReplicaIndex, evidence: Evidence): void {
    this.feed({ kind: 'noticed', peer, evidence });
  }

  /** A session with this peer stands. */
  reportLinked(peer: ReplicaIndex): void {
    this.feed({ kind: 'linked', peer });
  }

  /** What the round clock shows at `ownUs`; null while it shows no ticks that others share. */
  readRoundUs(ownUs: number): number | null {
    return this.state.aligned ? this.state.clock.read(ownUs) : null;
  }

  /** What messages to and from a peer take; null where that is not known. */
  readLink(peer: ReplicaIndex): LinkAccount | null {
    return this.state.clock.link(peer);
  }

  /**
   * Begins a tick whose time has come, and sends what it holds for it, before what arrived in it is looked at: the peers wait
   * for this replica's own message. A deadline is another matter: what is there counts before it is noticed.
   */
  private beginDueTick(nowUs: number): void {
    if (this.cancelWake === null || nowUs < this.wakeAtUs || this.stopping !== null) return;
    if (!this.isInsideTick() || this.state.held !== null) this.feed({ kind: 'time', nowUs });
  }

  private isInsideTick(): boolean {
    return this.state.sampling !== null || this.state.exchange.nextDeadlineUs() !== null;
  }

  private feed(input: Input): void {
    if (this.halted) return;
    if (this.busy) {
      this.inputs.push(input);
      return;
    }
    this.busy = true;
    this.take(input);
    for (let next = this.takeNext(); next !== null; next = this.takeNext()) this.take(next);
    this.busy = false;
    if (this.halted) return;
    if (this.reports.length > MAX_WAITING_REPORTS) this.tellReports();
    if (this.stopping !== null && !this.isInsideTick()) this.stopping();
    else this.wake();
  }

  private takeNext(): Input | null {
    const { sampled } = this;
    this.sampled = null;
    return sampled ?? (this.inputs.length > 0 ? (this.inputs.shift() as Input) : null);
  }

  private take(input: Input): void {
    for (const effect of step(this.parts.config, this.state, input).effects) this.carryOut(effect);
  }

  private tellReports(): void {
    const { reports } = this;
    if (reports.length === 0) return;
    this.reports = [];
    for (const report of reports) this.parts.onReport(report);
  }

  private carryOut(effect: Effect): void {
    if (this.halted) return;
    const { clock, sensors, peers, commands, readStatuses } = this.parts;
    switch (effect.kind) {
      case 'begin':
        // What was reported of the tick before belongs to it.
        this.tellReports();
        this.parts.onTick(effect.tick, effect.startTick, effect.ownUs, effect.latenessUs, effect.clock);
        break;
      case 'realigned':
        this.cancelRequest?.();
        this.requestSamples(-1);
        break;
      case 'sample': {
        const nowUs = clock.nowUs();
        this.sampled = {
          kind: 'sampled',
          tick: effect.tick,
          nowUs,
          readings: sensors.read(nowUs),
          actuators: readStatuses(nowUs),
        };
        break;
      }
      case 'send':
        peers.send(effect.to, effect.message);
        break;
      case 'prepare':
        peers.prepare?.(effect.message);
        break;
      case 'command':
        for (let actuator = 0; actuator < effect.commands.length; actuator += 1) {
          const command = effect.commands[actuator] ?? null;
          if (command !== null) commands.send(actuator, command);
        }
        break;
      case 'reply':
        this.parts.onReply?.(effect.name, effect.answer);
        break;
      case 'report':
        this.reports.push(effect.report);
        break;
    }
  }

  /** Keeps one timer, for whatever is due next. */
  private wake(): void {
    const { clock, config } = this.parts;
    const atUs = nextWakeUs(config, this.state);
    if (this.cancelWake !== null && atUs === this.wakeAtUs) return;
    this.cancelWake?.();
    this.wakeAtUs = atUs;
    this.cancelWake = clock.schedule(atUs, this.onWake, wakeSlackUs(this.state), isDueAtOnce(this.state));
  }

  private readonly onWake = (): void => {
    this.cancelWake = null;
    this.feed({ kind: 'time', nowUs: this.parts.clock.nowUs() });
  };

  /** Asks for samples ahead of every tick after `tick`. */
  private requestSamples(tick: number): void {
    const { clock, config, sensors } = this.parts;
    const next = nextTick(config, this.state, clock.nowUs() + this.sampleLeadUs, tick);
    this.cancelRequest = clock.schedule(
      next.startUs - this.sampleLeadUs,
      () => {
        sensors.request();
        this.tellReports();
        this.requestSamples(next.tick);
      },
      TIMER_SLACK_US,
    );
  }
}
