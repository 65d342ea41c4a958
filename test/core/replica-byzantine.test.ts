/**
 * What must never happen among correct replicas while at most f lie, by random search over liars of every kind
 * (protocol.md §11), and that nothing a peer sends makes `step` throw.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameBytes } from '../../src/core/bytes.js';
import { NO_RUN, type Foresight } from '../../src/core/replica.js';
import type {
  ActuatorCommand,
  Entry,
  Hypothesis,
  MaybeValue,
  PeerMessage,
  RelayItem,
  ReplicaIndex,
  RoundMessage,
} from '../../src/core/types.js';
import {
  findDisagreements,
  findUnsafeOutputs,
  holdEqualStates,
  Lockstep,
  type Link,
} from '../support/lockstep.js';
import { decodeEntry, encodeEntry, toBytes } from '../support/toy-codec.js';

/** A stream of choices from a seed, the same on every machine (mulberry32). */
function chooser(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Choose = (below: number) => number;

const ODD_NUMBERS = [NaN, Infinity, -Infinity, -1, 0.5, 1e308, 2 ** 53, 2 ** 31, 33, 1_000];

function pick<T>(choose: Choose, all: readonly T[]): T {
  return all[choose(all.length)] as T;
}

function lieInEntry(choose: Choose, entry: Entry): Entry {
  const { standing } = entry;
  return {
    standing: pick(choose, [
      standing,
      { kind: 'waiting', nonce: new Uint8Array(choose(20)), waitedTicks: choose(1_000) },
      { kind: 'running', stateTick: choose(60), stateDigest: new Uint8Array(16).fill(choose(3)) },
      standing.kind === 'running' ? { ...standing, stateTick: standing.stateTick - choose(4) } : standing,
    ]),
    readings: pick(choose, [
      entry.readings,
      [choose(3_000) - 1_500],
      [],
      [null],
      [true],
      [choose(100), 7, 7],
    ]),
    actuators: pick(choose, [
      entry.actuators,
      [],
      [null],
      [
        {
          bootNonce: new Uint8Array(choose(10)),
          phase: pick(choose, ['armed', 'fail-safe']),
          trips: choose(4),
          lastTick: choose(60) - 1,
        },
      ],
    ]),
    missed: choose(3) === 0 ? choose(128) : entry.missed,
    joins: choose(3) === 0 ? choose(128) : entry.joins,
  };
}

function lieInValue(choose: Choose, value: MaybeValue): MaybeValue {
  const entry = value === null ? null : decodeEntry(value);
  switch (choose(5)) {
    case 0:
      return null;
    case 1:
      return toBytes('garbage');
    case 2:
      return new Uint8Array();
    case 3:
      return value;
    default:
      return entry === null ? toBytes('{}') : encodeEntry(lieInEntry(choose, entry));
  }
}

function lieInItems(choose: Choose, items: readonly RelayItem[], to: ReplicaIndex): RelayItem[] {
  return items.flatMap((item): RelayItem[] => {
    switch (choose(6)) {
      case 0:
        return [];
      case 1:
        return [item, { ...item, value: lieInValue(choose, item.value) }];
      case 2:
        return [{ ...item, path: [...item.path, pick(choose, [to, 0, 1, ...ODD_NUMBERS])] }];
      case 3:
        return [item];
      default:
        return [{ ...item, value: lieInValue(choose, item.value) }];
    }
  });
}

function lieInMessage(choose: Choose, message: RoundMessage, to: ReplicaIndex): RoundMessage[] {
  switch (choose(8)) {
    case 0:
      return [];
    case 1:
      return [{ ...message, tick: message.tick + pick(choose, [-2, -1, 1, 2, ...ODD_NUMBERS]) }, message];
    case 2:
      return [{ ...message, round: pick(choose, [1, 2, 3, ...ODD_NUMBERS]) }];
    case 3:
      return [{ ...message, run: new Uint8Array(choose(20)).fill(choose(2)) }, message];
    case 4:
      return [message, { ...message, items: lieInItems(choose, message.items, to) }];
    case 5:
      return [message];
    default:
      return [{ ...message, items: lieInItems(choose, message.items, to) }];
  }
}

/** `bases`: those that correct replicas have named lately. */
function lieInCommand(
  choose: Choose,
  command: ActuatorCommand,
  bases: readonly Uint8Array[],
): ActuatorCommand[] {
  const order = pick<ActuatorCommand['order']>(choose, [
    command.order,
    { kind: 'trip' },
    { kind: 'none' },
    { kind: 'output', count: pick(choose, [choose(100), ...ODD_NUMBERS]) },
  ]);
  const tick = command.tick + pick(choose, [0, 0, 0, 1, -1, 5, ...ODD_NUMBERS]);
  return Array.from({ length: choose(3) }, () => {
    const said = { ...command, tick, order };
    return bases.length === 0 || choose(3) === 0 ? said : { ...said, basis: pick(choose, bases) };
  });
}

interface Search {
  readonly n: number;
  readonly hypothesis: Hypothesis;
  readonly ticks: number;
  readonly foresight?: Foresight;
}

/** Flies with the given liars, from cold start on, each of them doing something else to everybody all the time. */
function flyWithLiars(
  { n, hypothesis, ticks, foresight }: Search,
  liars: readonly ReplicaIndex[],
  seed: number,
): Lockstep {
  const choose = chooser(seed);
  const bases: Uint8Array[] = [];
  return new Lockstep({
    n,
    hypothesis,
    ...(foresight === undefined ? {} : { foresight }),
    liars,
    patienceTicks: 6,
    sample: (replica, tick) => [(tick % 50) + replica / 10],
    interpose: (message: PeerMessage, { from, to }: Link): readonly PeerMessage[] => {
      if (!liars.includes(from)) return [message];
      const extra: PeerMessage[] =
        choose(10) === 0
          ? [
              forgePiece(toBytes(pick(choose, ['', '{}', '{"tick":1e99}']))),
              { kind: 'state-request', digest: new Uint8Array(choose(20)), offset: choose(9_000) },
              { kind: 'start', step: choose(2) === 0 ? 'init' : 'echo' },
              { kind: 'join', tick: choose(60), ready: true, stamp: { lagUs: choose(1e6), heldUs: [] } },
            ]
          : [];
      if (message.kind === 'round') return [...lieInMessage(choose, message, to), ...extra];
      return choose(2) === 0 ? extra : [message];
    },
    // A liar is late for some and in time for others, to the microsecond.
    delayUs: ({ from, nowUs }) => {
      if (!liars.includes(from) || choose(3) > 0) return 300 + choose(900);
      return pick(
        choose,
        [choose(40_000), 15_000 - (nowUs % 50_000), 30_000 - (nowUs % 50_000)].map((us) => Math.max(1, us)),
      );
    },
    interposeCommand: (command, from) => {
      if (liars.includes(from)) return lieInCommand(choose, command, bases);
      if (command.basis !== undefined) bases.push(command.basis);
      if (bases.length > 6) bases.shift();
      return [command];
    },
  })
    .startAll()
    .runTo(ticks);
}

function expectUnharmed(world: Lockstep, search: Search, liars: readonly ReplicaIndex[]): void {
  const correct = Array.from({ length: search.n }, (_, id) => id).filter((id) => !liars.includes(id));
  expect(findDisagreements(world, correct)).toEqual([]);
  expect(findUnsafeOutputs(world, correct)).toEqual([]);
  const start = world.reported('started', correct[0] as number)[0]?.report.tick ?? Infinity;
  // Three ticks to listen, six of patience, and a little.
  expect(start).toBeLessThanOrEqual(12);
  const wanted = Array.from({ length: search.ticks - start - 1 }, (_, at) => start + 1 + at);
  for (const id of correct) {
    expect(world.steppedTicks(id)).toEqual(wanted);
    for (const suspect of world.stateOf(id).health.suspects()) expect(liars).toContain(suspect);
  }
  const armed = world.voted('armed');
  expect(armed).toHaveLength(1);
  expect(world.voted('output').map(({ tick }) => tick)).toEqual(
    wanted.filter((tick) => tick >= (armed[0]?.tick ?? Infinity)),
  );
  expect(world.voted('fail-safe').map(({ cause }) => cause)).toEqual(['start']);
}

const MAC1: Hypothesis = { kind: 'byzantine', f: 1, authenticators: 'mac' };

describe('at most f liars of any kind: equal vectors, states and commands, an output every tick, nobody else suspected', () => {
  test.each<[string, Search, number, number]>([
    ['n=4, OM(1)', { n: 4, hypothesis: MAC1, ticks: 40 }, 1, 60],
    [
      'n=4, OM(1) with foresight',
      { n: 4, hypothesis: MAC1, ticks: 40, foresight: { processingUs: 1_000, relayAtUs: 900 } },
      1,
      120,
    ],
    [
      'n=3, SM(1)',
      { n: 3, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' }, ticks: 40 },
      1,
      60,
    ],
    [
      'n=5, SM(2)',
      { n: 5, hypothesis: { kind: 'byzantine', f: 2, authenticators: 'signature' }, ticks: 30 },
      2,
      15,
    ],
    [
      'n=7, OM(2)',
      { n: 7, hypothesis: { kind: 'byzantine', f: 2, authenticators: 'mac' }, ticks: 25 },
      2,
      12,
    ],
  ])('%s', (_, search, f, numRuns) => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: search.n - 1 }), { minLength: f, maxLength: f }),
        fc.nat(),
        (liars, seed) => {
          expectUnharmed(flyWithLiars(search, liars, seed), search, liars);
        },
      ),
      { numRuns },
    );
  });
});

test('crash, n=3: one replica crashes in the middle of any of its sends, at any tick, and nobody notices at the actuator', () => {
  const search: Search = { n: 3, hypothesis: { kind: 'crash', f: 1 }, ticks: 30 };
  fc.assert(
    fc.property(
      fc.nat({ max: 2 }),
      fc.integer({ min: 14, max: 24 }),
      fc.nat({ max: 4 }),
      (crashed, tick, sends) => {
        let left = sends;
        let dead = false;
        const world = new Lockstep({
          n: 3,
          hypothesis: search.hypothesis,
          interpose: (message, { from }) => {
            if (from !== crashed || message.kind !== 'round' || message.tick < tick) return [message];
            dead ||= left <= 0;
            left -= 1;
            return dead ? [] : [message];
          },
          interposeCommand: (command, from) => (from === crashed && command.tick >= tick ? [] : [command]),
        });
        world.startAll().runTo(search.ticks);
        const correct = [0, 1, 2].filter((id) => id !== crashed);
        expect(findDisagreements(world, correct)).toEqual([]);
        expect(findUnsafeOutputs(world, correct)).toEqual([]);
        expect(holdEqualStates(world, correct)).toBe(true);
        expect(world.voted('missed')).toEqual([]);
        expect(world.voted('output').at(-1)?.tick).toBe(search.ticks - 1);
      },
    ),
    { numRuns: 60 },
  );
});

test('signed, n=3: what a liar signed before the run began counts for nothing in it', () => {
  // It sends its entry a tick early to replica 0 alone: under no run yet, for the first tick of the run.
  const world = new Lockstep({
    n: 3,
    hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' },
    liars: [2],
    interpose: (message, { from, to }) => {
      if (from !== 2 || message.kind !== 'round' || message.round !== 1) return [message];
      if (!sameBytes(message.run, NO_RUN)) return [];
      return to === 0 ? [message, { ...message, tick: message.tick + 1 }] : [message];
    },
  });
  world.startAll().runTo(20);
  expect(world.reported('started')).toHaveLength(3);
  expect(findDisagreements(world, [0, 1])).toEqual([]);
});

test('signed, n=3: no recording of an earlier run helps a liar (B5)', () => {
  const recorded: RoundMessage[] = [];
  let replaying = false;
  let replayed = 0;
  const world = new Lockstep({
    n: 3,
    hypothesis: { kind: 'byzantine', f: 1, authenticators: 'signature' },
    liars: [2],
    interpose: (message, { from }) => {
      if (message.kind !== 'round') return [message];
      if (!replaying) {
        recorded.push(message);
        return [message];
      }
      if (from !== 2) return [message];
      // What 0 and 1 signed in the earlier run, passed on as if it were of this tick and this run.
      const old = recorded
        .filter((one) => one.round === 1 && one.tick % 10 === message.tick % 10)
        .slice(0, 6);
      replayed += old.length;
      const items = old.flatMap(({ items: said }) =>
        [0, 1].flatMap((signer) =>
          said.map((item) => ({ path: [signer], value: item.value, proof: toBytes(String(signer)) })),
        ),
      );
      return message.round === 2 ? [{ ...message, items }] : [...old, message];
    },
  });
  world.startAll().runTo(20);
  for (const id of [0, 1, 2]) world.kill(id);
  world.runTo(24);
  replaying = true;
  const firstRun = world.reported('started')[0]?.report.run;
  for (const id of [0, 1, 2]) world.start(id);
  const bornUs = world.nowUs;
  world.runTo(50);
  expect(replayed).toBeGreaterThan(0);
  expect(world.signatures.forged).toBeGreaterThan(0);
  const started = world.reported('started').filter(({ atUs }) => atUs > bornUs);
  expect(started.length).toBeGreaterThanOrEqual(2);
  expect(started[0]?.report.run).not.toEqual(firstRun);
  expect(findDisagreements(world, [0, 1])).toEqual([]);
  expect(findUnsafeOutputs(world, [0, 1])).toEqual([]);
  // The fastest clock sets the pace, and a liar can hurry it.
  expect(world.voted('output').at(-1)?.tick).toBeGreaterThanOrEqual(49);
});

describe('step is total', () => {
  const oddNumber = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom(...ODD_NUMBERS),
    fc.integer({ min: 18, max: 24 }),
    fc.nat({ max: 4 }),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(new Uint8Array(16), toBytes('{}'), toBytes('null')),
  );
  const item = fc.record({ path: fc.array(oddNumber, { maxLength: 6 }), value: fc.option(bytes) });

  const stamp = fc.record({
    lagUs: oddNumber,
    heldUs: fc.array(fc.oneof(fc.constant(null), oddNumber), { maxLength: 5 }),
  });

  test('whatever a peer sends and whatever the wire notices: nothing throws, nothing grows, the flight goes on', () => {
    const world = new Lockstep({ n: 4, hypothesis: MAC1 }).startAll().runTo(20);
    const garbage = fc.oneof(
      fc.record({
        kind: fc.constant('round' as const),
        tick: oddNumber,
        round: oddNumber,
        run: fc.oneof(bytes, fc.constant(world.stateOf(0).run)),
        items: fc.array(item, { maxLength: 8 }),
        stamp,
      }),
      fc.record({ kind: fc.constant('state-request' as const), digest: bytes, offset: oddNumber }),
      fc.record({ kind: fc.constant('join' as const), tick: oddNumber, ready: fc.boolean(), stamp }),
      fc.record({ kind: fc.constant('start' as const), step: fc.constantFrom('init', 'echo') }),
      bytes.map(forgePiece),
    );
    fc.assert(
      fc.property(garbage, oddNumber, (message, peer) => {
        world.inject(3, 0, message);
        world.feed(0, { kind: 'noticed', peer, evidence: 'bad-authenticator' });
        world.runUntilUs(world.nowUs + 137);
        const { ahead } = world.stateOf(0).exchange as unknown as { ahead: readonly unknown[] };
        expect(ahead.length).toBeLessThanOrEqual(2);
        expect(world.stateOf(0).heardRuns).toHaveLength(4);
      }),
      { numRuns: 4_000 },
    );
    const last = world.tick;
    world.runTo(last + 3);
    expect(world.steppedTicks(0).at(-1)).toBe(last + 2);
    expect(findDisagreements(world, [0, 1, 2])).toEqual([]);
    expect(world.voted('missed')).toEqual([]);
  });

  test.each(['listening', 'waiting', 'joining'] as const)('in mode %s too', (mode) => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(oddNumber, oddNumber, bytes, fc.array(item, { maxLength: 4 })), {
          minLength: 20,
          maxLength: 20,
        }),
        (messages) => {
          const world = new Lockstep({ n: 4, hypothesis: MAC1 });
          if (mode === 'joining') {
            for (const id of [1, 2, 3]) world.start(id);
            world.runTo(20);
          }
          world.start(0);
          world.runTo(mode === 'waiting' ? 4 : world.tick + (mode === 'joining' ? 5 : 1));
          for (const [tick, round, run, items] of messages) {
            world.inject(3, 0, { kind: 'round', tick, round, run, items });
            world.inject(3, 0, forgePiece(run));
            world.inject(3, 0, { kind: 'state-request', digest: run, offset: tick });
            world.inject(3, 0, { kind: 'start', step: 'echo' });
            world.inject(3, 0, { kind: 'join', tick, ready: true, stamp: { lagUs: round, heldUs: [round] } });
            world.runUntilUs(world.nowUs + 5_000);
          }
          if (mode !== 'joining') expect(world.reported('stepped', 0)).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

/** A state that nobody has asked for. */
function forgePiece(piece: Uint8Array): PeerMessage {
  return { kind: 'state-reply', digest: new Uint8Array(16), length: piece.length, offset: 0, piece };
}
