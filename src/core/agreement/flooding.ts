/**
 * Flooding for crash faults (coulouris Fig. 15.17, corrected): every value is sent on once, in the round after the
 * one that brought it. The textbook's figure decides on the set held when round f+1 begins, one round too early;
 * here the decision follows the last round. Nobody lies under this hypothesis, and no lie is detected.
 */
import { sameValue } from '../bytes.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round, Value, Vector } from '../types.js';
import type { Algorithm, Contradiction, ItemRejection, TickAgreement } from './algorithm.js';
import { judgePath, noRejections } from './algorithm.js';

/** Flooding for n replicas of which f may crash. */
export function createFlooding(n: number, f: number): Algorithm {
  return {
    name: `flooding(${f})`,
    rounds: f + 1,
    foresees: false,
    createTick: (self) => new FloodingTick(n, self),
  };
}

interface FirstSeen {
  readonly value: Value;
  readonly round: Round;
  readonly path: readonly ReplicaIndex[];
}

class FloodingTick implements TickAgreement {
  private readonly seen: (FirstSeen | null)[];
  private own: MaybeValue = null;
  private readonly contradicted: Contradiction[] = [];

  constructor(
    private readonly n: number,
    private readonly self: ReplicaIndex,
  ) {
    this.seen = new Array<FirstSeen | null>(n).fill(null);
  }

  propose(value: MaybeValue): void {
    this.own = value;
  }

  accept(round: Round, sender: ReplicaIndex, items: readonly RelayItem[]): readonly ItemRejection[] {
    let rejections: ItemRejection[] | null = null;
    for (const item of items) {
      const cause = item.value === null ? 'no-value' : judgePath(item.path, round, sender, this.self, this.n);
      if (cause !== null) {
        (rejections ??= []).push(cause);
        continue;
      }
      const path = [...item.path, sender];
      const commander = path[0] as ReplicaIndex;
      const first = this.seen[commander];
      if (first === null || first === undefined)
        this.seen[commander] = { value: item.value as Value, round, path };
      else if (!sameValue(first.value, item.value)) this.contradicted.push({ commander, relayer: sender });
    }
    return rejections ?? noRejections();
  }

  relay(round: Round, receiver: ReplicaIndex): readonly RelayItem[] {
    if (round === 1) return this.own === null ? [] : [{ path: [], value: this.own }];
    // Fig. 15.17, round r: B-multicast(g, Values(r) − Values(r−1)).
    const items: RelayItem[] = [];
    for (const first of this.seen) {
      if (first !== null && first.round === round - 1 && !first.path.includes(receiver)) {
        items.push({ path: first.path, value: first.value });
      }
    }
    return items;
  }

  /** The first value of a commander is its value: with one of each nothing that is still to come counts. */
  isSettled(): boolean {
    return this.seen.every((first, commander) => commander === this.self || first !== null);
  }

  decide(): Vector {
    return this.seen.map((first, commander) => (commander === this.self ? this.own : (first?.value ?? null)));
  }

  contradictions(): readonly Contradiction[] {
    return this.contradicted;
  }
}
