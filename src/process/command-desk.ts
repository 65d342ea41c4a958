/**
 * Where a replica meets the operators of its rig: checks what they ask for before anybody proposes it, hands it to
 * whatever orders requests, and tells them what became of it. Which order that is (the agreed vector under a Byzantine
 * hypothesis) it does not know. It must never answer in words that differ from those of another replica, since
 * operators believe what enough replicas say alike; and what it keeps of each operator is bounded.
 */
import { toHex } from '../core/bytes.js';
import type { CommandBook } from '../core/commands/command-book.js';
import type { RequestAnswer } from '../core/replica.js';
import type { RequestName } from '../core/types.js';
import type { Principal } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { LOG_ITEMS_MAX } from '../wire/limits.js';
import type { LogItem, OperatorReply, OperatorRequest, RequestVerdict } from '../wire/request-codec.js';
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
  /** Has a request ordered that has been checked; its answer comes back through `answer`. */
  readonly order: (name: RequestName, content: Uint8Array) => void;
  /** Null while this replica holds no state of a run. */
  readonly readOrdered: () => OrderedCommands | null;
  readonly send: (to: Principal, reply: OperatorReply) => void;
}

/** Contents kept of each operator, to be shown in the log. */
const KEPT_CONTENTS = 24;

/** The desk of one replica. */
export class CommandDesk {
  /** By operator, by digest; the oldest first. */
  private readonly contents: Map<string, Uint8Array>[];

  constructor(private readonly parts: CommandDeskParts) {
    this.contents = parts.rig.operators.map(() => new Map());
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
    this.remember(checked.name, request.content);
    order(checked.name, request.content);
  }

  /** What became of a request, whoever brought it here. */
  answer(name: RequestName, answer: RequestAnswer): void {
    const { rig, send } = this.parts;
    const to = rig.operators[name.client];
    if (to === undefined) return;
    const { sequence, digest } = name;
    send(to, { kind: 'verdict', sequence, digest, verdict: describeAnswer(to, sequence, answer) });
  }

  private remember({ client, digest }: RequestName, content: Uint8Array): void {
    const contents = this.contents[client];
    if (contents === undefined) return;
    contents.set(toHex(digest), content);
    for (const key of contents.keys()) {
      if (contents.size <= KEPT_CONTENTS) break;
      contents.delete(key);
    }
  }

  /** The last requests that have had their effect, oldest first. */
  private listLog(): readonly LogItem[] {
    const ordered = this.parts.readOrdered();
    if (ordered === null) return [];
    return ordered.book.clients
      .flatMap(({ applied }) => applied)
      .sort((a, b) => a.tick - b.tick || a.client - b.client || a.sequence - b.sequence)
      .slice(-LOG_ITEMS_MAX)
      .map(({ client, sequence, digest, tick, outcome }) => ({
        client,
        sequence,
        digest,
        tick: tick - ordered.startTick,
        outcome,
        content: this.contents[client]?.get(toHex(digest)) ?? null,
      }));
  }
}

function describeAnswer(client: Principal, sequence: number, answer: RequestAnswer): RequestVerdict {
  if (answer.kind === 'applied') return answer;
  switch (answer.cause) {
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
