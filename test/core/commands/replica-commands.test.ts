/** Commands of operators among replicas, under clients and replicas that lie (protocol.md §10). */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CommandRules } from '../../../src/core/commands/command-rules.js';
import type { Entry, PeerMessage, RequestName, RoundMessage, Tick } from '../../../src/core/types.js';
import { findDisagreements, Lockstep, withItems, type LockstepOptions } from '../../support/lockstep.js';
import { decodeEntry, encodeEntry, toBytes, toText } from '../../support/toy-codec.js';

const OM1 = { n: 4, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' } } as const;
const SM1 = { n: 3, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' } } as const;

const sha = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** Contents are JSON; `add` adds to the law's sum, `arm` and `disarm` are what they say, `no` refuses. */
const RULES: CommandRules = {
  order: 'vector',
  clients: 2,
  digest: sha,
  effect: (content, law) => {
    const { what } = JSON.parse(toText(content)) as { what: string };
    if (what === 'no') return { kind: 'refused', reason: 'not now' };
    if (what === 'arm' || what === 'disarm') return { kind: 'posture', actuator: 0, armed: what === 'arm' };
    const state = JSON.parse(toText(law)) as { steps: number; sum: number };
    return { kind: 'law', law: toBytes(JSON.stringify({ ...state, sum: state.sum + 1_000 })) };
  },
};

interface Request {
  readonly name: RequestName;
  readonly content: Uint8Array;
}

function request(sequence: number, what = 'add', client = 0): Request {
  const content = toBytes(JSON.stringify({ client, sequence, what }));
  return { name: { client, sequence, digest: sha(content) }, content };
}

function fly(options: LockstepOptions = OM1, ticks = 30): Lockstep {
  return new Lockstep({ ...options, commands: RULES }).startAll().runTo(ticks);
}

/** Hands a request to some replicas in the middle of the tick. */
function give(world: Lockstep, { name, content }: Request, to: readonly number[]): void {
  for (const replica of to) world.feed(replica, { kind: 'requested', name, content, nowUs: world.nowUs });
}

/** What took effect at a replica: sequence and tick. */
function effects(world: Lockstep, replica: number): (readonly [number, Tick, string])[] {
  return world
    .reported('commanded', replica)
    .flatMap(({ report }) =>
      report.applied.map(({ sequence, tick, outcome }) => [sequence, tick, outcome.kind] as const),
    );
}

/** Alters the entry that `liar` brings into every tick. */
function lie(
  liar: number,
  alter: (entry: Entry, to: number) => Entry,
): NonNullable<LockstepOptions['interpose']> {
  return (message, { from, to }) => {
    if (from !== liar || message.kind !== 'round' || message.round !== 1) return [message];
    const items = message.items.map((item) => {
      const entry = item.value === null ? null : decodeEntry(item.value);
      return entry === null ? item : { ...item, value: encodeEntry(alter(entry, to)) };
    });
    return [withItems(message satisfies RoundMessage, items)];
  };
}

describe.each([
  ['four replicas with MACs', OM1],
  ['three that sign', SM1],
])('%s', (_, options) => {
  const all = Array.from({ length: options.n }, (_unused, id) => id);

  test('let a command take effect at one tick everywhere, and say so', () => {
    const world = fly(options);
    give(world, request(1), all);
    world.runTicks(5);
    const [first] = effects(world, 0);
    expect(first).toEqual([1, 31, 'done']);
    for (const id of all) expect(effects(world, id)).toEqual([first]);
    const told = world.replies.filter(({ answer }) => answer.kind === 'applied');
    expect(told.map(({ replica }) => replica).sort()).toEqual(all);
    expect(findDisagreements(world, all)).toEqual([]);
  });

  test('let it take effect before the control law of its tick', () => {
    const world = fly(options);
    const sums = (ticks: number): number[] => {
      world.runTicks(ticks);
      return [
        JSON.parse(toText(world.stateOf(0).snapshot?.state.law ?? toBytes('{}'))) as { sum: number },
      ].map(({ sum }) => sum);
    };
    const [before] = sums(0);
    give(world, request(1), all);
    const [behind] = sums(1);
    const [after] = sums(1);
    expect((behind ?? 0) - (before ?? 0)).toBeLessThan(1_000);
    expect((after ?? 0) - (before ?? 0)).toBeGreaterThanOrEqual(1_000);
  });

  test('go on without one of them', () => {
    const world = fly(options);
    world.kill(options.n - 1);
    world.runTicks(10);
    give(world, request(1), all);
    world.runTicks(5);
    for (const id of all.slice(0, -1)) expect(effects(world, id)).toHaveLength(1);
    expect(findDisagreements(world, all)).toEqual([]);
  });
});

describe('a client that is no better than it should be', () => {
  test('has its request done once, however often and to whomever it repeats it', () => {
    const world = fly();
    for (let tick = 0; tick < 12; tick += 1) {
      give(world, request(1), [tick % 4, (tick + 1) % 4]);
      world.runTicks(1);
    }
    for (let id = 0; id < 4; id += 1) expect(effects(world, id)).toHaveLength(1);
    // Whoever repeats a request that is done has the answer again.
    const before = world.replies.length;
    give(world, request(1), [2]);
    expect(world.replies.slice(before)).toMatchObject([{ replica: 2, answer: { kind: 'applied' } }]);
  });

  test('that tells one replica alone reaches nothing, and costs nothing', () => {
    const world = fly();
    give(world, request(1), [3]);
    world.runTicks(90);
    for (let id = 0; id < 4; id += 1) expect(effects(world, id)).toEqual([]);
    expect(world.stateOf(3).pool?.find(request(1).name.digest)).toBeNull();
  });

  test('that tells two has the others get the content from these', () => {
    const world = fly();
    give(world, request(1), [0, 1]);
    world.runTicks(3);
    for (let id = 0; id < 4; id += 1) expect(effects(world, id)).toEqual([[1, 31, 'done']]);
    expect(findDisagreements(world, [0, 1, 2, 3])).toEqual([]);
    expect(world.reported('not-stepped').filter(({ atUs }) => atUs > 30 * 50_000)).toEqual([]);
  });

  test('that gives one number to two requests has the smaller of the two done, and hears of it for the other', () => {
    const world = fly();
    const [one, two] = [request(1), request(1, 'no')];
    give(world, one, [0, 1]);
    give(world, two, [2, 3]);
    world.runTicks(5);
    const smaller = toHexText(one.name.digest) < toHexText(two.name.digest) ? one : two;
    for (let id = 0; id < 4; id += 1) {
      const [applied] = world.reported('commanded', id).flatMap(({ report }) => report.applied);
      expect(applied?.digest).toEqual(smaller.name.digest);
      expect(effects(world, id)).toHaveLength(1);
    }
    const refused = world.replies.filter(({ answer }) => answer.kind === 'refused');
    expect(refused).toHaveLength(2);
    expect(refused.every(({ answer }) => answer.kind === 'refused' && answer.cause === 'used')).toBe(true);
  });

  test('that floods is held to its share, and others are not', () => {
    const world = fly();
    for (let sequence = 1; sequence <= 200; sequence += 1) give(world, request(sequence), [0, 1, 2, 3]);
    give(world, request(1, 'add', 1), [0, 1, 2, 3]);
    world.runTicks(3);
    const applied = world.reported('commanded', 0).flatMap(({ report }) => report.applied);
    expect(applied.filter(({ client }) => client === 0)).toHaveLength(4);
    expect(applied.filter(({ client }) => client === 1)).toHaveLength(1);
    expect(findDisagreements(world, [0, 1, 2, 3])).toEqual([]);
  });

  test('may hold several open, in the order of their numbers', () => {
    const world = fly();
    for (const sequence of [4, 2, 3, 1]) give(world, request(sequence), [0, 1, 2, 3]);
    world.runTicks(3);
    expect(effects(world, 2).map(([sequence]) => sequence)).toEqual([1, 2, 3, 4]);
  });
});

describe('a replica that lies', () => {
  const correct = [0, 1, 2];
  const forged = request(9).name;

  test('cannot have done what nobody asked for', () => {
    const world = fly({
      ...OM1,
      interpose: lie(3, (entry) => ({ ...entry, requests: [forged] })),
    });
    world.runTicks(20);
    for (const id of correct) expect(effects(world, id)).toEqual([]);
    expect(findDisagreements(world, correct)).toEqual([]);
  });

  test('cannot stop the rig with digests of nothing beside what one correct replica names', () => {
    const world = fly({
      ...OM1,
      interpose: lie(3, (entry, to) => ({
        ...entry,
        requests: Array.from({ length: 8 }, (_, at) => ({
          ...forged,
          sequence: at,
          digest: sha(toBytes(`${to}`)),
        })),
      })),
    });
    give(world, request(1), [0]);
    world.runTicks(20);
    for (const id of correct) expect(effects(world, id)).toEqual([]);
    expect(world.steppedTicks(1).at(-1)).toBeGreaterThanOrEqual(48);
  });

  test('that backs a request of one correct replica and keeps its content gains nothing', () => {
    const { name, content } = request(1);
    const world = fly({
      ...OM1,
      interpose: (message, link) => {
        if (link.from === 3 && message.kind === 'content-reply')
          return [{ kind: 'content-reply', content: toBytes('{}') }];
        return (
          lie(3, (entry) => ({ ...entry, requests: [name] })) as NonNullable<LockstepOptions['interpose']>
        )(message, link);
      },
    });
    give(world, { name, content }, [0]);
    world.runTicks(5);
    for (const id of correct) expect(effects(world, id)).toEqual([[1, 31, 'done']]);
    expect(findDisagreements(world, correct)).toEqual([]);
  });
});

describe('a replica that lacks a content', () => {
  /** Nobody hands any content to replica 2. */
  const starve = (message: PeerMessage, { to }: { readonly to: number }): readonly PeerMessage[] =>
    to === 2 && message.kind === 'content-reply' ? [] : [message];

  test('does not guess: it falls silent and takes the state of the others', () => {
    const world = fly({ ...OM1, interpose: starve });
    give(world, request(1), [0, 1, 3]);
    world.runTicks(6);
    const lacking = world.reported('not-stepped', 2).filter(({ report }) => report.cause === 'lacks-content');
    expect(lacking.map(({ report }) => report.tick)).toEqual([31]);
    expect(world.commands.filter(({ replica, command }) => replica === 2 && command.tick === 31)).toEqual([]);
    expect(world.steppedTicks(2).at(-1)).toBeGreaterThanOrEqual(34);
    expect(findDisagreements(world, [0, 1, 2, 3])).toEqual([]);
  });

  test('steps in the same tick when the content comes late', () => {
    let held = true;
    const world = fly({
      ...OM1,
      interpose: (message, link) => (held ? starve(message, link) : [message]),
    });
    give(world, request(1), [0, 1, 3]);
    world.runTo(31).runUntilUs(31 * 50_000 + 10_000);
    held = false;
    const { content } = request(1);
    world.inject(0, 2, { kind: 'content-reply', content });
    expect(effects(world, 2)).toEqual([[1, 31, 'done']]);
    world.runTicks(3);
    expect(world.voted('dissent')).toEqual([]);
    expect(findDisagreements(world, [0, 1, 2, 3])).toEqual([]);
  });

  test('that joins has what is pending, and what is done, with the state', () => {
    const world = fly();
    give(world, request(1), [0, 1, 2, 3]);
    world.runTicks(3);
    world.kill(2);
    world.runTicks(10);
    world.start(2);
    world.runTicks(20);
    expect(world.stateOf(2).mode).toBe('running');
    give(world, request(1), [2]);
    expect(world.replies.at(-1)).toMatchObject({ replica: 2, answer: { kind: 'applied' } });
    give(world, request(2), [0, 1, 2, 3]);
    world.runTicks(3);
    // What its life before saw stands before that.
    expect(effects(world, 2).map(([sequence]) => sequence)).toEqual([1, 2]);
    expect(findDisagreements(world, [0, 1, 2, 3])).toEqual([]);
  });

  test('together with all others lets it lapse, and the rig goes on', () => {
    const world = fly({
      ...OM1,
      interpose: (message) => (message.kind === 'content-reply' ? [] : [message]),
    });
    give(world, request(1), [0, 1]);
    world.runTo(31).runUntilUs(31 * 50_000 - 2_000);
    // Both that have the content are gone, beyond the hypothesis, and come back without it.
    for (const id of [0, 1]) world.kill(id);
    for (const id of [0, 1]) world.start(id);
    world.runTicks(40);
    expect(world.steppedTicks(3).at(-1)).toBeGreaterThan(55);
    expect(effects(world, 3).map(([, , outcome]) => outcome)).toEqual(['lapsed']);
    expect(findDisagreements(world, [2, 3])).toEqual([]);
  });
});

describe('arming and disarming', () => {
  test('send the actuator to fail-safe until it is armed, whoever arms it otherwise', () => {
    for (const rearm of ['auto', 'operator'] as const) {
      const world = fly({ ...OM1, actuators: [{ rearm }] });
      expect(world.voterState().phase).toBe('armed');
      give(world, request(1, 'disarm'), [0, 1, 2, 3]);
      world.runTicks(20);
      expect(world.voterState().phase).toBe('fail-safe');
      expect(world.voted('fail-safe').at(-1)).toMatchObject({ cause: 'ordered' });
      give(world, request(2, 'arm'), [0, 1, 2, 3]);
      world.runTicks(8);
      expect(world.voterState().phase).toBe('armed');
      expect(findDisagreements(world, [0, 1, 2, 3])).toEqual([]);
    }
  });

  test('an order to arm stands for a while only', () => {
    const world = fly({ ...OM1, actuators: [{ rearm: 'operator' }] });
    give(world, request(1, 'arm'), [0, 1, 2, 3]);
    world.runTicks(15);
    // It trips long after the order, and waits for another one.
    for (let id = 0; id < 4; id += 1) world.pause(id, 400_000);
    world.runTicks(40);
    expect(world.voterState().phase).toBe('fail-safe');
  });
});

test('a rig without commands takes none, and its entries do not even have the list', () => {
  const world = new Lockstep(OM1).startAll().runTo(30);
  give(world, request(1), [0, 1, 2, 3]);
  world.runTicks(5);
  expect(world.replies).toEqual([]);
  const [agreed] = world.reported('agreed', 0).slice(-1);
  expect(agreed?.report.entries[0]).not.toHaveProperty('requests');
});

function toHexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
