/**
 * A promise is kept (protocol.md §9; Lamport's Paxos, phase 1): no device votes or promises below a ballot that it has
 * promised, whatever it went through since; nothing is said before it is kept; a promise tells of all votes that it has
 * to tell of; and a device that lost its memory neither promises nor votes before the others have chosen to let it, or
 * all of them have said to this life of it that they hold nothing either.
 */
import type { ReplicaIndex } from '../core/types.js';
import { sizeOf } from './bytes.js';
import type {
  CheckedBallot,
  CheckedGroup,
  CheckedSlot,
  ToldVote,
  ValueContent,
  ValueKey,
} from './paxos-observations.js';
import type { PaxosViolationLog } from './paxos-violation-log.js';
import type { PaxosVoteBook } from './paxos-vote-book.js';

const NAME = 'promise';

interface KeptVote {
  readonly ballot: CheckedBallot;
  readonly value: ValueKey;
}

interface Device {
  /** The highest ballot that it has promised or voted in, as far as it kept or said so. */
  promised: CheckedBallot;
  /** The same, as far as it said so, or kept it when its process started: two promises may be kept before both are said. */
  said: CheckedBallot;
  /** The highest ballot that no power cut takes any more. */
  kept: CheckedBallot;
  /** `admitted`: chosen to vote again as the process that runs, which has to keep that before it votes. */
  standing: 'member' | 'quarantined' | 'admitted';
  nonce: string;
  /** It was a member when its process started. */
  wasMember: boolean;
  /** Who has vouched for the process that runs, as a set. */
  vouchers: number;
  /** The nonce of the process that took itself for one of a new rig; the others may let that one in all the same. */
  founder: string | null;
  /** They have: it must forget what it is as soon as it hears of it. */
  isReplaced: boolean;
  /** By slot, the highest ballot that it keeps a vote in; those that a prefix has spoken for are left out. */
  readonly votes: Map<CheckedSlot, KeptVote>;
}

/** One account a device. */
export class PaxosPromiseChecker {
  private readonly devices: Device[];

  constructor(
    private readonly group: CheckedGroup,
    private readonly book: PaxosVoteBook,
    private readonly log: PaxosViolationLog,
  ) {
    this.devices = group.replicas.map(() => ({
      promised: 0,
      said: 0,
      kept: 0,
      standing: group.isNew === true ? 'quarantined' : 'member',
      nonce: '',
      wasMember: group.isNew !== true,
      vouchers: 0,
      founder: null,
      isReplaced: false,
      votes: new Map<CheckedSlot, KeptVote>(),
    }));
  }

  promiseKept(replica: ReplicaIndex, ballot: CheckedBallot): void {
    const device = this.deviceOf(replica);
    device.kept = Math.max(device.kept, ballot);
    device.promised = Math.max(device.promised, ballot);
  }

  voteKept(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot, value: ValueKey): void {
    const device = this.deviceOf(replica);
    const vote = device.votes.get(slot);
    // A witness keeps its last vote in every record: that is no new one.
    if (vote?.ballot === ballot && vote.value === value) return;
    if (vote === undefined || vote.ballot < ballot) device.votes.set(slot, { ballot, value });
    this.expectPromise('§9 vote below promise', 'keeps a vote', replica, ballot, slot);
    this.promiseKept(replica, ballot);
  }

  promiseSaid(
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    prefix: CheckedSlot,
    votes: readonly ToldVote[],
  ): void {
    const device = this.deviceOf(replica);
    this.expectMember(replica, null, 'promises');
    this.expectPromise('§9 promise below promise', 'promises', replica, ballot, null, device.said);
    this.ballotSaid(replica, ballot);
    device.promised = Math.max(device.promised, ballot);
    device.said = Math.max(device.said, ballot);
    this.expectToldVotes(device, replica, ballot, prefix, votes);
  }

  /** It names a ballot as one that binds it. */
  ballotSaid(replica: ReplicaIndex, ballot: CheckedBallot): void {
    const { kept } = this.deviceOf(replica);
    if (kept < ballot)
      this.log.add(
        NAME,
        '§9 said before kept',
        null,
        replica,
        () => `It speaks of ballot ${ballot} as promised, and keeps none beyond ${kept}.`,
      );
  }

  voteSaid(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot): void {
    this.expectMember(replica, slot, 'votes');
    if (!this.book.hasVote(replica, ballot, slot))
      this.log.add(
        NAME,
        '§9 said before kept',
        slot,
        replica,
        () => `It tells of a vote in ballot ${ballot}, and does not keep that.`,
      );
  }

  /** Its promise keeps it from proposing anything else in the ballot after a power cut, whether it keeps its vote or not. */
  proposed(replica: ReplicaIndex, ballot: CheckedBallot, slot: CheckedSlot): void {
    this.expectMember(replica, slot, 'proposes');
    const { kept } = this.deviceOf(replica);
    if (kept < ballot)
      this.log.add(
        NAME,
        '§9 said before kept',
        slot,
        replica,
        () => `It proposes in ballot ${ballot}, and keeps no promise beyond ${kept}.`,
      );
  }

  started(replica: ReplicaIndex, nonce: string): void {
    const device = this.deviceOf(replica);
    device.nonce = nonce;
    device.said = Math.max(device.said, device.kept);
    if (device.standing === 'admitted') device.standing = 'quarantined';
    device.wasMember = device.standing === 'member';
    device.vouchers = 0;
  }

  forgot(replica: ReplicaIndex): void {
    this.deviceOf(replica).standing = 'quarantined';
  }

  /** Nobody remembers anything: what was promised and voted for is no more. */
  get isForgotten(): boolean {
    return this.devices.every(({ standing }) => standing === 'quarantined');
  }

  vouched(replica: ReplicaIndex, nonce: string): void {
    const { standing, kept } = this.deviceOf(replica);
    if (standing === 'member' && kept > 0)
      this.log.add(
        NAME,
        '§9 vouches',
        null,
        replica,
        () => `It says that it holds nothing, and keeps ballot ${kept}.`,
      );
    for (const device of this.devices)
      if (device.nonce === nonce && device !== this.devices[replica]) device.vouchers |= 1 << replica;
  }

  /** It says of itself that it does not remember. */
  forgotten(replica: ReplicaIndex): void {
    const device = this.deviceOf(replica);
    // What it said before it was let in may leave after it has kept that it was.
    if (device.standing !== 'member' || !device.wasMember) return;
    device.standing = 'quarantined';
    if (device.isReplaced) return;
    this.log.add(
      NAME,
      '§9 remembers',
      null,
      replica,
      () => `It does not remember what it promised, up to ballot ${device.promised}, though nobody took it.`,
    );
  }

  stampKept(replica: ReplicaIndex): void {
    const device = this.deviceOf(replica);
    if (device.standing === 'admitted') device.standing = 'member';
    if (device.standing === 'member') return;
    if (sizeOf(device.vouchers) === this.group.replicas.length - 1) {
      device.standing = 'member';
      device.founder = device.nonce;
      this.forget(device);
    } else
      this.log.add(
        NAME,
        '§9 quarantine',
        null,
        replica,
        () => 'It takes itself for one that remembers, and neither has anybody let it in nor is the rig new.',
      );
  }

  /** A value is chosen: it may let a device vote again, as a new one that has promised nothing; which one, or null. */
  chosen({ admits }: ValueContent): ReplicaIndex | null {
    if (admits === null) return null;
    const device = this.deviceOf(admits.replica);
    if (device.standing === 'member' && device.founder === admits.nonce) device.isReplaced = true;
    if (device.standing !== 'quarantined' || device.nonce !== admits.nonce) return null;
    device.standing = 'admitted';
    device.isReplaced = false;
    this.forget(device);
    return admits.replica;
  }

  /** It begins as one that has promised nothing. */
  private forget(device: Device): void {
    device.promised = 0;
    device.said = 0;
    device.kept = 0;
    device.votes.clear();
  }

  private deviceOf(replica: ReplicaIndex): Device {
    const device = this.devices[replica];
    if (device === undefined) throw new RangeError(`there is no replica ${replica}`);
    return device;
  }

  /** Another value is chosen: whoever knows that need not tell of its vote for this one. */
  private isPast(slot: CheckedSlot, { value }: KeptVote): boolean {
    const choice = this.book.choiceAt(slot);
    return choice !== null && choice.value !== value;
  }

  private expectMember(replica: ReplicaIndex, slot: CheckedSlot | null, does: string): void {
    const { standing } = this.deviceOf(replica);
    if (standing === 'member') return;
    this.log.add(
      NAME,
      '§9 quarantine',
      slot,
      replica,
      () =>
        `It ${does} though it lost its memory and ${standing === 'admitted' ? 'does not keep that' : 'nobody'} let it in.`,
    );
  }

  private expectPromise(
    rule: string,
    does: string,
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    slot: CheckedSlot | null,
    promised: CheckedBallot = this.deviceOf(replica).promised,
  ): void {
    if (ballot < promised)
      this.log.add(
        NAME,
        rule,
        slot,
        replica,
        () => `It ${does} in ballot ${ballot}, and has promised ${promised}.`,
      );
  }

  private expectToldVotes(
    device: Device,
    replica: ReplicaIndex,
    ballot: CheckedBallot,
    prefix: CheckedSlot,
    votes: readonly ToldVote[],
  ): void {
    for (const [slot, mine] of device.votes) {
      // The prefix speaks for it, now and in every later promise.
      if (slot <= prefix) device.votes.delete(slot);
      // By the time that the promise leaves it may have voted in the promised ballot.
      else if (
        mine.ballot < ballot &&
        !this.isPast(slot, mine) &&
        !votes.some((told) => told.slot === slot && tells(told, mine))
      )
        this.log.add(
          NAME,
          '§9 vote untold',
          slot,
          replica,
          () => `Its promise does not tell of its vote for ${mine.value} in ballot ${mine.ballot}.`,
        );
    }
  }
}

/** A vote in a higher ballot, for whatever value, replaces those below it. */
function tells(told: ToldVote, mine: KeptVote): boolean {
  return told.ballot > mine.ballot || (told.ballot === mine.ballot && told.value === mine.value);
}
