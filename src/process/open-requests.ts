/**
 * Requests that operators have made and that are not known to be chosen. Every replica keeps them, as the one that leads
 * may die: whoever leads next has them at hand. An operator's client asks again every second for as long as it waits; what
 * nobody asks for any more is let go, so that no order of long ago takes effect. It must never keep more than
 * `KEPT_REQUESTS` of a client.
 */
import type { Request } from '../core/paxos/types.js';

/** Three times as long as a client waits before it asks again. */
export const REQUEST_AGE_US = 3_000_000;

/**
 * Requests of one client that are kept at most. Those who voted answer it before they tell the leader so (simplified [0101],
 * [0102]): what a client makes between two acknowledgements comes on top of the few that it waits for.
 */
export const KEPT_REQUESTS = 64;

/** How often requests that have become old are looked for. */
const FORGET_US = 250_000;

interface Open {
  readonly request: Request;
  askedUs: number;
}

export class OpenRequests {
  /** By client, by sequence. */
  private readonly clients = new Map<string, Map<number, Open>>();
  private forgotUs = -Infinity;

  /** Keeps a request, or notes that it was made again. False where its client has as many open as it may. */
  add(request: Request, nowUs: number): boolean {
    if (nowUs - this.forgotUs >= FORGET_US) this.forgetOld(nowUs);
    const { client, sequence } = request;
    const open = this.clients.get(client) ?? new Map<number, Open>();
    const known = open.get(sequence);
    if (known !== undefined) {
      known.askedUs = nowUs;
      return true;
    }
    if (open.size >= KEPT_REQUESTS) return false;
    open.set(sequence, { request, askedUs: nowUs });
    this.clients.set(client, open);
    return true;
  }

  /** What became of it is known. */
  settle(client: string, sequence: number): void {
    const open = this.clients.get(client);
    open?.delete(sequence);
    if (open?.size === 0) this.clients.delete(client);
  }

  /** Those that are still asked for, by client in the order in which they asked first, lowest sequence first. */
  list(nowUs: number): readonly Request[] {
    this.forgetOld(nowUs);
    return [...this.clients.values()].flatMap((open) =>
      [...open.values()].map(({ request }) => request).sort((a, b) => a.sequence - b.sequence),
    );
  }

  private forgetOld(nowUs: number): void {
    this.forgotUs = nowUs;
    for (const [client, open] of this.clients)
      for (const [sequence, { askedUs }] of open)
        if (nowUs - askedUs > REQUEST_AGE_US) this.settle(client, sequence);
  }
}
