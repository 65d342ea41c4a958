/**
 * A token bucket over packets and bytes at once. Integer-free and clockless: time is given in microseconds.
 * It never owes: what does not fit is refused whole.
 */

export interface BucketRates {
  /** Packets that may pass for each second, on average. */
  readonly packetsPerSecond: number;
  /** Packets that may pass at once. */
  readonly packetBurst: number;
  readonly bytesPerSecond: number;
  readonly byteBurst: number;
}

export class TokenBucket {
  readonly #rates: BucketRates;
  #packets: number;
  #bytes: number;
  #filledUs: number;

  constructor(rates: BucketRates, nowUs: number) {
    this.#rates = rates;
    this.#packets = rates.packetBurst;
    this.#bytes = rates.byteBurst;
    this.#filledUs = nowUs;
  }

  /** Takes one packet of `size` bytes; false, and nothing taken, where that is more than has been saved up. */
  take(size: number, nowUs: number): boolean {
    const passedS = nowUs > this.#filledUs ? (nowUs - this.#filledUs) / 1e6 : 0;
    this.#filledUs = nowUs;
    const rates = this.#rates;
    // What `credit` added beyond the burst stays until it is used.
    if (this.#packets < rates.packetBurst) {
      this.#packets = Math.min(rates.packetBurst, this.#packets + passedS * rates.packetsPerSecond);
    }
    if (this.#bytes < rates.byteBurst) {
      this.#bytes = Math.min(rates.byteBurst, this.#bytes + passedS * rates.bytesPerSecond);
    }
    if (this.#packets < 1 || this.#bytes < size) return false;
    this.#packets -= 1;
    this.#bytes -= size;
    return true;
  }

  /** The owner itself stood still for `stalledUs`: what a correct sender sent meanwhile arrives at once and may pass. */
  credit(stalledUs: number, nowUs: number): void {
    const stalledS = stalledUs / 1e6;
    this.#filledUs = nowUs;
    this.#packets = this.#rates.packetBurst + stalledS * this.#rates.packetsPerSecond;
    this.#bytes = this.#rates.byteBurst + stalledS * this.#rates.bytesPerSecond;
  }
}
