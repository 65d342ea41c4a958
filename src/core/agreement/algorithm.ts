/**
 * What every agreement algorithm offers to the exchange that drives it: interactive consistency for one tick, all
 * n instances at once (protocol.md §3). Implementations are pure of time: rounds are opened and closed by the
 * exchange, which calls `accept` for the messages of a round in the order of their senders.
 */
import type { MaybeValue, RelayItem, ReplicaIndex, Round, Vector } from '../types.js';

export interface Algorithm {
  /** OM(1), SM(2), flooding(1) … for people. */
  readonly name: string;
  /** f+1. */
  readonly rounds: Round;
  /** Whether replicas can foresee vectors (`TickAgreement.foresee`). */
  readonly foresees: boolean;
  /** A fresh set of n instances for one tick, seen from replica `self`. */
  createTick(self: ReplicaIndex): TickAgreement;
}

export interface TickAgreement {
  /** Own value, once, before anything is relayed. Absent is allowed and is what a silent replica proposes. */
  propose(value: MaybeValue): void;
  /**
   * Takes the items of the one message of `round` that counts from `sender`. Never throws; returns one cause per
   * item that was not accepted (usually none).
   */
  accept(round: Round, sender: ReplicaIndex, items: readonly RelayItem[]): readonly ItemRejection[];
  /** What goes to `receiver` in `round`; may be empty, and is sent all the same. */
  relay(round: Round, receiver: ReplicaIndex): readonly RelayItem[];
  /**
   * Whether what is still missing of the last round could change no entry of the vector. Never true by mistake; an
   * algorithm that cannot tell leaves it out.
   */
  isSettled?(): boolean;
  /**
   * After round 1, where the algorithm foresees: a vector such that, if a majority of the replicas foresee one and the
   * same, the last round decides it at every correct replica.
   */
  foresee?(): Vector;
  /** The vector after the last round. Entry `self` is the own proposal. */
  decide(): Vector;
  /**
   * For diagnosis after `decide`: pairs (commander, relayer) whose relay contradicts the decision. The relayer is the
   * own replica for what the commander told it, and the commander itself for what it signed.
   */
  contradictions(): readonly Contradiction[];
}

/** Why an item was dropped (protocol.md §3 rule 3). */
export type ItemRejection =
  'path-length' | 'path-repeats' | 'path-holds-receiver' | 'path-out-of-range' | 'path-twice' | 'no-value';

/** A relay of `commander`'s value through `relayer` that differs from what was decided for `commander`. */
export interface Contradiction {
  readonly commander: ReplicaIndex;
  readonly relayer: ReplicaIndex;
}

const NO_REJECTIONS: readonly ItemRejection[] = [];

/** Shared empty result. */
export function noRejections(): readonly ItemRejection[] {
  return NO_REJECTIONS;
}

/**
 * Rule 3 for one item: the path, with the sender appended, has exactly `round` distinct ids in range and does not
 * hold the receiver. Returns null when it is sound.
 */
export function judgePath(
  path: readonly ReplicaIndex[],
  round: Round,
  sender: ReplicaIndex,
  receiver: ReplicaIndex,
  n: number,
): ItemRejection | null {
  if (path.length !== round - 1) return 'path-length';
  let seen = 1 << sender;
  for (const id of path) {
    if (!Number.isInteger(id) || id < 0 || id >= n) return 'path-out-of-range';
    if ((seen & (1 << id)) !== 0) return 'path-repeats';
    seen |= 1 << id;
  }
  return (seen & (1 << receiver)) !== 0 ? 'path-holds-receiver' : null;
}
