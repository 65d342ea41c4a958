/**
 * Proposals (Lamport's Paxos, phase 2): only the owner of a ballot proposes in it, one value a slot; its own vote is
 * kept before a proposal has it inside; nobody votes for what was not proposed; and what is proposed is safe: among a quorum
 * that promised the ballot nobody has voted for anything in the slot, or the value of the highest ballot is taken over.
 */
import type { ReplicaIndex } from '../core/types.js';
import { holds } from './bytes.js';
import { isMajority } from './paxos-quorums.js';
import type { CheckedBallot, CheckedGroup, CheckedSlot, ToldVote, ValueKey } from './paxos-observations.js';
import type { PaxosViolationLog } from './paxos-violation-log.js';
import type { PaxosVoteBook } from './paxos-vote-book.js';

const NAME = 'proposal';

/** The vote in the highest ballot that is known of a slot. */
interface Known {
  readonly ballot: CheckedBallot;
  readonly value: ValueKey | null;
}

/** Nobody voted. */
const FREE: Known = { ballot: 0, value: null };

interface SaidPromise {
  /** It says nothing of slots up to it but that they are chosen. */
  readonly prefix: CheckedSlot;
  readonly votes: ReadonlyMap<CheckedSlot, ToldVote>;
  /** Beyond this slot another incarnation of the replica speaks. */
  lastSlot: CheckedSlot;
}

/** It grows with the run, as the vote book does. */
export class PaxosProposalChecker {
  /** By ballot and slot. */
  private readonly values = new Map<CheckedBallot, Map<CheckedSlot, ValueKey>>();
  /** By ballot and replica, all that it said: a later promise may tell less of what is chosen by then. */
  private readonly promises = new Map<CheckedBallot, SaidPromise[][]>();
  /** By replica and slot, its vote in the highest ballot. */
  private readonly own: Map<CheckedSlot, Known>[];

  constructor(
    private readonly group: CheckedGroup,
    private readonly book: PaxosVoteBook,
    private readonly log: PaxosViolationLog,
  ) {
    this.own = group.replicas.map(() => new Map<CheckedSlot, Known>());
  }

  /** Nobody remembers anything: every ballot is free again. */
  forget(): void {
    this.values.clear();
    this.promises.clear();
    for (const own of this.own) own.clear();
  }

  promised(
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    prefix: CheckedSlot,
    votes: readonly ToldVote[],
  ): void {
    let byReplica = this.promises.get(ballot);
    if (byReplica === undefined) {
      byReplica = this.group.replicas.map(() => []);
      this.promises.set(ballot, byReplica);
    }
    byReplica[replica]?.push({
      prefix,
      votes: new Map(votes.map((vote) => [vote.slot, vote])),
      lastSlot: Infinity,
    });
  }

  /**
   * The replica is let in at the slot, chosen in this ballot: for slots beyond, what it voted before is void, and what it
   * promised above this ballot, as nothing keeps it from voting below.
   */
  admitted(replica: ReplicaIndex, slot: CheckedSlot, ballot: CheckedBallot): void {
    for (const [promised, byReplica] of this.promises)
      if (promised > ballot)
        for (const promise of byReplica[replica] ?? []) promise.lastSlot = Math.min(promise.lastSlot, slot);
    const own = this.own[replica];
    for (const voted of own?.keys() ?? []) if (voted > slot) own?.delete(voted);
  }

  /** The owner keeps its vote, even if nobody ever hears of it, or asks for others' ahead of its own. */
  proposed(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void {
    const known = this.valueOf(ballot, slot);
    if (known === value) return;
    if (known !== null) {
      this.log.add(
        NAME,
        '§9 one value a ballot',
        slot,
        replica,
        () => `In ballot ${ballot} it proposes ${value}, and has proposed ${known}.`,
      );
      return;
    }
    this.setValue(ballot, slot, value);
    if (ballot % this.group.replicas.length !== replica)
      this.log.add(NAME, '§9 own ballot', slot, replica, () => `Ballot ${ballot} is not one of its own.`);
    if (!this.isSafe(replica, ballot, slot, value))
      this.log.add(
        NAME,
        '§9 safe value',
        slot,
        replica,
        () => `No quorum that promised ballot ${ballot} lets it propose ${value}.`,
      );
  }

  /** It asks for votes, with its own inside. */
  asked(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void {
    if (!this.book.hasVote(replica, ballot, slot, value))
      this.log.add(
        NAME,
        '§9 own vote first',
        slot,
        replica,
        () => `It asks for votes for ${value} in ballot ${ballot}, and does not keep its own.`,
      );
    this.proposed(replica, ballot, slot, value);
  }

  voted(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void {
    if (ballot % this.group.replicas.length === replica) this.proposed(replica, ballot, slot, value);
    else this.expectProposal(replica, ballot, slot, value);
    const own = this.own[replica];
    if ((own?.get(slot)?.ballot ?? 0) < ballot) own?.set(slot, { ballot, value });
  }

  private expectProposal(
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    slot: CheckedSlot,
    value: ValueKey,
  ): void {
    const known = this.valueOf(ballot, slot);
    if (known === value) return;
    this.log.add(
      NAME,
      '§9 vote without proposal',
      slot,
      replica,
      () => `It votes for ${value} in ballot ${ballot}, where ${known ?? 'nothing'} is proposed.`,
    );
  }

  private valueOf(ballot: CheckedBallot, slot: CheckedSlot): ValueKey | null {
    return this.values.get(ballot)?.get(slot) ?? null;
  }

  private setValue(ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void {
    const bySlot = this.values.get(ballot);
    if (bySlot === undefined) this.values.set(ballot, new Map([[slot, value]]));
    else bySlot.set(slot, value);
  }

  /**
   * Tries every majority that promised: one that allows the value is enough. Which members of the operational quorum it
   * needs depends on what the leader knows to be chosen below; one that knows less than there is may propose in vain.
   */
  private isSafe(leader: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): boolean {
    if (this.book.choiceAt(slot)?.value === value) return true;
    const told = this.group.replicas.map((_, replica) =>
      replica === leader ? (this.own[replica]?.get(slot) ?? FREE) : this.toldVote(replica, ballot, slot),
    );
    const all = 1 << this.group.replicas.length;
    for (let set = 1 << leader; set < all; set += 1) {
      if (!holds(set, leader) || !isMajority(this.group, set)) continue;
      let highest: Known = FREE;
      let isComplete = true;
      for (const [replica, vote] of told.entries()) {
        if (!holds(set, replica)) continue;
        if (vote === null) isComplete = false;
        else if (vote.ballot > highest.ballot) highest = vote;
      }
      if (isComplete && (highest.value === null || highest.value === value)) return true;
    }
    return false;
  }

  /** What the replica's promises say of the slot; null where none covers it. */
  private toldVote(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot): Known | null {
    const promises = this.promises.get(ballot)?.[replica] ?? [];
    let told: Known | null = null;
    for (const promise of promises) {
      if (slot <= promise.prefix || slot > promise.lastSlot) continue;
      const vote = promise.votes.get(slot) ?? null;
      if (vote !== null && (told === null || vote.ballot > told.ballot)) told = vote;
      else told ??= FREE;
    }
    return told;
  }
}
