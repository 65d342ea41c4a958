/**
 * What is known of a rig's witness while it flies: whether its process lives, and which quorum is the newest that anybody has told
 * of. While it does not live, one of the devices that the fault hypothesis counts is gone, as if a replica were.
 */
import type { Telemetry } from '../process/telemetry.js';

type QuorumAccount = Extract<Telemetry, { kind: 'quorum' }>;

/** For the view. */
export interface WitnessAccount {
  readonly id: string;
  readonly down: boolean;
  /** Ids of the replicas that are the operational quorum; null before anybody told of a change. */
  readonly quorum: readonly string[] | null;
}

/** One witness, over all lives of its process. */
export class WitnessWatch {
  private readonly downs: { readonly from: number; to: number }[] = [];
  private newest: QuorumAccount | null = null;

  constructor(readonly id: string) {}

  /** Its process ended in `tick`. */
  noteDeath(tick: number): void {
    if (!this.account().down) this.downs.push({ from: tick, to: Infinity });
  }

  /** It says in `tick` that it is up. */
  noteReady(tick: number): void {
    const last = this.downs.at(-1);
    if (last !== undefined) last.to = Math.min(last.to, tick);
  }

  /** Takes what anybody tells of the quorum; true where it is news. */
  noteQuorum(account: QuorumAccount): boolean {
    if (this.newest !== null && account.fromSlot <= this.newest.fromSlot) return false;
    this.newest = account;
    return true;
  }

  /** Whether it was gone in this tick, or for a part of it. */
  isDown(tick: number): boolean {
    return this.downs.some(({ from, to }) => from <= tick && tick <= to);
  }

  account(): WitnessAccount {
    return { id: this.id, down: this.downs.at(-1)?.to === Infinity, quorum: this.newest?.quorum ?? null };
  }
}
