/**
 * Requests that have their place in the command log, as far as this process has learnt of them: what a replica answers
 * before they take effect, and whose content it can show. Bounded for each operator, whatever is chosen. What has been
 * executed is for the log and the book to say; this only remembers.
 */
import type { Request, Slot } from '../core/paxos/types.js';
import { KEPT_ANSWERS } from '../core/commands/command-book.js';
import type { RequestName } from '../core/types.js';
import type { Principal } from '../ports.js';
import { digestContent } from '../wire/request-codec.js';

/** A request with its place. */
export interface ChosenRequest extends RequestName {
  readonly slot: Slot;
  readonly content: Uint8Array;
}

/** Owned by the desk of one replica. */
export class ChosenRequests {
  /** By operator, by sequence. */
  private readonly known: readonly Map<number, ChosenRequest>[];

  constructor(private readonly operators: readonly Principal[]) {
    this.known = operators.map(() => new Map());
  }

  /** `request` is chosen at `slot`, and for the first time. One of a client that is no operator is passed over. */
  note(slot: Slot, { client: id, sequence, value }: Request): void {
    const client = this.operators.indexOf(id);
    const ofClient = this.known[client];
    if (ofClient === undefined) return;
    ofClient.set(sequence, { client, sequence, digest: digestContent(value), slot, content: value });
    if (ofClient.size > KEPT_ANSWERS) ofClient.delete(Math.min(...ofClient.keys()));
  }

  /** The request with this number, or null where none is known to be chosen. */
  find({ client, sequence }: Pick<RequestName, 'client' | 'sequence'>): ChosenRequest | null {
    return this.known[client]?.get(sequence) ?? null;
  }

  /** All that is remembered, in no order. */
  list(): readonly ChosenRequest[] {
    return this.known.flatMap((ofClient) => [...ofClient.values()]);
  }
}
