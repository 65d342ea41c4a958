/**
 * SM(f): Byzantine generals with signed messages (Lamport, Shostak, Pease 1982, §4). Signatures have been verified
 * before an item arrives here: the path names its signers, the commander first.
 * It must never relay more than two values of an instance: two already prove that the commander lies.
 */
import { sameValue } from '../bytes.js';
import type { MaybeValue, RelayItem, ReplicaIndex, Round, Value, Vector } from '../types.js';
import type { Algorithm, Contradiction, ItemRejection, TickAgreement } from './algorithm.js';
import { judgePath, noRejections } from './algorithm.js';

/** SM(f) for n replicas. */
export function createSignedMessages(n: number, f: number): Algorithm {
  return {
    name: `SM(${f})`,
    rounds: f + 1,
    foresees: false,
    createTick: (self) => new SignedMessagesTick(n, self),
  };
}

interface SeenValue {
  readonly value: Value;
  readonly round: Round;
  /** Signers, the commander first, the one that we got it from last. */
  readonly path: readonly ReplicaIndex[];
  readonly proof?: Uint8Array;
}

class SignedMessagesTick implements TickAgreement {
  private readonly seen: SeenValue[][];
  private own: MaybeValue = null;

  constructor(
    private readonly n: number,
    private readonly self: ReplicaIndex,
  ) {
    this.seen = Array.from({ length: n }, () => []);
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
      const value = item.value as Value;
      const path = [...item.path, sender];
      // SM(m) step 2(B): a value not seen before is kept; a third one adds nothing to the proof of the lie.
      const known = this.seen[path[0] as number] as SeenValue[];
      if (known.length >= 2 || known.some((other) => sameValue(other.value, value))) continue;
      known.push({ value, round, path, ...(item.proof === undefined ? {} : { proof: item.proof }) });
    }
    return rejections ?? noRejections();
  }

  relay(round: Round, receiver: ReplicaIndex): readonly RelayItem[] {
    // SM(m) step 1: the commander signs and sends its value.
    if (round === 1) return this.own === null ? [] : [{ path: [], value: this.own }];
    // SM(m) step 2(B)(ii): sign and send what is new to every lieutenant that has not signed it.
    const items: RelayItem[] = [];
    for (const known of this.seen) {
      for (const one of known) {
        if (one.round !== round - 1 || one.path.includes(receiver)) continue;
        items.push({
          path: one.path,
          value: one.value,
          ...(one.proof === undefined ? {} : { proof: one.proof }),
        });
      }
    }
    return items;
  }

  decide(): Vector {
    // SM(m) step 3: choice(V) is the value if there is exactly one.
    return this.seen.map((known, commander) => {
      if (commander === this.self) return this.own;
      return known.length === 1 ? (known[0] as SeenValue).value : null;
    });
  }

  contradictions(): readonly Contradiction[] {
    // Two signed values are the commander's own doing, whoever carried them.
    return this.seen.flatMap((known, commander) =>
      known.length > 1 ? [{ commander, relayer: commander }] : [],
    );
  }
}
