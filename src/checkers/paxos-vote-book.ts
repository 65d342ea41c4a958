/**
 * Every vote that a device keeps, and what the votes choose: worked out from votes and quorums alone (Lamport: a value
 * is chosen when a quorum has voted for it in one ballot). A slot of a group with a witness is judged when all below it
 * are chosen, since they say which quorum governs it.
 */
import type { ReplicaIndex } from '../core/types.js';
import { holds } from './bytes.js';
import { choose, firstQuorum } from './paxos-quorums.js';
import type {
  CheckedBallot,
  CheckedGroup,
  CheckedSlot,
  ValueContent,
  ValueKey,
} from './paxos-observations.js';

/** Who voted for one value in one ballot. */
export interface Ballots {
  readonly ballot: CheckedBallot;
  readonly value: ValueKey;
  voters: number;
}

/** A value that a quorum has voted for. */
export interface Choice {
  readonly value: ValueKey;
  /** The lowest ballot that it is chosen in. */
  ballot: CheckedBallot;
}

interface Page {
  readonly ballots: Ballots[];
  choice: Choice | null;
  /** The slot's operational quorum, once it is known. */
  quorum: number | null;
}

function createPage(): Page {
  return { ballots: [], choice: null, quorum: null };
}

/** It grows with the run: judging what is long past is what it is for. */
export class PaxosVoteBook {
  /** All slots up to it are chosen. */
  prefix: CheckedSlot = 0;
  /** The last of them that changed who votes: the operational quorum, or one that was let in; 0: none. */
  changeSlot: CheckedSlot = 0;
  /** By slot; there is no slot 0. */
  private readonly pages: Page[] = [createPage()];
  private readonly contents = new Map<ValueKey, ValueContent>();
  private quorum: number;
  /** Operational quorums, by the slots at which they were chosen; the oldest first. */
  private quorums: { readonly members: number; readonly slot: CheckedSlot }[];

  /**
   * `onChosen` is called for every value that is chosen in a slot, also for a second one, and again when it is chosen in a
   * lower ballot too; `inOrder` once a slot.
   */
  constructor(
    private readonly group: CheckedGroup,
    private readonly onChosen: (slot: CheckedSlot, value: ValueKey, ballot: CheckedBallot) => void,
    private readonly inOrder: (slot: CheckedSlot, value: ValueKey) => void,
  ) {
    this.quorum = firstQuorum(group);
    this.quorums = [{ members: this.quorum, slot: 0 }];
  }

  /** Nobody remembers anything: a new log begins. What values hold stays known. */
  forget(): void {
    this.pages.splice(0, Infinity, createPage());
    this.prefix = 0;
    this.changeSlot = 0;
    this.quorum = firstQuorum(this.group);
    this.quorums = [{ members: this.quorum, slot: 0 }];
  }

  describe(key: ValueKey, content: ValueContent): void {
    this.contents.set(key, content);
  }

  /** null for a key that nobody has described. */
  contentOf(key: ValueKey): ValueContent | null {
    return this.contents.get(key) ?? null;
  }

  add(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void {
    const page = this.pageOf(slot);
    let entry = page.ballots.find((one) => one.ballot === ballot && one.value === value);
    if (entry === undefined) {
      entry = { ballot, value, voters: 0 };
      page.ballots.push(entry);
    }
    if (holds(entry.voters, replica)) return;
    entry.voters |= 1 << replica;
    this.judge(slot, page, entry);
    this.advance();
  }

  choiceAt(slot: CheckedSlot): Choice | null {
    return this.pages[slot]?.choice ?? null;
  }

  /** All that was voted for in the slot. */
  votesAt(slot: CheckedSlot): readonly Ballots[] {
    return this.pages[slot]?.ballots ?? [];
  }

  /** Whether the replica keeps this vote; for whatever value where that is null. */
  hasVote(
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    slot: CheckedSlot,
    value: ValueKey | null = null,
  ): boolean {
    return this.votesAt(slot).some(
      (one) => one.ballot === ballot && (value === null || one.value === value) && holds(one.voters, replica),
    );
  }

  /** The quorum that governs the slot; null while it is not known. */
  quorumAt(slot: CheckedSlot): number | null {
    if (slot > this.prefix + 1) return this.group.witness === null ? this.quorum : null;
    return slot === this.prefix + 1 ? this.quorum : (this.pages[slot]?.quorum ?? null);
  }

  /** The quorum that governs what comes after the slot, and where it was chosen; null while it is not known. */
  quorumAfter(slot: CheckedSlot): { readonly members: number; readonly slot: CheckedSlot } | null {
    if (slot > this.prefix) return null;
    return this.quorums.findLast((one) => one.slot <= slot) ?? null;
  }

  /** Whether somebody has voted for a change of the operational quorum that is not chosen. */
  get isChanging(): boolean {
    for (let slot = this.prefix + 1; slot < this.pages.length; slot += 1)
      for (const { value } of this.votesAt(slot)) if (this.isChange(value)) return true;
    return false;
  }

  private isChange(value: ValueKey): boolean {
    return (this.contents.get(value)?.quorum ?? null) !== null;
  }

  private pageOf(slot: CheckedSlot): Page {
    while (this.pages.length <= slot) this.pages.push(createPage());
    return this.pages[slot] as Page;
  }

  private judge(slot: CheckedSlot, page: Page, entry: Ballots): void {
    const quorum = this.quorumAt(slot);
    if (quorum === null) return;
    if (!choose(this.group, quorum, entry.voters, this.isChange(entry.value))) return;
    const { choice } = page;
    if (choice === null) page.choice = { value: entry.value, ballot: entry.ballot };
    else if (choice.value === entry.value) {
      if (entry.ballot >= choice.ballot) return;
      choice.ballot = entry.ballot;
    }
    this.onChosen(slot, entry.value, entry.ballot);
  }

  private advance(): void {
    for (let slot = this.prefix + 1; ; slot = this.prefix + 1) {
      const page = this.pages[slot];
      if (page === undefined) return;
      // Those of a group without a witness were judged as they came.
      if (page.choice === null && this.group.witness !== null)
        for (const entry of page.ballots) this.judge(slot, page, entry);
      if (page.choice === null) return;
      page.quorum = this.quorum;
      this.prefix = slot;
      const { quorum, admits } = this.contents.get(page.choice.value) ?? { quorum: null, admits: null };
      if (quorum !== null || admits !== null) this.changeSlot = slot;
      if (quorum !== null) this.quorums.push({ members: quorum, slot });
      this.quorum = quorum ?? this.quorum;
      this.inOrder(slot, page.choice.value);
    }
  }
}
