/**
 * One tick of agreement after another, among replicas that run the very code of the core (`core/agreement`), driven
 * through its exchange of rounds; between them stands an adversary that decides what arrives of what faulty ones say.
 * Correct replicas always reach one another in time: that is the hypothesis. It knows no clock and no chance, and it
 * must never touch what a correct replica says.
 */
import type { Algorithm } from '../../core/agreement/algorithm.js';
import { Exchange } from '../../core/agreement/exchange.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round, Vector } from '../../core/types.js';

/** Who takes part. */
export interface Seat {
  readonly id: ReplicaIndex;
  /**
   * `correct`: runs the algorithm and is heard by all. `faulty`: runs it as well, and the adversary alters what it
   * says. `puppet`: says what the adversary makes up.
   */
  readonly role: 'correct' | 'faulty' | 'puppet';
}

/** What the adversary may do. Positions are those of seats; two seats may share an id. */
export interface Adversary {
  /**
   * What a seat that is not correct really sends in the place of `items`, in order; none: nothing. `items` is empty
   * for a puppet.
   */
  readonly speak: (
    round: Round,
    from: number,
    to: number,
    items: readonly RelayItem[],
  ) => readonly (readonly RelayItem[])[];
  /** Whether what a correct seat says reaches one that is not. Always, unless given. */
  readonly hears?: (round: Round, from: number, to: number) => boolean;
  /** In which order a seat hears the others. As they sit, unless given. */
  readonly order?: (round: Round, to: number) => readonly number[];
  /** What signatures let through of what a seat that is not correct says. All, unless given. */
  readonly admit?: (from: ReplicaIndex, items: readonly RelayItem[]) => readonly RelayItem[];
  /** Told of what each correct replica says to anyone: it has signed it. */
  readonly overhear?: (from: ReplicaIndex, items: readonly RelayItem[]) => void;
}

const TIMING = { periodUs: 1_000, roundUs: 100, graceUs: 0, epochUs: 0 } as const;
const RUN = new Uint8Array(16);
const NOTHING: readonly RelayItem[] = [];
const SILENCE: readonly (readonly RelayItem[])[] = [];

/** A table of seats, used for one tick after another. */
export class Seats {
  private tick = 0;
  private readonly exchanges: readonly (Exchange | null)[];
  private readonly inOrder: readonly number[];
  /** What each seat says in the round under way, by receiver. */
  private readonly said: (readonly (readonly RelayItem[])[])[][];

  /** `maxMissing`: f of the hypothesis. */
  constructor(
    private readonly algorithm: Algorithm,
    n: number,
    maxMissing: number,
    private readonly seats: readonly Seat[],
  ) {
    this.exchanges = seats.map(({ id, role }) =>
      role === 'puppet'
        ? null
        : // A faulty one need not give up when it hears nobody.
          new Exchange(algorithm, TIMING, n, id, role === 'correct' ? maxMissing : n),
    );
    this.inOrder = seats.map((_, at) => at);
    this.said = seats.map(() => seats.map(() => []));
  }

  /** One tick: the vector of each seat, null where it decided nothing. `proposals` are by seat. */
  run(proposals: readonly MaybeValue[], adversary: Adversary): readonly (Vector | null)[] {
    const { exchanges, seats } = this;
    this.tick += 1;
    for (let at = 0; at < seats.length; at += 1) exchanges[at]?.begin(this.tick, proposals[at] ?? null);
    for (let round = 1; round <= this.algorithm.rounds; round += 1) {
      // Nobody hears of a round before everybody has spoken in it; faulty ones speak last, knowing what was said.
      for (let from = 0; from < seats.length; from += 1)
        if (seats[from]?.role === 'correct') this.speak(round, from, adversary);
      for (let from = 0; from < seats.length; from += 1)
        if (seats[from]?.role !== 'correct') this.speak(round, from, adversary);
      for (let at = 0; at < seats.length; at += 1) this.hear(round, at, adversary);
    }
    return exchanges.map((exchange) => (exchange?.result.kind === 'agreed' ? exchange.result.vector : null));
  }

  private speak(round: Round, from: number, adversary: Adversary): void {
    const { seats } = this;
    const { id, role } = seats[from] as Seat;
    const row = this.said[from] as (readonly (readonly RelayItem[])[])[];
    const exchange = this.exchanges[from] ?? null;
    const isSpeaking = exchange?.result.kind === 'pending';
    for (let to = 0; to < seats.length; to += 1) {
      const receiver = (seats[to] as Seat).id;
      if (receiver === id) continue;
      const items = exchange !== null && isSpeaking ? exchange.relay(round, receiver) : NOTHING;
      if (role !== 'correct') row[to] = adversary.speak(round, from, to, items);
      else {
        row[to] = isSpeaking ? [items] : SILENCE;
        adversary.overhear?.(id, items);
      }
    }
  }

  private hear(round: Round, at: number, adversary: Adversary): void {
    const { seats, said } = this;
    const exchange = this.exchanges[at] ?? null;
    if (exchange === null) return;
    const me = seats[at] as Seat;
    const startUs = this.tick * TIMING.periodUs;
    const arrivedUs = startUs + (round - 1) * TIMING.roundUs + 1;
    const isLast = round === this.algorithm.rounds;
    for (const from of adversary.order?.(round, at) ?? this.inOrder) {
      const { id, role } = seats[from] as Seat;
      if (id === me.id) continue;
      const isCorrect = role === 'correct';
      if (isCorrect && me.role !== 'correct' && adversary.hears?.(round, from, at) === false) continue;
      for (const items of said[from]?.[at] ?? SILENCE) {
        const admitted = isCorrect ? items : (adversary.admit?.(id, items) ?? items);
        exchange.hold(id, { kind: 'round', tick: this.tick, round, run: RUN, items: admitted }, arrivedUs);
        // As a replica does: the last round decides as soon as it can.
        if (isLast && exchange.isReady(arrivedUs)) exchange.advance(arrivedUs);
      }
    }
    const deadlineUs = startUs + round * TIMING.roundUs;
    if (exchange.isReady(deadlineUs)) exchange.advance(deadlineUs);
  }
}
