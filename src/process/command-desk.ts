/**
 * Where a replica meets the operators of its rig: checks what they ask for before anybody proposes it, hands it to
 * whatever orders requests, and tells them what became of it. The agreed vector orders under a Byzantine hypothesis, and
 * whoever orders there knows what had its effect; a log knows what is chosen, and the desk looks the effect up itself. It
 * must never answer in words that differ from those of another replica where operators need equal ones to believe
 * them, never say of one content what became of another under its number, and what it keeps of each operator is bounded.
 */
import { sameBytes, toHex } from '../core/bytes.js';
import { findApplied, judgeRequest, type CommandBook } from '../core/commands/command-book.js';
import type { Entry, Members, Outcome, Slot } from '../core/paxos/types.js';
import type { RequestAnswer } from '../core/replica.js';
import type { AppliedRequest, ReplicaIndex, RequestName } from '../core/types.js';
import type { Principal } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { LOG_ITEMS_MAX } from '../wire/limits.js';
import type { LogItem, OperatorReply, OperatorRequest, RequestVerdict } from '../wire/request-codec.js';
import { ChosenRequests } from './chosen-requests.js';
import { checkRequest } from './command-rules.js';

/** What has been ordered so far, and since when ticks count. */
export interface OrderedCommands {
  readonly book: CommandBook;
  readonly startTick: number;
}

export interface CommandDeskParts {
  readonly rig: Rig;
  /** Of the rig file that this replica runs. */
  readonly rigDigest: Uint8Array;
  /** Where a log orders requests: whoever votes for it, by index. Null where the agreed vector does. */
  readonly devices: readonly Principal[] | null;
  /** Has a request ordered that has been checked; its answer comes back through `answer` and `answerOrdered`. */
  readonly order: (name: RequestName, content: Uint8Array) => void;
  /** Who leads the log, as far as this replica knows; null where nobody does. */
  readonly readLeader: () => ReplicaIndex | null;
  /** Null while this replica holds no state of a run. */
  readonly readOrdered: () => OrderedCommands | null;
  readonly send: (to: Principal, reply: OperatorReply) => void;
}

/** Contents kept of each operator, to be shown in the log. */
const KEPT_CONTENTS = 24;

interface Asked {
  readonly name: RequestName;
  readonly content: Uint8Array;
}

/** The desk of one replica. */
export class CommandDesk {
  /** By operator, by digest; the oldest first. */
  private readonly asked: readonly Map<string, Asked>[];
  private readonly chosen: ChosenRequests;

  constructor(private readonly parts: CommandDeskParts) {
    const { operators } = parts.rig;
    this.asked = operators.map(() => new Map());
    this.chosen = new ChosenRequests(operators);
  }

  /** Something that an operator has proven to have sent. */
  receive(from: Principal, request: OperatorRequest): void {
    const { rig, rigDigest, order, send } = this.parts;
    if (request.kind === 'log') {
      send(from, { kind: 'log', sequence: request.sequence, items: this.listLog() });
      return;
    }
    const checked = checkRequest(rig, rigDigest, from, request.content);
    if (!checked.ok) {
      const { sequence, digest, verdict } = checked;
      send(from, { kind: 'verdict', sequence, digest, verdict });
      return;
    }
    const { name } = checked;
    this.remember(name, request.content);
    const known = this.lookUp(from, name);
    if (known === null) order(name, request.content);
    else this.tell(name, known);
  }

  /** What became of a request. With a log, whoever was asked tells it; without, whoever knows it. */
  answer(name: RequestName, answer: RequestAnswer): void {
    const { rig, devices } = this.parts;
    const to = rig.operators[name.client];
    if (to === undefined || (devices !== null && !this.wasAsked(name))) return;
    this.tell(name, describeAnswer(to, name.sequence, answer));
  }

  /** The log holds `entry` at `slot`; `executes`: it was not there before. */
  noteChosen(slot: Slot, entry: Entry, executes: boolean): void {
    if (entry.kind === 'command' && executes) this.chosen.note(slot, entry.request);
  }

  /** What the log says of the request with this number; where it is chosen, whoever was asked. */
  answerOrdered(client: Principal, sequence: number, outcome: Outcome): void {
    const at = this.parts.rig.operators.indexOf(client);
    const chosen = this.chosen.find({ client: at, sequence });
    if (outcome.kind === 'chosen' && chosen !== null && !this.wasAsked(chosen))
      this.tell(chosen, this.describeChosen(chosen.slot));
    for (const { name } of [...(this.asked[at]?.values() ?? [])]) {
      if (name.sequence !== sequence) continue;
      const verdict = this.lookUp(client, name) ?? this.describeOutcome(client, sequence, outcome);
      if (verdict !== null) this.tell(name, verdict);
    }
  }

  private wasAsked({ client, digest }: RequestName): boolean {
    return this.asked[client]?.has(toHex(digest)) ?? false;
  }

  private describeChosen(slot: Slot): RequestVerdict {
    return { kind: 'chosen', slot, leader: this.parts.readLeader() };
  }

  private tell({ client, sequence, digest }: RequestName, verdict: RequestVerdict): void {
    const { rig, send } = this.parts;
    const to = rig.operators[client];
    if (to !== undefined) send(to, { kind: 'verdict', sequence, digest, verdict });
  }

  /** What a replica with a log knows of a request by itself; null where that is nothing. */
  private lookUp(from: Principal, name: RequestName): RequestVerdict | null {
    if (this.parts.devices === null) return null;
    const ordered = this.parts.readOrdered();
    if (ordered !== null) {
      const standing = judgeRequest(ordered.book, name);
      const applied = standing === 'applied' ? findApplied(ordered.book, name) : null;
      if (applied !== null) return { kind: 'applied', ...describeEffect(applied, ordered.startTick) };
      if (standing === 'used' || standing === 'old') return describeRefusal(from, name.sequence, standing);
    }
    const chosen = this.chosen.find(name);
    if (chosen === null) return null;
    return sameBytes(chosen.digest, name.digest)
      ? this.describeChosen(chosen.slot)
      : describeRefusal(from, name.sequence, 'used');
  }

  private describeOutcome(client: Principal, sequence: number, outcome: Outcome): RequestVerdict | null {
    switch (outcome.kind) {
      case 'chosen':
        // Which content it was this replica has only from a snapshot, and tells once it holds the state.
        return null;
      case 'waits':
        return { kind: 'waits', text: this.describeWait(outcome.for) };
      case 'redirect':
      case 'busy':
        return describeRefusal(client, sequence, 'full');
      case 'stale':
        return describeRefusal(client, sequence, 'old');
      case 'refused':
        return outcome.reason === 'too-many-clients'
          ? describeRefusal(client, sequence, 'full')
          : {
              kind: 'refused',
              code: 'malformed',
              text: `request ${sequence} of ${client} fits into no slot of the log; ask again under a number of 1 or more`,
            };
    }
  }

  private describeWait(members: Members): string {
    const names = (this.parts.devices ?? []).filter((_, at) => (members & (1 << at)) !== 0);
    const whom = names.length === 1 ? names.join() : `one of ${names.join(', ')}`;
    return `nothing can be chosen until ${whom} is back; start it, and look at its network and keys. The request is kept`;
  }

  private remember(name: RequestName, content: Uint8Array): void {
    const asked = this.asked[name.client];
    if (asked === undefined) return;
    asked.set(toHex(name.digest), { name, content });
    for (const key of asked.keys()) {
      if (asked.size <= KEPT_CONTENTS) break;
      asked.delete(key);
    }
  }

  /** The last requests that have had their effect, or have their place in the log; oldest first. */
  private listLog(): readonly LogItem[] {
    const ordered = this.parts.readOrdered();
    const applied = (ordered?.book.clients.flatMap((one) => one.applied) ?? []).map((one): LogItem => {
      const { client, sequence, digest } = one;
      const { slot, ...effect } = describeEffect(one, ordered?.startTick ?? 0);
      return { client, sequence, digest, effect, slot, content: this.findContent(one) };
    });
    const chosen = this.chosen.list().flatMap((one): readonly LogItem[] => {
      if (ordered !== null && judgeRequest(ordered.book, one) !== 'new') return [];
      const { client, sequence, digest, slot, content } = one;
      return [{ client, sequence, digest, effect: null, slot, content }];
    });
    return [...applied, ...chosen].sort(compareItems).slice(-LOG_ITEMS_MAX);
  }

  private findContent({ client, sequence, digest }: RequestName): Uint8Array | null {
    const asked = this.asked[client]?.get(toHex(digest));
    if (asked !== undefined) return asked.content;
    const chosen = this.chosen.find({ client, sequence });
    return chosen !== null && sameBytes(chosen.digest, digest) ? chosen.content : null;
  }
}

/** Slot by slot; by tick, operator and number where there are no slots. */
function compareItems(a: LogItem, b: LogItem): number {
  const bySlot = (a.slot ?? 0) - (b.slot ?? 0);
  const byTick = (a.effect?.tick ?? 0) - (b.effect?.tick ?? 0);
  return bySlot || byTick || a.client - b.client || a.sequence - b.sequence;
}

function describeEffect(
  { tick, outcome, slot }: AppliedRequest,
  startTick: number,
): Pick<RequestVerdict & { readonly kind: 'applied' }, 'tick' | 'outcome' | 'slot'> {
  return { tick: tick - startTick, outcome, slot: slot ?? null };
}

function describeAnswer(client: Principal, sequence: number, answer: RequestAnswer): RequestVerdict {
  if (answer.kind === 'refused') return describeRefusal(client, sequence, answer.cause);
  return { ...answer, slot: answer.slot ?? null };
}

function describeRefusal(
  client: Principal,
  sequence: number,
  cause: (RequestAnswer & { readonly kind: 'refused' })['cause'],
): RequestVerdict & { readonly kind: 'refused' } {
  switch (cause) {
    case 'used':
      return {
        kind: 'refused',
        code: 'used',
        text: `another request of ${client} has number ${sequence}; ask again under a higher one`,
      };
    case 'old':
      return {
        kind: 'refused',
        code: 'old',
        text: `request ${sequence} of ${client} is too long ago to tell what became of it; look at voteplane log, and ask again under a higher number`,
      };
    case 'full':
    case 'away':
      return { kind: 'refused', code: 'busy', text: 'this replica cannot take the request on just now' };
  }
}
