/**
 * Signatures as SM needs them, without keys: a book of what each correct replica has really signed in this tick. A
 * chain stands when every correct signer on it has signed that value after exactly those before it. Faulty ones sign
 * what they like, also for one another. Values are single bytes from 0 to 6 here.
 */
import type { RelayItem, ReplicaIndex, Value } from '../../core/types.js';

/** Bounded by what correct replicas say in a tick; `clear` before the next. */
export class SignatureBook {
  private readonly lines = new Set<number>();

  /** `correct`: bit i for each replica that nobody can sign for. */
  constructor(private readonly correct: number) {}

  clear(): void {
    this.lines.clear();
  }

  /** A correct replica signs what it says. */
  sign(from: ReplicaIndex, items: readonly RelayItem[]): void {
    for (const { path, value } of items) {
      if (value === null) continue;
      let line = startLine(value);
      for (const id of path) line = line * 8 + id + 1;
      this.lines.add(line * 8 + from + 1);
    }
  }

  /** The items whose chain stands. */
  admit(from: ReplicaIndex, items: readonly RelayItem[]): readonly RelayItem[] {
    for (let at = 0; at < items.length; at += 1) {
      if (!this.stands(from, items[at] as RelayItem)) return items.filter((item) => this.stands(from, item));
    }
    return items;
  }

  private stands(from: ReplicaIndex, { path, value }: RelayItem): boolean {
    if (value === null) return false;
    let line = startLine(value);
    for (let at = 0; at <= path.length; at += 1) {
      const id = at === path.length ? from : (path[at] as ReplicaIndex);
      // Ids that are none have no key.
      if (!Number.isInteger(id) || id < 0 || id > 6) return false;
      line = line * 8 + id + 1;
      if (((this.correct >>> id) & 1) === 1 && !this.lines.has(line)) return false;
    }
    return true;
  }
}

/** A line is a number in base 8 without zeros, the value first and then the signers: no two chains share one. */
function startLine(value: Value): number {
  return (value[0] ?? 0) + 1;
}
