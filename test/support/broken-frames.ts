/** Frames that nobody may accept, from a seed: random, truncated, bit-flipped, stretched, and authentic nonsense. */
import type { Purpose } from '../../src/ports.js';
import type { SessionPurpose } from '../../src/wire/purposes.js';
import type { Liar } from './liar.js';

/** Whole numbers from 0 to below `limit`, the same for the same seed (xorshift32). */
export function makeDice(seed: number): (limit: number) => number {
  let state = seed >>> 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % limit;
  };
}

/** Random bytes to take pieces of: drawn one by one they would cost the machine more than the receivers' work. */
const POOL = ((dice) => Uint8Array.from({ length: 65_536 }, () => dice(256)))(makeDice(7));

export interface BrokenFrame {
  readonly purpose: Purpose;
  readonly frame: Uint8Array;
}

const MAX_BYTES = 300;
/** Below the cap of every purpose: one over it never leaves a correct sealer. */
const PAYLOAD_MAX_BYTES = 64;

/** The next broken frame of this liar for this receiver. */
export function breakFrame(liar: Liar, receiver: string, dice: (limit: number) => number): BrokenFrame {
  const purposes = liar.purposesTo(receiver);
  const purpose = purposes[dice(purposes.length)] as Purpose;
  const random = (length: number): Uint8Array => {
    const at = dice(POOL.length - length);
    return POOL.slice(at, at + length);
  };
  const sealed =
    purpose === 'hello'
      ? null
      : liar.seal(receiver, purpose as SessionPurpose, random(dice(PAYLOAD_MAX_BYTES)));
  const heard = liar.heard[dice(Math.max(1, liar.heard.length))];
  switch (dice(6)) {
    case 0:
      return { purpose, frame: random(dice(MAX_BYTES)) };
    case 1: // Authentic, and no message: the insider's way.
      return { purpose, frame: sealed ?? random(64) };
    case 2:
      return { purpose, frame: truncate(sealed ?? random(64), dice) };
    case 3:
      return { purpose, frame: flip(sealed ?? random(64), dice) };
    case 4: // Somebody else's, to somebody else.
      return { purpose, frame: heard?.frame ?? random(32) };
    default:
      return { purpose, frame: flip(heard?.frame ?? random(32), dice) };
  }
}

function truncate(frame: Uint8Array, dice: (limit: number) => number): Uint8Array {
  return frame.slice(0, dice(Math.max(1, frame.length)));
}

function flip(frame: Uint8Array, dice: (limit: number) => number): Uint8Array {
  const altered = frame.slice();
  if (altered.length === 0) return altered;
  const at = dice(altered.length);
  altered[at] = (altered[at] as number) ^ (1 << dice(8));
  return altered;
}
