/**
 * Chance for faults: the same seed gives the same faults on every machine. xoshiro128** (Blackman, Vigna 2018), seeded
 * from text by FNV-1a and splitmix32. It must never be used for anything that has to be unpredictable.
 */
export class Random {
  private readonly state: Uint32Array;
  private spare: number | null = null;

  /** `seed` is any text. */
  constructor(seed: string) {
    let hash = 0x811c9dc5;
    for (let at = 0; at < seed.length; at += 1) hash = Math.imul(hash ^ seed.charCodeAt(at), 0x01000193);
    this.state = new Uint32Array(4);
    for (let at = 0; at < 4; at += 1) {
      hash = (hash + 0x9e3779b9) | 0;
      let mixed = hash ^ (hash >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      this.state[at] = mixed ^ (mixed >>> 15);
    }
  }

  /** 32 uniform bits, an integer from 0 to 2³²−1. */
  nextBits(): number {
    const { state } = this;
    // One by one: taking a typed array apart goes through its iterator.
    const a = state[0] as number;
    const b = state[1] as number;
    const c = state[2] as number;
    const d = state[3] as number;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    state[2] = c ^ a;
    state[3] = d ^ b;
    state[1] = b ^ (state[2] as number);
    state[0] = a ^ (state[3] as number);
    state[2] = (state[2] as number) ^ (b << 9);
    state[3] = rotate(state[3] as number, 11);
    return result;
  }

  /** Uniform in [0, 1). */
  nextUnit(): number {
    return this.nextBits() / 2 ** 32;
  }

  /** Uniform integer from 0 to `below` − 1. */
  nextInteger(below: number): number {
    return Math.floor(this.nextUnit() * below);
  }

  /** True with probability `p`. */
  nextChance(p: number): boolean {
    return p >= 1 || this.nextUnit() < p;
  }

  /** Standard normal (Box–Muller). */
  nextNormal(): number {
    if (this.spare !== null) {
      const { spare } = this;
      this.spare = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.nextUnit()));
    const angle = 2 * Math.PI * this.nextUnit();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** `length` uniform bytes. */
  nextBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 4) {
      const bits = this.nextBits();
      for (let shift = 0; shift < 4 && at + shift < length; shift += 1) {
        bytes[at + shift] = (bits >>> (8 * shift)) & 0xff;
      }
    }
    return bytes;
  }
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
