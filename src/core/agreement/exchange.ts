/**
 * The rounds of one tick (protocol.md §3): who has said what in which round, when a round closes, and what is late.
 * A round closes when every peer's message of it is held (early advance) or at its deadline, which nothing moves.
 * Items reach the agreement algorithm only when their round closes, in the order of their senders, so the order of
 * arrival decides nothing.
 *
 * The last round decides as soon as nothing that is still missing from at most f peers could change the vector
 * (`TickAgreement.isSettled`); it then stays open, for the account of who was absent or contradicted, until it is
 * complete or over.
 *
 * A deadline is noticed by a timer, and timers are late by the machine's noise. What a socket delivered before the
 * deadline was noticed counts if it was read no later than `graceUs` after the deadline: a replica that was not
 * running cannot tell when such a message came, and taking it is no worse than a sender that is early for one receiver
 * and late for another, which the agreement tolerates. Beyond the grace the replica itself overslept and is the
 * faulty one of the tick.
 *
 * Who is not in the active set of the tick is not waited for, and what it says is left out: to the agreement it is
 * silent.
 */
import { assert } from '../assert.js';
import { countBits } from '../bits.js';
import { sameValue } from '../bytes.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round, RoundMessage, Tick, Vector } from '../types.js';
import type { Algorithm, Contradiction, ItemRejection, TickAgreement } from './algorithm.js';

export interface ExchangeTiming {
  /** P. */
  readonly periodUs: number;
  /** R. */
  readonly roundUs: number;
  /** How much after a deadline an arrival still counts if the deadline has not been noticed yet. */
  readonly graceUs: number;
  /** T0 of the tick grid on the replica's clock. */
  readonly epochUs: number;
}

/** What an arriving message was. */
export type Arrival =
  | 'held'
  | 'late'
  | 'future'
  | 'duplicate'
  | 'equivocation'
  | 'excluded'
  | 'round-out-of-range'
  | 'tick-out-of-range';

/** Why a replica takes itself for the faulty one in a tick. */
export type OverrunCause = 'overslept' | 'misses-too-many';

export type Outcome =
  | { readonly kind: 'pending' }
  | { readonly kind: 'agreed'; readonly vector: Vector; readonly contradictions: readonly Contradiction[] }
  | { readonly kind: 'none'; readonly cause: OverrunCause };

export interface ItemDrop {
  readonly sender: ReplicaIndex;
  readonly cause: ItemRejection;
}

/** What one call to the exchange brought about. */
export interface Progress {
  /** Round that has just begun, in order; what to send follows from `relay`. */
  readonly begun: readonly Round[];
  /** Peers without a message in a round that was closed by its deadline. */
  readonly absent: readonly { readonly round: Round; readonly peer: ReplicaIndex }[];
  readonly drops: readonly ItemDrop[];
}

const PENDING: Outcome = { kind: 'pending' };
/** What mostly happens in a call: one object for each, since there are several calls for every message. */
const NOTHING: Progress = { begun: [], absent: [], drops: [] };
const FIRST_ROUND: Progress = { begun: [1], absent: [], drops: [] };

/** Messages that arrive before their tick begins are kept for this many ticks ahead. */
const TICKS_AHEAD = 1;

/** Start of tick k on the replica's clock. */
export function tickStartUs(timing: ExchangeTiming, tick: Tick): number {
  return timing.epochUs + tick * timing.periodUs;
}

/** The tick that `nowUs` lies in. */
export function tickAt(timing: ExchangeTiming, nowUs: number): Tick {
  return Math.floor((nowUs - timing.epochUs) / timing.periodUs);
}

/** Messages of one tick by round and sender, from before it begins until it is over. */
class Holding {
  readonly messages: (RoundMessage | null)[];
  constructor(
    readonly tick: Tick,
    rounds: number,
    n: number,
  ) {
    this.messages = new Array<RoundMessage | null>(rounds * n);
    // One by one: for so few, a call that fills costs more.
    for (let slot = 0; slot < rounds * n; slot += 1) this.messages[slot] = null;
  }
}

/** Drives the agreement of tick after tick. Mutable, owned by one replica state. */
export class Exchange {
  private current: Holding | null = null;
  private ahead: Holding[] = [];
  private agreement: TickAgreement | null = null;
  private round: Round = 0;
  private outcome: Outcome = { kind: 'none', cause: 'overslept' };
  /** Bit i: replica i counts in the tick, and its message of the current round is not there. */
  private missing = 0;
  /** Senders whose message of the current round the agreement has. */
  private accepted = 0;
  /** The agreement has said so of the tick under way: what comes later cannot change that. */
  private settled = false;
  /** Decided before the last round was complete. */
  private accounting = false;
  /** Items dropped since the last call of `advance`. */
  private drops: ItemDrop[] = [];
  /** Peers that sent nothing at all in the tick before: their silence is no news. */
  private silentBefore = 0;
  private heardNow = 0;
  /** Bit i: replica i is active in the tick under way. */
  private active: number;
  /** Replicas left out of the tick under way. */
  private excluded = 0;

  constructor(
    private readonly algorithm: Algorithm,
    private readonly timing: ExchangeTiming,
    private readonly n: number,
    private readonly self: ReplicaIndex,
    private readonly maxMissing: number,
  ) {
    this.active = (1 << n) - 1;
  }

  /** The tick under way, −1 before the first. */
  get tick(): Tick {
    return this.current?.tick ?? -1;
  }

  /** Bit i: replica i counts in the tick under way. */
  get activeMask(): number {
    return this.active;
  }

  get result(): Outcome {
    return this.outcome;
  }

  /** Time of the next deadline, or null when the tick needs none any more. */
  nextDeadlineUs(): number | null {
    return this.current === null || !this.isOpen() ? null : this.deadlineUs(this.round);
  }

  /**
   * Begins tick `tick` with the own value; absent for a replica that only listens. `active` has a bit for each replica
   * that counts in it; all where nothing else is known. Round 1 has begun when this returns; whether it is already
   * complete is what `isReady` says.
   */
  begin(tick: Tick, own: MaybeValue, active: number = (1 << this.n) - 1): Progress {
    this.open(tick);
    this.limitTo(active);
    this.agreement = this.algorithm.createTick(this.self);
    this.agreement.propose(own);
    this.settled = false;
    this.outcome = PENDING;
    this.enterRound(1);
    return FIRST_ROUND;
  }

  /** What the tick will come to if a majority foresee the same, once round 1 is over; null where nothing is foreseen. */
  foresee(): Vector | null {
    if (!this.algorithm.foresees || this.round !== 2 || this.outcome.kind !== 'pending') return null;
    return this.agreement?.foresee?.() ?? null;
  }

  /** Messages of the round for a peer; empty items are sent too. */
  relay(round: Round, receiver: ReplicaIndex): readonly RelayItem[] {
    assert(this.agreement !== null && round === this.round, 'relays leave in their own round');
    return this.agreement.relay(round, receiver);
  }

  /** Holds a message until its round closes. The caller follows with `advanceAfterArrival` when it was held. */
  hold(sender: ReplicaIndex, message: RoundMessage, arrivedUs: number): Arrival {
    const { tick, round } = message;
    if (!Number.isInteger(round) || round < 1 || round > this.algorithm.rounds) return 'round-out-of-range';
    // Ticks between ticks would each be kept as one to come.
    if (!Number.isSafeInteger(tick)) return 'tick-out-of-range';
    const present = Math.max(this.tick, tickAt(this.timing, arrivedUs));
    if (tick > present + TICKS_AHEAD) return 'future';
    if (tick < present && tick !== this.tick) return 'late';
    if (tick === this.tick) {
      this.heardNow |= 1 << sender;
      if ((this.active & (1 << sender)) === 0) return 'excluded';
    }
    const holding = tick === this.tick ? (this.current as Holding) : this.holdAhead(tick, present);
    const slot = (round - 1) * this.n + sender;
    const first = holding.messages[slot];
    if (first !== null && first !== undefined)
      return sameRoundMessage(first, message) ? 'duplicate' : 'equivocation';
    if (holding === this.current && this.isClosed(round)) return 'late';
    if (arrivedUs > tickStartUs(this.timing, tick) + round * this.timing.roundUs + this.timing.graceUs)
      return 'late';
    holding.messages[slot] = message;
    if (holding === this.current && round === this.round) this.missing &= ~(1 << sender);
    return 'held';
  }

  /** Closes every round that is complete or whose deadline has passed at `nowUs`, and decides as soon as it can. */
  advance(nowUs: number): Progress {
    let begun = NOTHING.begun;
    let absent = NOTHING.absent;
    while (this.current !== null && this.isOpen()) {
      const { missing } = this;
      const deadlineUs = this.deadlineUs(this.round);
      const settled = missing !== 0 && nowUs < deadlineUs && this.isSettled(missing);
      if (missing !== 0 && !settled) {
        if (nowUs < deadlineUs) break;
        absent = [...absent, ...this.listAbsent(missing)];
        const news = (missing & ~this.silentBefore) !== 0;
        if (this.outcome.kind === 'pending' && news && nowUs > deadlineUs + this.timing.graceUs) {
          this.outcome = { kind: 'none', cause: 'overslept' };
          break;
        }
        if (this.outcome.kind === 'pending' && countBits(missing) + this.excluded > this.maxMissing) {
          this.outcome = { kind: 'none', cause: 'misses-too-many' };
          break;
        }
      }
      this.acceptHeld();
      if (this.round < this.algorithm.rounds) {
        this.enterRound(this.round + 1);
        begun = [this.round];
        // The sends of a round happen before the next one can close: a round that is complete already closes
        // in the caller's next call.
        break;
      }
      const agreement = this.agreement as TickAgreement;
      this.outcome = {
        kind: 'agreed',
        vector: agreement.decide(),
        contradictions: agreement.contradictions(),
      };
      this.accounting = settled;
      if (settled) break;
    }
    const { drops } = this;
    if (begun === NOTHING.begun && absent === NOTHING.absent && drops.length === 0) return NOTHING;
    this.drops = [];
    return { begun, absent, drops };
  }

  /** True when `advance` would close the current round, or decide, at once. */
  isReady(nowUs: number): boolean {
    if (this.current === null || !this.isOpen()) return false;
    const { missing } = this;
    return missing === 0 || nowUs >= this.deadlineUs(this.round) || this.isSettled(missing);
  }

  /** Gives a tick up that the replica overslept, be it under way: its value cannot be of use any more. */
  abandon(tick: Tick): void {
    if (tick !== this.tick) this.open(tick);
    this.outcome = { kind: 'none', cause: 'overslept' };
  }

  /**
   * Forgets what came early, because the run has changed: it belongs to another one. A signature of an earlier run
   * would convince this replica and nobody that it relays it to.
   */
  forgetEarly(): void {
    this.ahead = [];
  }

  /** Leaves out whoever is not active, and what such a one has sent before the tick began. */
  private limitTo(active: number): void {
    this.active = active | (1 << this.self);
    this.excluded = 0;
    const { messages } = this.current as Holding;
    for (let id = 0; id < this.n; id += 1) {
      if ((this.active & (1 << id)) !== 0) continue;
      this.excluded += 1;
      for (let slot = id; slot < messages.length; slot += this.n) messages[slot] = null;
    }
  }

  private open(tick: Tick): void {
    assert(tick > this.tick, 'ticks begin in order');
    const everyPeer = this.active & ~(1 << this.self);
    if (this.current !== null) this.silentBefore = everyPeer & ~this.heardNow;
    this.accounting = false;
    if (this.drops.length > 0) this.drops = [];
    this.current = this.takeAhead(tick) ?? this.holdingFor(tick);
    this.heardNow = 0;
    const { messages } = this.current;
    for (let slot = 0; slot < messages.length; slot += 1)
      if (messages[slot] !== null) this.heardNow |= 1 << (slot % this.n);
  }

  /** What is held of a tick that begins; what is held of earlier ones is forgotten. */
  private takeAhead(tick: Tick): Holding | null {
    const { ahead } = this;
    if (ahead.length === 0) return null;
    this.ahead = ahead.filter((holding) => holding.tick > tick);
    return ahead.find((holding) => holding.tick === tick) ?? null;
  }

  /** The holding of a tick that has not begun here. Two at the most: of the tick by the clock and of the next. */
  private holdAhead(tick: Tick, present: Tick): Holding {
    this.ahead = this.ahead.filter((holding) => holding.tick >= present);
    let holding = this.ahead.find((one) => one.tick === tick);
    if (holding === undefined) {
      holding = this.holdingFor(tick);
      this.ahead.push(holding);
    }
    return holding;
  }

  private enterRound(round: Round): void {
    this.round = round;
    this.accepted = 0;
    this.missing = this.active & ~(1 << this.self);
    const { messages } = this.current as Holding;
    const first = (round - 1) * this.n;
    for (let peer = 0; peer < this.n; peer += 1)
      if (messages[first + peer] !== null) this.missing &= ~(1 << peer);
  }

  /** Whether anything of the tick is still waited for. */
  private isOpen(): boolean {
    return this.outcome.kind === 'pending' || this.accounting;
  }

  private isClosed(round: Round): boolean {
    return !this.isOpen() || round < this.round;
  }

  /** Whether the messages of the last round that are missing of these peers can be done without. */
  private isSettled(missing: number): boolean {
    if (this.outcome.kind !== 'pending' || this.round < this.algorithm.rounds) return false;
    if (countBits(missing) + this.excluded > this.maxMissing) return false;
    const agreement = this.agreement as TickAgreement;
    if (this.settled || agreement.isSettled === undefined) return this.settled;
    this.acceptHeld();
    this.settled = agreement.isSettled();
    return this.settled;
  }

  /** Gives the agreement what is held of the current round, in the order of the senders. */
  private acceptHeld(): void {
    const { messages } = this.current as Holding;
    for (let sender = 0; sender < this.n; sender += 1) {
      const message = messages[(this.round - 1) * this.n + sender];
      if (message === null || message === undefined || (this.accepted & (1 << sender)) !== 0) continue;
      this.accepted |= 1 << sender;
      for (const cause of (this.agreement as TickAgreement).accept(this.round, sender, message.items)) {
        this.drops.push({ sender, cause });
      }
    }
  }

  private listAbsent(missing: number): { round: Round; peer: ReplicaIndex }[] {
    const absent: { round: Round; peer: ReplicaIndex }[] = [];
    for (let peer = 0; peer < this.n; peer += 1)
      if ((missing & (1 << peer)) !== 0) absent.push({ round: this.round, peer });
    return absent;
  }

  private deadlineUs(round: Round): number {
    return tickStartUs(this.timing, this.tick) + round * this.timing.roundUs;
  }

  private holdingFor(tick: Tick): Holding {
    return new Holding(tick, this.algorithm.rounds, this.n);
  }
}

function sameRoundMessage(a: RoundMessage, b: RoundMessage): boolean {
  return (
    a.items.length === b.items.length &&
    a.items.every((item, at) => {
      const other = b.items[at] as RelayItem;
      return (
        sameValue(item.value, other.value) &&
        item.path.length === other.path.length &&
        item.path.every((id, step) => id === other.path[step])
      );
    })
  );
}
