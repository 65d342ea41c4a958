/** An operator's client over real links to replicas that a test plays: whom it believes, and that it goes on asking. */
import { describe, expect, test } from 'vitest';
import { CommandClient, type SubmitProgress } from '../../src/client/command-client.js';
import type { Clock, FrameHandler, Log, Principal, Purpose, Transport } from '../../src/ports.js';
import type { Rig } from '../../src/rig/rig.js';
import { SecureEndpoint } from '../../src/process/secure-endpoint.js';
import { generateKeys } from '../../src/wire/keys.js';
import {
  decodeRequest,
  digestContent,
  encodeContent,
  encodeReply,
  type LogItem,
  type RequestVerdict,
} from '../../src/wire/request-codec.js';
import { createSecureLinks } from '../../src/wire/secure-links.js';
import { fakeDigest, makeRig, seededEntropy } from '../wire/make-rig.js';

const RIG: Rig = { ...makeRig(), operators: ['pilot'] };
const LOG_RIG: Rig = {
  ...makeRig({ replicas: 3, hypothesis: { kind: 'crash', f: 1 } }),
  operators: ['pilot'],
};
const DIGEST = fakeDigest('rig');
const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const REQUEST = { sequence: 7, command: 'go', values: [] } as const;
const DONE: RequestVerdict = { kind: 'applied', tick: 12, outcome: { kind: 'done' }, slot: null };

interface Timer {
  readonly atUs: number;
  readonly callback: () => void;
}

/** One operator, four replicas and the time, all in the test's hand. */
class World {
  nowUs = 0;
  readonly client: CommandClient;
  /** Submissions that each replica has had. */
  readonly received: number[];
  private timers: Timer[] = [];
  private readonly handlers = new Map<Principal, FrameHandler>();
  private readonly frames: (() => void)[] = [];

  /** `answer`: what replica `at` says to its `time`-th submission; null: nothing. */
  constructor(
    answer: (at: number, time: number) => RequestVerdict | null,
    options: {
      readonly log?: (at: number) => readonly LogItem[] | null;
      readonly otherRig?: readonly number[];
      readonly rig?: Rig;
    } = {},
  ) {
    const { rig = RIG } = options;
    this.received = rig.replicas.map(() => 0);
    const keys = new Map(generateKeys(rig, seededEntropy('keys')).map((one) => [one.principal, one]));
    const clock: Clock = {
      nowUs: () => this.nowUs,
      schedule: (atUs, callback) => {
        const timer = { atUs, callback };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((one) => one !== timer);
        };
      },
    };
    rig.replicas.forEach(({ id }, at) => {
      const own = keys.get(id);
      if (own === undefined) throw new Error('everybody has keys');
      const digest = options.otherRig?.includes(at) === true ? fakeDigest('other') : DIGEST;
      const endpoint: SecureEndpoint = new SecureEndpoint({
        links: createSecureLinks(rig, own, { rig: digest, law: null, arithmetic: null }, seededEntropy(id)),
        transport: this.transportOf(id),
        clock,
        log: SILENT,
        onIncompatible: () => {},
        onPayload: (from, purpose, payload) => {
          const request = purpose === 'request' ? decodeRequest(payload) : null;
          if (request?.kind === 'log') {
            const items = options.log?.(at) ?? null;
            if (items !== null)
              endpoint.send(from, 'reply', encodeReply({ kind: 'log', sequence: request.sequence, items }));
            return;
          }
          if (request === null) return;
          this.received[at] = (this.received[at] ?? 0) + 1;
          const verdict = answer(at, this.received[at] ?? 0);
          if (verdict === null) return;
          const digest = digestContent(request.content);
          endpoint.send(from, 'reply', encodeReply({ kind: 'verdict', sequence: 7, digest, verdict }));
        },
      });
      endpoint.start();
    });
    const pilot = keys.get('pilot');
    if (pilot === undefined) throw new Error('everybody has keys');
    this.client = new CommandClient({
      rig,
      keys: pilot,
      rigDigest: DIGEST,
      transport: this.transportOf('pilot'),
      clock,
      entropy: seededEntropy('pilot'),
      log: SILENT,
    });
  }

  private transportOf(self: Principal): Transport {
    return {
      send: (to: Principal, purpose: Purpose, frame: Uint8Array) => {
        this.frames.push(() => this.handlers.get(to)?.(self, purpose, frame, this.nowUs));
      },
      onFrame: (handler) => {
        this.handlers.set(self, handler);
      },
      onLink: () => {},
      close: () => Promise.resolve(),
    };
  }

  /** Lets time pass: frames arrive at once, timers when they are due. */
  run(ms: number): void {
    const untilUs = this.nowUs + ms * 1_000;
    for (;;) {
      for (let next = this.frames.shift(); next !== undefined; next = this.frames.shift()) next();
      const [due] = [...this.timers].sort((a, b) => a.atUs - b.atUs);
      if (due === undefined || due.atUs > untilUs) break;
      this.timers = this.timers.filter((one) => one !== due);
      this.nowUs = Math.max(this.nowUs, due.atUs);
      due.callback();
    }
    this.nowUs = untilUs;
  }
}

async function submit(world: World, ms = 6_000, told: SubmitProgress[] = []): Promise<unknown> {
  const outcome = world.client.submit(REQUEST, 5_000, (progress) => told.push(progress));
  world.run(ms);
  return outcome;
}

describe('an answer', () => {
  test('is believed of f+1, whoever they are', async () => {
    expect(await submit(new World((at) => (at > 1 ? DONE : null)))).toEqual(DONE);
  });

  test('of one replica alone is not, and what each said is told', async () => {
    expect(await submit(new World((at) => (at === 3 ? DONE : null)))).toMatchObject({
      kind: 'unanswered',
      said: [
        { replica: 'a', text: /no answer/ },
        { replica: 'b' },
        { replica: 'c' },
        { replica: 'd', text: 'it took effect at tick 12' },
      ].map(({ replica, text }) => ({
        replica,
        text: text === undefined || text instanceof RegExp ? expect.stringMatching(/no answer/) : text,
      })),
    });
  });

  test('that differs from the others’ counts for nothing', async () => {
    const lie: RequestVerdict = { kind: 'applied', tick: 13, outcome: { kind: 'done' }, slot: null };
    expect(await submit(new World((at) => (at === 0 ? lie : DONE)))).toEqual(DONE);
    expect(await submit(new World((at) => ({ ...DONE, tick: at })))).toMatchObject({ kind: 'unanswered' });
  });

  test('that the request was refused is believed of f+1 too', async () => {
    const refused: RequestVerdict = { kind: 'refused', code: 'range', text: 'too far; give less' };
    expect(await submit(new World((at) => (at === 0 ? DONE : refused)))).toEqual(refused);
  });

  test('busy is none: it asks again until there is one', async () => {
    const busy: RequestVerdict = { kind: 'refused', code: 'busy', text: 'not now' };
    const world = new World((_, time) => (time < 3 ? busy : DONE));
    expect(await submit(world)).toEqual(DONE);
    expect(Math.max(...world.received)).toBe(3);
  });

  test('that is lost is asked for again', async () => {
    const world = new World((_, time) => (time < 2 ? null : DONE));
    expect(await submit(world)).toEqual(DONE);
  });
});

describe('where a log orders commands', () => {
  const APPLIED: RequestVerdict = { kind: 'applied', tick: 14, outcome: { kind: 'done' }, slot: 9 };
  const CHOSEN: RequestVerdict = { kind: 'chosen', slot: 9, leader: 1 };
  const world = (answer: (at: number, time: number) => RequestVerdict | null): World =>
    new World(answer, { rig: LOG_RIG });

  test('one answer is enough, and a place in the log is told once, before what it came to', async () => {
    const told: SubmitProgress[] = [];
    expect(
      await submit(
        world((_, time) => (time < 2 ? CHOSEN : APPLIED)),
        6_000,
        told,
      ),
    ).toEqual(APPLIED);
    expect(told).toEqual([{ kind: 'chosen', slot: 9 }]);
    expect(await submit(world((at) => (at === 2 ? APPLIED : null)))).toEqual(APPLIED);
  });

  test('who leads is asked alone, and the others soon where it says nothing', async () => {
    const rig = world((at, time) => {
      if (at === 0) return CHOSEN;
      if (at === 1) return time < 3 ? APPLIED : null;
      return time > 1 ? APPLIED : null;
    });
    expect(await submit(rig, 200)).toEqual(APPLIED);
    expect(rig.received).toEqual([1, 1, 1]);
    expect(await submit(rig, 200)).toEqual(APPLIED);
    expect(rig.received).toEqual([1, 2, 1]);
    const third = submit(rig, 40);
    expect(rig.received).toEqual([1, 3, 1]);
    rig.run(20);
    expect(await third).toEqual(APPLIED);
    expect(rig.received).toEqual([2, 3, 2]);
  });

  test('who is asked alone and dies before the end is not waited for', async () => {
    const rig = world((at, time) => {
      if (at === 0) return CHOSEN;
      if (at === 1) return time === 1 ? APPLIED : time === 2 ? CHOSEN : null;
      return APPLIED;
    });
    await submit(rig, 200);
    const before = [...rig.received];
    const outcome = submit(rig, 400);
    expect(rig.received).toEqual([before[0], 2, before[2]]);
    rig.run(200);
    expect(await outcome).toEqual(APPLIED);
  });

  test('what is chosen and not in force in time is neither unanswered nor refused', async () => {
    const old: RequestVerdict = { kind: 'refused', code: 'old', text: 'too long ago' };
    const outcome = await submit(
      world((at, time) => (at === 0 ? CHOSEN : at === 1 && time > 1 ? old : null)),
    );
    expect(outcome).toMatchObject({
      kind: 'chosen',
      slot: 9,
      said: [
        { replica: 'a', text: 'it has slot 9 of the log' },
        { replica: 'b', text: 'too long ago' },
        { replica: 'c', text: expect.stringMatching(/no answer/) },
      ],
    });
  });

  test('it says for whom it waits whenever that is new and lasts, and goes on asking', async () => {
    const told: SubmitProgress[] = [];
    const wait = (text: string): RequestVerdict => ({ kind: 'waits', text });
    const answers = [wait('b is away'), wait('b is away'), wait('c is away'), APPLIED];
    expect(
      await submit(
        world((at, time) => (at === 0 ? (answers[time - 1] ?? null) : null)),
        6_000,
        told,
      ),
    ).toEqual(APPLIED);
    expect(told).toEqual([wait('b is away'), wait('c is away')]);
    told.length = 0;
    expect(
      await submit(
        world((_, time) => (time < 2 ? wait('b is away') : APPLIED)),
        6_000,
        told,
      ),
    ).toEqual(APPLIED);
    expect(told).toEqual([]);
  });
});

test('replicas of another rig are told apart from silent ones, at once', async () => {
  const world = new World(() => null, { otherRig: [0, 1, 2, 3] });
  const outcome = world.client.submit(REQUEST, 5_000);
  world.run(1_000);
  expect(await outcome).toMatchObject({
    kind: 'refused',
    code: 'rig',
    text: expect.stringMatching(/differ in/),
  });
});

test('once it is answered nothing is sent any more', async () => {
  const world = new World(() => DONE);
  await submit(world, 3_000);
  const before = [...world.received];
  world.run(5_000);
  expect(world.received).toEqual(before);
  world.client.close();
});

describe('the log', () => {
  const content = encodeContent({
    client: 'pilot',
    command: 'go',
    sequence: 3,
    values: [],
    rigDigest: DIGEST,
  });
  const item: LogItem = {
    client: 0,
    sequence: 3,
    digest: digestContent(content),
    effect: { tick: 40, outcome: { kind: 'done' } },
    slot: null,
    content: null,
  };
  const read = async (log: (at: number) => readonly LogItem[] | null): Promise<unknown> => {
    const world = new World(() => null, { log });
    const outcome = world.client.readLog(5_000);
    world.run(6_000);
    return outcome;
  };

  test('holds what f+1 tell alike, and a content that anybody has', async () => {
    const forged: LogItem = { ...item, sequence: 99 };
    const log = await read((at) => (at === 3 ? [forged, { ...item, content }] : [item]));
    expect(log).toMatchObject({
      kind: 'log',
      entries: [{ client: 'pilot', sequence: 3, tick: 40, asked: { command: 'go', values: [] } }],
    });
  });

  test('takes no content that is another', async () => {
    const log = await read((at) => [{ ...item, content: at === 0 ? Uint8Array.of(1) : null }]);
    expect(log).toMatchObject({ entries: [{ asked: null }] });
  });

  test('of slots is in their order, and a replica that is behind takes nothing from it', async () => {
    const inForce: LogItem = { ...item, slot: 5, content };
    const behind: LogItem = { ...inForce, effect: null, content: null };
    const last: LogItem = { ...item, sequence: 4, slot: 6, effect: null };
    const logs = [[behind, last], [inForce], [behind]];
    const world = new World(() => null, { rig: LOG_RIG, log: (at) => logs[at] ?? null });
    const outcome = world.client.readLog(5_000);
    world.run(6_000);
    expect(await outcome).toMatchObject({
      kind: 'log',
      entries: [
        { slot: 5, sequence: 3, tick: 40, outcome: { kind: 'done' }, asked: { command: 'go' } },
        { slot: 6, sequence: 4, tick: null, outcome: null, asked: null },
      ],
    });
  });

  test('comes without those who are gone, and not from one alone', async () => {
    expect(await read((at) => (at === 2 ? null : [item]))).toMatchObject({ entries: [{ sequence: 3 }] });
    expect(await read((at) => (at === 2 ? [item] : null))).toMatchObject({ kind: 'unanswered' });
  });
});
