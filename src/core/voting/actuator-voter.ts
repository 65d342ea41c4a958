/**
 * The actuator voter (protocol.md §5): what stands at an actuator and lets one command through. It is the safety
 * claim of the whole system, so it knows nothing of agreement, transport or keys: it sees commands whose sender has
 * been authenticated, and time. It is meant to exist a second time, in C on a microcontroller, against the same
 * vectors, so it uses integers, bounded tables and no more.
 *
 * Where replicas command on what they foresee, each may order twice for a tick: on the vector that it foresaw and, where
 * another one was decided, on that. Orders count together only on one and the same vector. So of a majority that foresaw it
 * enough are correct for the vector to be decided (`OralMessages`), and one that has it decided needs no more.
 *
 * It must never put out: anything on less than a majority, anything older than its last output, anything outside the
 * declared envelope, anything before it was armed or after a trip.
 */
import { sameBytes } from '../bytes.js';
import type { ActuatorCommand, ReplicaIndex, Tick } from '../types.js';

export interface VoterConfig {
  readonly n: number;
  /** Strict majority of n. */
  readonly majority: number;
  /** `exact`: byte-equal commands. Else the mid value of the first `quorum` = 2f+1 commands of a tick. */
  readonly vote: { readonly kind: 'exact' } | { readonly kind: 'mid-value'; readonly quorum: number };
  /** P on the voter's own clock. */
  readonly periodUs: number;
  /** How long the last output stands without a new one before the voter trips. */
  readonly holdUs: number;
  /** Envelope, closed, in counts. */
  readonly minCount: number;
  readonly maxCount: number;
  readonly failSafeCount: number;
  /** Drawn afresh at every start, 8 bytes. */
  readonly bootNonce: Uint8Array;
}

export type VoterInput =
  | {
      readonly kind: 'command';
      readonly from: ReplicaIndex;
      readonly command: ActuatorCommand;
      readonly atUs: number;
    }
  | { readonly kind: 'time'; readonly nowUs: number };

export type TripCause = 'hold-expired' | 'ordered';

export type VoterEffect =
  /** Hand `count` to the device. `votes`: bit i set for each replica that had ordered it by then. */
  | { readonly kind: 'output'; readonly tick: Tick; readonly count: number; readonly votes: number }
  /** Hand the fail-safe value to the device. */
  | {
      readonly kind: 'fail-safe';
      readonly count: number;
      readonly cause: 'start' | TripCause;
      readonly trips: number;
    }
  | { readonly kind: 'armed'; readonly tick: Tick; readonly trips: number }
  | { readonly kind: 'missed'; readonly firstTick: Tick; readonly ticks: number }
  /** A replica ordered something else than what went out. */
  | { readonly kind: 'dissent'; readonly tick: Tick; readonly from: ReplicaIndex }
  | { readonly kind: 'refused'; readonly tick: Tick; readonly from: ReplicaIndex; readonly cause: Refusal }
  | { readonly kind: 'outside-envelope'; readonly tick: Tick; readonly count: number };

/** Why a command was not counted. `malformed`: tick or count is no whole number in range; its tick is given as −1. */
export type Refusal =
  | 'not-armed'
  | 'old-tick'
  | 'late'
  | 'future'
  | 'duplicate'
  | 'double-vote'
  | 'unknown-replica'
  | 'malformed';

/**
 * How early a tick may be by the voter's clock, in periods: its anchor may stem from orders that were themselves up to
 * a period late.
 */
const EARLY_PERIODS = 2;
/** Ticks whose commands are kept at once: the window of one period late and two early holds four. */
const SLOTS = 4;

interface Slot {
  tick: Tick;
  /** By replica: its first command of the tick. */
  readonly commands: (ActuatorCommand | null)[];
  /** By replica: its second one, on another vector. */
  readonly revised: (ActuatorCommand | null)[];
  decided: Decided | null;
  /** Bit i: it has been told that replica i ordered something else. */
  dissenters: number;
  /** A later tick is decided. */
  isOver: boolean;
}

export interface VoterState {
  phase: 'fail-safe' | 'armed';
  trips: number;
  /** Nothing at or before this tick goes out any more. */
  lastTick: Tick;
  lastOutputUs: number;
  lastCount: number;
  /** The voter's clock for the replicas' ticks: a command of `anchorTick` is expected at `anchorUs`. */
  anchorTick: Tick;
  anchorUs: number;
  /** First tick that has neither gone out nor been reported as missed. */
  nextDueTick: Tick;
  readonly slots: Slot[];
  /** In fail-safe: the last arming command of each replica. One each, so a liar can displace nobody's but its own. */
  readonly arming: (ActuatorCommand | null)[];
}

/** A voter that has just started: in fail-safe. */
export function createVoter(config: VoterConfig): VoterState {
  return {
    phase: 'fail-safe',
    trips: 0,
    lastTick: -1,
    lastOutputUs: 0,
    lastCount: config.failSafeCount,
    anchorTick: 0,
    anchorUs: 0,
    nextDueTick: 0,
    slots: Array.from({ length: SLOTS }, () => ({
      tick: -1,
      commands: noCommands(config.n),
      revised: noCommands(config.n),
      decided: null,
      dissenters: 0,
      isOver: false,
    })),
    arming: noCommands(config.n),
  };
}

/** What a voter does first: puts the device into fail-safe. */
export function startVoter(config: VoterConfig): readonly VoterEffect[] {
  return [{ kind: 'fail-safe', count: config.failSafeCount, cause: 'start', trips: 0 }];
}

/** One step; `state` is changed in place. Total: no command can make it throw. */
export function stepVoter(config: VoterConfig, state: VoterState, input: VoterInput): readonly VoterEffect[] {
  const effects: VoterEffect[] = [];
  if (input.kind === 'time') onTime(config, state, input.nowUs, effects);
  else {
    // What was due before this arrival comes first: a majority that arrives after `hold` finds the voter tripped.
    onTime(config, state, input.atUs, effects);
    onCommand(config, state, input.from, input.command, input.atUs, effects);
  }
  return effects;
}

/** When `time` is due next; null while in fail-safe. */
export function nextVoterDeadlineUs(config: VoterConfig, state: VoterState): number | null {
  if (state.phase === 'fail-safe') return null;
  return Math.min(state.lastOutputUs + config.holdUs, deadlineUs(config, state, state.nextDueTick)) + 1;
}

function onTime(config: VoterConfig, state: VoterState, nowUs: number, effects: VoterEffect[]): void {
  if (state.phase === 'fail-safe') return;
  // Misses first: they are what leads to a trip. In one step, however long the voter slept.
  const overdueUs = nowUs - deadlineUs(config, state, state.nextDueTick);
  if (overdueUs > 0) {
    // A tick may still go out at its very deadline.
    const ticks = Math.ceil(overdueUs / config.periodUs);
    effects.push({ kind: 'missed', firstTick: state.nextDueTick, ticks });
    state.nextDueTick += ticks;
  }
  if (nowUs - state.lastOutputUs > config.holdUs) trip(config, state, 'hold-expired', effects);
}

function onCommand(
  config: VoterConfig,
  state: VoterState,
  from: ReplicaIndex,
  command: ActuatorCommand,
  atUs: number,
  effects: VoterEffect[],
): void {
  const { tick } = command;
  const refuse = (cause: Refusal): void => {
    effects.push({ kind: 'refused', tick, from, cause });
  };
  if (!Number.isInteger(from) || from < 0 || from >= config.n) return refuse('unknown-replica');
  if (!isWellFormed(command)) {
    effects.push({ kind: 'refused', tick: -1, from, cause: 'malformed' });
    return;
  }
  if (state.phase === 'fail-safe') {
    if (!namesThisBoot(config, state, command)) return refuse('not-armed');
    if (tick <= state.lastTick) return refuse('old-tick');
    return arm(config, state, from, command, atUs, effects);
  }
  const offsetUs = atUs - expectedUs(config, state, tick);
  if (offsetUs > config.periodUs) return refuse(tick <= state.lastTick ? 'old-tick' : 'late');
  if (offsetUs < -EARLY_PERIODS * config.periodUs) return refuse('future');
  const slot = slotFor(state, tick);
  if (slot === null) return refuse('old-tick');
  const first = slot.commands[from] ?? null;
  if (first === null) slot.commands[from] = command;
  else if (mayRevise(config, slot, from, first, command)) slot.revised[from] = command;
  else return refuse(hasVoted(slot, from, command) ? 'duplicate' : 'double-vote');

  if (slot.decided !== null) return tellDissent(config, slot, slot.decided.vote, false, effects);
  if (tick <= state.lastTick) return refuse('old-tick');
  vote(config, state, slot, command, atUs, effects);
}

/** Arming: byte-equal from a majority, for this boot and this number of trips. Its commands are the first votes. */
function arm(
  config: VoterConfig,
  state: VoterState,
  from: ReplicaIndex,
  command: ActuatorCommand,
  atUs: number,
  effects: VoterEffect[],
): void {
  state.arming[from] = command;
  let count = 0;
  for (const other of state.arming)
    if (other !== null && other.tick === command.tick && sameBasis(other.basis, command.basis)) count += 1;
  if (count < config.majority) return;
  state.phase = 'armed';
  state.anchorTick = command.tick;
  state.anchorUs = atUs;
  state.nextDueTick = command.tick;
  state.lastOutputUs = atUs;
  // The first tick that arming names is a floor for all that follows.
  state.lastTick = command.tick - 1;
  effects.push({ kind: 'armed', tick: command.tick, trips: state.trips });
  const slot = slotFor(state, command.tick) as Slot;
  state.arming.forEach((other, voter) => {
    if (other?.tick === command.tick) slot.commands[voter] = other;
  });
  state.arming.fill(null);
  // Several majorities cannot be among them, so each candidate may ask.
  for (const candidate of slot.commands) {
    if (candidate !== null && slot.decided === null) vote(config, state, slot, candidate, atUs, effects);
  }
}

function vote(
  config: VoterConfig,
  state: VoterState,
  slot: Slot,
  command: ActuatorCommand,
  atUs: number,
  effects: VoterEffect[],
): void {
  const decided =
    config.vote.kind === 'exact'
      ? countEqual(config, slot, command)
      : takeMidValue(config, slot, config.vote.quorum);
  if (decided === null) return;
  slot.decided = decided;
  for (const other of state.slots) {
    if (other.tick >= slot.tick || other.decided === null || other.isOver) continue;
    other.isOver = true;
    tellDissent(config, other, other.decided.vote, true, effects);
  }
  tellDissent(config, slot, decided.vote, false, effects);
  const { order } = decided.vote;
  if (order.kind === 'none') return;
  if (order.kind === 'trip') {
    state.lastTick = slot.tick;
    trip(config, state, 'ordered', effects);
    return;
  }
  const { count } = order;
  if (count < config.minCount || count > config.maxCount) {
    effects.push({ kind: 'outside-envelope', tick: slot.tick, count });
    return;
  }
  state.lastTick = slot.tick;
  state.lastOutputUs = atUs;
  state.lastCount = count;
  if (slot.tick > state.nextDueTick) {
    effects.push({ kind: 'missed', firstTick: state.nextDueTick, ticks: slot.tick - state.nextDueTick });
  }
  state.nextDueTick = Math.max(state.nextDueTick, slot.tick + 1);
  followClock(config, state, slot.tick, atUs);
  effects.push({ kind: 'output', tick: slot.tick, count, votes: decided.votes });
}

/**
 * Tells who ordered something else than what was decided. Whoever was told something else by a liar foresees another vector
 * and orders once more, on the one that was decided: until a later tick is decided (`isOver`) its order on another vector
 * is no dissent.
 */
function tellDissent(
  config: VoterConfig,
  slot: Slot,
  decided: Vote,
  isOver: boolean,
  effects: VoterEffect[],
): void {
  for (let from = 0; from < config.n; from += 1) {
    const first = slot.commands[from] ?? null;
    const second = slot.revised[from] ?? null;
    if (first === null || (slot.dissenters & (1 << from)) !== 0) continue;
    const isOther =
      dissents(config, decided, first) ||
      (second !== null && dissents(config, decided, second)) ||
      (isOver && config.vote.kind === 'exact' && !hasVoted(slot, from, decided));
    if (!isOther) continue;
    slot.dissenters |= 1 << from;
    effects.push({ kind: 'dissent', tick: slot.tick, from });
  }
}

/** What one command says, and what is decided: an order, and the vector that it was worked out on. */
type Vote = Pick<ActuatorCommand, 'order' | 'basis'>;

interface Decided {
  readonly vote: Vote;
  /** Bit i: replica i had ordered it by then. */
  readonly votes: number;
}

/** Decides at the arrival that completes a majority of byte-equal orders on one basis. */
function countEqual(config: VoterConfig, slot: Slot, command: ActuatorCommand): Decided | null {
  let count = 0;
  let votes = 0;
  for (let from = 0; from < config.n; from += 1) {
    if (hasVoted(slot, from, command)) {
      count += 1;
      votes |= 1 << from;
    }
  }
  return count >= config.majority ? { vote: command, votes } : null;
}

function hasVoted(slot: Slot, from: ReplicaIndex, vote: Vote): boolean {
  const first = slot.commands[from] ?? null;
  const second = slot.revised[from] ?? null;
  return (first !== null && sameVote(first, vote)) || (second !== null && sameVote(second, vote));
}

/**
 * A replica that has commanded on the vector that it foresaw may do so once more, on the one that was decided. Inexact
 * voting takes the first command there is, so that nobody has two.
 */
function mayRevise(
  config: VoterConfig,
  slot: Slot,
  from: ReplicaIndex,
  first: ActuatorCommand,
  command: ActuatorCommand,
): boolean {
  return (
    config.vote.kind === 'exact' &&
    first.basis !== undefined &&
    command.basis !== undefined &&
    slot.revised[from] === null &&
    !sameBytes(first.basis, command.basis)
  );
}

/** Inexact voting: the middle one of the first 2f+1 outputs lies between correct ones. A majority of trips trips. */
function takeMidValue(config: VoterConfig, slot: Slot, quorum: number): Decided | null {
  const counts: number[] = [];
  let votes = 0;
  let trips = 0;
  for (let from = 0; from < config.n; from += 1) {
    const order = slot.commands[from]?.order;
    if (order?.kind === 'trip') trips += 1;
    if (order?.kind !== 'output') continue;
    counts.push(order.count);
    votes |= 1 << from;
  }
  if (trips >= config.majority) return { vote: { order: { kind: 'trip' } }, votes: 0 };
  if (counts.length < quorum) return null;
  counts.sort((a, b) => a - b);
  const count = counts[counts.length >> 1] as number;
  return { vote: { order: { kind: 'output', count } }, votes };
}

function trip(config: VoterConfig, state: VoterState, cause: TripCause, effects: VoterEffect[]): void {
  state.phase = 'fail-safe';
  state.trips += 1;
  state.lastCount = config.failSafeCount;
  // Votes from before the trip cannot count for what comes after it.
  for (const slot of state.slots) {
    slot.tick = -1;
    slot.decided = null;
    slot.commands.fill(null);
    slot.revised.fill(null);
    slot.dissenters = 0;
    slot.isOver = false;
  }
  state.arming.fill(null);
  effects.push({ kind: 'fail-safe', count: config.failSafeCount, cause, trips: state.trips });
}

function noCommands(n: number): (ActuatorCommand | null)[] {
  return new Array<ActuatorCommand | null>(n).fill(null);
}

function namesThisBoot(config: VoterConfig, state: VoterState, command: ActuatorCommand): boolean {
  const { arm: arming } = command;
  return (
    arming !== null &&
    arming.trips === state.trips &&
    arming.firstTick === command.tick &&
    sameBytes(arming.bootNonce, config.bootNonce)
  );
}

/** The slot of a tick; an older tick makes room for it. Null when all slots hold newer ticks. */
function slotFor(state: VoterState, tick: Tick): Slot | null {
  let oldest = state.slots[0] as Slot;
  for (const slot of state.slots) {
    if (slot.tick === tick) return slot;
    if (slot.tick < oldest.tick) oldest = slot;
  }
  if (oldest.tick > tick) return null;
  oldest.tick = tick;
  oldest.decided = null;
  oldest.commands.fill(null);
  oldest.revised.fill(null);
  oldest.dissenters = 0;
  oldest.isOver = false;
  return oldest;
}

/**
 * Follows the replicas' clocks, in whole microseconds. An order can be late for many reasons and early for none, so
 * the earliest arrival is the best witness: the anchor moves earlier at once, and later by at most 1/2000 of a period
 * a tick (500 ppm).
 */
function followClock(config: VoterConfig, state: VoterState, tick: Tick, atUs: number): void {
  const maxSlewUs = Math.floor(config.periodUs / 2000);
  const errorUs = atUs - expectedUs(config, state, tick);
  state.anchorUs += (tick - state.anchorTick) * config.periodUs + Math.min(maxSlewUs, errorUs);
  state.anchorTick = tick;
}

function expectedUs(config: VoterConfig, state: VoterState, tick: Tick): number {
  return state.anchorUs + (tick - state.anchorTick) * config.periodUs;
}

function deadlineUs(config: VoterConfig, state: VoterState, tick: Tick): number {
  return expectedUs(config, state, tick) + config.periodUs;
}

/** A tick between ticks would take the place of a whole one's votes, and NaN passes every comparison. */
function isWellFormed(command: ActuatorCommand): boolean {
  if (!Number.isSafeInteger(command.tick) || command.tick < 0) return false;
  return command.order.kind !== 'output' || (command.order.count | 0) === command.order.count;
}

/** Where the mid value is taken, correct outputs may differ. On another vector they may too. */
function dissents(config: VoterConfig, decided: Vote, command: Vote): boolean {
  const { order, basis } = decided;
  if (config.vote.kind !== 'exact') return order.kind !== command.order.kind;
  return sameBasis(basis, command.basis) && !sameOrder(order, command.order);
}

function sameVote(a: Vote, b: Vote): boolean {
  return sameBasis(a.basis, b.basis) && sameOrder(a.order, b.order);
}

function sameBasis(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameBytes(a, b);
}

function sameOrder(a: ActuatorCommand['order'], b: ActuatorCommand['order']): boolean {
  if (a.kind !== 'output' || b.kind !== 'output') return a.kind === b.kind;
  return a.count === b.count;
}
