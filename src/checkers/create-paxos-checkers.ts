/** All checkers of Simplified Paxos behind one feed. They remember a whole run, so that nothing is too old to be judged. */
import type { ReplicaIndex } from '../core/types.js';
import { PaxosChoiceChecker } from './paxos-choice-checker.js';
import { PaxosLogChecker } from './paxos-log-checker.js';
import type {
  CalmStanding,
  CheckedBallot,
  CheckedGroup,
  CheckedSlot,
  PaxosObservations,
  PaxosViolation,
  RequestName,
  ToldVote,
  ValueContent,
  ValueKey,
} from './paxos-observations.js';
import { PaxosPromiseChecker } from './paxos-promise-checker.js';
import { PaxosProposalChecker } from './paxos-proposal-checker.js';
import { PaxosViolationLog } from './paxos-violation-log.js';
import { PaxosVoteBook } from './paxos-vote-book.js';

/** The feed, and what came of it. */
export interface PaxosCheckers extends PaxosObservations {
  /** The first few. */
  readonly violations: readonly PaxosViolation[];
  /** All of them. */
  readonly violationCount: number;
  /** By checker and rule. */
  readonly violationsByRule: Readonly<Record<string, number>>;
  /** All slots up to it are chosen. */
  readonly prefix: CheckedSlot;
  /** The operational quorum that governs the next slot, as a set. */
  readonly quorum: number;
  /** The one after the slot, and where it was chosen; null while not all slots up to it are chosen. */
  quorumAfter(slot: CheckedSlot): { readonly members: number; readonly slot: CheckedSlot } | null;
  /** Nobody remembers anything: the log begins anew. */
  readonly isForgotten: boolean;
  /** The last chosen slot that changed who votes; 0: none. */
  readonly changeSlot: CheckedSlot;
  /** Somebody has voted for another quorum, which is not chosen. */
  readonly isChanging: boolean;
  /** Requests that were answered, each counted once. */
  readonly answered: number;
}

/** Violations kept in full unless said otherwise. */
const MAX_KEPT = 50;

/** Checkers for one run of one group. `maxKept`: how many violations are kept in full. */
export function createPaxosCheckers(group: CheckedGroup, maxKept: number = MAX_KEPT): PaxosCheckers {
  return new PaxosCheckerSet(group, maxKept);
}

class PaxosCheckerSet implements PaxosCheckers {
  private readonly log: PaxosViolationLog;
  private readonly book: PaxosVoteBook;
  private readonly choices: PaxosChoiceChecker;
  private readonly promises: PaxosPromiseChecker;
  private readonly proposals: PaxosProposalChecker;
  private readonly commands: PaxosLogChecker;

  constructor(
    private readonly group: CheckedGroup,
    maxKept: number,
  ) {
    this.log = new PaxosViolationLog(group, maxKept);
    this.book = new PaxosVoteBook(
      group,
      (slot, value, ballot) => this.onChosen(slot, value, ballot),
      (slot, value) => this.commands.chosen(slot, this.book.contentOf(value)),
    );
    this.choices = new PaxosChoiceChecker(this.book, this.log);
    this.promises = new PaxosPromiseChecker(group, this.book, this.log);
    this.proposals = new PaxosProposalChecker(group, this.book, this.log);
    this.commands = new PaxosLogChecker(group, this.log);
  }

  get violations(): readonly PaxosViolation[] {
    return this.log.kept;
  }

  get violationCount(): number {
    return this.log.count;
  }

  get violationsByRule(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.log.countByRule);
  }

  get prefix(): CheckedSlot {
    return this.book.prefix;
  }

  get quorum(): number {
    return this.book.quorumAt(this.book.prefix + 1) ?? 0;
  }

  quorumAfter(slot: CheckedSlot): { readonly members: number; readonly slot: CheckedSlot } | null {
    return this.book.quorumAfter(slot);
  }

  get isForgotten(): boolean {
    return this.promises.isForgotten;
  }

  get changeSlot(): CheckedSlot {
    return this.book.changeSlot;
  }

  get isChanging(): boolean {
    return this.book.isChanging;
  }

  get answered(): number {
    return this.commands.answers;
  }

  onValue(key: ValueKey, content: ValueContent): void {
    this.book.describe(key, content);
  }

  onStampKept(replica: ReplicaIndex): void {
    this.promises.stampKept(replica);
  }

  onPromiseKept(replica: ReplicaIndex, ballot: CheckedBallot): void {
    this.promises.promiseKept(replica, ballot);
  }

  onVoteKept(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void {
    this.proposals.voted(replica, ballot, slot, value);
    this.promises.voteKept(replica, ballot, slot, value);
    this.choices.supported(replica, ballot, slot, value);
    this.book.add(replica, ballot, slot, value);
  }

  onPromiseSaid(
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    prefix: CheckedSlot,
    votes: readonly ToldVote[],
  ): void {
    this.choices.prefixTold(replica, prefix);
    this.promises.promiseSaid(replica, ballot, prefix, votes);
    this.proposals.promised(replica, ballot, prefix, votes);
  }

  onBallotSaid(replica: ReplicaIndex, ballot: CheckedBallot): void {
    this.promises.ballotSaid(replica, ballot);
  }

  onVoteSaid(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot): void {
    this.promises.voteSaid(replica, ballot, slot);
  }

  onProposed(
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    slot: CheckedSlot,
    value: ValueKey,
    hasVote: boolean,
  ): void {
    this.promises.proposed(replica, ballot, slot);
    if (hasVote) this.proposals.asked(replica, ballot, slot, value);
    else this.proposals.proposed(replica, ballot, slot, value);
    this.choices.supported(replica, ballot, slot, value);
  }

  onChosenSaid(replica: ReplicaIndex, slot: CheckedSlot, value: ValueKey): void {
    this.choices.told(replica, slot, value);
  }

  onPrefixSaid(replica: ReplicaIndex, prefix: CheckedSlot): void {
    this.choices.prefixTold(replica, prefix);
  }

  onStarted(replica: ReplicaIndex, nonce: string): void {
    this.promises.started(replica, nonce);
    this.commands.started(replica);
  }

  onAmnesia(replica: ReplicaIndex): void {
    this.promises.forgot(replica);
    if (!this.promises.isForgotten) return;
    this.book.forget();
    this.proposals.forget();
    this.commands.forget();
  }

  onVouched(replica: ReplicaIndex, nonce: string): void {
    this.promises.vouched(replica, nonce);
  }

  onForgotten(replica: ReplicaIndex): void {
    this.promises.forgotten(replica);
  }

  onApplied(replica: ReplicaIndex, slot: CheckedSlot, value: ValueKey, executes: boolean): void {
    this.choices.applied(replica, slot, value);
    this.commands.apply(replica, slot, executes, this.book.contentOf(value));
  }

  onStateTaken(replica: ReplicaIndex, slot: CheckedSlot, executed: number): void {
    this.choices.prefixTold(replica, slot);
    this.commands.stateTaken(replica, slot, executed);
  }

  onHeld(replica: ReplicaIndex, bytes: number): void {
    const { heldMaxBytes } = this.group;
    if (heldMaxBytes !== undefined && bytes > heldMaxBytes)
      this.log.add(
        'memory',
        '§11 limit',
        null,
        replica,
        () => `It holds ${bytes} bytes, more than ${heldMaxBytes}.`,
      );
  }

  onAsked(request: RequestName): void {
    this.commands.ask(request);
  }

  onAnswered(replica: ReplicaIndex, request: RequestName, slot: CheckedSlot): void {
    this.choices.answered(replica, request, slot);
    this.commands.answered(replica, request, slot);
  }

  onCalm(standings: readonly CalmStanding[]): void {
    this.commands.calm(standings, this.book.prefix);
  }

  private onChosen(slot: CheckedSlot, value: ValueKey, ballot: CheckedBallot): void {
    this.choices.chosen(slot, value, ballot);
    const content = this.book.contentOf(value);
    const admitted = content === null ? null : this.promises.chosen(content);
    if (admitted !== null) this.proposals.admitted(admitted, slot, ballot);
  }
}
