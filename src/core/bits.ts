/** Sets of replicas, rounds or ticks as the bits of a number. */

/** How many bits are set in an unsigned number of 32 bits. */
export function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count += 1;
  return count;
}
