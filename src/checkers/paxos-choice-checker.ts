/**
 * One value per slot (protocol.md §9; Lamport's Paxos, invariant P2): no slot has two chosen values, what is chosen
 * stays chosen (nobody votes for another value or proposes one in a higher ballot), and nothing is applied, answered or
 * told as chosen that the kept votes do not choose.
 */
import type { ReplicaIndex } from '../core/types.js';
import type { CheckedBallot, CheckedSlot, RequestName, ValueKey } from './paxos-observations.js';
import type { PaxosViolationLog } from './paxos-violation-log.js';
import type { PaxosVoteBook } from './paxos-vote-book.js';

const NAME = 'choice';

/** Compares every claim with the vote book. */
export class PaxosChoiceChecker {
  constructor(
    private readonly book: PaxosVoteBook,
    private readonly log: PaxosViolationLog,
  ) {}

  /** A quorum has voted for the value in this ballot. */
  chosen(slot: CheckedSlot, value: ValueKey, ballot: CheckedBallot): void {
    const first = this.book.choiceAt(slot);
    if (first !== null && first.value !== value)
      this.log.add(
        NAME,
        '§9 one value',
        slot,
        'the group',
        () => `${first.value} is chosen in ballot ${first.ballot}, and ${value} in ballot ${ballot}.`,
      );
    for (const vote of this.book.votesAt(slot))
      if (vote.ballot > ballot && vote.value !== value)
        this.log.add(
          NAME,
          '§9 stays chosen',
          slot,
          'the group',
          () =>
            `${value} is chosen in ballot ${ballot}, yet ${vote.value} has votes in ballot ${vote.ballot}.`,
        );
  }

  /** Somebody votes for the value or proposes it. */
  supported(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void {
    const choice = this.book.choiceAt(slot);
    if (choice === null || choice.value === value || ballot <= choice.ballot) return;
    this.log.add(
      NAME,
      '§9 stays chosen',
      slot,
      replica,
      () =>
        `It supports ${value} in ballot ${ballot}; ${choice.value} was chosen in ballot ${choice.ballot}.`,
    );
  }

  /** Somebody tells that the value is chosen. */
  told(replica: ReplicaIndex, slot: CheckedSlot, value: ValueKey): void {
    this.expectChosen('§9 told', 'tells of', replica, slot, value);
  }

  applied(replica: ReplicaIndex, slot: CheckedSlot, value: ValueKey): void {
    this.expectChosen('§9 applied', 'applies', replica, slot, value);
  }

  answered(replica: ReplicaIndex, request: RequestName, slot: CheckedSlot): void {
    const choice = this.book.choiceAt(slot);
    const content = choice === null ? null : this.book.contentOf(choice.value);
    const { client, sequence } = request;
    if (content?.requests.some((one) => one.client === client && one.sequence === sequence) === true) return;
    this.log.add(
      NAME,
      '§9 answered',
      slot,
      replica,
      () =>
        `It answers ${client} that request ${sequence} is chosen; ` +
        (choice === null ? 'nothing is.' : `${choice.value} is.`),
    );
  }

  /** Somebody says that all slots up to `prefix` are chosen. */
  prefixTold(replica: ReplicaIndex, prefix: CheckedSlot): void {
    const { prefix: chosen } = this.book;
    if (prefix > chosen)
      this.log.add(
        NAME,
        '§9 prefix',
        chosen + 1,
        replica,
        () => `It says that all up to ${prefix} is chosen; that holds up to ${chosen}.`,
      );
  }

  private expectChosen(
    rule: string,
    does: string,
    replica: ReplicaIndex,
    slot: CheckedSlot,
    value: ValueKey,
  ): void {
    const choice = this.book.choiceAt(slot);
    if (choice?.value === value) return;
    this.log.add(
      NAME,
      rule,
      slot,
      replica,
      () => `It ${does} ${value}; ${choice === null ? 'nothing' : choice.value} is chosen.`,
    );
  }
}
