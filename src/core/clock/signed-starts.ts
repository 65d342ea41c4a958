/**
 * Time from signatures, where liars are too many for a midpoint (n ≤ 3f; Srikanth and Toueg; protocol.md §6). A correct
 * replica signs that a tick has begun only when its own clock says so, so f+1 distinct signatures hold one of a correct
 * replica: no f liars can begin a tick. Whoever holds them passes them on with its own relays, so all correct replicas
 * hold them within the delay of one message. Liars who sign early can only make the fastest correct clock set the pace.
 */
import { countBits } from '../bits.js';
import type { ReplicaIndex, Tick } from '../types.js';

/** Ticks whose signers are remembered. */
const WINDOW_TICKS = 4;

/** Who has signed the start of which tick. Mutable; bounded whatever is claimed. */
export class SignedStarts {
  private readonly ticks = new Float64Array(WINDOW_TICKS).fill(-1);
  private readonly signers = new Uint32Array(WINDOW_TICKS);

  constructor(
    private readonly n: number,
    private readonly maxFaulty: number,
  ) {}

  /** A signed start of `tick` is held at `ownUs`; the time is given back when f+1 distinct ones are held by it. */
  note(tick: Tick, signer: ReplicaIndex, ownUs: number): number | null {
    if (!Number.isSafeInteger(tick) || tick < 0 || !(signer >= 0 && signer < this.n)) return null;
    const at = tick % WINDOW_TICKS;
    const held = this.ticks[at] as number;
    if (tick < held) return null;
    if (tick > held) {
      this.ticks[at] = tick;
      this.signers[at] = 0;
    }
    const before = this.signers[at] as number;
    const after = before | (1 << signer);
    this.signers[at] = after;
    return after !== before && countBits(after) === this.maxFaulty + 1 ? ownUs : null;
  }
}

/**
 * Where a clock has to make for whose replica accepted at `acceptedUs` that a tick had begun which starts at `startUs`
 * of its round clock: then the fastest of the replicas that signed had been in it for the delay of a message.
 */
export function acceptanceTarget(startUs: number, acceptedUs: number, delayUs: number): number {
  return startUs + delayUs - acceptedUs;
}
