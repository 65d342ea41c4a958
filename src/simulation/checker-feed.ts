/**
 * What the checkers are told of a simulated run, and the truth about who is faulty: from the faults as they strike and
 * end, and from frames that the network lost or held up longer than a round may take. The replicas know nothing of it.
 */
import { slewHorizonUs } from '../core/clock/round-clock.js';
import { boundSkewUs } from '../core/clock/skew-bound.js';
import { usesSignedStarts } from '../core/membership/cold-start.js';
import { createCheckers, type Checkers, type CheckersSummary } from '../checkers/create-checkers.js';
import type { CheckedSlot, FaultKind, Order, Violation, WitnessTrouble } from '../checkers/observations.js';
import type { PaxosMessage } from '../core/paxos/types.js';
import type { Report } from '../core/replica.js';
import type {
  ActuatorCommand,
  AppliedRequest,
  PeerMessage,
  RoundMessage,
  Stamp,
  Tick,
} from '../core/types.js';
import { readFaultName } from '../demo/fault-ledger.js';
import type { FaultEvent } from '../faults/injector.js';
import { isLie, lingers, losesVote, sparesRounds } from '../faults/traits.js';
import { parseFault } from '../faults/spec.js';
import type { PeerPort, Principal, RecordChange } from '../ports.js';
import { LAG_US } from '../process/command-rules.js';
import { MAX_SLEW_PPM } from '../process/replica-config.js';
import {
  isPeerMessage,
  type Messenger,
  type MessengerParts,
  type OpenMessenger,
} from '../process/messenger.js';
import { listDevices } from '../process/order-config.js';
import type { OrderReport } from '../process/replica-process.js';
import type { VoterRecord } from '../process/telemetry.js';
import { deriveQuorumChangeUs, ordersByLog } from '../rig/derive.js';
import type { Rig } from '../rig/rig.js';
import type { TickGrid } from '../rig/tick-grid.js';
import { decodeContent } from '../wire/request-codec.js';
import { TickLine } from '../rig/tick-line.js';
import { MAX_DRIFT_PPM } from './host.js';
import { LogFeed } from './log-feed.js';
import type { NetworkModel } from './network.js';

/** Ticks after the end of a fault in which what was under way may still arrive. */
const MARGIN_TICKS = 3;
/** A tick is judged when so many have passed since. */
const SETTLE_TICKS = 4;
/** Within this a replica must be back: to be started again, greeted, and let in. */
const RETURN_US = 4_000_000;
const RETURN_MIN_TICKS = 60;
/** A patience of the replicas has to pass before a split rig finds together. */
const ARM_US = 1_000_000;
const ARM_MIN_TICKS = 20;
const MEMORY_TICKS = 256;
const MAX_STATE_SENDS = 512;
const WORST_FIRST: readonly FaultKind[] = ['lies', 'lingers', 'omits'];
/** Messages whose key is remembered: what all replicas send in a tick, where they are handed over whole. */
const REMEMBERED_KEYS = 32;

/** Faults at work on one replica. */
interface Standing {
  readonly active: Map<string, FaultKind>;
  told: FaultKind | null;
}

/** More than the time in which the other goes on alone: until the tick in which it does, and what is under way has come. */
const CHANGE_MARGIN_TICKS = 2;

/** What is known of a witness: the faults at work on it, and who has heard since that it votes. */
interface WitnessStanding {
  readonly active: Set<string>;
  heardBy: number;
  /** Whom operators have retired, by all of the log up to `readTo`. */
  retired: number;
  readTo: CheckedSlot;
  told: WitnessTrouble | null;
}

export class CheckerFeed {
  private readonly checkers: Checkers;
  /** Null where no log orders commands. */
  private readonly log: LogFeed | null;
  /** What the vector that each replica agreed on last states of the log, and its tick. */
  private readonly stated: { tick: Tick; prefixes: readonly (CheckedSlot | null)[] }[];
  private readonly indices: ReadonlyMap<Principal, number>;
  /** Devices of the command log: the replicas, and behind them the witness. */
  private readonly devices: ReadonlyMap<Principal, number>;
  /** Null where there is none. */
  private readonly witness: WitnessStanding | null;
  private readonly standings: readonly Standing[];
  /** Ends of faults, by the tick in which they are over for everybody. */
  private readonly ends: { readonly device: number; readonly spec: string; readonly tick: Tick }[] = [];
  private readonly proposed: Tick[];
  /** When messages about states were sent that may be under way: the newest of each content and the one before it. */
  private readonly stateSends = new Map<string, readonly Tick[]>();
  private judged: Tick = -1;
  /** The checkers are told of ticks by their numbers on one line, whatever run they are of. */
  private readonly line: TickLine;
  /** The run that each replica last spoke in, and its name; null: in none. */
  private readonly runs: { bytes: Uint8Array | null; name: string | null }[];
  private readonly grid: TickGrid;
  /** The last messages and their keys: round 1 goes to all alike, and what is handed over whole comes as it left. */
  private readonly keyed: (PeerMessage | null)[] = new Array<null>(REMEMBERED_KEYS).fill(null);
  private readonly keys = new Float64Array(REMEMBERED_KEYS);
  private newestKey = 0;
  /** What each replica sent last: it goes to all alike, or is new. */
  private readonly lastSent: { message: PeerMessage | null; key: number }[];

  constructor(
    private readonly rig: Rig,
    private readonly nowUs: () => number,
    /** Where messages are handed over whole a few bytes of each value tell them apart. */
    private readonly wire: 'full' | 'none',
    network: NetworkModel,
  ) {
    this.indices = new Map(rig.replicas.map(({ id }, at) => [id, at]));
    this.devices = new Map(listDevices(rig).map((id, at) => [id, at]));
    this.witness =
      rig.witness === null ? null : { active: new Set(), heardBy: 0, retired: 0, readTo: 0, told: 'away' };
    this.standings = rig.replicas.map(() => ({ active: new Map(), told: null }));
    this.proposed = rig.replicas.map(() => -1);
    this.lastSent = rig.replicas.map(() => ({ message: null, key: 0 }));
    this.runs = rig.replicas.map(() => ({ bytes: null, name: null }));
    this.line = new TickLine(rig.replicas.length, rig.periodUs);
    this.log = ordersByLog(rig) ? new LogFeed(rig) : null;
    this.stated = rig.replicas.map(() => ({ tick: -1, prefixes: [] }));
    this.grid = this.line.grid;
    const toTicks = (us: number): number => Math.ceil(us / rig.periodUs);
    this.checkers = createCheckers({
      replicas: rig.replicas.map(({ id }) => id),
      actuators: rig.actuators.map(({ id, minCount, maxCount, failSafeCount, holdUs, vote, rearm }) => ({
        id,
        minCount,
        maxCount,
        failSafeCount,
        holdUs,
        vote,
        rearm,
      })),
      hypothesis: rig.hypothesis.kind,
      f: rig.hypothesis.kind === 'none' ? 0 : rig.hypothesis.f,
      periodUs: rig.periodUs,
      tickAt: (atUs) => this.grid.tickAt(atUs) ?? 0,
      skewMaxUs: boundSkew(rig, network),
      // Further off than half a round it is set, not slewed.
      skewSettleTicks: toTicks(rig.roundUs / 2 / (MAX_SLEW_PPM / 1e6)),
      returnTicks: Math.max(RETURN_MIN_TICKS, toTicks(RETURN_US)),
      armTicks: Math.max(ARM_MIN_TICKS, toTicks(ARM_US)),
      ...(this.log === null ? {} : { lagTicks: toTicks(LAG_US) }),
      ...(rig.witness === null || this.log === null
        ? {}
        : {
            witness: {
              id: rig.witness.id,
              changeTicks: toTicks(deriveQuorumChangeUs(rig)) + CHANGE_MARGIN_TICKS,
              quorumAfter: this.log.quorumAfter.bind(this.log),
            },
          }),
    });
  }

  /** What was found so far, the first of it. */
  get violations(): readonly Violation[] {
    return [...this.checkers.violations, ...(this.log?.violations ?? [])];
  }

  /** All of it. */
  get violationCount(): number {
    return this.checkers.violationCount + (this.log?.violationCount ?? 0);
  }

  summary(): CheckersSummary {
    const summary = this.checkers.summary();
    if (this.log === null) return summary;
    return {
      ...summary,
      violationCount: this.violationCount,
      violationsByRule: { ...summary.violationsByRule, ...this.log.violationsByRule },
    };
  }

  /** A fault struck, or ended, at a replica or the witness; others' are no matter of theirs. */
  noteFault(id: Principal, event: Pick<FaultEvent, 'spec' | 'event'>): void {
    const device = this.devices.get(id);
    if (device === undefined || event.event === 'failed') return;
    const { spec } = event;
    const tick = this.tickNow();
    if (this.owesPart(device, readFaultName(spec))) {
      if (event.event === 'cleared') this.noteLapse(device, spec, tick);
      return;
    }
    if (event.event === 'applied') {
      this.begin(device, spec, kindOf(spec, this.rig));
      this.tell(device, tick);
    } else {
      this.ends.push({ device, spec, tick: tick + MARGIN_TICKS });
    }
  }

  /** A frame of this replica was lost or held up by the network itself: in this tick it is the faulty one. */
  noteTrouble(from: Principal): void {
    const device = this.devices.get(from);
    if (device === undefined) return;
    const tick = this.tickNow();
    this.noteLapse(device, `network ${tick}`, tick);
  }

  /** Whether such a fault leaves its replica's part in the rounds alone. With a witness, who cannot vote is voted out. */
  private owesPart(device: number, name: string): boolean {
    return (
      sparesRounds(name) && device < this.standings.length && (this.witness === null || !losesVote(name))
    );
  }

  /** The replica or witness is a faulty one in this tick alone. */
  private noteLapse(device: number, spec: string, tick: Tick): void {
    if (this.activeOn(device).has(spec)) return;
    this.begin(device, spec, 'omits');
    this.tell(device, tick);
    this.ends.push({ device, spec, tick: tick + 1 });
  }

  private activeOn(device: number): { has(spec: string): boolean; delete(spec: string): boolean } {
    return this.standings[device]?.active ?? this.witness?.active ?? new Set();
  }

  private begin(device: number, spec: string, kind: FaultKind): void {
    this.standings[device]?.active.set(spec, kind);
    if (device >= this.standings.length) this.witness?.active.add(spec);
  }

  /** The peers of a replica, seen before any fault touches what it says. */
  wrapPeers(replica: number, port: PeerPort): PeerPort {
    return {
      send: (to, message) => {
        // The first of each tick: all are given the same.
        if (message.kind === 'round' && message.round === 1 && this.proposed[replica] !== message.tick)
          this.noteProposal(replica, message);
        port.send(to, message);
      },
      prepare: (message) => port.prepare?.(message),
    };
  }

  /** A messenger whose traffic between replicas, and to the voters, is told to the checkers. */
  wrapMessenger(open: OpenMessenger): OpenMessenger {
    return (parts) => {
      const messenger = open({ ...parts, events: this.wrapEvents(parts) });
      const self = this.devices.get(parts.id);
      return self === undefined ? messenger : this.wrapSends(self, messenger);
    };
  }

  noteReport(replica: number, report: Report): void {
    if (report.kind === 'agreed') {
      // Nobody agrees alone, so nobody's clock alone says when a tick is.
      const run = this.nameRun(replica, null);
      const isCorrect = this.standings[replica]?.active.size === 0;
      // What a faulty one takes for a run may be nobody else's, as where all that it hears is late.
      const isShared = isCorrect || this.line.knows(run);
      const tick = isShared
        ? this.line.placeShared(replica, report.tick, run, this.nowUs())
        : this.line.place(replica, report.tick);
      if (isShared && this.line.isGuidedBy(run)) {
        if (this.isSetBack(replica, tick)) this.grid.forget();
        this.grid.note(tick, this.nowUs());
      }
      this.checkers.onVector(replica, tick, report.vector);
      if (this.log !== null) {
        const prefixes = report.entries.map((entry) => (entry === null ? null : (entry.prefix ?? 0)));
        this.stated[replica] = { tick, prefixes };
        this.checkers.onPrefixes(replica, tick, prefixes);
      }
    } else if (report.kind === 'stepped')
      this.checkers.onStepped(
        replica,
        this.line.place(replica, report.tick),
        report.readStateDigest(),
        report.commands.map(readOrder),
      );
    else if (report.kind === 'commanded') {
      const tick = this.line.place(replica, report.tick);
      const startTick = this.line.place(replica, report.startTick);
      this.checkers.onCommanded(replica, tick, startTick, report.applied);
      if (this.log !== null) this.checkers.onSlotsApplied(replica, tick, this.nameApplied(report.applied));
    } else if (report.kind === 'started' && this.log !== null) {
      const stated = this.stated[replica];
      if (stated !== undefined) this.checkers.onRunStarted(replica, stated.tick, stated.prefixes);
    }
  }

  /**
   * Whether a replica without a fault tells of a tick that was taken for over. Both clocks of two have gone back then, as they
   * do for one that is late; of more, those without a fault do not follow it.
   */
  private isSetBack(replica: number, tick: Tick): boolean {
    return this.witness !== null && tick <= this.judged && this.standings[replica]?.active.size === 0;
  }

  /** An operator asks for the first time. */
  noteAsked(client: Principal, sequence: number): void {
    this.log?.asked(client, sequence);
  }

  /** What the store of a device holds from now on; null: nothing any more. */
  noteKept(device: number, changes: readonly RecordChange[] | null): void {
    if (changes !== null) this.log?.kept(device, changes);
    else if (this.log?.emptied(device) === true) this.forgetLog();
  }

  /** A witness starts, and shows this nonce where it asks to be let in. */
  noteWitnessStart(device: number, nonce: Uint8Array): void {
    this.log?.started(device, nonce);
  }

  /** What becomes of the command log at a replica. */
  noteOrdered(replica: number, report: OrderReport): void {
    const { checkers, log } = this;
    if (log === null) return;
    switch (report.kind) {
      case 'started':
        log.started(replica, report.nonce);
        return;
      case 'chosen': {
        const { slot, entry, executes } = report;
        log.chosen(replica, slot, entry, executes);
        checkers.onSlotChosen(replica, slot, entry.kind === 'command' ? entry.request : null);
        if (this.witness !== null && entry.kind === 'command' && slot > this.witness.readTo)
          this.noteWanted(this.witness, slot, entry.request.value);
        return;
      }
      case 'installed':
        log.installed(replica, report.snapshot);
        return;
      case 'answered': {
        const { client, sequence, outcome } = report;
        if (outcome.kind !== 'chosen') return;
        log.answered(replica, client, sequence, outcome.slot);
        checkers.onToldChosen(replica, { client, sequence }, outcome.slot);
        return;
      }
      case 'status':
        return;
    }
  }

  noteVoterStart(actuator: number, bootNonce: Uint8Array): void {
    this.checkers.onVoterStarted(actuator, bootNonce, this.nowUs());
  }

  noteVoterStop(actuator: number): void {
    this.checkers.onVoterStopped(actuator, this.nowUs());
  }

  noteVoter(actuator: number, record: VoterRecord): void {
    const { checkers } = this;
    switch (record.kind) {
      case 'output':
        checkers.onOutput(actuator, this.placeNear(record.tick), record.count, record.atUs);
        break;
      case 'fail-safe':
        checkers.onFailSafe(actuator, record.cause, record.count, record.atUs);
        break;
      case 'armed':
        checkers.onArmed(actuator, this.placeNear(record.tick), record.atUs);
        break;
      default:
        break;
    }
  }

  /** Once a tick. `measure`: what each replica holds in memory, bytes; null where it is down. */
  turn(measure: () => readonly (number | null)[]): void {
    if (this.grid.originUs === null) return;
    const tick = this.tickNow();
    while (this.ends.length > 0) {
      const at = this.ends.findIndex((one) => one.tick <= tick);
      if (at < 0) break;
      const [end] = this.ends.splice(at, 1);
      if (end === undefined) break;
      this.activeOn(end.device).delete(end.spec);
      this.tell(end.device, tick);
    }
    this.followWitness(tick);
    const over = tick - SETTLE_TICKS;
    if (over <= this.judged) return;
    this.judged = over;
    this.checkers.onTickOver(over, this.nowUs());
    this.log?.turn(over);
    if (over % MEMORY_TICKS !== 0) return;
    measure().forEach((bytes, replica) => {
      if (bytes !== null) this.checkers.onMemory(replica, bytes);
    });
  }

  /** What the round clocks show at one moment. */
  noteClocks(shown: readonly (number | null)[]): void {
    if (this.grid.originUs !== null) this.checkers.onClocks(this.tickNow(), shown);
  }

  private nameApplied(
    applied: readonly AppliedRequest[],
  ): readonly { readonly client: string; readonly sequence: number; readonly slot: CheckedSlot }[] {
    return applied.map(({ client, sequence, slot }) => ({
      client: this.rig.operators[client] ?? '',
      sequence,
      slot: slot ?? 0,
    }));
  }

  private noteProposal(replica: number, message: RoundMessage): void {
    let value: Uint8Array | null = null;
    for (const item of message.items) {
      if (item.path.length > 0) continue;
      ({ value } = item);
      break;
    }
    if (value === null) return;
    this.proposed[replica] = message.tick;
    this.checkers.onProposed(replica, this.placeProposed(replica, message), value);
  }

  private wrapEvents(parts: MessengerParts): MessengerParts['events'] {
    const self = this.indices.get(parts.id);
    const actuator = this.rig.actuators.findIndex(({ id }) => id === parts.id);
    const { events } = parts;
    return {
      ...events,
      onMessage: (from, message, arrivedUs) => {
        const sender = this.indices.get(from);
        if (sender !== undefined && message.kind === 'command' && actuator >= 0)
          this.checkers.onCommand(actuator, sender, this.placeCommand(message.command));
        else if (sender !== undefined && self !== undefined && isPeerMessage(message))
          this.noteAccepted(sender, self, message);
        else if (sender === undefined && self !== undefined && message.kind === 'order')
          this.noteHeard(self, message.messages);
        events.onMessage(from, message, arrivedUs);
      },
    };
  }

  private wrapSends(self: number, messenger: Messenger): Messenger {
    return {
      start: () => messenger.start(),
      stop: () => messenger.stop(),
      send: (to, message) => {
        const receiver = this.indices.get(to);
        if (receiver !== undefined && isPeerMessage(message)) this.noteSent(self, receiver, message);
        else if (message.kind === 'order') this.log?.said(self, message.messages);
        return messenger.send(to, message);
      },
      prepare: (to, message) => messenger.prepare(to, message),
      sendPayload: (to, purpose, payload) => messenger.sendPayload(to, purpose, payload),
      isEstablished: (peer) => messenger.isEstablished(peer),
      renewKeys: (keys) => messenger.renewKeys(keys),
      countRefused: (from, cause) => messenger.countRefused(from, cause),
      readRefused: () => messenger.readRefused(),
    };
  }

  private tell(replica: number, tick: Tick): void {
    const standing = this.standings[replica];
    if (standing === undefined) {
      this.followWitness(tick);
      return;
    }
    const kinds = [...standing.active.values()];
    const kind = WORST_FIRST.find((one) => kinds.includes(one)) ?? null;
    if (kind === standing.told) return;
    standing.told = kind;
    this.checkers.onFaulty(replica, tick, kind);
  }

  /** A witness whose fault is over takes part again when all replicas without one have heard that it votes. */
  private followWitness(tick: Tick): void {
    const { witness } = this;
    if (witness === null) return;
    const isHeard = this.standings.every(
      ({ active }, replica) => active.size > 0 || (witness.heardBy & (1 << replica)) !== 0,
    );
    if (witness.active.size > 0) witness.heardBy = 0;
    const is = witness.active.size > 0 ? 'faulty' : isHeard ? null : 'away';
    if (is === witness.told) return;
    witness.told = is;
    this.checkers.onWitness(tick, is);
  }

  /** A command is chosen: it may take a replica out of the operational quorum, if that leaves anybody, or let it in again. */
  private noteWanted(witness: WitnessStanding, slot: CheckedSlot, value: Uint8Array): void {
    const { commands, replicas } = this.rig;
    witness.readTo = slot;
    const content = decodeContent(value);
    const effect = commands.find(({ id }) => id === content?.command)?.effect;
    const replica = replicas.findIndex(({ id }) => id === content?.values[0]);
    if (replica < 0 || (effect !== 'retire' && effect !== 'admit')) return;
    const bit = 1 << replica;
    const retired = effect === 'retire' ? witness.retired | bit : witness.retired & ~bit;
    if (retired === witness.retired || retired === (1 << replicas.length) - 1) return;
    witness.retired = retired;
    this.checkers.onRetired(replica, this.tickNow(), effect === 'retire');
  }

  /** What operators wanted is forgotten too. */
  private forgetLog(): void {
    this.checkers.onLogForgotten(this.tickNow());
    const { witness } = this;
    if (witness === null) return;
    for (let replica = 0; replica < this.rig.replicas.length; replica += 1)
      if ((witness.retired & (1 << replica)) !== 0) this.checkers.onRetired(replica, this.tickNow(), false);
    witness.retired = 0;
    witness.readTo = 0;
  }

  private noteHeard(replica: number, messages: readonly PaxosMessage[]): void {
    if (this.witness !== null && messages.some(({ incarnation }) => incarnation > 0))
      this.witness.heardBy |= 1 << replica;
  }

  /** Commands for a tick come before anybody tells that it was agreed on; who is correct speaks in shared ticks only. */
  private placeProposed(
    replica: number,
    { tick, run }: { readonly tick: Tick; readonly run: Uint8Array },
  ): Tick {
    const name = this.nameRun(replica, run);
    return this.standings[replica]?.active.size === 0
      ? this.line.placeShared(replica, tick, name, this.nowUs())
      : this.line.place(replica, tick);
  }

  /** The name of the run that the replica speaks in, or where it does not speak now, last spoke in. */
  private nameRun(replica: number, run: Uint8Array | null): string | null {
    const known = this.runs[replica];
    if (known === undefined) return null;
    if (run !== null && run !== known.bytes) {
      known.bytes = run;
      known.name = run.some((byte) => byte !== 0) ? run.join() : null;
    }
    return known.name;
  }

  /** Where the voter's own ticks lie: what becomes of a command has to be held against it, whatever run its sender was last known to be in. */
  private placeCommand(command: ActuatorCommand): ActuatorCommand {
    if (this.line.isPlain) return command;
    const { tick, arm } = command;
    return {
      ...command,
      tick: this.placeNear(tick),
      arm: arm === null ? null : { ...arm, firstTick: this.placeNear(arm.firstTick) },
    };
  }

  private placeNear(tick: Tick): Tick {
    return this.line.isPlain ? tick : this.line.placeNear(tick, this.nowUs());
  }

  private tickNow(): Tick {
    return this.grid.tickAt(this.nowUs()) ?? 0;
  }

  /** Equal content, equal key. Messages never change. */
  private keyOf(message: PeerMessage): number {
    const { keyed, keys } = this;
    for (let back = 0; back < REMEMBERED_KEYS; back += 1) {
      const at = (this.newestKey - back) & (REMEMBERED_KEYS - 1);
      if (keyed[at] === message) return keys[at] as number;
    }
    return this.rememberKey(message);
  }

  private rememberKey(message: PeerMessage): number {
    const { keyed, keys } = this;
    const key = hashMessage(message, this.wire === 'full');
    this.newestKey = (this.newestKey + 1) & (REMEMBERED_KEYS - 1);
    keyed[this.newestKey] = message;
    keys[this.newestKey] = key;
    return key;
  }

  private noteSent(from: number, to: number, message: PeerMessage): void {
    const last = this.lastSent[from];
    if (last === undefined) return;
    if (last.message !== message) {
      last.message = message;
      last.key = this.rememberKey(message);
    }
    const { key } = last;
    const tick = message.kind === 'round' ? this.line.place(from, message.tick) : this.tickNow();
    this.checkers.onSent(from, to, key, tick);
    if (message.kind === 'round') return;
    const name = `${from}>${to} ${key}`;
    const before = this.stateSends.get(name)?.at(-1);
    this.stateSends.set(name, before === undefined ? [tick] : [before, tick]);
    if (this.stateSends.size <= MAX_STATE_SENDS) return;
    for (const oldest of this.stateSends.keys()) {
      this.stateSends.delete(oldest);
      return;
    }
  }

  /** Messages about states name no tick: they belong to the one in which they were sent. */
  private noteAccepted(from: number, to: number, message: PeerMessage): void {
    // What was decoded is another object than what was sent.
    const key = this.wire === 'full' ? hashMessage(message, true) : this.keyOf(message);
    const tick =
      message.kind === 'round' ? this.line.place(from, message.tick) : this.takeSent(`${from}>${to} ${key}`);
    this.checkers.onAccepted(from, to, key, tick);
  }

  /** What is the same twice comes in the order in which it was sent. */
  private takeSent(name: string): Tick {
    const [tick, ...later] = this.stateSends.get(name) ?? [];
    if (later.length > 0) this.stateSends.set(name, later);
    else this.stateSends.delete(name);
    return tick ?? this.tickNow();
  }
}

/** What the skew of correct round clocks keeps to on this network, but for delays that one message in fifty exceeds. */
function boundSkew(rig: Rig, network: NetworkModel): number {
  const models = [network.default, ...Object.values(network.links ?? {})];
  const maxFaulty = rig.hypothesis.kind === 'none' ? 1 : rig.hypothesis.f;
  const method = usesSignedStarts({ n: rig.replicas.length, maxFaulty, hypothesis: rig.hypothesis })
    ? 'signed-starts'
    : 'midpoint';
  return boundSkewUs({
    shortestDelayUs: Math.min(...models.map(({ delayUs }) => delayUs)),
    longestDelayUs: Math.max(...models.map(({ delayUs, jitterUs }) => delayUs + 4 * jitterUs)),
    driftPpm: MAX_DRIFT_PPM,
    horizonUs: slewHorizonUs(method, rig.periodUs),
    method,
  });
}

function kindOf(spec: string, { witness }: Pick<Rig, 'witness'>): FaultKind {
  if (isLie(readFaultName(spec))) return 'lies';
  const parsed = parseFault(spec);
  const isLingering = parsed.ok && parsed.spec.kind === 'inject' && lingers(parsed.spec);
  return witness !== null && isLingering ? 'lingers' : 'omits';
}

function readOrder(command: ActuatorCommand | null): Order {
  if (command === null || command.order.kind === 'none') return null;
  return command.order.kind === 'trip' ? 'trip' : command.order.count;
}

/** Two running hashes of 32 bits, of whatever is being hashed: there is one at a time. */
let high = 0;
let low = 0;

function add(value: number): void {
  high = Math.imul(high ^ value, 0x01000193);
  low = Math.imul(low + value, 0x85ebca6b) ^ (high >>> 13);
}

function addBytes(bytes: Uint8Array, thorough: boolean): void {
  const { length } = bytes;
  add(length);
  if (!thorough) {
    const stride = 1 + (length >> 3);
    for (let at = length - 1; at >= 0; at -= stride) add(bytes[at] as number);
    return;
  }
  let at = 0;
  for (; at + 4 <= length; at += 4)
    add(
      (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24),
    );
  for (; at < length; at += 1) add(bytes[at] as number);
}

function addStamp({ lagUs, heldUs }: Stamp): void {
  add(lagUs);
  for (const one of heldUs) add(one ?? -1);
}

/** Content as a number of 53 bits: equal content, equal number. Signatures are left out: they are added on the way. */
function hashMessage(message: PeerMessage, thorough: boolean): number {
  high = 0x811c9dc5 | 0;
  low = 0x9e3779b9 | 0;
  switch (message.kind) {
    case 'round':
      add(1);
      add(message.tick);
      add(message.round);
      addBytes(message.run, thorough);
      for (const { path, value } of message.items) {
        // Signed messages carry no absent values.
        if (value === null) continue;
        for (const id of path) add(id);
        add(-1);
        addBytes(value, thorough);
      }
      if (message.stamp !== undefined) addStamp(message.stamp);
      break;
    case 'state-request':
      add(2);
      add(message.offset);
      addBytes(message.digest, thorough);
      break;
    case 'state-reply':
      add(3);
      add(message.length);
      add(message.offset);
      addBytes(message.digest, thorough);
      addBytes(message.piece, thorough);
      break;
    case 'join':
      add(4);
      add(message.tick);
      add(message.ready ? 1 : 0);
      addStamp(message.stamp);
      break;
    case 'content-request':
      add(7);
      addBytes(message.digest, thorough);
      break;
    case 'content-reply':
      add(8);
      addBytes(message.content, thorough);
      break;
    case 'start':
      add(message.step === 'echo' ? 6 : 5);
      break;
  }
  return (high & 0x1fffff) * 0x100000000 + (low >>> 0);
}
