/**
 * The observer of a demo: holds the replicas' own accounts against the voters' logs, tick by tick, and counts what
 * protocol.md §11 says must never happen. It is none of the replicas, reads no clock and opens nothing; what it is
 * told is all it knows. It must never take a replica's word for another's, and never grow with the length of a flight.
 *
 * A tick is judged once, `SETTLE_SECONDS` after it was first heard of, when all accounts of it have come or will not
 * come any more. In a tick a replica is *faulty* when a fault was at work on it, when it was dead or not yet back as a
 * running member, when it measured itself late, when the others missed its messages, or when it was behind and said so.
 * More than f of those and the tick is outside the hypothesis; the cause is kept.
 */
import { deriveQuorums } from '../core/agreement/hypothesis.js';
import type { Telemetry, TickRecord, VoterRecord } from '../process/telemetry.js';
import type { Rig } from '../rig/rig.js';
import type { TickGrid } from '../rig/tick-grid.js';
import { TickLine } from '../rig/tick-line.js';
import { CommandWatch } from './command-watch.js';
import { FaultLedger } from './fault-ledger.js';
import type { FaultyCause, FlightFigures, PlantFigures, TripFigures } from './figures.js';
import { explainMissedLinks, type MissedLink } from './late-links.js';
import { Histogram } from './histogram.js';
import { summarizePlant } from './plant-figures.js';
import { ProcessWatch } from './process-watch.js';
import { SuspicionWatch } from './suspicion-watch.js';
import { VoterWatch, type FailSafePeriod, type ObservedOutput } from './voter-watch.js';
import { WitnessWatch, type WitnessAccount } from './witness-watch.js';

export type ObservedRig = Pick<
  Rig,
  'replicas' | 'witness' | 'actuators' | 'hypothesis' | 'periodUs' | 'roundUs'
>;

/** What is known of the newest tick that all talking replicas have told of, for the view. */
export interface LatestTick {
  /** From the start of the run. */
  readonly runTick: number | null;
  /** Account of each replica, at most a second old; null where there is none. */
  readonly accounts: readonly (TickRecord | null)[];
  readonly voters: readonly {
    readonly id: string;
    readonly failSafe: FailSafePeriod | null;
    readonly output: ObservedOutput | null;
    readonly trips: number;
  }[];
  readonly down: readonly boolean[];
  /** Null in rigs without one. */
  readonly witness: WitnessAccount | null;
  readonly activeFaults: readonly string[];
}

/** How long after it was first heard of a tick is judged. Stalls are reported once a second. */
const SETTLE_SECONDS = 3;
/** A tick number this far ahead of all others is nobody's honest account. */
const MAX_JUMP_TICKS = 1_000_000;
/** After ticks outside the hypothesis, so many more may pass until a voter is armed again. */
const REARM_TICKS = 20;
/** How long a voter that died may take until it is armed again. */
const VOTER_RETURN_US = 10_000_000;
/** A replica that skipped a tick was late if it stood still for at least this share of the period around then. */
const STALL_SHARE = 0.5;
const MAX_STALLS = 256;
/** Within this time somebody tells of a tick that a voter acted on; all of it is less than ticks wait to be judged. */
const RUN_UNKNOWN_US = 1_000_000;
const MAX_UNPLACED = 4_096;
/** Who is faulty beside the replicas. */
const NOBODY: readonly 'witness'[] = [];
const JUST_WITNESS: readonly 'witness'[] = ['witness'];
/** Disagreements that are named by their tick. */
const MAX_NAMED_TICKS = 20;

/** One tick's accounts, until it is judged. */
interface Draft {
  readonly tick: number;
  readonly accounts: (TickRecord | null)[];
}

interface Span {
  readonly from: number;
  to: number;
}

interface Stall {
  readonly replica: number;
  readonly fromTick: number;
  toTick: number;
}

/** Watches one flight. */
export class Observer {
  private readonly ids: readonly string[];
  private readonly maxFaulty: number;
  private readonly settleTicks: number;
  /**
   * What has been told of ticks that are not yet judged: a ring. A map from which as much is taken as is put in leaves
   * tables behind that keep all that was in them for the collector.
   */
  private readonly drafts: (Draft | null)[];
  private readonly ledger: FaultLedger;
  private readonly voters: readonly VoterWatch[];
  /** Not yet given to their voters' watches, oldest first. */
  private readonly unplaced: { readonly voter: VoterWatch; readonly record: VoterRecord }[] = [];
  private readonly processes = new ProcessWatch();
  private readonly commands: CommandWatch;
  private readonly latency = new Histogram();
  private readonly agreement = new Histogram();

  private newest = -1;
  private judged = -1;
  private countFrom: number | null = null;
  private endTick: number | null = null;
  /** Gives ticks of every run numbers of one line; all ticks here are such. */
  private readonly line: TickLine;
  /** When ticks begin, by the promptest of the latest sends. */
  private readonly grid: TickGrid;

  private readonly newestAccount: (TickRecord | null)[];
  private readonly startTicks: (number | null)[];
  /** The last run of each replica, and its last tick in it. */
  private readonly lastRuns: (string | null)[];
  private readonly lastTicks: number[];
  /** Ticks in which a replica was dead or not yet back, by replica. */
  private readonly downs: Span[][];
  /** Whether a replica has been correct since its last injected fault. */
  private readonly recovering: boolean[];
  private stalls: Stall[] = [];
  private lastOutside: number | null = null;
  private lastOutsideByFaults = false;

  private ticks = 0;
  private completedTicks = 0;
  private disagreements = 0;
  private disagreementsOutside = 0;
  /** Ticks of the run in which correct replicas disagreed, the first few. */
  private readonly disagreementTicks: number[] = [];
  private ticksOutside = 0;
  private ticksOutsideByFaults = 0;
  /** The first of them, on the rig's grid. */
  private outsideByFaultsFrom: number | null = null;
  private readonly outsideCauses = new Map<string, number>();
  private unreported = 0;
  private unsafeOutputs = 0;
  private unverifiedOutputs = 0;
  private uncoveredTicks = 0;
  private uncoveredOutside = 0;
  private lateMessages = 0;
  private readonly missedTicks: number[];
  private readonly suspicions: SuspicionWatch;
  private readonly witness: WitnessWatch | null;
  private plant: PlantFigures | null = null;
  private machineStallMs = 0;

  /** `ticks`: how many to count; null until `end` is called. */
  constructor(
    private readonly rig: ObservedRig,
    private readonly wantedTicks: number | null,
  ) {
    const n = rig.replicas.length;
    this.line = new TickLine(n, rig.periodUs);
    this.grid = this.line.grid;
    this.ids = rig.replicas.map((replica) => replica.id);
    const { maxFaulty, testimony } = deriveQuorums(rig.hypothesis, n);
    this.maxFaulty = maxFaulty;
    this.commands = new CommandWatch(testimony);
    this.settleTicks = Math.ceil((SETTLE_SECONDS * 1e6) / rig.periodUs);
    this.drafts = new Array<Draft | null>(this.settleTicks + 1).fill(null);
    this.ledger = new FaultLedger(this.ids);
    this.voters = rig.actuators.map((actuator) => new VoterWatch(actuator));
    this.newestAccount = new Array<null>(n).fill(null);
    this.startTicks = new Array<null>(n).fill(null);
    this.lastRuns = new Array<null>(n).fill(null);
    this.lastTicks = new Array<number>(n).fill(-1);
    this.downs = Array.from({ length: n }, () => [{ from: -Infinity, to: Infinity }]);
    this.recovering = new Array<boolean>(n).fill(false);
    this.missedTicks = rig.actuators.map(() => 0);
    this.suspicions = new SuspicionWatch(this.ids);
    this.witness = rig.witness === null ? null : new WitnessWatch(rig.witness.id);
  }

  /** Takes in what a process told; `atUs` is when it came. */
  note(message: Telemetry, atUs: number): void {
    switch (message.kind) {
      case 'ticks':
        for (const record of message.records) this.noteTick(message.id, record, atUs);
        break;
      case 'voter': {
        const voter = this.voters.find((one) => one.actuator.id === message.id);
        for (const record of message.records) {
          // What a voter does once the flight is over, such as tripping because all replicas left, is no part of it.
          if (voter !== undefined && !this.isOver(record.atUs)) this.noteVoter(voter, record);
        }
        if (this.unplaced.length > 0) this.placeVoterRecords(atUs);
        this.settleStart();
        break;
      }
      case 'commanded':
        for (const record of message.records) this.commands.note(message.id, record);
        break;
      case 'fault':
        this.noteFault(message);
        break;
      case 'stats':
        if (!this.isOver(atUs)) this.noteStats(message, atUs);
        break;
      case 'plant':
        if (!this.isOver(message.atUs)) this.plant = summarizePlant(message);
        break;
      case 'ready':
        if (message.id === this.witness?.id) this.witness.noteReady(this.newest);
        break;
      case 'quorum':
        this.witness?.noteQuorum(message);
        break;
      case 'event':
        break;
    }
  }

  noteStart(id: string): void {
    this.processes.noteStart(id);
  }

  /** A process ended without having been asked to. */
  noteDeath(id: string, atUs: number): void {
    this.processes.noteDeath(id);
    this.voters.find((one) => one.actuator.id === id)?.noteDeath(atUs);
    if (id === this.witness?.id) this.witness.noteDeath(this.newest);
    const replica = this.ids.indexOf(id);
    if (replica < 0) return;
    // What it did after its last account it could not tell any more.
    const from = (this.newestAccount[replica]?.tick ?? -1) + 1;
    const spans = this.downs[replica] as Span[];
    if (spans[spans.length - 1]?.to !== Infinity) spans.push({ from, to: Infinity });
  }

  /** The process that observes stood still for so long itself. */
  noteOwnStall(stallMs: number): void {
    if (this.countFrom !== null) this.machineStallMs = Math.max(this.machineStallMs, stallMs);
  }

  /** A fault that is about to be ordered: if nobody does it, it stands in the figures as not applied. */
  expectFault(spec: string): void {
    this.ledger.expect(spec);
  }

  /** A fault that its replica could not tell of itself, a crash for one. */
  noteFault(fault: Extract<Telemetry, { kind: 'fault' }>): void {
    const replica = this.ids.indexOf(fault.id);
    if (fault.id === this.witness?.id) this.witness.noteFault(fault.spec, fault.event, this.newest);
    const start = (replica < 0 ? null : this.startTicks[replica]) ?? this.startTick();
    this.ledger.note({
      id: fault.id,
      spec: fault.spec,
      event: fault.event,
      runTick: fault.tick,
      tick: start === null ? Math.max(0, this.newest) : start + fault.tick,
      affected: fault.affected,
      reason: fault.reason,
    });
  }

  /** Specifications of faults that a process was told to do and that have not ended. */
  openFaults(id: string): readonly string[] {
    return this.ledger.openOn(id);
  }

  /** The counted part ends with the last tick that is over by now. Later ticks are ignored. */
  end(): void {
    const last = Math.max(this.judged, this.newest - 1);
    this.endTick = this.endTick === null ? last : Math.min(this.endTick, last);
  }

  /** Judges what is left. Call it when no process will tell anything any more. */
  finish(): void {
    if (this.endTick === null) this.end();
    this.placeVoterRecords(Infinity);
    while (this.judged < (this.endTick as number)) this.judgeNext();
  }

  /** Whether all ticks that were asked for have been flown. */
  get complete(): boolean {
    return this.endTick !== null && this.newest > this.endTick + 1;
  }

  /** Ticks flown since every actuator was first armed; null before that. */
  get flownTicks(): number | null {
    return this.countFrom === null ? null : Math.max(0, this.newest - this.countFrom);
  }

  /** Number of the newest tick on the rig's grid; −1 before any. */
  get newestTick(): number {
    return this.newest;
  }

  /** Number of the newest tick from the start of the run; null before it. */
  get runTick(): number | null {
    const start = this.startTick();
    return start === null ? null : this.newest - start;
  }

  /** First run tick that counts; null before every actuator has been armed. */
  get countFromRunTick(): number | null {
    const start = this.startTick();
    return start === null || this.countFrom === null ? null : this.countFrom - start;
  }

  /** For the view. */
  latest(): LatestTick {
    const fresh = this.newestAccount.map(
      (record) => record !== null && record.tick >= this.newest - this.settleTicks / 3,
    );
    // One tick for all, so that what differs differs indeed: the newest that every talking replica has told of.
    const shown = Math.min(
      ...this.newestAccount.map((record, at) =>
        fresh[at] === true && record !== null ? record.tick : this.newest,
      ),
    );
    const draft = this.draftAt(shown);
    const accounts = this.newestAccount.map((record, at) =>
      fresh[at] === true ? (draft?.accounts[at] ?? record) : null,
    );
    return {
      runTick: this.runTick,
      accounts,
      voters: this.voters.map((one) => ({
        id: one.actuator.id,
        failSafe: one.phase,
        output: one.lastOutput,
        trips: one.failSafeTrips,
      })),
      down: this.downs.map((spans) => spans[spans.length - 1]?.to === Infinity),
      witness: this.witness?.account() ?? null,
      activeFaults: this.ledger.activeAt(this.newest),
    };
  }

  figures(): FlightFigures {
    const count = (from: (voter: VoterWatch) => number): number =>
      this.voters.reduce((sum, voter) => sum + from(voter), 0);
    return {
      ticks: this.ticks,
      completedTicks: this.completedTicks,
      disagreements: this.disagreements,
      disagreementsOutside: this.disagreementsOutside,
      disagreementTicks: [...this.disagreementTicks],
      ticksOutsideHypothesis: this.ticksOutside,
      ticksOutsideByFaults: this.ticksOutsideByFaults,
      outsideByFaultsFrom:
        this.outsideByFaultsFrom === null ? null : this.toRunTick(this.outsideByFaultsFrom),
      outsideCauses: Object.fromEntries(this.outsideCauses),
      unreported: this.unreported,
      unsafeOutputs: this.unsafeOutputs + count((voter) => voter.unsafeOutputs),
      unverifiedOutputs: this.unverifiedOutputs,
      uncoveredTicks: this.uncoveredTicks,
      uncoveredOutside: this.uncoveredOutside,
      failSafeTrips: count((voter) => voter.failSafeTrips),
      trips: this.listTrips(),
      missedTicks: Object.fromEntries(
        this.rig.actuators.map((actuator, at) => [actuator.id, this.missedTicks[at] as number]),
      ),
      actuatorAlarms: Object.fromEntries(
        this.voters.map(({ actuator, readBackAlarms }) => [actuator.id, readBackAlarms]),
      ),
      lateMessages: this.lateMessages,
      rejected: this.processes.rejected(),
      faults: this.ledger.figures(),
      commands: this.commands.figures(),
      latencyUs: this.latency.summarize(),
      agreementUs: this.agreement.summarize(),
      plant: this.plant,
      suspects: this.suspicions.figures(),
      processes: this.processes.figures(),
      machineStallMs: Math.round(this.machineStallMs * 10) / 10,
    };
  }

  private noteTick(id: string, told: TickRecord, atUs: number): void {
    const replica = this.ids.indexOf(id);
    if (replica < 0 || !Number.isSafeInteger(told.tick) || told.tick < 0) return;
    const record = this.placeRecord(replica, told, atUs);
    if (this.unplaced.length > 0) this.placeVoterRecords(atUs);
    // A tick of that replica alone, which knows none of the others' yet, or waits for a run on ticks of its own.
    const isAlone = record.run === null && !this.line.isOfTheseTimes(record.tick, record.firstSendUs ?? atUs);
    if (record.clockOffsetUs === null || isAlone) {
      this.newestAccount[replica] = record;
      this.excuseUnaligned(replica);
      return;
    }
    if (this.newest >= 0 && record.tick > this.newest + MAX_JUMP_TICKS) return;
    // A tick that is told before it can have begun: the clock of that replica is ahead, and says nothing of the others.
    // Before the first send nobody knows when ticks begin, and replicas that wait may skip some.
    if (this.grid.originUs !== null && record.tick > Math.max(this.newest + 1, this.tickAt(atUs)) + 1) return;
    if (record.startTick !== null && record.startTick !== this.startTicks[replica])
      this.startTicks[replica] = record.startTick;
    if (record.firstSendUs !== null && this.line.isGuidedBy(record.run))
      this.followGrid(record.tick, record.firstSendUs);
    this.noteRun(replica, record);
    const before = this.newestAccount[replica];
    // One that joins again has been out of step: the ticks that it never began are told as its own fault.
    if (before && before.clockOffsetUs !== null && record.mode === 'joining' && record.tick > before.tick + 1)
      this.stalls.push({ replica, fromTick: before.tick + 1, toTick: record.tick - 1 });
    if (!before || before.clockOffsetUs === null || before.tick < record.tick)
      this.newestAccount[replica] = record;
    if (record.mode === 'running' && record.state !== null) this.closeDown(replica, record.tick);
    if (record.tick <= this.judged) return;
    if (this.newest < 0) this.judged = record.tick - 1;
    if (record.tick > this.newest) {
      this.newest = record.tick;
      this.settleStart();
      while (this.newest - this.judged > this.settleTicks) this.judgeNext();
    }
    const { accounts } = this.draftOf(record.tick);
    // Whoever loses its ticks and finds others may live one twice; what it ordered in it is ordered.
    const known = accounts[replica] ?? null;
    if (known === null || known.commands === null || record.commands !== null) accounts[replica] = record;
  }

  /** The same account with the numbers of the line. */
  private placeRecord(replica: number, record: TickRecord, atUs: number): TickRecord {
    const { line } = this;
    const { vector, firstSendUs, startTick, run } = record;
    const agreed = vector !== null && firstSendUs !== null;
    const tick = agreed
      ? line.placeShared(replica, record.tick, run, Math.min(firstSendUs, atUs))
      : line.place(replica, record.tick);
    if (tick === record.tick) return record;
    return { ...record, tick, startTick: startTick === null ? null : startTick + (tick - record.tick) };
  }

  private noteVoter(voter: VoterWatch, record: VoterRecord): void {
    if (this.unplaced.length === 0 && this.isPlaced(record)) voter.note(this.placeVoterRecord(record));
    else this.unplaced.push({ voter, record });
  }

  /** Whether it is known which run this belongs to. */
  private isPlaced(record: VoterRecord): boolean {
    const moves = record.kind === 'output' || record.kind === 'armed';
    return !moves || this.line.reaches(record.atUs);
  }

  /**
   * What voters did, in order. They act on a tick before replicas tell of it: what belongs to a run that is not known yet
   * waits a little.
   */
  private placeVoterRecords(nowUs: number): void {
    const { unplaced } = this;
    let taken = 0;
    for (const { voter, record } of unplaced) {
      const isDue = record.atUs < nowUs - RUN_UNKNOWN_US || unplaced.length - taken > MAX_UNPLACED;
      if (!isDue && !this.isPlaced(record)) break;
      voter.note(this.placeVoterRecord(record));
      taken += 1;
    }
    if (taken > 0) unplaced.splice(0, taken);
  }

  private placeVoterRecord(record: VoterRecord): VoterRecord {
    const { line } = this;
    if (line.isPlain) return record;
    if ('tick' in record) return { ...record, tick: line.placeNear(record.tick, record.atUs) };
    if ('firstTick' in record) return { ...record, firstTick: line.placeNear(record.firstTick, record.atUs) };
    return record;
  }

  /** Between two runs nobody has ticks that others share. */
  private noteRun(replica: number, { run, tick }: TickRecord): void {
    if (run === null) return;
    const lastTick = this.lastTicks[replica] as number;
    if (lastTick >= 0 && this.lastRuns[replica] !== run && tick > lastTick + 1)
      this.stalls.push({ replica, fromTick: lastTick + 1, toTick: tick - 1 });
    this.lastRuns[replica] = run;
    this.lastTicks[replica] = tick;
  }

  /** It has said that it knows none of the ticks about now: it takes itself for the faulty one of them. */
  private excuseUnaligned(replica: number): void {
    if (this.newest < 0) return;
    const toTick = this.newest + 2;
    const last = this.stalls.findLast((one) => one.replica === replica);
    if (last !== undefined && last.toTick >= this.newest) last.toTick = toTick;
    else this.stalls.push({ replica, fromTick: this.newest - 1, toTick });
  }

  /** A replica that steps as a running member is back, from this tick on. */
  private closeDown(replica: number, tick: number): void {
    const spans = this.downs[replica] as Span[];
    const last = spans[spans.length - 1];
    if (last !== undefined && last.to === Infinity && tick >= last.from) last.to = tick - 1;
  }

  private draftOf(tick: number): Draft {
    const known = this.draftAt(tick);
    if (known !== null) return known;
    const draft: Draft = { tick, accounts: new Array<null>(this.ids.length).fill(null) };
    this.drafts[tick % this.drafts.length] = draft;
    return draft;
  }

  private draftAt(tick: number): Draft | null {
    const draft = this.drafts[tick % this.drafts.length] ?? null;
    return draft?.tick === tick ? draft : null;
  }

  /**
   * A tick's first message leaves within a round of its start or never: what is earlier than that was sent by a clock that
   * is off, and says nothing of the others.
   */
  private followGrid(tick: number, sentUs: number): void {
    const { originUs } = this.grid;
    const { periodUs, roundUs } = this.rig;
    if (originUs === null || sentUs - tick * periodUs > originUs - roundUs) this.grid.note(tick, sentUs);
  }

  private tickStartUs(tick: number): number {
    return (this.grid.originUs ?? 0) + tick * this.rig.periodUs;
  }

  private tickAt(atUs: number): number {
    return this.grid.tickAt(atUs) ?? -1;
  }

  private isOver(atUs: number): boolean {
    return this.endTick !== null && this.tickAt(atUs) > this.endTick;
  }

  /** First tick of the run, as most replicas tell it. */
  private startTick(): number | null {
    const votes = new Map<number, number>();
    for (const start of this.startTicks) if (start !== null) votes.set(start, (votes.get(start) ?? 0) + 1);
    let best: number | null = null;
    for (const [start, count] of votes) {
      const bestCount = best === null ? 0 : (votes.get(best) as number);
      if (count > bestCount || (count === bestCount && start > (best as number))) best = start;
    }
    return best;
  }

  private toRunTick(tick: number): number {
    return tick - (this.startTick() ?? 0);
  }

  private listTrips(): readonly TripFigures[] {
    return this.voters
      .flatMap(({ actuator, trips }) => trips.map((trip) => ({ ...trip, actuator: actuator.id })))
      .sort((a, b) => a.atUs - b.atUs)
      .map(({ actuator, atUs, cause }) => ({ actuator, tick: this.toRunTick(this.tickAt(atUs)), cause }));
  }

  /** Counting begins with the tick in which the last of the actuators is first armed. */
  private settleStart(): void {
    if (this.countFrom !== null || this.newest < 0) return;
    const start = this.startTick();
    if (start === null) return;
    let from = start;
    for (const voter of this.voters) {
      if (voter.firstArmedTick === null) return;
      from = Math.max(from, voter.firstArmedTick);
    }
    this.countFrom = from;
    if (this.wantedTicks !== null) this.endTick = from + this.wantedTicks - 1;
  }

  private noteStats(stats: Extract<Telemetry, { kind: 'stats' }>, atUs: number): void {
    const flying = this.countFrom !== null;
    this.processes.noteStats(stats, flying);
    const replica = this.ids.indexOf(stats.id);
    const toTick = this.tickAt(atUs);
    const fromTick = toTick - Math.ceil(1_500_000 / this.rig.periodUs);
    if (replica >= 0 && stats.maxStallMs * 1_000 >= STALL_SHARE * this.rig.periodUs) {
      this.stalls.push({ replica, fromTick, toTick });
      if (this.stalls.length > MAX_STALLS) this.stalls.shift();
    }
    const provoked =
      replica >= 0 && (this.wasFaulty(replica, fromTick, toTick) || this.isDown(replica, fromTick));
    if (flying && !provoked && fromTick >= (this.countFrom as number))
      this.machineStallMs = Math.max(this.machineStallMs, stats.maxStallMs);
  }

  private wasFaulty(replica: number, fromTick: number, toTick: number): boolean {
    for (let tick = fromTick; tick <= toTick; tick += 1) if (this.ledger.covers(replica, tick)) return true;
    return false;
  }

  private isDown(replica: number, tick: number): boolean {
    for (const span of this.downs[replica] as Span[]) if (span.from <= tick && tick <= span.to) return true;
    return false;
  }

  private judgeNext(): void {
    this.judged += 1;
    const tick = this.judged;
    const accounts = this.draftAt(tick)?.accounts ?? new Array<null>(this.ids.length).fill(null);
    this.drafts[tick % this.drafts.length] = null;
    const counted =
      this.countFrom !== null && tick >= this.countFrom && (this.endTick === null || tick <= this.endTick);
    if (counted) this.judge(tick, accounts);
    this.forgetBefore(tick);
  }

  private judge(tick: number, accounts: readonly (TickRecord | null)[]): void {
    this.ticks += 1;
    const causes: (FaultyCause | null)[] = [];
    for (let replica = 0; replica < accounts.length; replica += 1)
      causes.push(this.findCause(replica, tick, accounts[replica] ?? null));
    for (const replica of explainMissedLinks(listMissedLinks(accounts, causes), causes.length))
      causes[replica] = 'late';
    const others = this.witness?.isDown(tick) === true ? JUST_WITNESS : NOBODY;
    const outside = others.length + countFaulty(causes) > this.maxFaulty;
    if (outside) this.noteOutside(tick, causes, others);
    else this.lastOutsideByFaults = false;
    if (this.isSilent(accounts, causes)) this.unreported += 1;
    if (disagree(accounts, causes)) {
      if (outside) this.disagreementsOutside += 1;
      else {
        this.disagreements += 1;
        if (this.disagreementTicks.length < MAX_NAMED_TICKS) {
          this.disagreementTicks.push(this.toRunTick(tick));
        }
      }
    }
    this.judgeOutputs(tick, accounts, outside);
    this.readAccounts(accounts, causes);
    this.suspicions.note(tick, accounts, causes);
    for (let replica = 0; replica < causes.length; replica += 1) {
      if (this.ledger.covers(replica, tick)) this.recovering[replica] = true;
      else if (causes[replica] === null) this.recovering[replica] = false;
    }
  }

  private findCause(replica: number, tick: number, record: TickRecord | null): FaultyCause | null {
    if (this.ledger.covers(replica, tick)) return 'fault';
    if (this.isDown(replica, tick)) return 'down';
    if (record === null) return this.sleptThrough(replica, tick) ? 'late' : null;
    if (record.overrun !== null) return 'late';
    if (record.mode !== 'running') return 'joining';
    if (record.notStepped === 'behind') return 'behind';
    return null;
  }

  /** Whether the replica told of a stall that explains why it knows nothing of the tick. */
  private sleptThrough(replica: number, tick: number): boolean {
    return this.stalls.some((one) => one.replica === replica && one.fromTick <= tick && tick <= one.toTick);
  }

  private noteOutside(
    tick: number,
    causes: readonly (FaultyCause | null)[],
    others: readonly 'witness'[],
  ): void {
    this.ticksOutside += 1;
    const named = [...causes.filter((cause) => cause !== null), ...others].sort();
    const name = named.join('+');
    this.outsideCauses.set(name, (this.outsideCauses.get(name) ?? 0) + 1);
    const ofReplicas = causes.filter(
      (cause, replica) => cause === 'fault' || (cause !== null && this.recovering[replica] === true),
    ).length;
    // Of two replicas one cannot keep its ticks without the other: what else befalls a rig with a witness then is the fault's.
    const isProvoked = ofReplicas > 0 || this.witness?.isStruck(tick) === true;
    const provoked = this.witness !== null && isProvoked ? named.length : ofReplicas;
    // What follows without a break from ticks that faults put outside is theirs too: a rig has to find together again.
    const continues = this.lastOutsideByFaults && this.lastOutside === tick - 1;
    this.lastOutsideByFaults = provoked > this.maxFaulty || continues;
    if (this.lastOutsideByFaults) {
      this.ticksOutsideByFaults += 1;
      this.outsideByFaultsFrom ??= tick;
    }
    this.lastOutside = tick;
  }

  private isSilent(
    accounts: readonly (TickRecord | null)[],
    causes: readonly (FaultyCause | null)[],
  ): boolean {
    // Beside a witness whoever is left agrees on nothing before the quorum is its own; `hold` has to cover that.
    if (this.rig.witness !== null && countFaulty(causes) > 0) return false;
    for (let replica = 0; replica < accounts.length; replica += 1)
      if (causes[replica] === null && (accounts[replica]?.vector ?? null) === null) return true;
    return false;
  }

  private judgeOutputs(tick: number, accounts: readonly (TickRecord | null)[], outside: boolean): void {
    const firstSendUs = findFirstSend(accounts);
    let complete = true;
    let uncovered = false;
    let uncoveredOutside = false;
    for (let at = 0; at < this.voters.length; at += 1) {
      const voter = this.voters[at] as VoterWatch;
      const output = voter.takeOutput(tick);
      if (output === null) {
        complete = false;
        if (voter.missed(tick)) this.missedTicks[at] = (this.missedTicks[at] as number) + 1;
        const failSafe = voter.failSafeAt(this.tickStartUs(tick + 1));
        if (failSafe === null) continue;
        if (outside || this.isExcused(voter, failSafe, tick)) uncoveredOutside = true;
        else uncovered = true;
        continue;
      }
      if (firstSendUs !== null) this.latency.add(output.atUs - firstSendUs);
      this.verifyOutput(tick, at, output, accounts);
    }
    if (complete) this.completedTicks += 1;
    if (uncovered) this.uncoveredTicks += 1;
    else if (uncoveredOutside) this.uncoveredOutside += 1;
  }

  /** Fail-safe that follows from ticks outside the hypothesis, or from the death of the voter itself, for a while. */
  private isExcused(voter: VoterWatch, failSafe: FailSafePeriod, tick: number): boolean {
    if (failSafe.cause === 'start' || failSafe.cause === 'died')
      return this.tickStartUs(tick) - failSafe.sinceUs <= VOTER_RETURN_US;
    const holdTicks = Math.ceil(voter.actuator.holdUs / this.rig.periodUs);
    const since = this.tickAt(failSafe.sinceUs);
    if (this.lastOutside === null || this.lastOutside < since - holdTicks - 2) return false;
    return voter.actuator.rearm === 'operator' || tick <= this.lastOutside + holdTicks + REARM_TICKS;
  }

  /**
   * An output is safe when a replica that was not lying computed it from the same tick: in the step that it took or, where
   * too many were late for anybody to take one, on what it foresaw.
   */
  private verifyOutput(
    tick: number,
    actuator: number,
    output: ObservedOutput,
    accounts: readonly (TickRecord | null)[],
  ): void {
    // Of those who were not lying.
    let least = Infinity;
    let most = -Infinity;
    let isComputed = false;
    let isForeseen = false;
    let isStepped = false;
    let untold = false;
    for (let replica = 0; replica < accounts.length; replica += 1) {
      if (this.ledger.lies(replica, tick)) continue;
      const record = accounts[replica] ?? null;
      const command = record?.commands?.[actuator];
      if (record !== null && record.commands !== null) isStepped = true;
      if (record?.foreseen?.[actuator] === output.count) isForeseen = true;
      if (typeof command === 'number') {
        least = Math.min(least, command);
        most = Math.max(most, command);
        if (command === output.count) isComputed = true;
      } else if (record === null && (output.votes & (1 << replica)) !== 0) untold = true;
    }
    const midValue = this.rig.actuators[actuator]?.vote === 'mid-value';
    if (midValue ? output.count >= least && output.count <= most : isComputed) return;
    if (isForeseen && !isStepped) return;
    // A replica that voted for it and died before it could tell is neither proof nor excuse.
    if (untold) this.unverifiedOutputs += 1;
    else this.unsafeOutputs += 1;
  }

  private readAccounts(
    accounts: readonly (TickRecord | null)[],
    causes: readonly (FaultyCause | null)[],
  ): void {
    for (let replica = 0; replica < accounts.length; replica += 1) {
      const record = accounts[replica] ?? null;
      if (record === null) continue;
      this.lateMessages += record.lateMessages;
      if (causes[replica] !== null) continue;
      if (record.agreedUs !== null && record.firstSendUs !== null)
        this.agreement.add(record.agreedUs - record.firstSendUs);
    }
  }

  private forgetBefore(tick: number): void {
    const horizon = tick - this.settleTicks;
    this.ledger.prune(horizon);
    for (const voter of this.voters) voter.prune(tick, this.tickStartUs(tick));
    for (const spans of this.downs) while (spans.length > 1 && (spans[0] as Span).to < horizon) spans.shift();
    while (this.stalls.length > 0 && (this.stalls[0] as Stall).toTick < horizon) this.stalls.shift();
  }
}

/**
 * Whether two correct replicas differ. One that is behind has agreed on a vector like everybody else and only lacks
 * the state to step it from, so its vector counts here.
 */
function disagree(
  accounts: readonly (TickRecord | null)[],
  causes: readonly (FaultyCause | null)[],
): boolean {
  let vector: string | null = null;
  let step: TickRecord | null = null;
  for (let replica = 0; replica < accounts.length; replica += 1) {
    const record = accounts[replica] ?? null;
    const cause = causes[replica] ?? null;
    if (record === null || record.vector === null) continue;
    if (mayBeCorrect(cause)) {
      if (vector !== null && vector !== record.vector) return true;
      vector = record.vector;
    }
    if (cause !== null) continue;
    if (step !== null && !isSameStep(step, record)) return true;
    step = record;
  }
  return false;
}

function isSameStep(a: TickRecord, b: TickRecord): boolean {
  if (a.state !== b.state || a.commands?.length !== b.commands?.length) return false;
  const length = a.commands?.length ?? 0;
  for (let at = 0; at < length; at += 1) if (a.commands?.[at] !== b.commands?.[at]) return false;
  return true;
}

function countFaulty(causes: readonly (FaultyCause | null)[]): number {
  let count = 0;
  for (const cause of causes) if (cause !== null) count += 1;
  return count;
}

/** Whether its vector counts: see `disagree`. */
function mayBeCorrect(cause: FaultyCause | null | undefined): boolean {
  return cause === null || cause === undefined || cause === 'behind';
}

/**
 * Who had nothing from whom by some deadline, among replicas that nothing else explains. One that is behind uses up one
 * already, and explains what is missing on its own links.
 */
function listMissedLinks(
  accounts: readonly (TickRecord | null)[],
  causes: readonly (FaultyCause | null)[],
): MissedLink[] {
  const links: MissedLink[] = [];
  for (let to = 0; to < accounts.length; to += 1) {
    const absent = accounts[to]?.absent ?? 0;
    if (absent === 0 || (causes[to] ?? null) !== null) continue;
    for (let from = 0; from < causes.length; from += 1)
      if ((causes[from] ?? null) === null && (absent & (1 << from)) !== 0) links.push({ from, to });
  }
  return links;
}

function findFirstSend(accounts: readonly (TickRecord | null)[]): number | null {
  let first: number | null = null;
  for (const record of accounts) {
    const at = record?.firstSendUs ?? null;
    if (at !== null && (first === null || at < first)) first = at;
  }
  return first;
}
