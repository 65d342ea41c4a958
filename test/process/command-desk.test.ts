/** The desk of a replica of a rig whose commands a log orders: what it answers itself, what it hands on, what it tells. */
import { describe, expect, test } from 'vitest';
import { KEPT_ANSWERS, openBook, type CommandBook } from '../../src/core/commands/command-book.js';
import type { Entry } from '../../src/core/paxos/types.js';
import type { AppliedRequest } from '../../src/core/types.js';
import { CommandDesk, type OrderedCommands } from '../../src/process/command-desk.js';
import type { Rig } from '../../src/rig/rig.js';
import {
  digestContent,
  encodeContent,
  type OperatorReply,
  type RequestVerdict,
} from '../../src/wire/request-codec.js';
import { fakeDigest, makeRig } from '../wire/make-rig.js';

const DIGEST = fakeDigest('rig');
const RIG: Rig = {
  ...makeRig({ replicas: 3, hypothesis: { kind: 'crash', f: 1 } }),
  operators: ['operator', 'pilot'],
  commands: [
    {
      id: 'go',
      by: ['pilot'],
      effect: 'law',
      arguments: [{ id: 'far', type: 'integer', min: 0, max: 1000 }],
    },
  ],
};

const contentOf = (sequence: number, far = 1): Uint8Array =>
  encodeContent({ client: 'pilot', sequence, command: 'go', values: [far], rigDigest: DIGEST });
const entryOf = (sequence: number, far = 1): Entry => ({
  kind: 'command',
  request: { client: 'pilot', sequence, value: contentOf(sequence, far) },
});
const appliedOf = (sequence: number, slot: number, tick: number): AppliedRequest => ({
  client: 1,
  sequence,
  digest: digestContent(contentOf(sequence)),
  tick,
  outcome: { kind: 'done' },
  slot,
});

/** One desk in the test's hand. */
class Bench {
  /** Sequences that were handed on to be ordered. */
  readonly handed: number[] = [];
  readonly replies: { readonly to: string; readonly reply: OperatorReply }[] = [];
  ordered: OrderedCommands | null = null;
  readonly desk: CommandDesk;

  constructor(devices: readonly string[] | null = ['a', 'b', 'c']) {
    this.desk = new CommandDesk({
      rig: RIG,
      rigDigest: DIGEST,
      devices,
      readLeader: () => 2,
      order: (name) => this.handed.push(name.sequence),
      readOrdered: () => this.ordered,
      send: (to, reply) => this.replies.push({ to, reply }),
    });
  }

  submit(sequence: number, far = 1): void {
    this.desk.receive('pilot', { kind: 'submit', content: contentOf(sequence, far) });
  }

  /** A state in which these have had their effect. */
  apply(...applied: readonly AppliedRequest[]): void {
    const book: CommandBook = openBook(2, 1);
    const [operator] = book.clients;
    if (operator === undefined) throw new Error('there are two');
    this.ordered = { book: { ...book, clients: [operator, { floor: -1, applied }] }, startTick: 100 };
  }

  /** Verdicts so far, with the content that each is about. */
  verdicts(sequence: number, far = 1): readonly RequestVerdict[] {
    const digest = Buffer.from(digestContent(contentOf(sequence, far)));
    return this.replies.flatMap(({ to, reply }) =>
      to === 'pilot' && reply.kind === 'verdict' && digest.equals(reply.digest) ? [reply.verdict] : [],
    );
  }

  log(): OperatorReply | undefined {
    this.desk.receive('pilot', { kind: 'log', sequence: 3 });
    return this.replies.pop()?.reply;
  }
}

describe('a request', () => {
  test('that is new is handed on, told to be chosen, and then what it came to', () => {
    const bench = new Bench();
    bench.submit(5);
    expect(bench.handed).toEqual([5]);
    expect(bench.replies).toEqual([]);
    bench.desk.noteChosen(9, entryOf(5), true);
    bench.desk.answerOrdered('pilot', 5, { kind: 'chosen', slot: 9 });
    const name = { client: 1, sequence: 5, digest: digestContent(contentOf(5)) };
    bench.desk.answer(name, { kind: 'applied', tick: 3, outcome: { kind: 'done' }, slot: 9 });
    expect(bench.verdicts(5)).toEqual([
      { kind: 'chosen', slot: 9, leader: 2 },
      { kind: 'applied', tick: 3, outcome: { kind: 'done' }, slot: 9 },
    ]);
  });

  test('that is repeated is answered by what is known of it, and not ordered again', () => {
    const bench = new Bench();
    bench.desk.noteChosen(9, entryOf(5), true);
    bench.submit(5);
    bench.apply(appliedOf(5, 9, 107));
    bench.submit(5);
    expect(bench.handed).toEqual([]);
    expect(bench.verdicts(5)).toEqual([
      { kind: 'chosen', slot: 9, leader: 2 },
      { kind: 'applied', tick: 7, outcome: { kind: 'done' }, slot: 9 },
    ]);
  });

  test('under the number of another is refused, whether that is chosen or in force', () => {
    const bench = new Bench();
    bench.desk.noteChosen(9, entryOf(5), true);
    bench.submit(5, 2);
    bench.apply(appliedOf(5, 9, 107));
    bench.submit(5, 2);
    expect(bench.handed).toEqual([]);
    expect(bench.verdicts(5, 2)).toMatchObject([
      { kind: 'refused', code: 'used' },
      { kind: 'refused', code: 'used' },
    ]);
  });

  test('never hears what became of another under its number', () => {
    const bench = new Bench();
    bench.submit(5, 2);
    bench.submit(5);
    bench.desk.noteChosen(9, entryOf(5), true);
    // Chosen a second time, in vain: the place stays the first one.
    bench.desk.noteChosen(12, entryOf(5, 2), false);
    bench.desk.answerOrdered('pilot', 5, { kind: 'chosen', slot: 9 });
    expect(bench.verdicts(5)).toEqual([{ kind: 'chosen', slot: 9, leader: 2 }]);
    expect(bench.verdicts(5, 2)).toMatchObject([{ kind: 'refused', code: 'used' }]);
  });

  test('that is chosen by a snapshot alone is answered once the state tells which content it was', () => {
    const bench = new Bench();
    bench.submit(5);
    bench.desk.answerOrdered('pilot', 5, { kind: 'chosen', slot: 9 });
    expect(bench.replies).toEqual([]);
    bench.apply(appliedOf(5, 9, 107));
    bench.desk.answerOrdered('pilot', 5, { kind: 'chosen', slot: 9 });
    expect(bench.verdicts(5)).toMatchObject([{ kind: 'applied', slot: 9 }]);
  });

  test('of which another replica was asked is told to be chosen here too, and its end there', () => {
    const bench = new Bench();
    bench.desk.noteChosen(9, entryOf(5), true);
    bench.desk.answerOrdered('pilot', 5, { kind: 'chosen', slot: 9 });
    const name = { client: 1, sequence: 5, digest: digestContent(contentOf(5)) };
    bench.desk.answer(name, { kind: 'applied', tick: 3, outcome: { kind: 'done' }, slot: 9 });
    expect(bench.verdicts(5)).toEqual([{ kind: 'chosen', slot: 9, leader: 2 }]);
  });

  test('that must wait hears for whom, the witness too', () => {
    const bench = new Bench(['a', 'b', 'w']);
    bench.submit(5);
    bench.desk.answerOrdered('pilot', 5, { kind: 'waits', for: 0b010 });
    bench.desk.answerOrdered('pilot', 5, { kind: 'waits', for: 0b110 });
    expect(bench.verdicts(5)).toMatchObject([
      { kind: 'waits', text: expect.stringMatching(/^nothing can be chosen until b is back; start it/) },
      { kind: 'waits', text: expect.stringMatching(/until one of b, w is back/) },
    ]);
  });

  test('that is too old, or not to be taken on, is refused with the cure', () => {
    const bench = new Bench();
    bench.submit(5);
    for (const outcome of [
      { kind: 'stale' },
      { kind: 'busy' },
      { kind: 'refused', reason: 'malformed' },
    ] as const)
      bench.desk.answerOrdered('pilot', 5, outcome);
    bench.desk.answerOrdered('nobody', 5, { kind: 'stale' });
    bench.desk.answerOrdered('pilot', 6, { kind: 'stale' });
    expect(bench.replies).toHaveLength(3);
    expect(bench.verdicts(5)).toMatchObject([{ code: 'old' }, { code: 'busy' }, { code: 'malformed' }]);
  });

  test('out of range is refused before anybody orders it', () => {
    const bench = new Bench();
    bench.submit(5, 1001);
    expect(bench.handed).toEqual([]);
    expect(bench.verdicts(5, 1001)).toMatchObject([{ kind: 'refused', code: 'range' }]);
  });

  test('of a rig without a log is left to whoever orders it, however often it comes', () => {
    const bench = new Bench(null);
    bench.apply(appliedOf(5, 9, 107));
    bench.submit(5);
    bench.submit(5);
    expect(bench.handed).toEqual([5, 5]);
    expect(bench.replies).toEqual([]);
  });
});

describe('the log', () => {
  test('is in the order of slots, what is chosen and not in force yet at its end', () => {
    const bench = new Bench();
    for (const [slot, sequence] of [
      [9, 6],
      [8, 5],
      [10, 7],
    ] as const)
      bench.desk.noteChosen(slot, entryOf(sequence), true);
    bench.desk.noteChosen(11, { kind: 'nothing' }, true);
    bench.apply(appliedOf(5, 8, 104), appliedOf(6, 9, 104));
    const content = (sequence: number) => ({ client: 1, sequence, content: contentOf(sequence) });
    expect(bench.log()).toMatchObject({
      sequence: 3,
      items: [
        { ...content(5), slot: 8, effect: { tick: 4, outcome: { kind: 'done' } } },
        { ...content(6), slot: 9, effect: { tick: 4, outcome: { kind: 'done' } } },
        { ...content(7), slot: 10, effect: null },
      ],
    });
  });

  test('is told before there is a run, and stays bounded', () => {
    const bench = new Bench();
    for (let at = 1; at <= 3 * KEPT_ANSWERS; at += 1) bench.desk.noteChosen(at, entryOf(at), true);
    const log = bench.log();
    if (log?.kind !== 'log') throw new Error('a log was asked for');
    expect(log.items.map(({ slot }) => slot)).toEqual(
      Array.from({ length: KEPT_ANSWERS }, (_, at) => 2 * KEPT_ANSWERS + 1 + at),
    );
    bench.desk.noteChosen(
      1_000,
      { kind: 'command', request: { client: 'x', sequence: 1, value: contentOf(1) } },
      true,
    );
    expect(bench.log()).toEqual(log);
  });
});
