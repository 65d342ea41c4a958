/**
 * One replica: agreement, fusion, control law and commands behind a single `step` (protocol.md §3, §4). It knows no
 * socket, timer or file; time and messages come in as inputs, and what has to happen goes out as effects, to be
 * carried out in order before the next input.
 *
 * A tick, in the order in which it happens here: `beginTick` → `onSampled` → rounds in the exchange → `onAgreed` →
 * `workOut` → `takeStep` → commands. Where the vector can be foreseen after round 1, `workOut` and the commands come
 * before the last round, which confirms the step; where it decides another vector, that one's commands follow.
 *
 * Ticks follow the replica's own round clock (`clock/round-clock.ts`). A replica that has just started knows no ticks:
 * it adopts those of peers that are in step, or takes part in a cold start, and only then is it *aligned*.
 *
 * How a replica gets and keeps the state that all others hold: every entry of the vector names the tick and the digest
 * of its sender's state. So the vector itself says which state the rig goes on from (`findBase`: the largest group of
 * equal ones), and everyone who holds another one fetches that state by its digest from anyone, checks it and goes on.
 * A replica that starts, one that overslept and one that diverged are the same case. A tick that nobody decided is
 * skipped by all alike, because the base that the next vector names is older. The state also says who is waited for
 * (`membership/active-set.ts`); who is not, or takes itself for the faulty one, stays silent until it is again.
 *
 * Where a log orders commands, entries of the vector say how far their senders know it, and what all of them know takes
 * effect in the tick (`commands/chosen-log.ts`).
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
import { countBits } from './bits.js';
import { sameBytes, sameValues, toHex } from './bytes.js';
import { applyChosen } from './commands/apply-chosen.js';
import { appliedPrefix, largestPrefix } from './commands/applied-prefix.js';
import { ChosenLog } from './commands/chosen-log.js';
import { LagWatch } from './commands/lag-watch.js';
import {
  agreeRequests,
  applyPending,
  isDue,
  judgeRequest,
  findApplied,
  openBook,
  type Commanded,
  type CommandBook,
} from './commands/command-book.js';
import type { CommandRules } from './commands/command-rules.js';
import { beginFrom, type FoldedLog } from './commands/folded-log.js';
import { RequestPool } from './commands/request-pool.js';
import { RoundClock, type ClockAccount } from './clock/round-clock.js';
import {
  activeMask,
  EFFECT_TICKS,
  followQuorum,
  followVector,
  foundMembers,
  type ActiveSetRules,
  type Member,
} from './membership/active-set.js';
import { ColdStart, usesSignedStarts } from './membership/cold-start.js';
import { Governors } from './membership/governors.js';
import { Health, type Evidence } from './membership/health.js';
import { PeerGrids, type Grid } from './membership/peer-grids.js';
import type { Entry as LogEntry, Members, Slot, Snapshot as LogSnapshot } from './paxos/types.js';
import type { ReplicatedState, SensorMemory } from './replicated-state.js';
import { cutPiece, PIECES_AT_ONCE, StateFetch, type AgreedTick } from './state-fetch.js';
import type {
  ActuatorCommand,
  ActuatorStatus,
  AppliedRequest,
  Arming,
  Entry,
  FusedReading,
  Hypothesis,
  JoinRequest,
  MaybeValue,
  PeerMessage,
  Reading,
  ReplicaIndex,
  RequestName,
  RequestOutcome,
  Round,
  RoundMessage,
  Stamp,
  Standing,
  StateReply,
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
  /** Its voter takes the mid value of the first commands of a tick: it is told nothing that is only foreseen. */
  readonly takesMidValue?: boolean;
}

/**
 * Commanding on what is foreseen (`TickAgreement.foresee`): a majority of the voter's replicas that foresee the same vector
 * need not wait for the last round.
 */
export interface Foresight {
  /** From a vector to the first command, at most: relays that leave after it leave before round 1 is over. */
  readonly processingUs: number;
  /** So long after the start of the tick relays leave at the earliest: they make way for the commands of all replicas. */
  readonly relayAtUs: number;
}

export interface ReplicaConfig extends ExchangeTiming {
  readonly n: number;
  readonly self: ReplicaIndex;
  readonly hypothesis: Hypothesis;
  readonly sensors: readonly SensorRule[];
  readonly actuators: readonly ActuatorRule[];
  /** Ticks without progress after which a replica gives its place in the run up and listens anew. */
  readonly patienceTicks: number;
  /** K: ticks in a row that a replica must have been absent or late for f+1 others before nobody waits for it. */
  readonly excludeAfterTicks: number;
  /** How much faster or slower than the machine's clock the round clock may go. */
  readonly maxSlewPpm: number;
  /**
   * How long before its start a tick begins here, µs: readings are taken and encoded, so that the messages of round 1 can
   * leave when it starts. 0 without it. The last round of the tick before has to be over by then.
   */
  readonly leadUs?: number;
  /** Without it, or where the algorithm foresees nothing, commands wait for the last round. */
  readonly foresight?: Foresight;
  /** Fresh for every start of the process, 16 bytes. */
  readonly nonce: Uint8Array;
  readonly initialLawState: Uint8Array;
  /** Absent where the rig has no commands. */
  readonly commands?: CommandRules;
  // The pure functions that read and write opaque values. None may throw.
  readonly encodeEntry: (entry: Entry) => Uint8Array;
  readonly decodeEntry: (value: Uint8Array) => Entry | null;
  readonly encodeState: (state: ReplicatedState) => Uint8Array;
  readonly decodeState: (bytes: Uint8Array) => ReplicatedState | null;
  /** 16 bytes. */
  readonly digest: (bytes: Uint8Array) => Uint8Array;
  /** 16 bytes, others for every other vector. */
  readonly digestVector: (vector: Vector) => Uint8Array;
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
  /**
   * A request of an operator that this replica has checked: who asked, for a command that he may give, with sound
   * arguments. Only where the vector orders commands.
   */
  | {
      readonly kind: 'requested';
      readonly name: RequestName;
      readonly content: Uint8Array;
      readonly nowUs: number;
    }
  /**
   * The next slot of the command log is chosen, and this replica will not forget it. `executes`: false for a request that
   * an earlier slot holds.
   */
  | {
      readonly kind: 'chosen';
      readonly slot: Slot;
      readonly entry: LogEntry;
      readonly executes: boolean;
      readonly nowUs: number;
    }
  /** Before anybody else hears of it: this device votes for a change of the operational quorum at `slot`. */
  | { readonly kind: 'voted'; readonly slot: Slot; readonly nowUs: number }
  /** All slots up to the snapshot's are chosen; they are not told one by one. */
  | { readonly kind: 'installed'; readonly snapshot: LogSnapshot; readonly nowUs: number }
  /** A session with this peer stands: it may take part in a cold start. */
  | { readonly kind: 'linked'; readonly peer: ReplicaIndex }
  /** What the wire noticed of a peer. */
  | { readonly kind: 'noticed'; readonly peer: ReplicaIndex; readonly evidence: Evidence };

/** Where a replica stands; `waiting` and `running` speak, the others are silent. */
export type Mode = 'listening' | 'waiting' | 'joining' | 'running';

/**
 * Why it stands there. `heard-run`: peers run. `no-run`: nobody does. `in-step`: it has what it takes. `excluded`: the others
 * do not wait for it. `fenced`: it missed its own deadlines. `lost`: it found nobody to go on with. `lags`: it lacks
 * commands that others have long known to be chosen.
 */
export type ModeCause = 'heard-run' | 'no-run' | 'in-step' | 'excluded' | 'fenced' | 'lost' | 'lags';

export type Effect =
  /**
   * A tick begins at `ownUs`, so long after its start, or ahead of it where that is negative; `startTick` is the first one
   * of the run, null outside one. Without a clock it is a tick of this replica alone, which knows no others yet.
   */
  | {
      readonly kind: 'begin';
      readonly tick: Tick;
      readonly startTick: Tick | null;
      readonly ownUs: number;
      readonly latenessUs: number;
      readonly clock: ClockAccount | null;
    }
  | { readonly kind: 'sample'; readonly tick: Tick }
  /** The round clock has been set: ticks come at other times than was thought. */
  | { readonly kind: 'realigned' }
  | { readonly kind: 'send'; readonly to: ReplicaIndex; readonly message: PeerMessage }
  /** What is about to be sent to all others, for whoever has work with it before it can leave. */
  | { readonly kind: 'prepare'; readonly message: RoundMessage }
  /** One command per actuator, in the rig's order; null where there is nothing to say. */
  | { readonly kind: 'command'; readonly tick: Tick; readonly commands: readonly (ActuatorCommand | null)[] }
  /** What to tell the operator whose request this is. */
  | { readonly kind: 'reply'; readonly name: RequestName; readonly answer: RequestAnswer }
  | { readonly kind: 'report'; readonly report: Report };

/**
 * What became of a request. `used`: another one has its number. `old`: its number is too low to tell. `full`: too many of its
 * client wait. `away`: this replica has no part in the run just now. The last two may be otherwise in a moment.
 */
export type RequestAnswer =
  /** `tick` counts from the start of the run; `slot` is its place in the command log, null where the vector orders commands. */
  | {
      readonly kind: 'applied';
      readonly tick: Tick;
      readonly outcome: RequestOutcome;
      readonly slot: Slot | null;
    }
  | { readonly kind: 'refused'; readonly cause: 'used' | 'old' | 'full' | 'away' };

export type Report =
  | { readonly kind: 'mode'; readonly tick: Tick; readonly mode: Mode; readonly cause: ModeCause }
  /** It cannot begin, or go on with its run: nothing has been heard lately of `silent`, and it takes `needed` others. */
  | {
      readonly kind: 'waits';
      readonly tick: Tick;
      readonly inRun: boolean;
      readonly silent: readonly ReplicaIndex[];
      readonly needed: number;
    }
  /** From `fromTick` on nobody waits for these replicas any more, or all do again. */
  | { readonly kind: 'members'; readonly tick: Tick; readonly active: number; readonly fromTick: Tick }
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
      readonly run: Uint8Array;
      readonly startTick: Tick;
      /** Digest of the state after the tick. Worked out at the first call. */
      readonly readStateDigest: () => Uint8Array;
      readonly readings: readonly FusedReading[];
      readonly commands: readonly (ActuatorCommand | null)[];
      readonly suspects: readonly ReplicaIndex[];
      /** When the vector was foreseen; null where it was not. */
      readonly foreseenUs: number | null;
      readonly atUs: number;
    }
  | {
      readonly kind: 'not-stepped';
      readonly tick: Tick;
      readonly cause: 'short-vector' | 'no-base' | 'behind' | 'lacks-content';
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
  /** Requests of operators took effect, or will not, in this order; before the control law of the tick. */
  | {
      readonly kind: 'commanded';
      readonly tick: Tick;
      readonly startTick: Tick;
      readonly applied: readonly AppliedRequest[];
    }
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
/** A run that a peer showed is still there so many ticks later. */
const RUN_TICKS = 2;
/** Ticks that it has slept through, or overruns within the window, after which a replica fences itself. */
const FENCE_TICKS = 3;
const FENCE_WINDOW_TICKS = 8;
/** Ticks for which a fenced replica stays silent at least. */
const FENCED_TICKS = 5;
/** A peer's request to be let in is passed on for so many ticks after it came. */
const REQUEST_TICKS = 2;
/** Number of the tick at which a cold start begins. */
const FIRST_TICK = 1;
/** A run is numbered so far beyond what the voters have put out. */
const FLOOR_MARGIN_TICKS = 8;
/** Ticks stay whole numbers for ages to come. */
const MAX_FLOOR_TICK = 2 ** 48;
/** For so many ticks at least a request of an operator stays open where nobody repeats it. */
const OPEN_TICKS = 64;
/** Contents that one peer is given in a tick. */
const CONTENTS_AT_ONCE = 16;
/** Who is waited for where nothing goes on is told this often. */
const WAITS_EVERY_US = 1_000_000;
/** So much later than its stamp says a first round may leave: to its receivers it was under way for longer. */
const STAMP_SLACK_US = 500;
/** Relays that make way may leave so much later. */
const RELAY_SLACK_US = 300;
const NO_REQUESTS: readonly RequestName[] = [];
const NO_COMMANDS: readonly ActuatorCommand[] = [];
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

/** A vector that cannot be stepped for want of a request's content, or of a chosen entry. */
interface AwaitingContent {
  readonly agreed: AgreedTick;
  /** The state that it goes on from. */
  readonly from: Snapshot;
}

/** A vector that nothing comes of yet, for want of a chosen entry, or of word from a member of the quorum. */
interface AwaitingQuorum {
  readonly tick: Tick;
  readonly vector: Vector;
  readonly entries: readonly (Entry | null)[];
  readonly told: boolean;
}

/** A vector with which a run begins, for want of a chosen entry not yet here. */
interface AwaitingStart {
  readonly tick: Tick;
  readonly entries: readonly (Entry | null)[];
  readonly largest: Slot;
}

/** A step of the replicated state, worked out and not yet taken. */
interface Step {
  readonly next: ReplicatedState;
  readonly readings: readonly FusedReading[];
  /** Whose readings were off. */
  readonly outliers: readonly ReplicaIndex[];
  /** One per actuator, in the rig's order; null where there is nothing to say. */
  readonly commands: readonly (ActuatorCommand | null)[];
  /** What comes of it when it is taken. */
  readonly effects: readonly Effect[];
}

/** The step that the tick comes to if the vector is the one that this replica foresees. */
interface Foreseen {
  readonly tick: Tick;
  readonly vector: Vector;
  readonly entries: readonly (Entry | null)[];
  readonly base: Base;
  readonly from: ReplicatedState;
  readonly step: Step;
  readonly atUs: number;
}

/** Messages of a round that has begun and that leave at `atUs`, by the round clock. */
interface HeldRound {
  readonly round: Round;
  readonly atUs: number;
  /** What leaves, where it is made already: of round 1, which says the same to everybody. */
  readonly message: RoundMessage | null;
}

interface Base {
  readonly tick: Tick;
  readonly digest: Uint8Array;
  /** Bit i: replica i holds it. */
  readonly holders: number;
}

/** Mutable inside, opaque outside: made by `createReplica`, changed by `step` alone. */
export class ReplicaState {
  mode: Mode = 'listening';
  /** Tick at which `mode` was entered. */
  modeSince: Tick = -1;
  /** It is joining a run that stands still, and takes part in the rounds so that there are vectors again. */
  speaksUp = false;
  run: Uint8Array = NO_RUN;
  snapshot: Snapshot | null = null;
  readonly history: Snapshot[] = [];
  /** A state that this replica is getting. */
  fetch: StateFetch | null = null;
  /** By peer: the state that it is getting from here, kept for it while the rig goes on. */
  readonly lent: (Snapshot | null)[];
  /** Bit i: a session with replica i stands. */
  linked = 0;
  /** Whether the round clock shows ticks that others share. */
  aligned = false;
  /** Ticks of an unaligned replica: they are nobody else's, and keep things going. */
  idleTick: Tick = -1;
  /** When it last told whom it waits for, own clock. */
  toldWaitsUs = -Infinity;
  /** Grids that this replica has tried on the word of too few, in vain. */
  readonly triedGridOf: Set<ReplicaIndex> = new Set();
  /** Last tick in which this replica was itself the faulty one, or that it never began. */
  overrunTick: Tick = -1;
  /** Last tick that this replica slept past a deadline of. */
  oversleptTick: Tick = -1;
  /** Bit i: overslept i ticks ago. */
  oversleeps = 0;
  /** Until then it keeps silent: it has fenced itself. */
  fencedUntil: Tick = -1;
  /** Bit i: something of replica i was absent or late in the tick under way; and in the one before. */
  missedNow = 0;
  missedBefore = 0;
  /** The last tick with a vector. */
  decidedTick: Tick = -1;
  /** The last tick with a vector of at least n−f entries. */
  fullTick: Tick = -1;
  /** The last tick with a vector that named a state to go on from. */
  basedTick: Tick = -1;
  /** Vectors of at least n−f entries in a row that named none. */
  baseless = 0;
  /** The tick whose sample is awaited. */
  sampling: Tick | null = null;
  /** Last run that each peer has shown, and in which tick of this replica's. */
  readonly heardRuns: ({ run: Uint8Array; tick: Tick } | null)[];
  /** In which tick each peer last asked to be let in. */
  readonly askedTick: Tick[];
  /** Pieces that each peer was given, and in which tick: a few are enough for anyone. */
  readonly answered: { tick: Tick; pieces: number }[];
  readonly algorithm: Algorithm;
  /** How long before its start a tick may begin; not where replicas sign that it has started. */
  readonly leadUs: number;
  /** Null where it commands on nothing that is only foreseen. */
  readonly foresight: Foresight | null;
  /** Whether there are voters that are told nothing that is only foreseen. */
  readonly hasMidValue: boolean;
  readonly quorums: Quorums;
  exchange: Exchange;
  readonly health: Health;
  readonly clock: RoundClock;
  readonly coldStart: ColdStart;
  readonly grids: PeerGrids;
  readonly rules: ActiveSetRules;
  /** Null where the vector orders no commands. */
  readonly pool: RequestPool | null;
  /** Null where no log orders commands. */
  readonly log: ChosenLog | null;
  readonly lag: LagWatch | null;
  /** Null where no witness is there. */
  readonly governors: Governors | null;
  awaiting: AwaitingContent | null = null;
  awaitingStart: AwaitingStart | null = null;
  awaitingQuorum: AwaitingQuorum | null = null;
  foreseen: Foreseen | null = null;
  /** What this replica brought into its last tick, as bytes and as these are read. */
  own: { readonly value: Uint8Array; readonly entry: Entry | null } | null = null;
  /** Of the tick under way. */
  held: HeldRound | null = null;
  /** Contents that each peer was given, and in which tick. */
  readonly given: { tick: Tick; contents: number }[];

  constructor(config: ReplicaConfig) {
    const { n, self, hypothesis, periodUs, maxSlewPpm, excludeAfterTicks } = config;
    const { commands, initialLawState, actuators } = config;
    this.algorithm = selectAlgorithm(hypothesis, n);
    this.foresight = this.algorithm.foresees ? (config.foresight ?? null) : null;
    this.hasMidValue = actuators.some(({ takesMidValue }) => takesMidValue === true);
    this.quorums = deriveQuorums(hypothesis, n);
    const { maxFaulty, testimony } = this.quorums;
    this.exchange = new Exchange(this.algorithm, config, n, self, maxFaulty);
    this.health = new Health(n, self, maxFaulty);
    this.clock = new RoundClock({ n, self, maxFaulty, hypothesis, periodUs, maxSlewPpm });
    this.leadUs = this.clock.followsStarts ? 0 : (config.leadUs ?? 0);
    this.coldStart = new ColdStart({ n, self, maxFaulty, hypothesis });
    this.grids = new PeerGrids(n, periodUs);
    this.rules = { n, maxFaulty, testimony, excludeAfterTicks };
    this.lent = new Array<null>(n).fill(null);
    this.heardRuns = new Array<null>(n).fill(null);
    this.askedTick = new Array<Tick>(n).fill(-Infinity);
    this.answered = Array.from({ length: n }, () => ({ tick: -1, pieces: 0 }));
    this.pool =
      commands?.order === 'vector' ? new RequestPool(Math.max(OPEN_TICKS, config.patienceTicks)) : null;
    this.log =
      commands?.order === 'log' ? new ChosenLog(commands, initialLawState, actuators.length, n) : null;
    this.lag = commands?.order === 'log' ? new LagWatch(commands.lagTicks) : null;
    this.governors = commands?.order === 'log' && commands.witnessed ? new Governors(n, self) : null;
    this.given = Array.from({ length: n }, () => ({ tick: -1, contents: 0 }));
  }
}

/** A replica that has just started and has heard nothing yet. */
export function createReplica(config: ReplicaConfig): ReplicaState {
  assert(config.self >= 0 && config.self < config.n, 'a replica is one of n');
  return new ReplicaState(config);
}

/** When `time` is due next, on the machine's clock. */
export function nextWakeUs(config: ReplicaConfig, state: ReplicaState): number {
  const { clock, exchange } = state;
  if (!state.aligned) return clock.ownAt(tickStartUs(config, state.idleTick + 1));
  const nextTickUs = tickStartUs(config, (state.sampling ?? exchange.tick) + 1) - leadOf(state);
  const deadlineUs = exchange.nextDeadlineUs() ?? nextTickUs;
  return clock.ownAt(Math.min(deadlineUs, nextTickUs, state.held?.atUs ?? nextTickUs));
}

/** Whether what is due then goes by the clock alone, whatever has arrived. */
export function isDueAtOnce(state: ReplicaState): boolean {
  return state.held?.round === 1;
}

/** How much later than that `time` may come without harm: where relays make way, or a tick begins ahead of its start. */
export function wakeSlackUs(state: ReplicaState): number {
  const { held, exchange } = state;
  if (held !== null) return held.round === 1 ? 0 : RELAY_SLACK_US;
  return state.aligned && exchange.nextDeadlineUs() === null ? leadOf(state) / 2 : 0;
}

/** The first tick after `after` that starts after `ownUs`, and when, on the machine's clock: for whoever prepares it. */
export function nextTick(
  config: ReplicaConfig,
  state: ReplicaState,
  ownUs: number,
  after: Tick,
): { readonly tick: Tick; readonly startUs: number } {
  const tick = Math.max(after, tickAt(config, state.clock.read(ownUs))) + 1;
  return { tick, startUs: state.clock.ownAt(tickStartUs(config, tick)) };
}

/** What the command log up to `slot` comes to, for a snapshot of it. Null where that is not known, or not any more. */
export function readFold(config: ReplicaConfig, state: ReplicaState, slot: Slot): Uint8Array | null {
  const { commands } = config;
  const fold = state.log?.fold(slot) ?? null;
  return fold === null || commands?.order !== 'log' ? null : commands.encodeFold(fold);
}

/**
 * Whom operators want in the operational quorum, by all of the command log that is known here. Null where there is no
 * witness, or where what the log comes to is not known.
 */
export function readWanted({ log }: ReplicaState): Members | null {
  return log?.fold(log.prefix)?.book.wanted ?? null;
}

/**
 * One step. `state` is changed in place and returned. Total: no input of a peer makes it throw. Times of inputs and
 * reports are the machine's; in between everything goes by the round clock.
 */
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
    case 'requested':
      onRequested(config, state, input.name, input.content, input.nowUs, effects);
      break;
    case 'chosen':
      state.log?.take(input);
      state.governors?.follow(input.slot, input.entry);
      resume(config, state, input.nowUs, effects);
      break;
    case 'voted':
      state.governors?.vote(input.slot);
      break;
    case 'installed':
      onInstalled(config, state, input.snapshot, input.nowUs, effects);
      break;
    case 'linked':
      state.linked |= 1 << input.peer;
      break;
    case 'noticed':
      state.health.note(input.peer, input.evidence);
      break;
  }
  return { state, effects };
}

function onTime(config: ReplicaConfig, state: ReplicaState, ownUs: number, effects: Effect[]): void {
  if (!state.aligned) {
    beginIdleTick(config, state, ownUs, effects);
    return;
  }
  proceed(config, state, ownUs, effects);
  const tick = tickAt(config, state.clock.read(ownUs) + leadOf(state));
  if (tick > state.exchange.tick && state.sampling !== tick) beginTick(config, state, tick, ownUs, effects);
}

/** How long before its start the next tick begins. Whoever says nothing in it is not ahead. */
function leadOf(state: ReplicaState): number {
  return speaks(state) ? state.leadUs : 0;
}

/** A tick of a replica that knows no common ones: looks for some, or for others who have none. */
function beginIdleTick(config: ReplicaConfig, state: ReplicaState, ownUs: number, effects: Effect[]): void {
  const { clock, coldStart, grids } = state;
  // Its own ticks count from its birth.
  if (state.idleTick < 0) clock.set(-ownUs, ownUs);
  const tick = tickAt(config, clock.read(ownUs));
  if (tick <= state.idleTick) return;
  const latenessUs = clock.read(ownUs) - tickStartUs(config, tick);
  if (state.idleTick < 0) state.modeSince = tick;
  state.idleTick = tick;
  effects.push({ kind: 'begin', tick, startTick: null, ownUs, latenessUs, clock: null });
  const grid = chooseGrid(config, state, grids.list(ownUs), tick);
  if (grid !== null) {
    align(config, state, ownUs + grid.offsetUs, ownUs, effects);
    return;
  }
  if (tick - state.modeSince >= LISTEN_TICKS && isLinked(config, state)) coldStart.makeReady();
  if (coldStart.signal !== null) signalStart(config, state, effects);
  considerStart(config, state, ownUs, effects);
  if (!state.aligned)
    tellWaits(config, state, tick, coldStart.listSilent(ownUs, state.linked), ownUs, effects);
}

/** Whether sessions with enough others stand to begin with: with all members of the operational quorum, where there is one. */
function isLinked(config: ReplicaConfig, { governors, linked, quorums }: ReplicaState): boolean {
  if (governors === null) return countBits(linked) >= config.n - quorums.maxFaulty - 1;
  return governors.includesSelf && (governors.current & ~linked & ~(1 << config.self)) === 0;
}

/** Tells whom it waits for, now and then. Whoever has only just begun to wait need not complain yet. */
function tellWaits(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  silent: readonly ReplicaIndex[],
  ownUs: number,
  effects: Effect[],
): void {
  if (ownUs - state.toldWaitsUs < WAITS_EVERY_US) return;
  const { governors } = state;
  const others = governors === null ? -1 : governors.current & ~(1 << config.self);
  if (state.toldWaitsUs > -Infinity)
    report(effects, {
      kind: 'waits',
      tick,
      inRun: state.aligned,
      silent: silent.filter((id) => (others & (1 << id)) !== 0),
      needed: governors === null ? config.n - state.quorums.maxFaulty - 1 : countBits(others),
    });
  state.toldWaitsUs = ownUs;
}

/** A run that stands still for want of voices says so; peers of which nothing came in the last ticks are named. */
function tellStandstill(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  ownUs: number,
  effects: Effect[],
): void {
  if (state.mode !== 'running' || tick - Math.max(state.modeSince, state.basedTick) <= LISTEN_TICKS) {
    state.toldWaitsUs = -Infinity;
    return;
  }
  const silent: ReplicaIndex[] = [];
  state.heardRuns.forEach((heard, peer) => {
    if (peer !== config.self && (heard === null || heard.tick < tick - RUN_TICKS)) silent.push(peer);
  });
  tellWaits(config, state, tick, silent, ownUs, effects);
}

/**
 * The peers' grid to adopt: one that f+1 of them share. Where time is told by signed starts two of three may be all
 * there are, and one of them a liar: then a single one's is tried, each in turn.
 */
function chooseGrid(
  config: ReplicaConfig,
  state: ReplicaState,
  grids: readonly Grid[],
  tick: Tick,
): Grid | null {
  const [largest] = grids;
  if (largest === undefined) return null;
  const { maxFaulty, testimony } = state.quorums;
  if (largest.peers.length >= testimony) return largest;
  const { n, hypothesis } = config;
  if (!usesSignedStarts({ n, maxFaulty, hypothesis }) || tick - state.modeSince < 2 * LISTEN_TICKS)
    return null;
  const untried = grids.find(({ peers }) => !state.triedGridOf.has(peers[0] as ReplicaIndex));
  if (untried === undefined) {
    state.triedGridOf.clear();
    return null;
  }
  state.triedGridOf.add(untried.peers[0] as ReplicaIndex);
  return untried;
}

function signalStart(config: ReplicaConfig, state: ReplicaState, effects: Effect[]): void {
  const { signal } = state.coldStart;
  if (signal === null) return;
  for (let to = 0; to < config.n; to += 1)
    if (to !== config.self) effects.push({ kind: 'send', to, message: { kind: 'start', step: signal } });
}

/** Echoes and begins, as soon as enough others do. */
function considerStart(config: ReplicaConfig, state: ReplicaState, ownUs: number, effects: Effect[]): void {
  const { echo, begin } = state.coldStart.judge(ownUs, state.governors?.current);
  if (echo) signalStart(config, state, effects);
  if (!begin) return;
  align(config, state, tickStartUs(config, FIRST_TICK), ownUs, effects);
  enterMode(state, 'waiting', FIRST_TICK, 'no-run', effects);
}

/** From now on the round clock shows `roundUs`, and its ticks are those of others. */
function align(
  config: ReplicaConfig,
  state: ReplicaState,
  roundUs: number,
  ownUs: number,
  effects: Effect[],
): void {
  state.clock.set(roundUs - ownUs, ownUs);
  state.aligned = true;
  state.coldStart.reset();
  renumber(config, state, tickAt(config, roundUs));
  effects.push({ kind: 'realigned' });
}

/** Ticks have other numbers now; `tick` is under way and is let pass. */
function renumber(config: ReplicaConfig, state: ReplicaState, tick: Tick): void {
  const { n, self } = config;
  state.exchange = new Exchange(state.algorithm, config, n, self, state.quorums.maxFaulty);
  state.exchange.abandon(tick);
  state.sampling = null;
  state.modeSince = tick;
  state.overrunTick = tick;
  state.oversleptTick = tick;
  state.oversleeps = 0;
  state.fencedUntil = -1;
  state.decidedTick = -1;
  state.fullTick = -1;
  state.basedTick = -1;
  state.missedNow = 0;
  state.missedBefore = 0;
  state.fetch = null;
  state.heardRuns.fill(null);
  state.askedTick.fill(-Infinity);
  for (const one of state.answered) one.tick = -1;
  for (const one of state.given) one.tick = -1;
  forgetAwaited(state);
  state.pool?.renumber(tick);
  state.lag?.forget();
  state.governors?.forgetTicks();
  state.health.restart(tick);
}

/** Gives the ticks up that it thought it shared with others, and looks for them anew. */
function unalign(state: ReplicaState, tick: Tick, effects: Effect[]): void {
  state.aligned = false;
  state.idleTick = tick;
  state.sampling = null;
  state.toldWaitsUs = -Infinity;
  listenAnew(state, tick, effects);
}

function beginTick(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  ownUs: number,
  effects: Effect[],
): void {
  const { clock, exchange, health } = state;
  const isAhead = leadOf(state) > 0;
  state.sampling = null;
  health.advanceTo(tick);
  countOverruns(state, tick);
  state.fetch?.beginTick();
  forgetAwaited(state);
  askForContents(config, state, effects);
  // Whoever gets no vector with the others may have ticks of its own.
  const isLost =
    !speaks(state) ||
    tick - Math.max(state.fullTick, state.modeSince) > LISTEN_TICKS ||
    isOutpaced(config, state, ownUs);
  if (isLost && rejoinGrid(config, state, tick, ownUs, effects)) return;
  chooseMode(config, state, tick, effects);
  if (!state.aligned) return;
  tellStandstill(config, state, tick, ownUs, effects);
  clock.discipline(ownUs, activeIn(config, state, tick), speaks(state));
  // So far off the others that its rounds are not theirs: its messages are late, or take theirs for late.
  if (state.mode === 'running' && Math.abs(clock.account.offsetUs) > config.roundUs / 2)
    fence(state, tick, effects);
  const latenessUs = clock.read(ownUs) - tickStartUs(config, tick);
  const startTick = state.snapshot?.state.startTick ?? null;
  effects.push({ kind: 'begin', tick, startTick, ownUs, latenessUs, clock: clock.account });
  if (latenessUs > config.roundUs) {
    oversleep(state, tick, latenessUs, effects);
    return;
  }
  if (speaks(state)) {
    clock.noteStart(config.self, tick, ownUs);
    state.sampling = tick;
    effects.push({ kind: 'sample', tick });
    return;
  }
  // A stamp tells how long after the start of the tick it was made: whoever is ahead of it asks in the next one.
  if (state.mode === 'joining' && !isAhead) askToJoin(config, state, tick, ownUs, effects);
  follow(config, state, exchange.begin(tick, null, activeIn(config, state, tick)), ownUs, effects);
}

/** The tick has started without this replica, and its first round is over. */
function oversleep(state: ReplicaState, tick: Tick, latenessUs: number, effects: Effect[]): void {
  state.exchange.abandon(tick);
  state.overrunTick = tick;
  state.oversleptTick = tick;
  report(effects, { kind: 'overrun', tick, cause: 'overslept', latenessUs });
}

/** Whether the tick before was this replica's own fault, and what it missed of others in it. */
function countOverruns(state: ReplicaState, tick: Tick): void {
  const { exchange } = state;
  const slept = exchange.tick >= 0 ? tick - exchange.tick - 1 : 0;
  if (slept > 0) {
    state.overrunTick = tick - 1;
    state.oversleptTick = tick - 1;
  }
  const shift = Math.min(slept, FENCE_WINDOW_TICKS) + 1;
  state.oversleeps = (state.oversleeps << shift) & ((1 << FENCE_WINDOW_TICKS) - 1);
  state.oversleeps |= (1 << (shift - 1)) - 1;
  if (state.oversleptTick === tick - 1) state.oversleeps |= 1;
  state.missedBefore = state.overrunTick === tick - 1 ? 0 : state.missedNow;
  state.missedNow = 0;
}

/**
 * Whether more peers than may have wrong clocks are ahead by more than a round, for certain: the own clock has stood
 * still. Their messages come early and make its vectors whole, while all that it says is late to them.
 */
function isOutpaced(config: ReplicaConfig, state: ReplicaState, ownUs: number): boolean {
  const beyondUs = state.clock.read(ownUs) + config.roundUs;
  return state.grids.countBeyond(beyondUs, ownUs) > state.quorums.maxFaulty;
}

/** A replica that has fallen out of step with its peers adopts their ticks again, and joins them. */
function rejoinGrid(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  ownUs: number,
  effects: Effect[],
): boolean {
  const [largest] = state.grids.list(ownUs, listGuides(config, state, tick));
  if (largest === undefined || largest.peers.length < state.quorums.testimony) return false;
  const roundUs = ownUs + largest.offsetUs;
  // What came one way is late by a delay.
  if (Math.abs(roundUs - state.clock.read(ownUs)) <= config.roundUs) return false;
  if (keepsGrid(config, state, largest, ownUs)) return false;
  const { fencedUntil, exchange } = state;
  align(config, state, roundUs, ownUs, effects);
  // A run that has come further than these ticks is not continued in them: each of its ticks is there once.
  const isAhead = state.snapshot !== null && state.snapshot.state.tick >= state.exchange.tick;
  if (isAhead || speaks(state)) {
    if (state.mode === 'running' && !isAhead) fence(state, state.exchange.tick, effects);
    else listenAnew(state, state.exchange.tick, effects);
  }
  if (fencedUntil >= exchange.tick) state.fencedUntil = state.exchange.tick + FENCED_TICKS;
  return true;
}

/**
 * Whether the others come to the own ticks: these are ahead, as many share them, and nobody is in a run. Otherwise two that are
 * apart would each adopt the ticks of the other, again and again.
 */
function keepsGrid(config: ReplicaConfig, state: ReplicaState, theirs: Grid, ownUs: number): boolean {
  const { clock, grids, heardRuns, run } = state;
  const roundUs = clock.read(ownUs);
  if (run !== NO_RUN || ownUs + theirs.offsetUs > roundUs) return false;
  for (const peer of theirs.peers) if (!sameBytes(heardRuns[peer]?.run ?? NO_RUN, NO_RUN)) return false;
  const own = grids
    .list(ownUs)
    .find(({ offsetUs }) => Math.abs(ownUs + offsetUs - roundUs) <= config.roundUs);
  return theirs.peers.length <= 1 + (own?.peers.length ?? 0);
}

/**
 * Bit i: replica i's ticks are worth adopting. In a run that enough others can follow these are the ticks of the run, and
 * whoever is in none comes to them; otherwise anybody's.
 */
function listGuides(config: ReplicaConfig, state: ReplicaState, tick: Tick): number {
  const all = (1 << config.n) - 1;
  if (state.run === NO_RUN) return all;
  const showing = listShowing(state, state.run, tick);
  return canBeFollowed(state, showing) ? showing : all;
}

/** Bit i: replica i has shown this run within the last ticks. */
function listShowing(state: ReplicaState, run: Uint8Array, tick: Tick): number {
  let showing = 0;
  state.heardRuns.forEach((heard, peer) => {
    if (heard !== null && heard.tick >= tick - RUN_TICKS && sameBytes(heard.run, run)) showing |= 1 << peer;
  });
  return showing;
}

/** Whether those who show the run, and this replica where it holds its state, are enough for others to join them. */
function canBeFollowed(state: ReplicaState, showing: number): boolean {
  return countBits(showing) + (state.snapshot === null ? 0 : 1) >= state.quorums.testimony;
}

/** Who counts in a tick, by what this replica knows; everybody before the run. */
function activeIn(config: ReplicaConfig, state: ReplicaState, tick: Tick): number {
  const { snapshot, governors } = state;
  if (snapshot === null) return (1 << config.n) - 1;
  const counted = countedIn(state, snapshot.state, tick);
  // A member of the operational quorum that takes part in the run has it from a later state than the own one.
  return governors === null
    ? counted
    : counted | (governors.current & listShowing(state, snapshot.state.run, tick));
}

/**
 * Who counts in a tick that goes on from `from`. Where the operational quorum has passed to somebody else meanwhile, that
 * is the quorum: nobody who counted in the state may go on.
 */
function countedIn({ governors }: ReplicaState, { members }: ReplicatedState, tick: Tick): number {
  const active = activeMask(members, tick);
  return governors === null || (active & governors.current) !== 0 ? active : governors.current;
}

function askToJoin(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  ownUs: number,
  effects: Effect[],
): void {
  const { snapshot } = state;
  const stamp = state.clock.stamp(tick, ownUs);
  // In step, and nobody waits for it: it asks. Otherwise it only lets its clock be read.
  const ready = snapshot !== null && snapshot.state.tick >= tick - 1 && tick >= state.fencedUntil;
  for (let to = 0; to < config.n; to += 1) {
    if (to === config.self) continue;
    effects.push({ kind: 'send', to, message: { kind: 'join', tick, ready, stamp } });
  }
}

function onSampled(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  ownUs: number,
  readings: readonly Reading[],
  actuators: readonly (ActuatorStatus | null)[],
  effects: Effect[],
): void {
  if (state.sampling !== tick) return;
  state.sampling = null;
  const active = activeIn(config, state, tick);
  const standing = standingOf(config, state, tick);
  const missed = state.missedBefore & active & ~(1 << config.self);
  const joins = listRequests(state, tick, active);
  const { pool, log } = state;
  const entry: Entry =
    pool !== null
      ? {
          standing,
          readings,
          actuators,
          missed,
          joins,
          requests: nameRequests(state, pool, tick, effects),
        }
      : log !== null
        ? { standing, readings, actuators, missed, joins, prefix: log.prefix }
        : { standing, readings, actuators, missed, joins };
  const value = config.encodeEntry(entry);
  // As everybody reads it, before anybody waits for it.
  state.own = { value, entry: config.decodeEntry(value) };
  follow(config, state, state.exchange.begin(tick, value, active), ownUs, effects);
}

/** Requests to bring into the tick; operators whose requests came to nothing are told. */
function nameRequests(
  state: ReplicaState,
  pool: RequestPool,
  tick: Tick,
  effects: Effect[],
): readonly RequestName[] {
  const book = state.mode === 'running' ? state.snapshot?.state.book : undefined;
  if (book === undefined) return NO_REQUESTS;
  return pool.list(book, tick, (name) => {
    const cause = judgeRequest(book, name) === 'old' ? 'old' : 'used';
    effects.push({ kind: 'reply', name, answer: { kind: 'refused', cause } });
  });
}

/** An operator's request, checked by this replica: named from the next tick on, or answered at once. */
function onRequested(
  config: ReplicaConfig,
  state: ReplicaState,
  name: RequestName,
  content: Uint8Array,
  nowUs: number,
  effects: Effect[],
): void {
  const { pool, snapshot } = state;
  const { tick } = state.exchange;
  const refuse = (cause: 'used' | 'old' | 'full' | 'away'): void => {
    effects.push({ kind: 'reply', name, answer: { kind: 'refused', cause } });
  };
  if (pool === null) return;
  const book = snapshot?.state.book;
  if (state.mode !== 'running' || snapshot === null || book === undefined) return refuse('away');
  const standing = judgeRequest(book, name);
  switch (standing) {
    case 'new': {
      const admission = pool.take(name, content, tick);
      if (admission !== 'taken') refuse(admission);
      return;
    }
    case 'pending':
      pool.keep(name, content, tick);
      resume(config, state, nowUs, effects);
      return;
    case 'applied': {
      const applied = findApplied(book, name);
      if (applied !== null) effects.push(replyTo(applied, snapshot.state.startTick));
      return;
    }
    default:
      refuse(standing);
  }
}

function replyTo(applied: AppliedRequest, startTick: Tick): Effect {
  const { tick, outcome, slot } = applied;
  return {
    kind: 'reply',
    name: applied,
    answer: { kind: 'applied', tick: tick - startTick, outcome, slot: slot ?? null },
  };
}

function onInstalled(
  config: ReplicaConfig,
  state: ReplicaState,
  snapshot: LogSnapshot,
  nowUs: number,
  effects: Effect[],
): void {
  const { log } = state;
  if (log === null) return;
  state.governors?.install(snapshot);
  if (!log.install(snapshot))
    report(effects, { kind: 'dropped', peer: config.self, cause: 'wrong-snapshot' });
  resume(config, state, nowUs, effects);
}

/** Asks everybody for the contents of agreed requests that this replica has not got: one who named it is correct. */
function askForContents(config: ReplicaConfig, state: ReplicaState, effects: Effect[]): void {
  const { pool } = state;
  const book = state.snapshot?.state.book;
  if (pool === null || book === undefined || book.pending.length === 0) return;
  for (const { digest } of book.pending) {
    if (pool.find(digest) !== null) continue;
    for (let to = 0; to < config.n; to += 1)
      if (to !== config.self)
        effects.push({ kind: 'send', to, message: { kind: 'content-request', digest } });
  }
}

/** Whether the content of something that takes effect in this tick is missing. */
function lacksContent(pool: RequestPool, book: CommandBook, tick: Tick): boolean {
  return book.pending.some((one) => isDue(one, tick) && pool.find(one.digest) === null);
}

function onContentRequest(
  state: ReplicaState,
  from: ReplicaIndex,
  digest: Uint8Array,
  effects: Effect[],
): void {
  const content = state.pool?.find(digest) ?? null;
  const given = state.given[from];
  if (content === null || given === undefined) return;
  const { tick } = state.exchange;
  if (given.tick !== tick) given.contents = 0;
  given.tick = tick;
  if (given.contents >= CONTENTS_AT_ONCE) return;
  given.contents += 1;
  effects.push({ kind: 'send', to: from, message: { kind: 'content-reply', content } });
}

function onContentReply(
  config: ReplicaConfig,
  state: ReplicaState,
  content: Uint8Array,
  ownUs: number,
  effects: Effect[],
): void {
  const { pool } = state;
  const book = state.snapshot?.state.book;
  // Everybody was asked, and one answer is enough.
  if (pool === null || config.commands === undefined || book === undefined || book.pending.length === 0)
    return;
  const digest = config.commands.digest(content);
  const wanted = book.pending.find((one) => sameBytes(one.digest, digest));
  if (wanted === undefined) return;
  pool.keep(wanted, content, state.exchange.tick);
  resume(config, state, ownUs, effects);
}

function forgetAwaited(state: ReplicaState): void {
  state.foreseen = null;
  state.held = null;
  state.awaiting = null;
  state.awaitingStart = null;
  state.awaitingQuorum = null;
}

/** Goes on with the vector that waited for contents or entries, if they are there now; a later one would have taken its place. */
function resume(config: ReplicaConfig, state: ReplicaState, ownUs: number, effects: Effect[]): void {
  const { awaiting, awaitingStart, awaitingQuorum } = state;
  if (awaitingQuorum !== null) {
    if (isHeldUp(config, state, awaitingQuorum)) return;
    state.awaitingQuorum = null;
    goOn(config, state, awaitingQuorum, ownUs, effects);
    return;
  }
  if (awaitingStart !== null) startRun(config, state, awaitingStart, ownUs, effects);
  if (awaiting === null || awaiting.from !== state.snapshot) return;
  if (stepAgreed(config, state, awaiting.from.state, awaiting.agreed, ownUs, effects) !== 'lacks-content')
    state.awaiting = null;
}

/** Bit i: replica i, which nobody waits for, has asked to be let in. */
function listRequests(state: ReplicaState, tick: Tick, active: number): number {
  const { askedTick } = state;
  let requests = 0;
  for (let peer = 0; peer < askedTick.length; peer += 1)
    if (tick - (askedTick[peer] as Tick) <= REQUEST_TICKS && (active & (1 << peer)) === 0)
      requests |= 1 << peer;
  return requests;
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
      onStateRequest(state, from, message.digest, message.offset, effects);
      break;
    case 'state-reply':
      onStateReply(config, state, from, message, arrivedUs, effects);
      break;
    case 'content-request':
      onContentRequest(state, from, message.digest, effects);
      break;
    case 'content-reply':
      onContentReply(config, state, message.content, arrivedUs, effects);
      break;
    case 'join':
      onJoinRequest(config, state, from, message, arrivedUs, effects);
      break;
    case 'start':
      if (state.aligned) break;
      state.coldStart.note(from, message.step, arrivedUs);
      considerStart(config, state, arrivedUs, effects);
      break;
  }
}

function onJoinRequest(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicaIndex,
  { tick, ready, stamp }: JoinRequest,
  arrivedUs: number,
  effects: Effect[],
): void {
  if (!state.aligned || !isNear(config, state, tick, arrivedUs)) return;
  state.clock.note(from, tick, stamp, arrivedUs);
  if (state.governors !== null) {
    state.governors.noteJoining(from, tick);
    resume(config, state, arrivedUs, effects);
  }
  if (ready) state.askedTick[from] = tickAt(config, state.clock.read(arrivedUs));
}

/** Whether a tick that a peer names is one of those about now. */
function isNear(config: ReplicaConfig, state: ReplicaState, tick: Tick, arrivedUs: number): boolean {
  const now = tickAt(config, state.clock.read(arrivedUs));
  return Number.isSafeInteger(tick) && tick >= now - 1 && tick <= now + 1;
}

/** What a stamp says of its sender's clock. */
function noteStamp(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicaIndex,
  tick: Tick,
  stamp: Stamp,
  arrivedUs: number,
): void {
  if (!Number.isSafeInteger(tick) || tick < 0) return;
  state.grids.note(from, tickStartUs(config, tick) + stamp.lagUs, arrivedUs);
  if (state.aligned) {
    if (isNear(config, state, tick, arrivedUs)) state.clock.note(from, tick, stamp, arrivedUs);
    return;
  }
  // Whoever has its first ticks has just begun. Later ones are no moment to begin at: those who have them may each be alone.
  if (tick <= FIRST_TICK + LISTEN_TICKS) state.coldStart.note(from, 'echo', arrivedUs);
}

function onRoundMessage(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicaIndex,
  message: RoundMessage,
  arrivedUs: number,
  effects: Effect[],
): void {
  const { tick, round, stamp } = message;
  if (stamp !== undefined && round === 1) noteStamp(config, state, from, tick, stamp, arrivedUs);
  if (!state.aligned) return;
  const roundUs = state.clock.read(arrivedUs);
  const isOwnRun = sameBytes(message.run, state.run);
  // The own bytes where they are equal: what is one array is compared at once.
  const run = isOwnRun ? state.run : message.run;
  noteRun(state, from, run, Math.max(state.exchange.tick, tickAt(config, roundUs)));
  if (!isOwnRun) return;
  const arrival = state.exchange.hold(from, message, roundUs);
  switch (arrival) {
    case 'held':
      noteStarts(state, from, message, arrivedUs);
      proceed(config, state, arrivedUs, effects);
      break;
    case 'late':
      // What this replica was too late to read says nothing of the sender.
      if (tick > state.overrunTick && tick <= state.exchange.tick) {
        state.health.note(from, 'late');
        if (tick === state.exchange.tick) state.missedNow |= 1 << from;
      }
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

function noteRun(state: ReplicaState, from: ReplicaIndex, run: Uint8Array, tick: Tick): void {
  const heard = state.heardRuns[from];
  if (heard === undefined || heard === null) {
    state.heardRuns[from] = { run, tick };
    return;
  }
  heard.tick = tick;
  // What is decoded is another array each time.
  if (!sameBytes(heard.run, run)) heard.run = run;
}

/** Signatures in signed mode, the sender's and those that it passes on, show who has begun the tick. */
function noteStarts(
  state: ReplicaState,
  from: ReplicaIndex,
  { tick, items }: RoundMessage,
  arrivedUs: number,
): void {
  if (!state.clock.followsStarts) return;
  state.clock.noteStart(from, tick, arrivedUs);
  for (const { path } of items)
    if (path.length > 0) state.clock.noteStart(path[0] as number, tick, arrivedUs);
}

/** Closes rounds as far as they go, sends what the next ones need, and acts on the outcome. */
function proceed(config: ReplicaConfig, state: ReplicaState, ownUs: number, effects: Effect[]): void {
  const roundUs = state.clock.read(ownUs);
  const { held } = state;
  if (held !== null) {
    const isDue = roundUs >= held.atUs;
    // Round 1 starts by the clock alone.
    if (held.round === 1 && !isDue) return;
    if (isDue || state.exchange.isReady(roundUs)) sendHeld(config, state, held, ownUs, effects);
  }
  while (state.exchange.isReady(roundUs))
    follow(config, state, state.exchange.advance(roundUs), ownUs, effects);
}

function follow(
  config: ReplicaConfig,
  state: ReplicaState,
  progress: Progress,
  ownUs: number,
  effects: Effect[],
): void {
  const { exchange, health } = state;
  const { tick } = exchange;
  for (const { round, peer } of progress.absent) {
    health.note(peer, 'absent');
    state.missedNow |= 1 << peer;
    report(effects, { kind: 'absent', tick, round, peer });
  }
  for (const { sender, cause } of progress.drops) {
    health.note(sender, 'malformed');
    report(effects, { kind: 'dropped', peer: sender, cause });
  }
  const outcome = exchange.result;
  if (outcome.kind === 'pending') {
    for (const round of progress.begun) {
      const nowUs = state.clock.read(ownUs);
      let atUs = nowUs;
      if (round === 1 && leadOf(state) > 0) atUs = tickStartUs(config, tick);
      else if (round === 2 && foresee(config, state, tick, ownUs, effects))
        atUs = Math.max(nowUs, tickStartUs(config, tick) + (state.foresight?.relayAtUs ?? 0));
      if (atUs > nowUs) state.held = { round, atUs, message: prepareRound(state, round, atUs, effects) };
      else sendRound(config, state, round, ownUs, effects);
    }
    proceed(config, state, ownUs, effects);
    return;
  }
  if (outcome.kind === 'none') {
    state.overrunTick = tick;
    if (outcome.cause === 'overslept') state.oversleptTick = tick;
    health.withdrawSlowness();
    const latenessUs = state.clock.read(ownUs) - tickStartUs(config, tick);
    report(effects, { kind: 'overrun', tick, cause: outcome.cause, latenessUs });
    return;
  }
  health.noteContradictions(outcome.contradictions);
  // The last round may still be open for its account when it has decided.
  if (state.decidedTick === tick) return;
  state.decidedTick = tick;
  onAgreed(config, state, tick, outcome.vector, ownUs, effects);
}

/** What was held leaves, unless its tick is over for this replica. */
function sendHeld(
  config: ReplicaConfig,
  state: ReplicaState,
  held: HeldRound,
  ownUs: number,
  effects: Effect[],
): void {
  state.held = null;
  const { exchange } = state;
  const latenessUs = state.clock.read(ownUs) - tickStartUs(config, exchange.tick);
  if (held.round === 1 && latenessUs > config.roundUs) oversleep(state, exchange.tick, latenessUs, effects);
  else if (exchange.result.kind === 'pending')
    sendRound(config, state, held.round, ownUs, effects, latenessUs > STAMP_SLACK_US ? null : held.message);
}

/** The first round's message as it leaves at `atUs`, by the round clock; null for other rounds, which say different things. */
function prepareRound(
  state: ReplicaState,
  round: Round,
  atUs: number,
  effects: Effect[],
): RoundMessage | null {
  if (round !== 1 || !speaks(state)) return null;
  const message = makeFirstRound(state, state.clock.ownAt(atUs));
  effects.push({ kind: 'prepare', message });
  return message;
}

/** It says the same to everybody: one object, so that it is encoded once. */
function makeFirstRound({ exchange, run, clock }: ReplicaState, leavesUs: number): RoundMessage {
  const { tick } = exchange;
  return {
    kind: 'round',
    tick,
    round: 1,
    run,
    items: exchange.relay(1, 0),
    stamp: clock.stamp(tick, leavesUs),
  };
}

/** Sends what this replica says in a round. `prepared` is the first one's message where that is made already. */
function sendRound(
  config: ReplicaConfig,
  state: ReplicaState,
  round: Round,
  ownUs: number,
  effects: Effect[],
  prepared: RoundMessage | null = null,
): void {
  if (!speaks(state)) return;
  const { exchange, run } = state;
  const { tick } = exchange;
  const first = round === 1 ? (prepared ?? makeFirstRound(state, ownUs)) : null;
  for (let to = 0; to < config.n; to += 1) {
    if (to === config.self) continue;
    const message = first ?? { kind: 'round', tick, round, run, items: exchange.relay(round, to) };
    effects.push({ kind: 'send', to, message });
  }
}

function onAgreed(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  vector: Vector,
  ownUs: number,
  effects: Effect[],
): void {
  const { foreseen } = state;
  const entries =
    foreseen !== null && foreseen.tick === tick && sameValues(foreseen.vector, vector)
      ? foreseen.entries
      : decodeEntries(config, state, vector);
  // Whoever is too far behind to know who counts looks for the state in it, and takes it for nothing more.
  const told = knowsActive(state, tick);
  const { lag, governors } = state;
  // Without the operational quorum it is what one side of a partition takes for the vector.
  if (told && governors === null) report(effects, { kind: 'agreed', tick, vector, entries, atUs: ownUs });
  lag?.note(tick, entries);
  if (countPresent(entries) < state.quorums.minPresent) {
    report(effects, { kind: 'not-stepped', tick, cause: 'short-vector' });
    return;
  }
  if (governors === null) {
    goOn(config, state, { tick, vector, entries, told }, ownUs, effects);
    return;
  }
  const held: AwaitingQuorum = { tick, vector, entries, told };
  if (!isHeldUp(config, state, held)) {
    goOn(config, state, held, ownUs, effects);
    return;
  }
  state.awaitingQuorum = held;
  const cause = governors.judge(entries, tick) === 'unknown' ? 'lacks-content' : 'short-vector';
  report(effects, { kind: 'not-stepped', tick, cause });
}

function decodeEntries(
  config: ReplicaConfig,
  { own }: ReplicaState,
  vector: Vector,
): readonly (Entry | null)[] {
  const entries = new Array<Entry | null>(vector.length);
  for (let id = 0; id < vector.length; id += 1) {
    const value = vector[id] as MaybeValue;
    if (value !== null && value === own?.value) entries[id] = own.entry;
    else entries[id] = value === null ? null : config.decodeEntry(value);
  }
  return entries;
}

function countPresent(entries: readonly (Entry | null)[]): number {
  let present = 0;
  for (const entry of entries) if (entry !== null) present += 1;
  return present;
}

/**
 * Whether the operational quorum does not let anything come of a vector, or not yet. Whoever joins orders nothing, and may
 * follow the others as soon as it knows who they are.
 */
function isHeldUp(
  { self }: ReplicaConfig,
  { governors, mode }: ReplicaState,
  { entries, tick }: AwaitingQuorum,
): boolean {
  if (governors === null) return false;
  const verdict = governors.judge(entries, tick);
  if (mode !== 'joining') return verdict !== 'whole';
  const stated = governors.after(largestPrefix(entries));
  return stated === null || (stated & ~(1 << self)) === 0;
}

/** What comes of a vector with enough entries. */
function goOn(
  config: ReplicaConfig,
  state: ReplicaState,
  { tick, vector, entries: all, told }: AwaitingQuorum,
  ownUs: number,
  effects: Effect[],
): void {
  const largest = state.log === null ? 0 : largestPrefix(all);
  const governing = state.governors?.after(largest) ?? -1;
  const entries = governing < 0 ? all : keepOf(all, governing);
  if (told && state.governors !== null)
    report(effects, { kind: 'agreed', tick, vector, entries: all, atUs: ownUs });
  state.fullTick = tick;
  const { foreseen } = state;
  const base = foreseen?.entries === entries ? foreseen.base : findBase(state, entries, tick);
  if (base === null) {
    if (startRun(config, state, { tick, entries, largest }, ownUs, effects)) return;
    report(effects, { kind: 'not-stepped', tick, cause: 'no-base' });
    stepBack(config, state, entries);
    return;
  }
  state.baseless = 0;
  noteDissent(state, entries, base);
  const agreed: AgreedTick = { tick, active: state.exchange.activeMask, vector, told, entries };
  const holdsBase = state.snapshot !== null && sameBytes(state.snapshot.digest, base.digest);
  if (state.snapshot !== null && (holdsBase || !state.quorums.agrees)) {
    state.fetch = null;
    const from = state.snapshot;
    const cause = stepAgreed(config, state, from.state, agreed, ownUs, effects);
    // Whoever counts, and only listens, may be the very one that it waits for.
    const mayWaitForSelf =
      cause === 'short-vector' && state.mode === 'joining' && isMember(config, state, tick, false);
    if (!mayWaitForSelf) state.basedTick = tick;
    if (cause === null) return;
    report(effects, { kind: 'not-stepped', tick, cause });
    if (cause === 'lacks-content') awaitContent(state, agreed, from, effects);
    return;
  }
  state.basedTick = tick;
  report(effects, { kind: 'not-stepped', tick, cause: 'behind' });
  fetchBase(config, state, base, agreed, effects);
}

/**
 * Gets the state that the vector goes on from. A state of one piece is asked for anew with every vector, since it comes
 * within the tick; one of many takes several ticks, whose vectors are kept and replayed on it.
 */
function fetchBase(
  config: ReplicaConfig,
  state: ReplicaState,
  base: Base,
  agreed: AgreedTick,
  effects: Effect[],
): void {
  const under = state.fetch;
  if (under === null || !under.isUnderWay || !under.addVector(agreed)) {
    const holders: ReplicaIndex[] = [];
    for (let id = 0; id < config.n; id += 1)
      if (id !== config.self && (base.holders & (1 << id)) !== 0) holders.push(id);
    state.fetch = new StateFetch(base.tick, base.digest, holders, config.digest);
    state.fetch.addVector(agreed);
  }
  askForPieces(state, effects);
}

function askForPieces(state: ReplicaState, effects: Effect[]): void {
  const { fetch } = state;
  if (fetch === null) return;
  for (const { to, offset } of fetch.listRequests())
    effects.push({ kind: 'send', to, message: { kind: 'state-request', digest: fetch.digest, offset } });
}

/**
 * The state that the rig goes on from: the (tick, digest) that most entries name, at least `testimony` of them, so
 * that a correct replica holds it; ties go to the group with the lowest id. Where a log orders commands, and so nobody
 * lies, they go to the latest state first: whoever stopped at an older one may lack what leads on from there. Null where
 * there is none.
 */
function findBase(
  { quorums: { testimony }, log }: ReplicaState,
  entries: readonly (Entry | null)[],
  tick: Tick,
): Base | null {
  let best: Base | null = null;
  let most = 0;
  let counted = 0;
  for (let from = 0; from < entries.length; from += 1) {
    const standing = entries[from]?.standing;
    if ((counted & (1 << from)) !== 0 || standing?.kind !== 'running' || standing.stateTick >= tick) continue;
    const { stateTick, stateDigest } = standing;
    const holders = listHolders(entries, stateTick, stateDigest);
    counted |= holders;
    const size = countBits(holders);
    if (size < testimony) continue;
    const lead = size - most;
    if (lead < 0 || (lead === 0 && (log === null || best === null || stateTick <= best.tick))) continue;
    best = { tick: stateTick, digest: stateDigest, holders };
    most = size;
  }
  return best;
}

/** Bit i: replica i's entry names this state. */
function listHolders(entries: readonly (Entry | null)[], stateTick: Tick, stateDigest: Uint8Array): number {
  let holders = 0;
  for (let id = 0; id < entries.length; id += 1) {
    const standing = entries[id]?.standing;
    if (
      standing?.kind === 'running' &&
      standing.stateTick === stateTick &&
      sameBytes(standing.stateDigest, stateDigest)
    )
      holders |= 1 << id;
  }
  return holders;
}

/**
 * More replicas than the hypothesis allows were late at once, and of the states that they stopped at no two that count
 * are the same. All take the same older one up again, decided from the agreed vector alone: the oldest named, but for as
 * many as may lie; where that does not help, one older than that, and so on.
 */
function stepBack(config: ReplicaConfig, state: ReplicaState, entries: readonly (Entry | null)[]): void {
  state.baseless += 1;
  const ticks = entries
    .flatMap((entry) => (entry?.standing.kind === 'running' ? [entry.standing.stateTick] : []))
    .sort((a, b) => a - b);
  const present = entries.filter((entry) => entry !== null).length;
  const liars = Math.max(0, state.quorums.maxFaulty - (config.n - present));
  const named = ticks[Math.min(liars, ticks.length - 1)];
  if (named === undefined || state.snapshot === null) return;
  const latest = state.baseless > 1 ? named - 1 : named;
  if (state.snapshot.state.tick <= latest) return;
  const older = state.history.findLastIndex((one) => one.state.tick <= latest);
  if (older < 0) return;
  state.history.length = older + 1;
  state.snapshot = state.history[older] as Snapshot;
}

/** Names those whose state has the same tick as the base and another digest. Being behind is no dissent. */
function noteDissent(state: ReplicaState, entries: readonly (Entry | null)[], base: Base): void {
  for (let from = 0; from < entries.length; from += 1) {
    const standing = entries[from]?.standing;
    if (standing?.kind !== 'running' || standing.stateTick !== base.tick) continue;
    if (!sameBytes(standing.stateDigest, base.digest)) state.health.note(from, 'dissenting');
  }
}

/**
 * The run begins, decided from the agreed vector alone and so alike everywhere: all n wait and hear the voters, or n−f
 * have waited as long as patience lasts. Its ticks are numbered beyond all that the voters have put out, so that none of them takes the
 * new run for an old one.
 */
function startRun(
  config: ReplicaConfig,
  state: ReplicaState,
  starting: AwaitingStart,
  ownUs: number,
  effects: Effect[],
): boolean {
  const { tick, entries, largest } = starting;
  if (state.mode === 'running') return false;
  const waiting = entries.flatMap((entry) => (entry?.standing.kind === 'waiting' ? [entry.standing] : []));
  const patient = waiting.filter((standing) => standing.waitedTicks >= config.patienceTicks);
  const { testimony, minPresent } = state.quorums;
  const governing = state.governors?.after(largest) ?? null;
  const needed = governing === null ? config.n : countBits(governing);
  const isComplete = waiting.length === needed && hearsAllVoters(config, entries, testimony);
  if (!isComplete && patient.length < (governing === null ? minPresent : needed)) return false;
  const start = findStart(state, largest);
  if (start === 'unknown') {
    state.awaitingStart = starting;
    return false;
  }
  state.awaitingStart = null;
  const nonces = waiting.map((standing) => toHex(standing.nonce)).sort();
  const run = config.digest(
    new Uint8Array([...`${tick}:${nonces.join(',')}`].map((character) => character.charCodeAt(0))),
  );
  const sensors: readonly SensorMemory[] = config.sensors.map(() => ({ held: null, lostSince: null }));
  const floor = findFloor(config, entries, testimony);
  const baseTick = floor < 0 ? tick : Math.max(tick, floor + FLOOR_MARGIN_TICKS);
  if (baseTick > tick) {
    state.clock.set(state.clock.read(ownUs) - ownUs + (baseTick - tick) * config.periodUs, ownUs);
    renumber(config, state, baseTick);
    effects.push({ kind: 'realigned' });
  }
  const startTick = baseTick + 1;
  let present = 0;
  entries.forEach((entry, id) => {
    if (entry?.standing.kind === 'waiting') present |= 1 << id;
  });
  const members = foundMembers(config.n, present, startTick);
  const { law, book } = beginRun(config, start, startTick);
  keep(
    config,
    state,
    book === undefined
      ? { tick: baseTick, run, startTick, law, sensors, members }
      : { tick: baseTick, run, startTick, law, sensors, members, book },
  );
  enterMode(state, 'running', baseTick, 'in-step', effects);
  report(effects, { kind: 'started', tick: baseTick, run });
  return true;
}

/**
 * What the command log, as far as any of the starters knows it, comes to: what operators have set outlives a failure of
 * all replicas. Whoever does not know that much does not start. Null where no log orders commands.
 */
function findStart({ log }: ReplicaState, largest: Slot): FoldedLog | 'unknown' | null {
  return log === null ? null : (log.fold(largest) ?? 'unknown');
}

/** The control law's state and the book that a run starts with. */
function beginRun(
  { commands, actuators, initialLawState: law }: ReplicaConfig,
  fold: FoldedLog | null,
  startTick: Tick,
): { readonly law: Uint8Array; readonly book?: CommandBook } {
  if (fold !== null) return beginFrom(fold, startTick);
  return commands === undefined ? { law } : { law, book: openBook(commands.clients, actuators.length) };
}

/** Whether enough replicas tell of every voter: then it is known what the voters have put out. */
function hearsAllVoters(
  config: ReplicaConfig,
  entries: readonly (Entry | null)[],
  testimony: number,
): boolean {
  return config.actuators.every(
    (_, at) => entries.filter((entry) => (entry?.actuators[at] ?? null) !== null).length >= testimony,
  );
}

/**
 * The latest tick that any voter has put out, on the word of enough replicas that a correct one has heard it so; −1
 * without any.
 */
function findFloor(config: ReplicaConfig, entries: readonly (Entry | null)[], testimony: number): Tick {
  let floor = -1;
  config.actuators.forEach((_, at) => {
    const ticks = entries.flatMap((entry) => entry?.actuators[at]?.lastTick ?? []).sort((a, b) => b - a);
    floor = Math.max(floor, ticks[testimony - 1] ?? -1);
  });
  return Math.min(floor, MAX_FLOOR_TICK);
}

function onStateRequest(
  state: ReplicaState,
  from: ReplicaIndex,
  digest: Uint8Array,
  offset: number,
  effects: Effect[],
): void {
  const lent = state.lent[from] ?? null;
  const snapshot =
    lent !== null && sameBytes(lent.digest, digest)
      ? lent
      : state.history.find((one) => sameBytes(one.digest, digest));
  const answered = state.answered[from];
  if (snapshot === undefined || answered === undefined) return;
  const { tick } = state.exchange;
  if (answered.tick !== tick) answered.pieces = 0;
  answered.tick = tick;
  if (answered.pieces >= PIECES_AT_ONCE) return;
  const reply = cutPiece(digest, snapshot.bytes, offset);
  if (reply === null) return;
  answered.pieces += 1;
  state.lent[from] = snapshot;
  effects.push({ kind: 'send', to: from, message: reply });
}

function onStateReply(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicaIndex,
  reply: StateReply,
  ownUs: number,
  effects: Effect[],
): void {
  const { fetch } = state;
  if (fetch === null) return;
  const outcome = fetch.take(from, reply);
  if (outcome === 'more') {
    if (fetch.isRoundOver) askForPieces(state, effects);
    return;
  }
  if (outcome === 'unwanted') return;
  const adopted = outcome === 'whole' ? config.decodeState(fetch.bytes) : null;
  if (adopted === null || adopted.tick !== fetch.tick) {
    report(effects, { kind: 'dropped', peer: from, cause: 'wrong-state' });
    return;
  }
  state.fetch = null;
  keep(config, state, adopted);
  const { vectors } = fetch;
  const last = vectors[vectors.length - 1];
  report(effects, { kind: 'adopted', tick: last?.tick ?? adopted.tick, stateTick: adopted.tick });
  for (const agreed of vectors) {
    const { snapshot } = state;
    const base = findBase(state, agreed.entries, agreed.tick);
    // A tick that others did not step, or stepped from elsewhere: the next vector says how to go on.
    if (snapshot === null || base === null || !sameBytes(base.digest, snapshot.digest)) break;
    const cause = stepAgreed(config, state, snapshot.state, agreed, ownUs, effects);
    if (cause === 'lacks-content' && state.log !== null) awaitContent(state, agreed, snapshot, effects);
    if (cause !== null) break;
  }
  askForContents(config, state, effects);
}

/** Whether this replica knows who counts in a tick: by the run's state of late, or because there is no run. */
function knowsActive(state: ReplicaState, tick: Tick): boolean {
  return state.snapshot === null
    ? state.mode !== 'joining'
    : state.snapshot.state.tick >= tick - EFFECT_TICKS;
}

/**
 * Steps a vector from the state that it goes on from. That state says who counted in the tick: what this replica took
 * for the word of anybody else, itself included, was no part of the vector; where it left somebody out who did count,
 * it has not got the vector, and cannot step. Nor can it without the content of a request that is due, or a chosen entry
 * that takes effect: it never guesses. Null when it has stepped.
 */
function stepAgreed(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicatedState,
  { tick, active, vector, told, entries }: AgreedTick,
  ownUs: number,
  effects: Effect[],
): 'short-vector' | 'behind' | 'lacks-content' | null {
  const counted = countedIn(state, from, tick);
  if ((counted & ~active) !== 0) return 'behind';
  if (
    state.pool !== null &&
    from.book !== undefined &&
    from.book.pending.length > 0 &&
    lacksContent(state.pool, from.book, tick)
  )
    return 'lacks-content';
  const heard = limit(entries, counted, active);
  // There were enough entries, and some of them were of replicas that did not count.
  if (counted !== active && countPresent(heard) < state.quorums.minPresent) return 'short-vector';
  if (
    state.log !== null &&
    from.book?.prefix !== undefined &&
    !state.log.leadsFrom(from.book.prefix, appliedPrefix(from.book.prefix, heard))
  )
    return 'lacks-content';
  if (!told)
    report(effects, {
      kind: 'agreed',
      tick,
      vector: limit(vector, counted, active),
      entries: heard,
      atUs: ownUs,
    });
  const { foreseen } = state;
  if (foreseen !== null && foreseen.from === from && foreseen.entries === heard) {
    takeStep(config, state, foreseen.step, foreseen.atUs, heard, ownUs, effects);
    return null;
  }
  const basis = state.foresight !== null ? config.digestVector(limit(vector, counted, active)) : undefined;
  takeStep(config, state, workOut(config, state, from, tick, heard, basis), null, heard, ownUs, effects);
  return null;
}

/** What those said who counted, of what this replica took for the word of the active ones. */
function limit<T>(list: readonly (T | null)[], counted: number, active: number): readonly (T | null)[] {
  return counted === active ? list : keepOf(list, counted);
}

/** Nothing but what belongs to these replicas. */
function keepOf<T>(list: readonly (T | null)[], replicas: number): readonly (T | null)[] {
  return list.map((one, id) => ((replicas & (1 << id)) === 0 ? null : one));
}

/** The vector waits in its tick for what it takes to step it; in vain where this replica will never get that. */
function awaitContent(state: ReplicaState, agreed: AgreedTick, from: Snapshot, effects: Effect[]): void {
  const prefix = from.state.book?.prefix;
  if (state.log === null || prefix === undefined || !state.log.hasLeftBehind(prefix)) {
    state.awaiting = { agreed, from };
    return;
  }
  // What leads on from the own state is known here no more: that of a peer is, or a new run is due.
  state.snapshot = null;
  enterMode(state, 'joining', agreed.tick, 'lags', effects);
}

/**
 * Round 1 is complete, with time to spare: the step of the vector that this replica foresees is worked out, and ordered.
 * Nothing of it is taken before the last round confirms it. False where nothing is foreseen.
 */
function foresee(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  ownUs: number,
  effects: Effect[],
): boolean {
  const { snapshot, exchange, foresight } = state;
  if (foresight === null || state.mode !== 'running' || snapshot === null) return false;
  const startUs = tickStartUs(config, tick);
  const relayUs = Math.max(state.clock.read(ownUs) + foresight.processingUs, startUs + foresight.relayAtUs);
  if (relayUs > startUs + config.roundUs) return false;
  const vector = exchange.foresee();
  if (vector === null) return false;
  const from = snapshot.state;
  const entries = decodeEntries(config, state, vector);
  if (countPresent(entries) < state.quorums.minPresent) return false;
  if (countedIn(state, from, tick) !== exchange.activeMask) return false;
  const base = findBase(state, entries, tick);
  if (base === null || !sameBytes(base.digest, snapshot.digest)) return false;
  if (state.pool !== null && from.book !== undefined && lacksContent(state.pool, from.book, tick))
    return false;
  const step = workOut(config, state, from, tick, entries, config.digestVector(vector));
  state.foreseen = { tick, vector, entries, base, from, step, atUs: ownUs };
  sendCommands(config, state, tick, keepExact(state, config, step.commands, true), ownUs, effects);
  return true;
}

/** The commands to voters that take equal ones, or those to the others. */
function keepExact(
  { hasMidValue }: ReplicaState,
  { actuators }: ReplicaConfig,
  commands: readonly (ActuatorCommand | null)[],
  exact: boolean,
): readonly (ActuatorCommand | null)[] {
  if (!hasMidValue) return exact ? commands : NO_COMMANDS;
  return commands.map((one, at) => ((actuators[at]?.takesMidValue === true) === exact ? null : one));
}

/**
 * What the tick comes to, on what the replicas brought into it: readings are fused, requests take effect, the control
 * law runs. Nothing changes yet. `basis`: of the commands.
 */
function workOut(
  config: ReplicaConfig,
  state: ReplicaState,
  from: ReplicatedState,
  tick: Tick,
  entries: readonly (Entry | null)[],
  basis: Uint8Array | undefined,
): Step {
  const effects: Effect[] = [];
  const outliers: ReplicaIndex[] = [];
  const readings = new Array<FusedReading>(config.sensors.length);
  const sensors = new Array<SensorMemory>(config.sensors.length);
  let tripped = false;
  let complete = true;
  const channels = new Array<Reading>(entries.length);
  for (let at = 0; at < config.sensors.length; at += 1) {
    const rule = config.sensors[at] as SensorRule;
    for (let id = 0; id < entries.length; id += 1) channels[id] = entries[id]?.readings[at] ?? null;
    const fused = fuse(rule, channels, state.quorums.maxFaulty);
    for (const outlier of fused.outliers) outliers.push(outlier);
    const before = from.sensors[at] as SensorMemory;
    const lost = fused.quality === 'lost';
    const memory: SensorMemory = lost
      ? { held: before.held, lostSince: before.lostSince ?? tick }
      : { held: fused.value, lostSince: null };
    sensors[at] = memory;
    readings[at] = { value: memory.held, quality: fused.quality };
    if (!rule.required) continue;
    if (memory.held === null) complete = false;
    if (memory.lostSince !== null && (tick - memory.lostSince) * config.periodUs > rule.holdUs)
      tripped = true;
  }
  let { law, book } = from;
  if (book !== undefined && book.pending.length > 0) {
    const commanded = command(config, state, from, book, tick, effects);
    law = commanded.law;
    book = commanded.book;
  } else if (book?.prefix !== undefined) {
    const upTo = appliedPrefix(book.prefix, entries);
    if (upTo > book.prefix) ({ law, book } = followLog(config, state, from, book, upTo, tick, effects));
  }
  let counts: readonly (number | null)[] = [];
  if (complete && !tripped) {
    const outcome = config.law(law, readings, tick - from.startTick);
    if (outcome.ok) {
      law = outcome.state;
      counts = outcome.counts;
    } else {
      report(effects, { kind: 'law-failed', tick, reason: outcome.reason });
    }
  }
  const members =
    state.governors === null
      ? followVector(state.rules, from.members, tick, entries)
      : followGovernors(state.governors, from, book, tick);
  const { run, startTick } = from;
  if (state.pool !== null && book !== undefined)
    book = agreeRequests(book, tick, entries, state.quorums.maxFaulty + 1);
  if (members !== from.members) reportMembers(from.members, members, tick, effects);
  const next: ReplicatedState =
    book === undefined
      ? { tick, run, startTick, law, sensors, members }
      : { tick, run, startTick, law, sensors, members, book };
  const { testimony } = state.quorums;
  const commands = new Array<ActuatorCommand | null>(config.actuators.length);
  for (let at = 0; at < commands.length; at += 1) {
    const posture = book?.postures[at];
    const order = tripped || posture?.disarmed === true ? 'trip' : (counts[at] ?? null);
    const { rearm } = config.actuators[at] as ActuatorRule;
    commands[at] = orderOf(entries, at, order, posture, rearm, tick, testimony, basis);
  }
  return { next, readings, outliers, commands, effects };
}

/** Takes a step: its state is the own one now. What was ordered when it was foreseen, at `foreseenUs`, is not ordered again. */
function takeStep(
  config: ReplicaConfig,
  state: ReplicaState,
  { next, readings, outliers, commands, effects: effectsOfStep }: Step,
  foreseenUs: number | null,
  entries: readonly (Entry | null)[],
  ownUs: number,
  effects: Effect[],
): void {
  const { tick, run, startTick } = next;
  for (const outlier of outliers) state.health.note(outlier, 'dissenting');
  for (const effect of effectsOfStep) effects.push(effect);
  const snapshot = keep(config, state, next);
  if (state.governors?.mayOrder(entries, tick) ?? true) {
    const due = foreseenUs === null ? commands : keepExact(state, config, commands, false);
    sendCommands(config, state, tick, due, ownUs, effects);
  }
  const suspects = state.health.suspects();
  report(effects, {
    kind: 'stepped',
    tick,
    run,
    startTick,
    readStateDigest: () => snapshot.digest,
    readings,
    commands,
    suspects,
    foreseenUs,
    atUs: ownUs,
  });
  askForContents(config, state, effects);
}

/**
 * Late is absent, never wrong: a command of a tick that is over stays here, and so does that of a replica that has not yet
 * taken its place in the run.
 */
function sendCommands(
  config: ReplicaConfig,
  state: ReplicaState,
  tick: Tick,
  commands: readonly (ActuatorCommand | null)[],
  ownUs: number,
  effects: Effect[],
): void {
  if (state.mode !== 'running' || state.clock.read(ownUs) >= tickStartUs(config, tick + 1)) return;
  for (const one of commands) {
    if (one === null) continue;
    effects.push({ kind: 'command', tick, commands });
    return;
  }
}

/** What actuator `at` is told: to trip, or a count, with arming where that is due; nothing where there is none. */
function orderOf(
  entries: readonly (Entry | null)[],
  at: number,
  order: number | 'trip' | null,
  posture: CommandBook['postures'][number] | undefined,
  rearm: ActuatorRule['rearm'],
  tick: Tick,
  testimony: number,
  basis: Uint8Array | undefined,
): ActuatorCommand | null {
  if (order === null) return null;
  let arm: Arming | null = null;
  if (order !== 'trip') {
    const rule = posture !== undefined && tick <= posture.armUntil ? 'auto' : rearm;
    arm = findArming(entries, at, rule, tick, testimony);
  }
  const said: ActuatorCommand['order'] =
    order === 'trip' ? { kind: 'trip' } : { kind: 'output', count: order };
  return basis === undefined ? { tick, order: said, arm } : { tick, order: said, arm, basis };
}

/** Lets what is pending take effect on the control law's state, in order, and tells the operators. */
function command(
  config: ReplicaConfig,
  state: ReplicaState,
  { law: before, startTick }: ReplicatedState,
  from: CommandBook,
  tick: Tick,
  effects: Effect[],
): { readonly law: Uint8Array; readonly book: CommandBook } {
  let law = before;
  const { book, applied } = applyPending(from, tick, config.patienceTicks, ({ digest }) => {
    const content = state.pool?.find(digest) ?? null;
    assert(
      content !== null && config.commands !== undefined,
      'a vector is stepped when all contents are there',
    );
    const effect = config.commands.effect(content, law, tick - startTick);
    if (effect.kind === 'law') law = effect.law;
    return effect;
  });
  for (const one of applied) effects.push(replyTo(one, startTick));
  report(effects, { kind: 'commanded', tick, startTick, applied });
  return { law, book };
}

/** Who is waited for once the command log has taken effect up to where `book` says: the operational quorum after that. */
function followGovernors(
  governors: Governors,
  from: ReplicatedState,
  book: CommandBook | undefined,
  tick: Tick,
): readonly Member[] {
  if (book?.prefix === undefined || book.prefix === from.book?.prefix) return from.members;
  const quorum = governors.after(book.prefix);
  return quorum === null ? from.members : followQuorum(from.members, tick, quorum);
}

/** Lets what the command log holds up to `upTo` take effect on the control law's state, in order, and tells the operators. */
function followLog(
  config: ReplicaConfig,
  state: ReplicaState,
  { law: before, startTick }: ReplicatedState,
  from: CommandBook,
  upTo: Slot,
  tick: Tick,
  effects: Effect[],
): Commanded {
  const { commands } = config;
  const { log } = state;
  assert(log !== null && commands?.order === 'log', 'a book has a prefix where a log orders commands');
  const time = { tick, lawTick: tick - startTick, armUntil: tick + config.patienceTicks };
  const applied: AppliedRequest[] = [];
  let now: Commanded = { law: before, book: from };
  for (const chosen of log.list(from.prefix ?? 0, upTo)) {
    const { law, book, answer, isNew } = applyChosen(commands, now, chosen, time);
    now = { law, book };
    if (answer === null) continue;
    if (isNew) applied.push(answer);
    effects.push(replyTo(answer, startTick));
  }
  if (applied.length > 0) report(effects, { kind: 'commanded', tick, startTick, applied });
  return now;
}

/**
 * Arming is due when enough agreed entries say that this boot of the voter waits in fail-safe: at its start always,
 * after a trip only where the rig lets replicas re-arm on their own, or an operator has asked for it.
 */
function findArming(
  entries: readonly (Entry | null)[],
  at: number,
  rearm: ActuatorRule['rearm'],
  tick: Tick,
  testimony: number,
): Arming | null {
  for (const entry of entries) {
    const status = entry?.actuators[at] ?? null;
    if (status?.phase !== 'fail-safe' || (status.trips > 0 && rearm !== 'auto')) continue;
    let equal = 0;
    for (const other of entries) if (isSameFailSafe(other?.actuators[at] ?? null, status)) equal += 1;
    if (equal >= testimony) return { bootNonce: status.bootNonce, trips: status.trips, firstTick: tick };
  }
  return null;
}

/** Whether both tell of the same fail-safe of the same boot. */
function isSameFailSafe(a: ActuatorStatus | null, b: ActuatorStatus): boolean {
  return a?.phase === 'fail-safe' && a.trips === b.trips && sameBytes(a.bootNonce, b.bootNonce);
}

/** Makes a state the own one and keeps it for peers that ask. */
function keep(config: ReplicaConfig, state: ReplicaState, next: ReplicatedState): Snapshot {
  state.snapshot = new Snapshot(config, next);
  changeRun(state, next.run);
  state.history.push(state.snapshot);
  if (state.history.length > HISTORY) state.history.shift();
  return state.snapshot;
}

/** Tells of replicas that nobody waits for any more, or that all wait for again. */
function reportMembers(
  before: readonly Member[],
  after: readonly Member[],
  tick: Tick,
  effects: Effect[],
): void {
  const fromTick = tick + EFFECT_TICKS;
  const active = activeMask(after, fromTick);
  if (active !== activeMask(before, fromTick)) report(effects, { kind: 'members', tick, active, fromTick });
}

/** Moves between listening, waiting, joining and running, at the start of a tick. */
function chooseMode(config: ReplicaConfig, state: ReplicaState, tick: Tick, effects: Effect[]): void {
  const ticksInMode = tick - state.modeSince;
  const run = findForeignRun(config, state, tick);
  const stateTick = state.snapshot?.state.tick ?? -1;
  switch (state.mode) {
    case 'listening':
      if (run !== null) join(state, run, tick, effects);
      else if (ticksInMode >= LISTEN_TICKS && mayGovern(state)) {
        state.fullTick = tick;
        enterMode(state, 'waiting', tick, 'no-run', effects);
      }
      break;
    case 'waiting':
      if (run !== null) join(state, run, tick, effects);
      // These ticks are shared with too few.
      else if (tick - Math.max(state.modeSince, state.fullTick) > config.patienceTicks)
        unalign(state, tick, effects);
      break;
    case 'joining':
      // The run goes on, and hears nothing of whoever is no member: it asks to be let in.
      if (state.snapshot !== null && !isMember(config, state, tick, false)) state.speaksUp = false;
      if (run !== null) join(state, run, tick, effects);
      else if (
        stateTick === tick - 1 &&
        tick >= state.fencedUntil &&
        isMember(config, state, tick, true) &&
        mayGovern(state) &&
        !lags(config, state, tick)
      )
        enterMode(state, 'running', tick, 'in-step', effects);
      else if (tick - Math.max(state.modeSince, stateTick) > config.patienceTicks)
        listenAnew(state, tick, effects);
      // The run stands still, or is no more, and silence helps nobody: with a state of its own it goes on. Without one it
      // lends its voice to the run, or begins anew where there is none.
      else if (tick - Math.max(state.modeSince, state.basedTick) > LISTEN_TICKS) {
        if (!mayGovern(state)) break;
        if (state.snapshot !== null) enterMode(state, 'running', tick, 'lost', effects);
        else if (isShown(config, state, state.run, tick)) state.speaksUp = true;
        else listenAnew(state, tick, effects);
      }
      break;
    case 'running':
      if (run !== null && stateTick < tick - 2) join(state, run, tick, effects);
      else if (countBits(state.oversleeps) >= FENCE_TICKS) fence(state, tick, effects);
      else if (stateTick >= tick - 2 && !isMember(config, state, tick, false))
        enterMode(state, 'joining', tick, 'excluded', effects);
      else if (!mayGovern(state)) enterMode(state, 'joining', tick, 'excluded', effects);
      else if (lags(config, state, tick)) enterMode(state, 'joining', tick, 'lags', effects);
      else if (tick - Math.max(state.modeSince, stateTick) > config.patienceTicks)
        giveUp(config, state, tick, effects);
      break;
  }
}

/** Whether this replica may have a voice: where there is a witness, as a member of the operational quorum alone. */
function mayGovern({ governors }: ReplicaState): boolean {
  return governors === null || governors.includesSelf;
}

/**
 * Whether this replica holds the others up, who are enough without it: it lacks commands that they have long known, or that
 * its own state has already.
 */
function lags({ self }: ReplicaConfig, state: ReplicaState, tick: Tick): boolean {
  const { lag, log, governors, quorums, snapshot } = state;
  // Where the operational quorum says who may step, nobody of it can be spared.
  if (lag === null || log === null || governors !== null) return false;
  const due = Math.max(lag.due(tick), snapshot?.state.book?.prefix ?? 0);
  return log.prefix < due && lag.countKnowing(due, self) >= quorums.minPresent;
}

/**
 * A run that others can join keeps its state for as long as they are away: it stands still until they are back. One that
 * nobody can follow, or whose states nothing brings together any more, is no more.
 */
function giveUp(config: ReplicaConfig, state: ReplicaState, tick: Tick, effects: Effect[]): void {
  const waits =
    canBeFollowed(state, listShowing(state, state.run, tick)) && state.baseless <= config.patienceTicks;
  if (!waits) listenAnew(state, tick, effects);
}

/**
 * Whether this replica itself counts in the tick, by the state that it holds; `lasting`: and is not about to be excluded
 * for the ticks that it was away. The last report of these stands in this very tick's entries.
 */
function isMember(config: ReplicaConfig, state: ReplicaState, tick: Tick, lasting: boolean): boolean {
  const member = state.snapshot?.state.members[config.self];
  if (state.snapshot === null || member === undefined) return false;
  if ((countedIn(state, state.snapshot.state, tick) & (1 << config.self)) === 0) return false;
  return !lasting || (member.status === 'active' && member.missedTicks < config.excludeAfterTicks - 1);
}

/** It has slept, misses its own deadlines again and again, or its clock is off: silent until it is in step again. */
function fence(state: ReplicaState, tick: Tick, effects: Effect[]): void {
  state.fencedUntil = tick + FENCED_TICKS;
  enterMode(state, 'joining', tick, 'fenced', effects);
}

/** A run, not the own one, that enough peers have shown within the last ticks. */
function findForeignRun(config: ReplicaConfig, state: ReplicaState, tick: Tick): Uint8Array | null {
  for (const heard of state.heardRuns) {
    if (
      heard === null ||
      heard.tick < tick - RUN_TICKS ||
      sameBytes(heard.run, NO_RUN) ||
      sameBytes(heard.run, state.run)
    )
      continue;
    if (isShown(config, state, heard.run, tick)) return heard.run;
  }
  return null;
}

/** Whether enough peers have shown this run within the last ticks. */
function isShown(config: ReplicaConfig, state: ReplicaState, run: Uint8Array, tick: Tick): boolean {
  return countBits(listShowing(state, run, tick)) >= Math.min(state.quorums.testimony, config.n - 1);
}

function join(state: ReplicaState, run: Uint8Array, tick: Tick, effects: Effect[]): void {
  state.snapshot = null;
  state.fetch = null;
  changeRun(state, run);
  enterMode(state, 'joining', tick, 'heard-run', effects);
}

function listenAnew(state: ReplicaState, tick: Tick, effects: Effect[]): void {
  state.snapshot = null;
  state.fetch = null;
  state.baseless = 0;
  changeRun(state, NO_RUN);
  enterMode(state, 'listening', tick, 'lost', effects);
}

function changeRun(state: ReplicaState, run: Uint8Array): void {
  if (!sameBytes(state.run, run)) state.exchange.forgetEarly();
  state.run = run;
}

function enterMode(state: ReplicaState, mode: Mode, tick: Tick, cause: ModeCause, effects: Effect[]): void {
  state.mode = mode;
  state.modeSince = tick;
  state.speaksUp = false;
  state.oversleeps = 0;
  report(effects, { kind: 'mode', tick, mode, cause });
}

function speaks(state: ReplicaState): boolean {
  return state.aligned && (state.mode === 'running' || state.mode === 'waiting' || state.speaksUp);
}

function report(effects: Effect[], one: Report): void {
  effects.push({ kind: 'report', report: one });
}
