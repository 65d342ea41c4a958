/**
 * Which replicas may step where there are two and a witness (protocol.md §9, witness; simplified [00105]–[00118]). The
 * operational quorum of the command log says so, never what one replica thinks of the other.
 *
 * For the vector of a tick, M is the largest prefix in it. A replica steps it if it knows the log up to M, is in the quorum
 * after M and in the one after all that it knows itself, and has every other member of both accounted for: with an entry
 * in the vector, or with word from it, of this very tick, that it is joining and so orders nothing.
 *
 * Why never both sides of a partition step:
 *  1. A quorum of one device is changed with its vote alone. From that vote on, which it gives before anybody can know of
 *     the change, the device does not step until it knows what was chosen there. So if one device goes on alone, no later
 *     quorum is in force anywhere.
 *  2. A quorum of both takes an entry of both in the vector, or the word of one that it orders nothing. Who stated in its
 *     entry that it goes by a later quorum is not overlooked: M says so.
 */
import type { Entry as LogEntry, Members, Slot, Snapshot } from '../paxos/types.js';
import type { Entry, ReplicaIndex, Tick } from '../types.js';
import { largestPrefix } from '../commands/applied-prefix.js';

/** Changes of the quorum kept. */
const KEPT_CHANGES = 64;

/** `unknown`: the log must be known farther for it. `outside`: this replica is not in the quorum. */
export type QuorumVerdict = 'whole' | 'short' | 'outside' | 'unknown';

/** Owned by one replica state. */
export class Governors {
  /** All slots up to this one are known. */
  private prefix: Slot = 0;
  /** Oldest first; each governs from the slot after its own. */
  private changes: { readonly slot: Slot; readonly members: Members }[];
  /** The last slot for which this device has voted for a change. */
  private votedSlot: Slot = 0;
  /** By replica: the last tick that it said it is joining in. */
  private readonly joinTicks: Tick[];

  constructor(
    n: number,
    private readonly self: ReplicaIndex,
  ) {
    this.changes = [{ slot: 0, members: (1 << n) - 1 }];
    this.joinTicks = new Array<Tick>(n).fill(-1);
  }

  /** The next slot is chosen. */
  follow(slot: Slot, entry: LogEntry): void {
    this.prefix = slot;
    if (entry.kind !== 'quorum') return;
    this.changes.push({ slot, members: entry.members });
    if (this.changes.length > KEPT_CHANGES) this.changes.shift();
  }

  install({ slot, quorum, quorumSlot }: Snapshot): void {
    this.prefix = slot;
    this.changes = [{ slot: quorumSlot, members: quorum }];
  }

  /** This device votes for a change at `slot`, and has told nobody yet. */
  vote(slot: Slot): void {
    this.votedSlot = Math.max(this.votedSlot, slot);
  }

  /** A replica is joining in tick `tick`, and orders nothing in it. */
  noteJoining(replica: ReplicaIndex, tick: Tick): void {
    this.joinTicks[replica] = tick;
  }

  /** Ticks have other numbers now. */
  forgetTicks(): void {
    this.joinTicks.fill(-1);
  }

  /** The quorum as far as this replica knows. */
  get current(): Members {
    return this.changes[this.changes.length - 1]?.members ?? 0;
  }

  /** Whether this replica is in it. */
  get includesSelf(): boolean {
    return (this.current & (1 << this.self)) !== 0;
  }

  /** The quorum that governs after `slot`; null where that is not known, or not any more. */
  after(slot: Slot): Members | null {
    if (slot > this.prefix) return null;
    return this.changes.findLast((change) => change.slot <= slot)?.members ?? null;
  }

  /** Whether this replica may go on from the vector of tick `tick`. */
  judge(entries: readonly (Entry | null)[], tick: Tick): QuorumVerdict {
    const stated = this.after(largestPrefix(entries));
    if (stated === null || this.votedSlot > this.prefix) return 'unknown';
    if ((stated & this.current & (1 << this.self)) === 0) return 'outside';
    return this.accountsFor(stated | this.current, entries, tick) ? 'whole' : 'short';
  }

  /** Whether all that this replica knows by now still lets it order something in tick `tick`. */
  mayOrder(entries: readonly (Entry | null)[], tick: Tick): boolean {
    return (
      this.votedSlot <= this.prefix && this.includesSelf && this.accountsFor(this.current, entries, tick)
    );
  }

  private accountsFor(members: Members, entries: readonly (Entry | null)[], tick: Tick): boolean {
    return this.joinTicks.every(
      (joinTick, id) =>
        (members & (1 << id)) === 0 ||
        (entries[id] ?? null) !== null ||
        (id !== this.self && joinTick === tick),
    );
  }
}
