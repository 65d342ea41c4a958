/**
 * Interactive consistency (Pease, Shostak, Lamport 1980): what no adversary within the hypothesis may break. IC1:
 * correct replicas hold the same vector; IC2: the entry of a correct one is what it proposed. And all of them decide.
 */
import { sameValue, toHex } from '../../core/bytes.js';
import type { MaybeValue, Vector } from '../../core/types.js';
import type { Seat } from './seats.js';

/** What is wrong, in a sentence; null where nothing is. All three lists are by seat. */
export function findInconsistency(
  seats: readonly Seat[],
  proposals: readonly MaybeValue[],
  vectors: readonly (Vector | null)[],
): string | null {
  let first: Vector | null = null;
  for (let at = 0; at < seats.length; at += 1) {
    const { id, role } = seats[at] as Seat;
    if (role !== 'correct') continue;
    const vector = vectors[at] ?? null;
    if (vector === null) return `Replica ${id} decided nothing.`;
    first ??= vector;
    for (let commander = 0; commander < vector.length; commander += 1) {
      if (sameValue(vector[commander] ?? null, first[commander] ?? null)) continue;
      return `Agreement: replica ${id} holds ${tell(vector)}, another ${tell(first)}.`;
    }
    for (let other = 0; other < seats.length; other += 1) {
      const commander = seats[other] as Seat;
      if (commander.role !== 'correct') continue;
      if (sameValue(vector[commander.id] ?? null, proposals[other] ?? null)) continue;
      return `Validity: replica ${id} holds ${tell(vector)}; the correct ${commander.id} proposed ${tell([proposals[other] ?? null])}.`;
    }
  }
  return null;
}

function tell(values: readonly MaybeValue[]): string {
  return values.map((value) => (value === null ? 'absent' : toHex(value))).join(' ');
}
