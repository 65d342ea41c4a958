/**
 * The way between devices of one process: a message arrives in the next turn of the event loop, in the order in which it
 * was sent. The same for every peer that is compared in memory.
 */
export class MemoryNetwork {
  #waiting = [];
  #isPlanned = false;

  /** How many were sent. */
  sent = 0;

  send(arrive) {
    this.sent += 1;
    this.#waiting.push(arrive);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      const arrived = this.#waiting;
      this.#waiting = [];
      this.#isPlanned = false;
      for (const one of arrived) one();
    });
  }
}
