/**
 * Reproducible noise for emulated plants: the generator's state is one 32-bit number that the plant's state carries,
 * so that a plant is a pure function of its seed and inputs. Integer arithmetic and + − × only: the same bits on every
 * machine. Never for keys or nonces.
 */

/** The state that follows (Weyl sequence of mulberry32). */
export function advanceRandom(state: number): number {
  return (state + 0x6d2b79f5) >>> 0;
}

/** A well-mixed 32-bit number drawn at `state` (mulberry32, Tommy Ettinger, public domain). */
export function drawBits(state: number): number {
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}

/** A number of mean 0 and variance 1 in (−3.47, 3.47): the sum of four uniform ones. Takes four states from `state`. */
export function drawNormal(state: number): number {
  let sum = 0;
  let at = state;
  for (let i = 0; i < 4; i += 1) {
    at = advanceRandom(at);
    sum += drawBits(at) / 0x100000000;
  }
  return (sum - 2) * 1.7320508075688772;
}

/** The state after `drawNormal(state)`. */
export function advanceNormal(state: number): number {
  return (state + 4 * 0x6d2b79f5) >>> 0;
}

/** One 32-bit number out of several whole numbers, each of which matters. */
export function hashNumbers(...numbers: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (let at = 0; at < numbers.length; at += 1)
    hash = drawBits((hash ^ Math.imul((numbers[at] as number) + 1, 0x85ebca6b)) >>> 0);
  return hash;
}
