/**
 * Why a frame was not accepted, and how often: a closed union, counted per peer and cause. Counting must never
 * grow with what a peer sends.
 */
import type { Principal } from '../ports.js';

export type RefusalCause =
  /** Longer than the purpose's cap. */
  | 'oversize'
  /** Not the one fixed envelope. */
  | 'malformed-envelope'
  /** The envelope names another algorithm than this link's. */
  | 'wrong-algorithm'
  /** The authenticator does not fit the received bytes. */
  | 'bad-authenticator'
  /** Authentic, and not of the form that the purpose prescribes. */
  | 'malformed-payload'
  /** Authentic, and seen before or older than the window. */
  | 'replayed'
  /** No session with this peer yet, or not the one that the frame belongs to. */
  | 'no-session'
  /** Not a principal that this one shares a secret with. */
  | 'unknown-sender'
  /** A purpose that this kind of principal has no business with. */
  | 'wrong-purpose'
  /** A hello that answers a nonce which is not, or no longer, open. */
  | 'stale-hello'
  /** More hellos than are answered in a while. */
  | 'hello-flood'
  /** The peer speaks another version of the protocol. */
  | 'version-mismatch'
  /** The peer runs another rig file, control law or arithmetic. */
  | 'config-mismatch'
  /** Under a key epoch that this one held until a newer took its place. */
  | 'expired-epoch'
  /** For a while nothing under this name has fitted: the peer may hold newer keys only. */
  | 'unknown-epoch'
  /** The keys of the peer are worth nothing any more. */
  | 'revoked'
  /** Of a session that another process with the peer's keys has put an end to. */
  | 'twin'
  /** Signed messages: a chain of signatures that does not hold. */
  | 'bad-signature';

/** Every cause, in the order in which reports list them. */
export const REFUSAL_CAUSES: readonly RefusalCause[] = [
  'oversize',
  'malformed-envelope',
  'wrong-algorithm',
  'bad-authenticator',
  'malformed-payload',
  'replayed',
  'no-session',
  'unknown-sender',
  'wrong-purpose',
  'stale-hello',
  'hello-flood',
  'version-mismatch',
  'config-mismatch',
  'expired-epoch',
  'unknown-epoch',
  'revoked',
  'twin',
  'bad-signature',
];

/** Name under which everything from senders without a key row is counted, so that invented names take no memory. */
export const UNKNOWN_SENDER = '?';

/** Counts refusals per (peer, cause). */
export class RefusalCounts {
  readonly #counts = new Map<Principal, Map<RefusalCause, number>>();

  /** `peers` are the only names counted under their own; all others share `UNKNOWN_SENDER`. */
  constructor(peers: Iterable<Principal>) {
    for (const peer of peers) this.#counts.set(peer, new Map());
    this.#counts.set(UNKNOWN_SENDER, new Map());
  }

  count(peer: Principal, cause: RefusalCause): void {
    const causes = this.#counts.get(peer) ?? (this.#counts.get(UNKNOWN_SENDER) as Map<RefusalCause, number>);
    causes.set(cause, (causes.get(cause) ?? 0) + 1);
  }

  /** How often this peer was refused for this cause since the start. */
  read(peer: Principal, cause: RefusalCause): number {
    return this.#counts.get(peer)?.get(cause) ?? 0;
  }

  /** Everything counted so far: peer → cause → count, without zeros. */
  list(): Record<Principal, Partial<Record<RefusalCause, number>>> {
    const all: Record<Principal, Partial<Record<RefusalCause, number>>> = {};
    for (const [peer, causes] of this.#counts) if (causes.size > 0) all[peer] = Object.fromEntries(causes);
    return all;
  }

  /** Sum over all peers, by cause, without zeros. */
  sum(): Partial<Record<RefusalCause, number>> {
    const total: Partial<Record<RefusalCause, number>> = {};
    for (const causes of this.#counts.values()) {
      for (const [cause, count] of causes) total[cause] = (total[cause] ?? 0) + count;
    }
    return total;
  }
}
