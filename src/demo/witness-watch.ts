/**
 * What is known of a rig's witness while it flies: whether its process lives, and which quorum is the newest that anybody has told
 * of. While it does not live, one of the devices that the fault hypothesis counts is gone, as if a replica were.
 */
import { FAULT_MARGIN_TICKS } from './fault-ledger.js';
import type { Telemetry } from '../process/telemetry.js';

type QuorumAccount = Extract<Telemetry, { kind: 'quorum' }>;

/** For the view. */
export interface WitnessAccount {
  readonly id: string;
  readonly down: boolean;
  /** Ids of the replicas that are the operational quorum; null before anybody told of a change. */
  readonly quorum: readonly string[] | null;
}

interface Span {
  readonly from: number;
  to: number;
}

/** One witness, over all lives of its process. */
export class WitnessWatch {
  private readonly downs: Span[] = [];
  /** While faults were at work on it, whether it lived or not. */
  private readonly struck: (Span & { readonly spec: string })[] = [];
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

  /** A fault of those that strike it began or ended in `tick`. */
  noteFault(spec: string, event: 'applied' | 'cleared' | 'failed', tick: number): void {
    const open = this.struck.find((one) => one.spec === spec && one.to === Infinity);
    if (event === 'applied' && open === undefined) this.struck.push({ spec, from: tick, to: Infinity });
    if (event === 'cleared' && open !== undefined) open.to = tick + FAULT_MARGIN_TICKS;
  }

  /** Takes what anybody tells of the quorum; true where it is news. */
  noteQuorum(account: QuorumAccount): boolean {
    if (this.newest !== null && account.fromSlot <= this.newest.fromSlot) return false;
    this.newest = account;
    return true;
  }

  /** Whether it was gone in this tick, or for a part of it, or struck by a fault. */
  isDown(tick: number): boolean {
    return this.isStruck(tick) || this.downs.some(({ from, to }) => from <= tick && tick <= to);
  }

  /** Whether a fault was at work on it in this tick, the margin after its end included. */
  isStruck(tick: number): boolean {
    return this.struck.some(({ from, to }) => from <= tick && tick <= to);
  }

  account(): WitnessAccount {
    return { id: this.id, down: this.downs.at(-1)?.to === Infinity, quorum: this.newest?.quorum ?? null };
  }
}
