/**
 * One replica: agreement, fusion, control law and commands behind a single `step` (protocol.md §3, §4). It knows no
 * socket, timer or file; time and messages come in as inputs, and what has to happen goes out as effects, to be
 * carried out in order before the next input.
 *
 * A tick, in the order in which it happens here: `beginTick` → `onSampled` → rounds in the exchange → `onAgreed` →
 * `stepLaw` → commands.
 *
 * How a replica gets and keeps the state that all others hold: every entry of the vector names the tick and the digest
 * of its sender's state. So the vector itself says which state the rig goes on from (`findBase`: the largest group of
 * equal ones), and everyone who holds another one fetches that state by its digest from anyone, checks it and goes on.
 * A replica that starts, one that overslept and one that diverged are the same case. A tick that nobody decided is
 * skipped by all alike, because the base that the next vector names is older.
 *
 * It must never throw for anything that a peer sends, and never command on a state that is not the agreed one.
 */
import type { Algorithm } from './agreement/algorithm.js';
import {
  Exchange,
  tickAt,
  tickStartUs,
  type ExchangeTiming,
  type OverrunCause,
  type Progress,
} from './agreement/exchange.js';
import { deriveQuorums, selectAlgorithm, type Quorums } from './agreement/hypothesis.js';
import { assert } from './assert.js';
import { sameBytes, toHex } from './bytes.js';
import { Health, type Evidence } from './membership/health.js';
import type { ReplicatedState, SensorMemory } from './replicated-state.js';
import type {
  ActuatorCommand,
  ActuatorStatus,
  Arming,
  Entry,
  FusedReading,
  Hypothesis,
  PeerMessage,
  Reading,
  ReplicaIndex,
  Round,
  RoundMessage,
  Standing,
  Tick,
  Vector,
} from './types.js';
import { fuse, type FusionRule } from './voting/fusion.js';

/** What the control law gave for one tick. */
export type LawOutcome =
  | { readonly ok: true; readonly state: Uint8Array; readonly counts: readonly (number | null)[] }
  | { readonly ok: false; readonly reason: string };

export interface SensorRule extends FusionRule {
  readonly required: boolean;
  /** How long a required sensor may be lost before the actuators are tripped. */
  readonly holdUs: number;
}

export interface ActuatorRule {
  readonly rearm: 'auto' | 'operator';
}

export interface ReplicaConfig extends ExchangeTiming {
  readonly n: number;
  readonly self: ReplicaIndex;
  readonly hypothesis: Hypothesis;
  readonly sensors: readonly SensorRule[];
  readonly actuators: readonly ActuatorRule[];
  /** Ticks without progress after which a replica gives its place in the run up and listens anew. */
  readonly patienceTicks: number;
  /** Fresh for every start of the process, 16 bytes. */
  readonly nonce: Uint8Array;
  readonly initialLawState: Uint8Array;
  // The pure functions that read and write opaque values. None may throw.
  readonly encodeEntry: (entry: Entry) => Uint8Array;
  readonly decodeEntry: (value: Uint8Array) => Entry | null;
  readonly encodeState: (state: ReplicatedState) => Uint8Array;
  readonly decodeState: (bytes: Uint8Array) => ReplicatedState | null;
  /** 16 bytes. */
  readonly digest: (bytes: Uint8Array) => Uint8Array;
  /** `tick` counts from the start of the run. */
  readonly law: (state: Uint8Array, readings: readonly FusedReading[], tick: Tick) => LawOutcome;
}

export type Input =
  | { readonly kind: 'time'; readonly nowUs: number }
  /** Answer to the effect `sample`. */
  | {
      readonly kind: 'sampled';
      readonly tick: Tick;
      readonly nowUs: number;
      readonly readings: readonly Reading[];
      readonly actuators: readonly (ActuatorStatus | null)[];
    }
  /** An authenticated message. `arrivedUs`: when its bytes were read. */
  | {
      readonly kind: 'received';
      readonly from: ReplicaIndex;
      readonly message: PeerMessage;
      readonly arrivedUs: number;
    }
  /** Sessions with all peers stand; the replica may take part in a cold start. */
  | { readonly kind: 'linked' }
  /** What the wire noticed of a peer. */
  | { readonly kind: 'noticed'; readonly peer: ReplicaIndex; readonly evidence: Evidence };

/** Where a replica stands; `waiting` and `running` speak, the others are silent. */
export type Mode = 'listening' | 'waiting' | 'joining' | 'running';

export type Effect =
  /** A tick begins; `startTick` is the first one of the run, null outside one. */
  | {
      readonly kind: 'begin';
      readonly tick: Tick;
      readonly startTick: Tick | null;
      readonly latenessUs: number;
    }
  | { readonly kind: 'sample'; readonly tick: Tick }
  | { readonly kind: 'send'; readonly to: ReplicaIndex; readonly message: PeerMessage }
  /** One command per actuator, in the rig's order; null where there is nothing to say. */
  | { readonly kind: 'command'; readonly tick: Tick; readonly commands: readonly (ActuatorCommand | null)[] }
  | { readonly kind: 'report'; readonly report: Report };

export type Report =
  | { readonly kind: 'mode'; readonly tick: Tick; readonly mode: Mode }
  | { readonly kind: 'started'; readonly tick: Tick; readonly run: Uint8Array }
  | { readonly kind: 'adopted'; readonly tick: Tick; readonly stateTick: Tick }
  | {
      readonly kind: 'agreed';
      readonly tick: Tick;
      readonly vector: Vector;
      readonly entries: readonly (Entry | null)[];
      readonly atUs: number;
    }
  | {
      readonly kind: 'stepped';
      readonly tick: Tick;
      readonly startTick: Tick;
      /** Digest of the state after the tick. Worked out at the first call. */
      readonly readStateDigest: () => Uint8Array;
      readonly readings: readonly FusedReading[];
      readonly commands: readonly (ActuatorCommand | null)[];
      readonly suspects: readonly ReplicaIndex[];
      readonly atUs: number;
    }
  | {
      readonly kind: 'not-stepped';
      readonly tick: Tick;
      readonly cause: 'short-vector' | 'no-base' | 'behind';
    }
  | {
      readonly kind: 'overrun';
      readonly tick: Tick;
      readonly cause: OverrunCause;
      readonly latenessUs: number;
    }
  | { readonly kind: 'absent'; readonly tick: Tick; readonly round: Round; readonly peer: ReplicaIndex }
  | { readonly kind: 'late'; readonly tick: Tick; readonly round: Round; readonly peer: ReplicaIndex }
  | { readonly kind: 'equivocation'; readonly tick: Tick; readonly round: Round; readonly peer: ReplicaIndex }
  | { readonly kind: 'dropped'; readonly peer: ReplicaIndex; readonly cause: string }
  | { readonly kind: 'law-failed'; readonly tick: Tick; readonly reason: string };

/** One transition: effects in the order in which they must be carried out. */
export interface Transition {
  readonly state: ReplicaState;
  readonly effects: readonly Effect[];
}

/** States kept for peers that ask. */
const HISTORY = 8;
/** Ticks of silence after which a starting replica believes that no run is under way. */
const LISTEN_TICKS = 3;
export const NO_RUN: Uint8Array = new Uint8Array(16);

/**
 * A state with its encoded form and digest. These are worked out when they are first asked for: after the commands of
 * the tick have left.
 */
class Snapshot {
  private encoded: Uint8Array | null = null;
  private digested: Uint8Array | null = null;

  constructor(
    private readonly config: ReplicaConfig,
    readonly state: ReplicatedState,
  ) {}

  get bytes(): Uint8Array {
    this.encoded ??= this.config.encodeState(this.state);
    return this.encoded;
  }

  get digest(): Uint8Array {
    this.digested ??= this.config.digest(this.bytes);
    return this.digested;
  }
}

interface Base {
  readonly tick: Tick;
  readonly digest: Uint8Array;
  readonly holders: readonly ReplicaIndex[];
}

/**
 * A vector that waits for the state it is to be stepped from. The state may come in the next tick, as long as the next
 * vector has not been agreed on: a tick that lost its deadlines to a silent replica leaves little time to ask.
 */
interface Wanted {
  readonly base: Base;
  readonly tick: Tick;
  readonly entries: readonly (Entry | null)[];
}

/** Mutable inside, opaque outside: made by `createReplica`, changed by `step` alone. */
export class ReplicaState {
  mode: Mode = 'listening';
  /** Tick at which `mode` was entered. */
  modeSince: Tick = -1;
  run: Uint8Array = NO_RUN;
  snapshot: Snapshot | null = null;
  readonly history: Snapshot[] = [];
  wanted: Wanted | null = null;
  linked = false;
  /** Last tick in which this replica was itself the faulty one, or that it never began. */
  overrunTick: Tick = -1;
  /** The last tick with a vector. */
  decidedTick: Tick = -1;
  /** The tick whose sample is awaited. */
  sampling: Tick | null = null;
  /** Last run that each peer has shown, and when. */
  readonly heardRuns: ({ readonly run: Uint8Array; readonly tick: Tick } | null)[];
  /** Last tick in which each peer was given a state: one answer a tick is enough for anyone. */
  readonly answeredTick: Tick[];
  readonly algorithm: Algorithm;
  readonly quorums: Quorums;
  readonly exchange: Exchange;
  readonly health: Health;

  constructor(config: ReplicaConfig) {
    this.algorithm = selectAlgorithm(config.hypothesis, config.n);
    this.quorums = deriveQuorums(config.hypothesis, config.n);
    this.exchange = new Exchange(this.algorithm, config, config.n, config.self, this.quorums.maxFaulty);
    this.health = new Health(config.n, config.self, this.quorums.maxFaulty);
    this.heardRuns = new Array<null>(config.n).fill(null);
    this.answeredTick = new Array<Tick>(config.n).fill(-1);
  }
}

/** A replica that has just started and has heard nothing yet. */
export function createReplica(config: ReplicaConfig): ReplicaState {
  assert(config.self >= 0 && config.self < config.n, 'a replica is one of n');
  return new ReplicaState(config);
}

/** When `time` is due next. */
export function nextWakeUs(config: ReplicaConfig, state: ReplicaState): number {
  const nextTickUs = tickStartUs(config, (state.sampling ?? state.exchange.tick) + 1);
  const deadlineUs = state.exchange.nextDeadlineUs();
  return deadlineUs === null ? nextTickUs : Math.min(deadlineUs, nextTickUs);
}

/** One step. `state` is changed in place and returned. Total: no input of a peer makes it throw. */
export function step(config: ReplicaConfig, state: ReplicaState, input: Input): Transition {
  const effects: Effect[] = [];
  switch (input.kind) {
    case 'time':
      onTime(config, state, input.nowUs, effects);
      break;
    case 'sampled':
      onSampled(config, state, input.tick, input.nowUs, input.readings, input.actuators, effects);
      break;
    case 'received':
      onReceived(config, state, input.from, input.message, input.arrivedUs, effects);
      break;
    case 'linked':
      state.linked = true;
      break;
    case 'noticed':
      state.health.note(input.peer, input.evidence);
      break;
  }
  return { state, effects };
}

function onTime(config: ReplicaConfig, state: ReplicaState, nowUs: number, effects: Effect[]): void {
  proceed(config, state, nowUs, effects);
  const tick = tickAt(config, nowUs);
  if (tick > state.exchange.tick && state.sampling !== tick) beginTick(config, state, tick, nowUs, effects);
}

function beginTick(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  nowUs: number,
  effects: Effect[],
): void {
  const { exchange } = state;
  state.sampling = null;
  state.health.advanceTo(tick);
  if (exchange.tick >= 0 && tick > exchange.tick + 1) state.overrunTick = tick - 1;
  chooseMode(config, state, tick, effects);
  const latenessUs = nowUs - tickStartUs(config, tick);
  effects.push({ kind: 'begin', tick, startTick: state.snapshot?.state.startTick ?? null, latenessUs });
  if (latenessUs > config.roundUs) {
    exchange.abandon(tick);
    state.overrunTick = tick;
    report(effects, { kind: 'overrun', tick, cause: 'overslept', latenessUs });
    return;
  }
  if (speaks(state)) {
    state.sampling = tick;
    effects.push({ kind: 'sample', tick });
  } else {
    follow(config, state, exchange.begin(tick, null), nowUs, effects);
  }
}

function onSampled(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  nowUs: number,
  readings: readonly Reading[],
  actuators: readonly (ActuatorStatus | null)[],
  effects: Effect[],
): void {
  if (state.sampling !== tick) return;
  state.sampling = null;
  const entry: Entry = { standing: standingOf(config, state, tick), readings, actuators };
  follow(config, state, state.exchange.begin(tick, config.encodeEntry(entry)), nowUs, effects);
}

function standingOf(config: ReplicaConfig, state: ReplicaState, tick: Tick): Standing {
  if (state.mode === 'running' && state.snapshot !== null) {
    return { kind: 'running', stateTick: state.snapshot.state.tick, stateDigest: state.snapshot.digest };
  }
  return { kind: 'waiting', nonce: config.nonce, waitedTicks: tick - state.modeSince };
}

function onReceived(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicaIndex,
  message: PeerMessage,
  arrivedUs: number,
  effects: Effect[],
): void {
  switch (message.kind) {
    case 'round':
      onRoundMessage(config, state, from, message, arrivedUs, effects);
      break;
    case 'state-request':
      onStateRequest(state, from, message.digest, effects);
      break;
    case 'state-reply':
      onStateReply(config, state, from, message.state, arrivedUs, effects);
      break;
  }
}

function onRoundMessage(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicaIndex,
  message: RoundMessage,
  arrivedUs: number,
  effects: Effect[],
): void {
  const { tick, round } = message;
  state.heardRuns[from] = { run: message.run, tick };
  if (!sameBytes(message.run, state.run)) return;
  const arrival = state.exchange.hold(from, message, arrivedUs);
  switch (arrival) {
    case 'held':
      if (state.exchange.isReady(arrivedUs)) proceed(config, state, arrivedUs, effects);
      break;
    case 'late':
      // What this replica was too late to read says nothing of the sender.
      if (tick > state.overrunTick && tick <= state.exchange.tick) state.health.note(from, 'late');
      report(effects, { kind: 'late', tick, round, peer: from });
      break;
    case 'equivocation':
      state.health.note(from, 'equivocating');
      report(effects, { kind: 'equivocation', tick, round, peer: from });
      break;
    default:
      report(effects, { kind: 'dropped', peer: from, cause: arrival });
  }
}

/** Closes rounds as far as they go, sends what the next ones need, and acts on the outcome. */
function proceed(config: ReplicaConfig, state: ReplicaState, nowUs: number, effects: Effect[]): void {
  while (state.exchange.isReady(nowUs)) follow(config, state, state.exchange.advance(nowUs), nowUs, effects);
}

function follow(
  config: ReplicaConfig,
  state: ReplicaState,
  progress: Progress,
  nowUs: number,
  effects: Effect[],
): void {
  const { exchange, health } = state;
  const { tick } = exchange;
  for (const { round, peer } of progress.absent) {
    health.note(peer, 'absent');
    report(effects, { kind: 'absent', tick, round, peer });
  }
  for (const { sender, cause } of progress.drops) {
    health.note(sender, 'malformed');
    report(effects, { kind: 'dropped', peer: sender, cause });
  }
  const outcome = exchange.result;
  if (outcome.kind === 'pending') {
    for (const round of progress.begun) sendRound(config, state, round, effects);
    if (exchange.isReady(nowUs)) proceed(config, state, nowUs, effects);
    return;
  }
  if (outcome.kind === 'none') {
    state.overrunTick = tick;
    health.withdrawSlowness();
    const latenessUs = nowUs - tickStartUs(config, tick);
    report(effects, { kind: 'overrun', tick, cause: outcome.cause, latenessUs });
    return;
  }
  health.noteContradictions(outcome.contradictions);
  // The last round may still be open for its account when it has decided.
  if (state.decidedTick === tick) return;
  state.decidedTick = tick;
  onAgreed(config, state, tick, outcome.vector, nowUs, effects);
}

function sendRound(config: ReplicaConfig, state: ReplicaState, round: Round, effects: Effect[]): void {
  if (!speaks(state)) return;
  const { exchange, run } = state;
  let shared: RoundMessage | null = null;
  for (let to = 0; to < config.n; to += 1) {
    if (to === config.self) continue;
    // Round 1 says the same to everybody: one object, so that it is encoded once.
    const message: RoundMessage = shared ?? {
      kind: 'round',
      tick: exchange.tick,
      round,
      run,
      items: exchange.relay(round, to),
    };
    if (round === 1) shared = message;
    effects.push({ kind: 'send', to, message });
  }
}

function onAgreed(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  vector: Vector,
  nowUs: number,
  effects: Effect[],
): void {
  const entries = vector.map((value) => (value === null ? null : config.decodeEntry(value)));
  report(effects, { kind: 'agreed', tick, vector, entries, atUs: nowUs });
  const present = entries.filter((entry) => entry !== null).length;
  if (present < state.quorums.minPresent) {
    report(effects, { kind: 'not-stepped', tick, cause: 'short-vector' });
    return;
  }
  const base = findBase(entries, tick, state.quorums.testimony);
  if (base === null) {
    if (!startRun(config, state, tick, entries, effects))
      report(effects, { kind: 'not-stepped', tick, cause: 'no-base' });
    return;
  }
  noteDissent(state, entries, base);
  state.wanted = null;
  const holdsBase = state.snapshot !== null && sameBytes(state.snapshot.digest, base.digest);
  if (state.snapshot !== null && (holdsBase || !state.quorums.agrees)) {
    stepLaw(config, state, state.snapshot.state, tick, entries, nowUs, effects);
    return;
  }
  report(effects, { kind: 'not-stepped', tick, cause: 'behind' });
  state.wanted = { base, tick, entries };
  for (const to of base.holders) {
    if (to !== config.self)
      effects.push({ kind: 'send', to, message: { kind: 'state-request', digest: base.digest } });
  }
}

/**
 * The state that the rig goes on from: the (tick, digest) that most entries name, at least `testimony` of them, so
 * that a correct replica holds it; ties go to the group with the lowest id. Null where there is none.
 */
function findBase(entries: readonly (Entry | null)[], tick: Tick, testimony: number): Base | null {
  const groups: { tick: Tick; digest: Uint8Array; holders: ReplicaIndex[] }[] = [];
  entries.forEach((entry, from) => {
    if (entry?.standing.kind !== 'running' || entry.standing.stateTick >= tick) return;
    const { stateTick, stateDigest } = entry.standing;
    const group = groups.find((one) => one.tick === stateTick && sameBytes(one.digest, stateDigest));
    if (group === undefined) groups.push({ tick: stateTick, digest: stateDigest, holders: [from] });
    else group.holders.push(from);
  });
  let best: Base | null = null;
  for (const group of groups) {
    if (group.holders.length >= testimony && (best === null || group.holders.length > best.holders.length))
      best = group;
  }
  return best;
}

/** Names those whose state has the same tick as the base and another digest. Being behind is no dissent. */
function noteDissent(state: ReplicaState, entries: readonly (Entry | null)[], base: Base): void {
  entries.forEach((entry, from) => {
    if (entry?.standing.kind !== 'running' || entry.standing.stateTick !== base.tick) return;
    if (!sameBytes(entry.standing.stateDigest, base.digest)) state.health.note(from, 'dissenting');
  });
}

/**
 * Cold start, decided from the agreed vector alone and so alike everywhere: all n wait, or n−f have waited as long
 * as patience lasts.
 */
function startRun(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  entries: readonly (Entry | null)[],
  effects: Effect[],
): boolean {
  if (state.mode === 'running') return false;
  const waiting = entries.flatMap((entry) => (entry?.standing.kind === 'waiting' ? [entry.standing] : []));
  const patient = waiting.filter((standing) => standing.waitedTicks >= config.patienceTicks);
  if (waiting.length < config.n && patient.length < state.quorums.minPresent) return false;
  const nonces = waiting.map((standing) => toHex(standing.nonce)).sort();
  const run = config.digest(
    new Uint8Array([...`${tick}:${nonces.join(',')}`].map((character) => character.charCodeAt(0))),
  );
  const sensors: readonly SensorMemory[] = config.sensors.map(() => ({ held: null, lostSince: null }));
  state.wanted = null;
  keep(config, state, { tick, run, startTick: tick + 1, law: config.initialLawState, sensors });
  enterMode(state, 'running', tick, effects);
  report(effects, { kind: 'started', tick, run });
  return true;
}

function onStateRequest(
  state: ReplicaState,
  from: ReplicaIndex,
  digest: Uint8Array,
  effects: Effect[],
): void {
  const snapshot = state.history.find((one) => sameBytes(one.digest, digest));
  const { tick } = state.exchange;
  if (snapshot === undefined || state.answeredTick[from] === tick) return;
  state.answeredTick[from] = tick;
  effects.push({ kind: 'send', to: from, message: { kind: 'state-reply', state: snapshot.bytes } });
}

function onStateReply(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicaIndex,
  bytes: Uint8Array,
  nowUs: number,
  effects: Effect[],
): void {
  const { wanted } = state;
  if (wanted === null) return;
  const adopted = sameBytes(config.digest(bytes), wanted.base.digest) ? config.decodeState(bytes) : null;
  if (adopted === null || adopted.tick !== wanted.base.tick) {
    report(effects, { kind: 'dropped', peer: from, cause: 'wrong-state' });
    return;
  }
  state.wanted = null;
  keep(config, state, adopted);
  report(effects, { kind: 'adopted', tick: wanted.tick, stateTick: adopted.tick });
  stepLaw(config, state, adopted, wanted.tick, wanted.entries, nowUs, effects);
}

function stepLaw(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicatedState,
  tick: Tick,
  entries: readonly (Entry | null)[],
  nowUs: number,
  effects: Effect[],
): void {
  const readings: FusedReading[] = [];
  const sensors: SensorMemory[] = [];
  let tripped = false;
  let complete = true;
  config.sensors.forEach((rule, at) => {
    const channels = entries.map((entry) => entry?.readings[at] ?? null);
    const fused = fuse(rule, channels, state.quorums.maxFaulty);
    for (const outlier of fused.outliers) state.health.note(outlier, 'dissenting');
    const before = from.sensors[at] as SensorMemory;
    const lost = fused.quality === 'lost';
    const memory: SensorMemory = lost
      ? { held: before.held, lostSince: before.lostSince ?? tick }
      : { held: fused.value, lostSince: null };
    sensors.push(memory);
    readings.push({ value: memory.held, quality: fused.quality });
    if (!rule.required) return;
    if (memory.held === null) complete = false;
    if (memory.lostSince !== null && (tick - memory.lostSince) * config.periodUs > rule.holdUs)
      tripped = true;
  });
  let law = from.law;
  let counts: readonly (number | null)[] = config.actuators.map(() => null);
  if (complete && !tripped) {
    const outcome = config.law(from.law, readings, tick - from.startTick);
    if (outcome.ok) {
      law = outcome.state;
      counts = outcome.counts;
    } else {
      report(effects, { kind: 'law-failed', tick, reason: outcome.reason });
    }
  }
  const snapshot = keep(config, state, { tick, run: from.run, startTick: from.startTick, law, sensors });
  const commands = config.actuators.map((rule, at): ActuatorCommand | null => {
    if (tripped) return { tick, order: { kind: 'trip' }, arm: null };
    const count = counts[at] ?? null;
    if (count === null) return null;
    return {
      tick,
      order: { kind: 'output', count },
      arm: findArming(entries, at, rule, tick, state.quorums.testimony),
    };
  });
  // Late is absent, never wrong: a command of a tick that is over stays here, and so does that of a replica that
  // has not yet taken its place in the run.
  if (
    state.mode === 'running' &&
    nowUs < tickStartUs(config, tick + 1) &&
    commands.some((command) => command !== null)
  ) {
    effects.push({ kind: 'command', tick, commands });
  }
  const suspects = state.health.suspects();
  report(effects, {
    kind: 'stepped',
    tick,
    startTick: from.startTick,
    readStateDigest: () => snapshot.digest,
    readings,
    commands,
    suspects,
    atUs: nowUs,
  });
}

/**
 * Arming is due when enough agreed entries say that this boot of the voter waits in fail-safe: at its start always,
 * after a trip only where the rig lets replicas re-arm on their own.
 */
function findArming(
  entries: readonly (Entry | null)[],
  at: number,
  rule: ActuatorRule,
  tick: Tick,
  testimony: number,
): Arming | null {
  const statuses = entries.flatMap((entry) => entry?.actuators[at] ?? []);
  for (const status of statuses) {
    if (status.phase !== 'fail-safe' || (status.trips > 0 && rule.rearm !== 'auto')) continue;
    const equal = statuses.filter(
      (other) =>
        other.phase === 'fail-safe' &&
        other.trips === status.trips &&
        sameBytes(other.bootNonce, status.bootNonce),
    );
    if (equal.length >= testimony)
      return { bootNonce: status.bootNonce, trips: status.trips, firstTick: tick };
  }
  return null;
}

/** Makes a state the own one and keeps it for peers that ask. */
function keep(config: ReplicaConfig, state: ReplicaState, next: ReplicatedState): Snapshot {
  state.snapshot = new Snapshot(config, next);
  changeRun(state, next.run);
  state.history.push(state.snapshot);
  if (state.history.length > HISTORY) state.history.shift();
  return state.snapshot;
}

/** Moves between listening, waiting, joining and running, at the start of a tick. */
function chooseMode(config: ReplicaConfig, state: ReplicaState, tick: Tick, effects: Effect[]): void {
  const ticksInMode = tick - state.modeSince;
  const run = findForeignRun(config, state, tick);
  const current = state.snapshot !== null && state.snapshot.state.tick >= tick - 2;
  switch (state.mode) {
    case 'listening':
      if (state.modeSince < 0) state.modeSince = tick;
      else if (run !== null) join(state, run, tick, effects);
      else if (ticksInMode >= LISTEN_TICKS && (state.linked || ticksInMode >= config.patienceTicks)) {
        enterMode(state, 'waiting', tick, effects);
      }
      break;
    case 'waiting':
      if (run !== null) join(state, run, tick, effects);
      break;
    case 'joining':
      if (current && state.snapshot?.state.tick === tick - 1) enterMode(state, 'running', tick, effects);
      else if (ticksInMode > config.patienceTicks) listenAnew(state, tick, effects);
      // The run that it wanted to join is no more.
      else if (ticksInMode > LISTEN_TICKS && !isShown(config, state, state.run, tick))
        listenAnew(state, tick, effects);
      break;
    case 'running':
      if (current) break;
      if (run !== null) join(state, run, tick, effects);
      else if (tick - Math.max(state.modeSince, state.snapshot?.state.tick ?? -1) > config.patienceTicks) {
        listenAnew(state, tick, effects);
      }
      break;
  }
}

/** A run, not the own one, that enough peers have shown within the last two ticks. */
function findForeignRun(config: ReplicaConfig, state: ReplicaState, tick: Tick): Uint8Array | null {
  for (const heard of state.heardRuns) {
    if (
      heard === null ||
      heard.tick < tick - 2 ||
      sameBytes(heard.run, NO_RUN) ||
      sameBytes(heard.run, state.run)
    )
      continue;
    if (isShown(config, state, heard.run, tick)) return heard.run;
  }
  return null;
}

/** Whether enough peers have shown this run within the last two ticks. */
function isShown(config: ReplicaConfig, state: ReplicaState, run: Uint8Array, tick: Tick): boolean {
  const witnesses = state.heardRuns.filter(
    (heard) => heard !== null && heard.tick >= tick - 2 && sameBytes(heard.run, run),
  );
  return witnesses.length >= Math.min(state.quorums.testimony, config.n - 1);
}

function join(state: ReplicaState, run: Uint8Array, tick: Tick, effects: Effect[]): void {
  state.snapshot = null;
  state.wanted = null;
  changeRun(state, run);
  enterMode(state, 'joining', tick, effects);
}

function listenAnew(state: ReplicaState, tick: Tick, effects: Effect[]): void {
  state.snapshot = null;
  state.wanted = null;
  changeRun(state, NO_RUN);
  enterMode(state, 'listening', tick, effects);
}

function changeRun(state: ReplicaState, run: Uint8Array): void {
  if (!sameBytes(state.run, run)) state.exchange.forgetEarly();
  state.run = run;
}

function enterMode(state: ReplicaState, mode: Mode, tick: Tick, effects: Effect[]): void {
  state.mode = mode;
  state.modeSince = tick;
  report(effects, { kind: 'mode', tick, mode });
}

function speaks(state: ReplicaState): boolean {
  return state.mode === 'running' || state.mode === 'waiting';
}

function report(effects: Effect[], one: Report): void {
  effects.push({ kind: 'report', report: one });
}
