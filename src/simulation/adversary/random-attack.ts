/**
 * A random adversary: f colluding traitors among n replicas, against OM(f) or SM(f) of the core, one instance of a
 * tick after another. The traitors know all that was said, run the algorithm themselves and choose for each receiver,
 * path and round between the truth, a value, absent, nothing, two values at once, and paths that are none. Half of
 * the instances they follow a plan: they divide the others into two camps and support another value towards each,
 * which is what splits an algorithm that counts wrong.
 */
import type { Algorithm } from '../../core/agreement/algorithm.js';
import { createOralMessages } from '../../core/agreement/oral-messages.js';
import { createSignedMessages } from '../../core/agreement/signed-messages.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round, Value } from '../../core/types.js';
import { drawOrder, type Chance } from './chance.js';
import { findInconsistency } from './consistency.js';
import { Seats, type Adversary, type Seat } from './seats.js';
import { SignatureBook } from './signature-book.js';

export interface AttackOptions {
  readonly algorithm: 'oral' | 'signed';
  readonly n: number;
  /** Traitors. */
  readonly traitors: number;
  /** What the algorithm is made for; as many as there are traitors unless given. */
  readonly f?: number;
  readonly instances: number;
  /** Decides everything: the same chance, the same attack. */
  readonly chance: Chance;
}

export interface AttackOutcome {
  /** OM(2), SM(2) … */
  readonly algorithm: string;
  readonly instances: number;
  /** Messages that traitors sent. */
  readonly sayings: number;
  readonly violations: number;
  /** The first violation, in a sentence. */
  readonly first: string | null;
}

const VALUES: readonly Value[] = [0, 1, 2].map((byte) => new Uint8Array([byte]));

/** Attacks instance after instance. */
export function attackAtRandom(options: AttackOptions): AttackOutcome {
  const { n, chance, instances } = options;
  const f = options.f ?? options.traitors;
  const algorithm: Algorithm =
    options.algorithm === 'oral' ? createOralMessages(n, f) : createSignedMessages(n, f);
  const groups = new Map<number, Group>();
  const outcome = { sayings: 0, violations: 0, first: null as string | null };
  for (let instance = 0; instance < instances; instance += 1) {
    const traitors = drawTraitors(n, options.traitors, chance);
    let group = groups.get(traitors);
    if (group === undefined) {
      group = new Group(algorithm, n, f, traitors, options.algorithm === 'signed', chance);
      groups.set(traitors, group);
    }
    const wrong = group.attack();
    if (wrong === null) continue;
    outcome.violations += 1;
    outcome.first ??= `Instance ${instance}: ${wrong}`;
  }
  for (const group of groups.values()) outcome.sayings += group.sayings;
  return { algorithm: algorithm.name, instances, ...outcome };
}

/** A set of traitors, bit i for replica i. */
function drawTraitors(n: number, count: number, chance: Chance): number {
  let traitors = 0;
  for (const id of drawOrder(n, chance).slice(0, count)) traitors |= 1 << id;
  return traitors;
}

/** The replicas with a given set of traitors among them. */
class Group {
  sayings = 0;
  private readonly seats: readonly Seat[];
  private readonly table: Seats;
  private readonly book: SignatureBook;
  /** Bit i: replica i is told the second value of the plan; null without a plan. */
  private camps: number | null = null;
  private plan: readonly [MaybeValue, MaybeValue] = [null, null];
  private noise = 0;

  constructor(
    algorithm: Algorithm,
    private readonly n: number,
    f: number,
    private readonly traitors: number,
    private readonly signed: boolean,
    private readonly chance: Chance,
  ) {
    this.seats = Array.from({ length: n }, (_, id): Seat => ({
      id,
      role: ((traitors >>> id) & 1) === 1 ? 'faulty' : 'correct',
    }));
    this.table = new Seats(algorithm, n, f, this.seats);
    this.book = new SignatureBook((2 ** n - 1) & ~traitors);
  }

  /** One instance; what is wrong with its outcome. */
  attack(): string | null {
    const { chance, book } = this;
    const proposals = this.seats.map(() => this.drawValue());
    this.camps = chance.nextInteger(2) === 0 ? null : chance.nextInteger(2 ** this.n);
    this.plan = [this.drawValue(), this.drawValue()];
    // From a plan followed to the letter to one that is hardly one.
    this.noise = chance.nextInteger(5);
    book.clear();
    const orders = this.seats.map(() => drawOrder(this.n, chance));
    const adversary: Adversary = {
      speak: (round, from, to, items) => this.speak(round, from, to, items),
      order: (_round, to) => orders[to] as readonly number[],
      ...(this.signed
        ? {
            admit: (from: ReplicaIndex, items: readonly RelayItem[]) => book.admit(from, items),
            overhear: (from: ReplicaIndex, items: readonly RelayItem[]) => book.sign(from, items),
          }
        : {}),
    };
    return findInconsistency(this.seats, proposals, this.table.run(proposals, adversary));
  }

  private speak(
    round: Round,
    from: ReplicaIndex,
    to: ReplicaIndex,
    items: readonly RelayItem[],
  ): readonly (readonly RelayItem[])[] {
    const { chance } = this;
    if (chance.nextInteger(16) === 0) return [];
    const said = items.flatMap((item) => this.bend(item, from, to));
    // In signed mode silence of the honest part is no reason to be silent.
    if (chance.nextInteger(4) === 0) said.push(this.invent(round, from, to));
    this.sayings += 1;
    // A second message of the round must not count, whatever it says.
    return chance.nextInteger(16) === 0 ? [said, items] : [said];
  }

  private bend(item: RelayItem, from: ReplicaIndex, to: ReplicaIndex): RelayItem[] {
    const { chance } = this;
    if (this.camps !== null && chance.nextInteger(8) >= this.noise) {
      const commander = item.path[0] ?? from;
      // The plan is about what traitors commanded; of correct ones they tell whatever does harm.
      if (((this.traitors >>> commander) & 1) === 1 || chance.nextInteger(2) === 0)
        return this.sayItem(item.path, this.plan[(this.camps >>> to) & 1] ?? null);
      return [item];
    }
    switch (chance.nextInteger(7)) {
      case 0:
        return [];
      case 1:
        return [{ ...item, value: null }];
      case 2:
        return [...this.sayItem(item.path, this.drawValue()), ...this.sayItem(item.path, this.drawValue())];
      case 3:
        return [{ ...item, path: this.drawPath() }, item];
      case 4:
        return this.sayItem(item.path, this.drawValue());
      default:
        return [item];
    }
  }

  /** Absent has no signature: signed, it is said by saying nothing. */
  private sayItem(path: readonly ReplicaIndex[], value: MaybeValue): RelayItem[] {
    return value === null && this.signed ? [] : [{ path, value }];
  }

  /** An item out of nothing: with a path as it would have to be, or with any. */
  private invent(round: Round, from: ReplicaIndex, to: ReplicaIndex): RelayItem {
    const others = drawOrder(this.n, this.chance).filter((id) => id !== from && id !== to);
    const path = this.chance.nextInteger(2) === 0 ? others.slice(0, round - 1) : this.drawPath();
    return { path, value: this.drawValue() ?? (VALUES[0] as Value) };
  }

  /** Ids in any number, of replicas that exist and of none. */
  private drawPath(): number[] {
    const odd = [-1, 0.5, NaN, 7, 2 ** 31, 2 ** 40];
    return Array.from({ length: this.chance.nextInteger(5) }, () => {
      const drawn = this.chance.nextInteger(this.n + odd.length);
      return drawn < this.n ? drawn : (odd[drawn - this.n] as number);
    });
  }

  private drawValue(): MaybeValue {
    return VALUES[this.chance.nextInteger(VALUES.length + 1)] ?? null;
  }
}
