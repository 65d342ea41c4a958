/**
 * One tick of an agreement algorithm among n replicas, round by round and without time: what the papers reason about.
 * A liar runs the algorithm too, and then says what it likes.
 */
import type { Algorithm, ItemRejection, TickAgreement } from '../../src/core/agreement/algorithm.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round, Vector } from '../../src/core/types.js';

export interface Saying {
  readonly round: Round;
  readonly from: ReplicaIndex;
  readonly to: ReplicaIndex;
  /** What a correct replica would say. */
  readonly items: readonly RelayItem[];
}

/** What really goes out; null for nothing at all. */
export type Behaviour = (saying: Saying) => readonly RelayItem[] | null;

export interface AgreeRun {
  /** By replica, liars included. */
  readonly vectors: readonly Vector[];
  readonly ticks: readonly TickAgreement[];
  readonly packets: readonly { readonly round: Round; readonly items: number }[];
  readonly rejections: readonly {
    readonly at: ReplicaIndex;
    readonly from: ReplicaIndex;
    readonly cause: ItemRejection;
  }[];
  /** Everything that was said, in order. */
  readonly said: readonly Saying[];
}

/** `admit` is what the wire does before the core sees an item: it may take items away, as a verifier does. */
export function agree(
  algorithm: Algorithm,
  n: number,
  proposals: readonly MaybeValue[],
  liars: Readonly<Record<number, Behaviour>> = {},
  admit: (saying: Saying) => readonly RelayItem[] = ({ items }) => items,
): AgreeRun {
  const ticks = Array.from({ length: n }, (_, id) => algorithm.createTick(id));
  ticks.forEach((tick, id) => tick.propose(proposals[id] ?? null));
  const packets: { round: Round; items: number }[] = [];
  const rejections: { at: ReplicaIndex; from: ReplicaIndex; cause: ItemRejection }[] = [];
  const said: Saying[] = [];
  for (let round = 1; round <= algorithm.rounds; round += 1) {
    const sayings: Saying[] = [];
    for (let from = 0; from < n; from += 1) {
      for (let to = 0; to < n; to += 1) {
        if (from === to) continue;
        const honest: Saying = { round, from, to, items: (ticks[from] as TickAgreement).relay(round, to) };
        const behaviour = liars[from];
        const items = behaviour === undefined ? honest.items : behaviour(honest);
        if (items !== null) sayings.push({ ...honest, items });
      }
    }
    // Nobody hears of a round before everybody has spoken in it.
    for (const saying of sayings) {
      packets.push({ round, items: saying.items.length });
      said.push(saying);
      const causes = (ticks[saying.to] as TickAgreement).accept(round, saying.from, admit(saying));
      for (const cause of causes) rejections.push({ at: saying.to, from: saying.from, cause });
    }
  }
  return { vectors: ticks.map((tick) => tick.decide()), ticks, packets, rejections, said };
}

/** Ids of the replicas that do not lie. */
export function correctOf(n: number, liars: Readonly<Record<number, unknown>>): ReplicaIndex[] {
  return Array.from({ length: n }, (_, id) => id).filter((id) => liars[id] === undefined);
}
