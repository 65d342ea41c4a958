/**
 * Twins (Bano, Sonnino, Chursin, Perelman, Malkhi 2020): one identity, and its keys, twice. Both twins run the very
 * algorithm of the core, honestly, and propose different values; in every round a partition says who of the others is
 * linked with which twin: with neither, the first, the second or both. The correct replicas reach one another, for
 * that is the hypothesis. To them the pair is one faulty replica, so agreement and validity among them must hold.
 *
 * With n replicas, the pair being each of them in turn, and 4 ways to link each of the n−1 others in each of R rounds,
 * there are
 *
 *     n · 4^(R·(n−1))
 *
 * behaviours.
 */
import type { Algorithm } from '../../core/agreement/algorithm.js';
import { createOralMessages } from '../../core/agreement/oral-messages.js';
import type { MaybeValue, ReplicaIndex, Round } from '../../core/types.js';
import { drawOrder, type Chance } from './chance.js';
import { findInconsistency } from './consistency.js';
import { Seats, type Adversary, type Seat } from './seats.js';

export interface TwinsOutcome {
  /** OM(1) … */
  readonly algorithm: string;
  readonly n: number;
  readonly behaviours: number;
  readonly violations: number;
  /** The first violation, in a sentence. */
  readonly first: string | null;
}

/** Ways to link one replica with the pair: bit 0 for the first twin, bit 1 for the second. */
const LINKS = 4;

/** Number of partitions that `enumerateTwins` goes through. */
export function countTwins(n: number, rounds: Round): number {
  return n * LINKS ** (rounds * (n - 1));
}

/** Every partition of OM(1), with a pair that proposes two values and others that propose each its own. n: 3 to 5. */
export function enumerateTwins(n: number): TwinsOutcome {
  const algorithm = createOralMessages(n, 1);
  const outcome = { behaviours: 0, violations: 0, first: null as string | null };
  for (let twin = 0; twin < n; twin += 1) {
    const pair = new Pair(algorithm, n, 1, twin);
    const proposals = pair.seats.map((_, at): MaybeValue => new Uint8Array([at]));
    const order = pair.seats.map((_, at) => at);
    for (let number = 0; number < LINKS ** (algorithm.rounds * (n - 1)); number += 1) {
      let rest = number;
      for (const links of pair.links) {
        for (let at = 0; at < n - 1; at += 1) {
          links[at] = rest % LINKS;
          rest = Math.floor(rest / LINKS);
        }
      }
      note(
        outcome,
        pair.play(proposals, () => order),
      );
    }
  }
  return { algorithm: algorithm.name, n, ...outcome };
}

export interface TwinAttackOptions {
  readonly n: number;
  /** OM(f); one of the f is the pair. */
  readonly f: number;
  readonly instances: number;
  /** Decides everything: the same chance, the same attack. */
  readonly chance: Chance;
}

/** Partitions, proposals (few values, so that some are equal, and absent) and orders of arrival at random. */
export function attackWithTwins({ n, f, instances, chance }: TwinAttackOptions): TwinsOutcome {
  const algorithm = createOralMessages(n, f);
  const pairs = Array.from({ length: n }, (_, twin) => new Pair(algorithm, n, f, twin));
  const outcome = { behaviours: 0, violations: 0, first: null as string | null };
  for (let instance = 0; instance < instances; instance += 1) {
    const pair = pairs[chance.nextInteger(n)] as Pair;
    for (const links of pair.links)
      for (let at = 0; at < n - 1; at += 1) links[at] = chance.nextInteger(LINKS);
    const proposals = pair.seats.map((): MaybeValue => {
      const drawn = chance.nextInteger(4);
      return drawn === 3 ? null : new Uint8Array([drawn]);
    });
    const orders = pair.seats.map(() => drawOrder(pair.seats.length, chance));
    note(
      outcome,
      pair.play(proposals, (_round, to) => orders[to] as readonly number[]),
    );
  }
  return { algorithm: algorithm.name, n, ...outcome };
}

function note(
  outcome: { behaviours: number; violations: number; first: string | null },
  wrong: string | null,
): void {
  outcome.behaviours += 1;
  if (wrong === null) return;
  outcome.violations += 1;
  outcome.first ??= wrong;
}

/** The correct replicas, by id, and the two twins behind them. */
class Pair {
  readonly seats: readonly Seat[];
  /** By round and place of the correct replica: how it is linked. */
  readonly links: number[][];
  private readonly table: Seats;

  constructor(
    algorithm: Algorithm,
    private readonly n: number,
    f: number,
    twin: ReplicaIndex,
  ) {
    const others = Array.from({ length: n }, (_, id) => id).filter((id) => id !== twin);
    this.seats = [
      ...others.map((id): Seat => ({ id, role: 'correct' })),
      { id: twin, role: 'faulty' },
      { id: twin, role: 'faulty' },
    ];
    this.links = Array.from({ length: algorithm.rounds }, () => new Array<number>(n - 1).fill(0));
    this.table = new Seats(algorithm, n, f, this.seats);
  }

  /** One tick; what is wrong with its outcome. */
  play(proposals: readonly MaybeValue[], order: NonNullable<Adversary['order']>): string | null {
    const vectors = this.table.run(proposals, {
      speak: (round, from, to, items) => (this.linked(round, to, from) ? [items] : []),
      hears: (round, from, to) => this.linked(round, from, to),
      order,
    });
    return findInconsistency(this.seats, proposals, vectors);
  }

  private linked(round: Round, correct: number, twin: number): boolean {
    return (((this.links[round - 1]?.[correct] ?? 0) >>> (twin - (this.n - 1))) & 1) === 1;
  }
}
