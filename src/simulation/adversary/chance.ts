/** What adversaries draw from. The caller gives the source and its seed; nothing here asks a machine for chance. */
export interface Chance {
  /** Uniform integer from 0 to `below` − 1. */
  nextInteger(below: number): number;
}

/** The numbers 0 … n−1 in a drawn order (Fisher, Yates). */
export function drawOrder(n: number, chance: Chance): number[] {
  const order = Array.from({ length: n }, (_, at) => at);
  for (let at = n - 1; at > 0; at -= 1) {
    const other = chance.nextInteger(at + 1);
    const kept = order[at] as number;
    order[at] = order[other] as number;
    order[other] = kept;
  }
  return order;
}
