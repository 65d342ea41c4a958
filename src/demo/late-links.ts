/**
 * Who was late in a tick, told from who missed whom. A message that one replica had in time and another had not may be
 * the sender's lateness or the receiver's; whichever, somebody was faulty in that tick. The fewest replicas that explain
 * all that was missed count as late: a smallest vertex cover of the links on which something was missing.
 */
import { countBits } from '../core/bits.js';

/** A link on which nothing came by some deadline of the tick. */
export interface MissedLink {
  readonly from: number;
  readonly to: number;
}

/** Indices of the fewest replicas (of n ≤ 7) that stand at one end of every missed link; ties go to senders. */
export function explainMissedLinks(links: readonly MissedLink[], n: number): readonly number[] {
  if (links.length === 0) return [];
  let best: { readonly members: number; readonly size: number; readonly sends: number } | null = null;
  for (let members = 1; members < 1 << n; members += 1) {
    if (links.some(({ from, to }) => (members & ((1 << from) | (1 << to))) === 0)) continue;
    const size = countBits(members);
    const sends = links.filter(({ from }) => (members & (1 << from)) !== 0).length;
    if (best === null || size < best.size || (size === best.size && sends > best.sends))
      best = { members, size, sends };
  }
  return Array.from({ length: n }, (_, replica) => replica).filter(
    (replica) => best !== null && (best.members & (1 << replica)) !== 0,
  );
}
