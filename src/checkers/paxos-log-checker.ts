/**
 * The command log is linearizable (protocol.md §9): what is asked for after another request was answered is executed
 * after it; every request is executed at one slot, the first that holds it, and every answer names that slot; and the
 * slots that a device applies are those of the log, one after the other, across restarts and states taken from others.
 */
import type { ReplicaIndex } from '../core/types.js';
import type {
  CalmStanding,
  CheckedGroup,
  CheckedSlot,
  RequestName,
  ValueContent,
} from './paxos-observations.js';
import type { PaxosViolationLog } from './paxos-violation-log.js';

const NAME = 'log';

interface History {
  /** What was answered before it was asked for is executed here or below. */
  after: CheckedSlot;
  /** Where it is executed; null as long as no slot of the log holds it. */
  slot: CheckedSlot | null;
  answeredAt: CheckedSlot | null;
  /** Answered, in this log or in one that is gone. */
  isAnswered: boolean;
}

/** One entry a request. */
export class PaxosLogChecker {
  private readonly histories = new Map<string, History>();
  /** By device, the last slot that it applied. */
  private readonly applied: CheckedSlot[];
  /** By slot, how many requests are executed up to it; and, by slot, whether it executes any. */
  private readonly executed: number[] = [0];
  private highestAnswered: CheckedSlot = 0;
  private answeredCount = 0;

  constructor(
    group: CheckedGroup,
    private readonly log: PaxosViolationLog,
  ) {
    this.applied = group.replicas.map(() => 0);
  }

  /** Requests that were answered. */
  get answers(): number {
    return this.answeredCount;
  }

  /** Nobody remembers anything: a new log begins, and what the old one held may be asked for again. */
  forget(): void {
    this.highestAnswered = 0;
    this.executed.length = 1;
    this.applied.fill(0);
    for (const history of this.histories.values()) {
      history.after = 0;
      history.slot = null;
      history.answeredAt = null;
    }
  }

  ask(request: RequestName): void {
    const key = keyOf(request);
    if (!this.histories.has(key))
      this.histories.set(key, {
        after: this.highestAnswered,
        slot: null,
        answeredAt: null,
        isAnswered: false,
      });
  }

  /** All below the slot have come before. */
  chosen(slot: CheckedSlot, content: ValueContent | null): void {
    let executed = this.executed[slot - 1] ?? 0;
    for (const request of content?.requests ?? []) {
      const history = this.histories.get(keyOf(request));
      if (history === undefined) {
        this.log.add(
          NAME,
          '§9 asked for',
          slot,
          request.client,
          () => `Nobody asked for ${request.sequence}.`,
        );
        continue;
      }
      if (history.slot !== null) continue;
      history.slot = slot;
      executed += 1;
      this.expectRealTime(slot, request, history);
    }
    this.executed[slot] = executed;
  }

  answered(replica: ReplicaIndex, request: RequestName, slot: CheckedSlot): void {
    const history = this.histories.get(keyOf(request));
    if (history === undefined) {
      this.log.add(
        NAME,
        '§9 asked for',
        slot,
        replica,
        () => `It answers ${keyOf(request)}, never asked for.`,
      );
      return;
    }
    const due = history.slot ?? history.answeredAt;
    if (due !== null && due !== slot)
      this.log.add(
        NAME,
        '§9 one slot',
        slot,
        replica,
        () => `It answers ${keyOf(request)}, which is executed at ${due}.`,
      );
    if (!history.isAnswered) this.answeredCount += 1;
    history.isAnswered = true;
    history.answeredAt ??= slot;
    this.highestAnswered = Math.max(this.highestAnswered, slot);
  }

  started(replica: ReplicaIndex): void {
    this.applied[replica] = 0;
  }

  stateTaken(replica: ReplicaIndex, slot: CheckedSlot, executed: number): void {
    const applied = this.applied[replica] ?? 0;
    if (slot < applied)
      this.log.add(
        NAME,
        '§9 in order',
        slot,
        replica,
        () => `It goes back to a state of ${slot} from ${applied}.`,
      );
    const due = this.executed[slot];
    if (due !== executed)
      this.log.add(
        NAME,
        '§9 state',
        slot,
        replica,
        () => `Its state has executed ${executed} requests; the log up to there holds ${due ?? 'none yet'}.`,
      );
    this.applied[replica] = slot;
  }

  apply(replica: ReplicaIndex, slot: CheckedSlot, executes: boolean, content: ValueContent | null): void {
    const due = (this.applied[replica] ?? 0) + 1;
    if (slot !== due)
      this.log.add(NAME, '§9 in order', slot, replica, () => `It applies ${slot}, and ${due} is next.`);
    this.applied[replica] = slot;
    const isNew = this.executed[slot] !== this.executed[slot - 1];
    if ((content?.requests.length ?? 0) > 0 && executes !== isNew)
      this.log.add(
        NAME,
        '§9 once',
        slot,
        replica,
        () =>
          `It ${executes ? 'executes' : 'leaves out'} what the log ${isNew ? 'holds for the first time' : 'held before'}.`,
      );
  }

  /** Nothing stands in the way any more: all that was asked for is answered, and all have the same log. */
  calm(standings: readonly CalmStanding[], prefix: CheckedSlot): void {
    for (const [key, { isAnswered }] of this.histories)
      if (!isAnswered)
        this.log.add(NAME, '§9 answered in the end', null, key, () => 'Nobody ever answers it.');
    for (const [replica, { applied, votes }] of standings.entries()) {
      if (applied !== null && applied !== prefix)
        this.log.add(
          NAME,
          '§9 caught up in the end',
          applied + 1,
          replica,
          () => `It has applied all up to ${applied}; ${prefix} are chosen.`,
        );
      if (!votes) this.log.add(NAME, '§9 lets in in the end', null, replica, () => 'It does not vote again.');
    }
  }

  private expectRealTime(slot: CheckedSlot, request: RequestName, { after, answeredAt }: History): void {
    if (slot <= after)
      this.log.add(
        NAME,
        '§9 real time',
        slot,
        request.client,
        () =>
          `Request ${request.sequence} is executed before slot ${after}, answered before it was asked for.`,
      );
    if (answeredAt !== null && answeredAt !== slot)
      this.log.add(
        NAME,
        '§9 one slot',
        slot,
        request.client,
        () => `Request ${request.sequence} was answered for slot ${answeredAt}.`,
      );
  }
}

function keyOf({ client, sequence }: RequestName): string {
  return `${client}/${sequence}`;
}
