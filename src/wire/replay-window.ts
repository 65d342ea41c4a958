/**
 * Sliding anti-replay window of 64 counters (RFC 4303 §3.4.3, RFC 6479): each counter is accepted once, none that
 * is more than 63 behind the largest accepted. It must be asked only after the frame's authenticator has been
 * proven, or a forger could move it.
 */
export const WINDOW_ENTRIES = 64;

export class ReplayWindow {
  #largest = -1;
  /** Bit i of the pair stands for `largest − i`; low holds 0 … 31, high 32 … 63. */
  #low = 0;
  #high = 0;

  /** True the first time a counter inside or ahead of the window is shown, and never again. */
  accept(counter: number): boolean {
    if (counter > this.#largest) {
      this.#shift(this.#largest < 0 ? WINDOW_ENTRIES : counter - this.#largest);
      this.#largest = counter;
      this.#low = (this.#low | 1) >>> 0;
      return true;
    }
    const age = this.#largest - counter;
    if (age >= WINDOW_ENTRIES) return false;
    const bit = (1 << (age & 31)) >>> 0;
    if (age < 32) {
      if ((this.#low & bit) !== 0) return false;
      this.#low = (this.#low | bit) >>> 0;
    } else {
      if ((this.#high & bit) !== 0) return false;
      this.#high = (this.#high | bit) >>> 0;
    }
    return true;
  }

  #shift(by: number): void {
    if (by >= WINDOW_ENTRIES) {
      this.#low = 0;
      this.#high = 0;
    } else if (by >= 32) {
      this.#high = by === 32 ? this.#low : (this.#low << (by - 32)) >>> 0;
      this.#low = 0;
    } else if (by > 0) {
      this.#high = ((this.#high << by) | (this.#low >>> (32 - by))) >>> 0;
      this.#low = (this.#low << by) >>> 0;
    }
  }
}
