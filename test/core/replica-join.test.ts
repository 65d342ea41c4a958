/** Starting, falling behind and coming back (protocol.md §3 overrun, §4 repair, §6 cold start and joining). */
import { describe, expect, test } from 'vitest';
import { sameBytes } from '../../src/core/bytes.js';
import { foundMembers } from '../../src/core/membership/active-set.js';
import type { Hypothesis, PeerMessage, RoundMessage } from '../../src/core/types.js';
import {
  findDisagreements,
  findUnsafeOutputs,
  holdEqualStates,
  Lockstep,
  type LockstepOptions,
} from '../support/lockstep.js';
import { decodeEntry, decodeState, digest, encodeEntry, encodeState, toBytes } from '../support/toy-codec.js';

const OM1: LockstepOptions = { n: 4, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' } };
const ALL = [0, 1, 2, 3];

const KINDS: readonly (readonly [string, number, Hypothesis])[] = [
  ['OM(1), n=4', 4, { kind: 'byzantine', f: 1, authenticators: 'mac' }],
  ['SM(1), n=3', 3, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
  ['flooding(1), n=3', 3, { kind: 'crash', f: 1 }],
];

function expectSound(world: Lockstep, correct: readonly number[]): void {
  expect(findDisagreements(world, correct)).toEqual([]);
  expect(findUnsafeOutputs(world, correct)).toEqual([]);
}

describe('cold start', () => {
  test.each(KINDS)('%s: all n start one run at the first tick in which all wait', (_, n, hypothesis) => {
    const world = new Lockstep({ n, hypothesis });
    for (let id = 0; id < n; id += 1) world.at(1 + id * 30_000, () => world.start(id));
    world.runTo(15);
    const started = world.reported('started');
    expect(started).toHaveLength(n);
    const [first] = started;
    for (const { report } of started) {
      expect(report.tick).toBe(first?.report.tick);
      expect(sameBytes(report.run, first?.report.run ?? new Uint8Array())).toBe(true);
      expect(report.run).toHaveLength(16);
    }
    expectSound(world, ALL.slice(0, n));
  });

  test.each(KINDS)('%s: n−f start when patience is over, and the last one joins', (_, n, hypothesis) => {
    const world = new Lockstep({ n, hypothesis, patienceTicks: 10 });
    for (let id = 1; id < n; id += 1) world.start(id);
    world.startVoter(0);
    world.runTo(12);
    expect(world.reported('started')).toEqual([]);
    world.runTo(16);
    expect(
      world
        .reported('started')
        .map(({ replica }) => replica)
        .sort(),
    ).toEqual(ALL.slice(1, n));
    world.start(0);
    world.runTo(30);
    expect(world.stateOf(0).mode).toBe('running');
    expect(world.reported('started', 0)).toEqual([]);
    expect(holdEqualStates(world, ALL.slice(0, n))).toBe(true);
    expectSound(world, ALL.slice(0, n));
  });

  test('fewer than n−f wait, whatever the time, and say so', () => {
    const world = new Lockstep(OM1);
    world.start(0);
    world.start(1);
    world.runTo(200);
    expect(world.reported('started')).toEqual([]);
    expect(world.reported('stepped')).toEqual([]);
    expect(world.commands).toEqual([]);
    world.start(2);
    // They give up the ticks that they were alone with, begin anew, and wait for the fourth as long as patience lasts.
    world.runTo(260);
    expect(world.reported('started')).toHaveLength(3);
  });

  test('one that is alone in having started gives its run up', () => {
    // Replica 0 alone hears all of the deciding tick: the three others miss each other in its second round.
    let startTick = -1;
    const world = new Lockstep({
      ...OM1,
      delayUs: ({ to }, message) => {
        if (message.kind !== 'round' || message.round !== 2 || to === 0) return 500;
        if (startTick < 0) startTick = message.tick;
        return message.tick === startTick ? null : 500;
      },
    });
    world.startAll().runTo(8);
    expect(world.reported('started', 0)).toHaveLength(1);
    world.runTo(60);
    const runs = new Set(ALL.map((id) => world.stateOf(id).run.toString()));
    expect(runs.size).toBe(1);
    expect(holdEqualStates(world, ALL)).toBe(true);
    expect(world.steppedTicks(0).slice(-10)).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
    expectSound(world, [1, 2, 3]);
  });

  test('one that missed the deciding tick joins the run that the others started', () => {
    let startTick = -1;
    const world = new Lockstep({
      ...OM1,
      delayUs: ({ to }, message) => {
        if (message.kind !== 'round' || message.round !== 2) return 500;
        if (startTick < 0) startTick = message.tick;
        return message.tick === startTick && to === 3 ? null : 500;
      },
    });
    world.startAll().runTo(20);
    expect(world.reported('mode', 3).map(({ report }) => report.mode)).toEqual([
      'waiting',
      'joining',
      'running',
    ]);
    expect(
      world
        .reported('started')
        .map(({ replica }) => replica)
        .sort(),
    ).toEqual([0, 1, 2]);
    expect(holdEqualStates(world, ALL)).toBe(true);
    expectSound(world, ALL);
  });

  test('a sample that nobody waits for any more begins nothing', () => {
    const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
    const sent = world.packets.length;
    for (const tick of [18, 19, 20, 21, NaN])
      world.feed(0, { kind: 'sampled', tick, nowUs: world.nowUs, readings: [999], actuators: [null] });
    expect(world.packets.length).toBe(sent);
    world.runTo(30);
    expectSound(world, ALL);
  });

  test('a liar that claims to have waited for ever starts nothing before the others have', () => {
    const impatient: LockstepOptions['interpose'] = (message, { from }) => {
      if (from !== 3 || message.kind !== 'round' || message.round !== 1) return [message];
      return [
        {
          ...message,
          items: message.items.map((item) => {
            const entry = item.value === null ? null : decodeEntry(item.value);
            if (entry?.standing.kind !== 'waiting') return item;
            const standing = { ...entry.standing, waitedTicks: 1e9 };
            return { ...item, value: encodeEntry({ ...entry, standing }) };
          }),
        },
      ];
    };
    const world = new Lockstep({ ...OM1, patienceTicks: 10, liars: [3], interpose: impatient });
    for (const id of [0, 1, 3]) world.start(id);
    world.runTo(13);
    expect(world.reported('started')).toEqual([]);
    world.runTo(15);
    expect(world.reported('started')).toHaveLength(3);
  });
});

describe('a liar that claims to run while everybody else waits', () => {
  test('is no base: its invented state is asked of nobody, and the others start when patience is over', () => {
    const run = new Uint8Array(16).fill(9);
    const invented = encodeState({
      tick: 0,
      run,
      startTick: 1,
      law: toBytes('{"steps":1,"sum":666}'),
      sensors: [{ held: 0, lostSince: null }],
      members: foundMembers(4, 0b1111, 1),
    });
    const claim: LockstepOptions['interpose'] = (message, { from }) => {
      if (from !== 3 || message.kind !== 'round' || message.round !== 1) return [message];
      const items = message.items.map((item) => {
        const entry = item.value === null ? null : decodeEntry(item.value);
        if (entry === null) return item;
        const standing = { kind: 'running', stateTick: 0, stateDigest: digest(invented) } as const;
        return { ...item, value: encodeEntry({ ...entry, standing }) };
      });
      return [
        { ...message, items },
        {
          kind: 'state-reply',
          digest: digest(invented),
          length: invented.length,
          offset: 0,
          piece: invented,
        } as const,
      ];
    };
    const world = new Lockstep({ ...OM1, patienceTicks: 10, liars: [3], interpose: claim });
    world.startAll().runTo(30);
    for (const id of [0, 1, 2]) {
      expect(world.reported('adopted', id)).toEqual([]);
      expect(world.reported('started', id)).toHaveLength(1);
      expect(world.stateOf(id).mode).toBe('running');
    }
    expect(holdEqualStates(world, [0, 1, 2])).toBe(true);
    expectSound(world, [0, 1, 2]);
  });
});

describe('a replica that is killed and started again', () => {
  test.each(KINDS)(
    '%s: is silent, becomes a member, and commands on the agreed state only',
    (_, n, hypothesis) => {
      const world = new Lockstep({ n, hypothesis }).startAll().runTo(20);
      world.kill(0);
      world.runTo(25);
      world.start(0);
      const bornUs = world.nowUs;
      world.runTo(50);
      const modes = world.reported('mode', 0).filter(({ atUs }) => atUs > bornUs);
      expect(modes.map(({ report }) => report.mode)).toEqual(['joining', 'running']);
      const runningFrom = modes[1]?.report.tick ?? Infinity;
      expect(runningFrom).toBeLessThan(31);
      expect(
        world.packets.filter(({ from, tick }) => from === 0 && tick >= 25 && tick < runningFrom),
      ).toEqual([]);
      const commanded = world.commands.filter(({ replica, command }) => replica === 0 && command.tick >= 25);
      expect(commanded.length).toBeGreaterThan(10);
      expect(commanded.every(({ command }) => command.tick >= runningFrom)).toBe(true);
      expectSound(world, ALL.slice(0, n));
      expect(holdEqualStates(world, ALL.slice(0, n))).toBe(true);
      // Nobody missed it at the actuator.
      expect(world.voted('missed')).toEqual([]);
      expect(world.voted('fail-safe').filter(({ cause }) => cause !== 'start')).toEqual([]);
    },
  );

  test('comes back also where state takes longer under way than a tick has left', () => {
    // R = 20 ms of P = 50 ms: with one replica silent, 8 ms are left when it knows what to ask for, and asking takes 24 ms.
    const world = new Lockstep({ ...OM1, roundUs: 20_000, delayUs: () => 12_000 }).startAll().runTo(20);
    world.kill(2);
    world.runTo(22);
    world.start(2);
    world.runTo(40);
    expect(world.stateOf(2).mode).toBe('running');
    expect(world.steppedTicks(2).slice(-5)).toEqual([35, 36, 37, 38, 39]);
    expectSound(world, ALL);
  });

  test('stopped at states of which no two are the same, all take the same older one up again', () => {
    const world = new Lockstep({ ...OM1, patienceTicks: 40 }).startAll().runTo(20);
    const { run } = world.stateOf(0);
    // In each of three ticks another one alone sees the end of the last round: the others sleep past it.
    for (const [at, awake] of [0, 1, 2].entries()) {
      world.at((20 + at) * 50_000 + 700, () => {
        for (const id of ALL) if (id !== awake) world.pause(id, 40_000);
      });
    }
    world.runTo(50);
    expect(
      world
        .steppedTicks(0)
        .filter((tick) => tick > 18)
        .slice(0, 3),
    ).toEqual([19, 20, 24]);
    expect([20, 21, 22].map((tick) => ALL.filter((id) => world.steppedTicks(id).includes(tick)))).toEqual([
      [0],
      [1],
      [2],
    ]);
    for (const id of ALL) {
      expect(world.stateOf(id).run).toEqual(run);
      expect(world.steppedTicks(id).slice(-20)).toEqual(Array.from({ length: 20 }, (_, at) => 30 + at));
    }
    expect(holdEqualStates(world, ALL)).toBe(true);
  });

  test('two of four are away for long: the others keep the run and its state, and say whom they wait for', () => {
    const world = new Lockstep({ ...OM1, patienceTicks: 10 }).startAll().runTo(20);
    const { run } = world.stateOf(0);
    world.kill(2);
    world.kill(3);
    world.runTo(140);
    for (const id of [0, 1]) expect(world.stateOf(id).run).toEqual(run);
    const waits = world.reported('waits', 0).map(({ report }) => report);
    expect(waits.length).toBeGreaterThan(3);
    for (const report of waits) expect(report).toMatchObject({ inRun: true, silent: [2, 3], needed: 2 });
    world.start(2);
    world.start(3);
    world.runTo(200);
    for (const id of ALL) {
      expect(world.stateOf(id)).toMatchObject({ mode: 'running', run });
      expect(world.steppedTicks(id).slice(-20)).toEqual(Array.from({ length: 20 }, (_, at) => 180 + at));
    }
    expect(holdEqualStates(world, ALL)).toBe(true);
    expect(world.reported('waits', 0).length).toBeLessThanOrEqual(waits.length + 1);
    expectSound(world, ALL);
  });

  test('three of four are away for long: what the last one holds nobody can join, and it begins anew', () => {
    const world = new Lockstep({ ...OM1, patienceTicks: 10 }).startAll().runTo(20);
    const { run } = world.stateOf(0);
    for (const id of [1, 2, 3]) world.kill(id);
    world.runTo(60);
    expect(world.stateOf(0).snapshot).toBeNull();
    for (const id of [1, 2, 3]) world.start(id);
    world.runTo(120);
    for (const id of ALL) expect(world.stateOf(id).mode).toBe('running');
    expect(world.stateOf(0).run).not.toEqual(run);
    expect(holdEqualStates(world, ALL)).toBe(true);
  });

  test('whoever sleeps past its deadlines again and again takes itself out', () => {
    const world = new Lockstep(OM1).startAll().runTo(20);
    for (const tick of [20, 21, 22]) world.at(tick * 50_000 + 700, () => world.pause(2, 40_000));
    world.runTo(24);
    expect(world.reported('mode', 2).at(-1)?.report).toMatchObject({ mode: 'joining', cause: 'fenced' });
    world.runTo(60);
    expect(world.stateOf(2).mode).toBe('running');
    expectSound(world, ALL);
  });

  test('whoever was left out without knowing it steps what the others stepped', () => {
    // Nobody hears replica 2 from tick 20 on; it hears nothing itself in the two ticks in which it could learn that.
    const tickOf = (nowUs: number): number => Math.floor(nowUs / 50_000);
    const world = new Lockstep({
      n: 3,
      hypothesis: { kind: 'crash', f: 1 },
      sample: (replica) => [replica === 2 ? 1.2 : 1],
      delayUs: ({ from, to, nowUs }, message) => {
        if (from === 2 && message.kind === 'round' && tickOf(nowUs) >= 20) return null;
        return to === 2 && (tickOf(nowUs) === 25 || tickOf(nowUs) === 26) ? null : 500;
      },
    });
    world.startAll().runTo(30);
    expect(world.reported('members', 0)[0]?.report).toMatchObject({ active: 0b011, fromTick: 27 });
    expect(world.reported('adopted', 2).at(-1)?.report).toMatchObject({ tick: 27 });
    expect(world.steppedTicks(2)).toContain(27);
    // Before that it is the faulty one, which alone knows its own word.
    const found = findDisagreements(world, [0, 1, 2]);
    expect(found.filter((text) => !/ tick 2[0-6]:/.test(text))).toEqual([]);
  });

  test('lends its voice to a run that stands still for want of it', () => {
    // Two of four are killed, which is outside the hypothesis, and come back one after the other.
    const world = new Lockstep({ ...OM1, patienceTicks: 40 }).startAll().runTo(20);
    const { run } = world.stateOf(2);
    world.kill(0);
    world.kill(1);
    world.start(0);
    world.runTo(33);
    const modes = world.reported('mode', 0).map(({ report }) => report.mode);
    expect(modes.slice(-2)).toEqual(['joining', 'running']);
    expect(world.steppedTicks(2).filter((tick) => tick > 20 && tick < 24)).toEqual([]);
    world.start(1);
    world.runTo(80);
    for (const id of ALL) {
      expect(world.stateOf(id).mode).toBe('running');
      expect(world.stateOf(id).run).toEqual(run);
      expect(world.steppedTicks(id).slice(-3)).toEqual([77, 78, 79]);
    }
    expect(holdEqualStates(world, ALL)).toBe(true);
    // The voter tripped meanwhile, and the run that goes on arms it again.
    expect(world.voted('fail-safe').map(({ cause }) => cause)).toEqual(['start', 'hold-expired']);
    expect(world.voterState().phase).toBe('armed');
    expectSound(world, ALL);
  });

  test('believes no state but the agreed one, however well it reads', () => {
    let lied = 0;
    const world = new Lockstep({
      ...OM1,
      liars: [3],
      interpose: (message, { from }) => {
        if (from !== 3 || message.kind !== 'state-reply') return [message];
        const state = decodeState(message.piece);
        if (state === null) return [message];
        lied += 1;
        const law = toBytes('{"steps":1,"sum":666}');
        const forge = (piece: Uint8Array): PeerMessage => ({ ...message, length: piece.length, piece });
        return [
          forge(encodeState({ ...state, law })),
          forge(encodeState({ ...state, tick: state.tick - 1 })),
          forge(new Uint8Array(1)),
        ];
      },
      // The liar's answer comes first.
      delayUs: ({ from }, message) => (message.kind === 'state-reply' && from !== 3 ? 3_000 : 500),
    });
    world.startAll().runTo(20);
    world.kill(0);
    world.start(0);
    world.runTo(40);
    expect(lied).toBeGreaterThan(0);
    const wrong = world.reported('dropped', 0).filter(({ report }) => report.cause === 'wrong-state');
    expect(wrong).toHaveLength(3 * lied);
    expect(world.stateOf(0).mode).toBe('running');
    expectSound(world, [0, 1, 2]);
  });

  test('does not follow one liar into a run of its own', () => {
    const foreign = new Uint8Array(16).fill(9);
    const world = new Lockstep({
      ...OM1,
      liars: [3],
      interpose: (message, { from }) =>
        from === 3 && message.kind === 'round'
          ? [message, { ...message, run: foreign, tick: message.tick + 1e9 }]
          : [message],
    });
    world.startAll().runTo(40);
    world.kill(0);
    world.start(0);
    world.runTo(60);
    expect(world.stateOf(0).mode).toBe('running');
    expect(sameBytes(world.stateOf(0).run, world.stateOf(1).run)).toBe(true);
    expectSound(world, [0, 1, 2]);
  });
});

describe('a replica that overslept', () => {
  test.each([20_000, 60_000, 170_000, 400_000])('by %d µs: is silent, takes the state, goes on', (forUs) => {
    const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
    world.at(20 * 50_000 + 50, () => world.pause(1, forUs));
    world.runTo(50);
    expect(world.reported('overrun', 1).filter(({ report }) => report.tick >= 20).length).toBeGreaterThan(0);
    expect(world.steppedTicks(1).slice(-10)).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
    expect(holdEqualStates(world, ALL)).toBe(true);
    expectSound(world, [0, 2, 3]);
    expect(findUnsafeOutputs(world, ALL)).toEqual([]);
    const wakesUs = 20 * 50_000 + 50 + forUs;
    const slept = (tick: number): boolean => tick >= 20 && (tick + 1) * 50_000 <= wakesUs;
    expect(world.commands.filter(({ replica, command }) => replica === 1 && slept(command.tick))).toEqual([]);
    expect(world.voted('missed')).toEqual([]);
  });

  test('accuses nobody of what it missed itself', () => {
    const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
    for (let tick = 20; tick < 70; tick += 5) world.at(tick * 50_000 + 50, () => world.pause(1, 40_000));
    world.runTo(75);
    expect(world.reported('overrun', 1).length).toBeGreaterThanOrEqual(10);
    expect(world.stateOf(1).health.suspects()).toEqual([]);
    for (const id of [0, 2, 3]) expect(world.stateOf(id).health.of(1).absent).toBeGreaterThan(0);
  });

  test('nor of what reaches it later from ticks that it never began, but of what is late from then on', () => {
    const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
    const recorded: RoundMessage[] = [];
    const { run } = world.stateOf(1);
    for (const tick of [20, 21, 22, 24]) recorded.push({ kind: 'round', tick, round: 1, run, items: [] });
    world.pause(1, 150_500);
    world.runUntilUs(23 * 50_000 + 5_000);
    for (const message of recorded.slice(0, 3)) world.inject(0, 1, message);
    expect(world.stateOf(1).health.of(0).late).toBe(0);
    expect(world.reported('late', 1).length).toBeGreaterThanOrEqual(3);
    world.runTo(26);
    world.inject(0, 1, recorded[3] as RoundMessage);
    expect(world.stateOf(1).health.of(0).late).toBe(1);
  });

  test('begins no tick more than a round late, with whatever has come for it', () => {
    // The timer alone is late: the others' messages are read in time.
    const late = (forUs: number): Lockstep =>
      new Lockstep({
        ...OM1,
        timerLatenessUs: (replica, dueUs) => {
          const overdueUs = dueUs - 20 * 50_000;
          return replica === 1 && overdueUs >= 0 && overdueUs < forUs ? forUs - overdueUs : 0;
        },
      })
        .startAll()
        .runTo(30);
    const world = late(15_001);
    expect(world.reported('overrun', 1).filter(({ report }) => report.tick >= 10)).toMatchObject([
      { report: { tick: 20, cause: 'overslept', latenessUs: 15_001 } },
    ]);
    expect(world.commands.filter(({ replica, command }) => replica === 1 && command.tick === 20)).toEqual([]);
    expect(world.packets.filter(({ from, tick }) => from === 1 && tick === 20)).toEqual([]);
    expectSound(world, ALL);
    expect(holdEqualStates(world, ALL)).toBe(true);
    expect(
      late(10_000)
        .reported('overrun', 1)
        .filter(({ report }) => report.tick >= 10),
    ).toEqual([]);
  });

  test('steps a tick that is over for the state alone: its command stays', () => {
    // Asking for the state takes longer than what is left of the tick, as above.
    const world = new Lockstep({ ...OM1, roundUs: 20_000, delayUs: () => 12_000 }).startAll().runTo(20);
    world.pause(1, 60_000);
    world.runTo(30);
    const stepped = world
      .reported('stepped', 1)
      .filter(({ atUs, report }) => atUs >= (report.tick + 1) * 50_000);
    expect(stepped.length).toBeGreaterThan(0);
    for (const { report } of stepped)
      expect(
        world.commands.filter(({ replica, command }) => replica === 1 && command.tick === report.tick),
      ).toEqual([]);
    expect(holdEqualStates(world, ALL)).toBe(true);
    expectSound(world, [0, 2, 3]);
  });

  test('nor does one that only listened before it joined', () => {
    const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
    world.kill(1);
    world.start(1);
    world.runTo(26);
    expect(world.stateOf(1).mode).toBe('running');
    expect(world.stateOf(1).health.suspects()).toEqual([]);
  });

  test('all of them, one tick: it is skipped by all, and the run goes on', () => {
    const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
    for (const id of ALL) world.at(20 * 50_000 - 10, () => world.pause(id, 30_000));
    world.runTo(30);
    for (const id of ALL)
      expect(world.steppedTicks(id).slice(-10)).toEqual([19, 21, 22, 23, 24, 25, 26, 27, 28, 29].slice(-10));
    expect(world.reported('stepped').filter(({ report }) => report.tick === 20)).toEqual([]);
    expect(world.voted('missed')).toEqual([{ kind: 'missed', firstTick: 20, ticks: 1 }]);
    expect(world.reported('started')).toHaveLength(4);
    expectSound(world, ALL);
  });

  test('all of them for longer than patience: they start anew together', () => {
    const world = new Lockstep({ ...OM1, patienceTicks: 10 }).startAll().runTo(20);
    for (const id of ALL) world.at(20 * 50_000 - 10, () => world.pause(id, 20 * 50_000));
    world.runTo(80);
    expect(holdEqualStates(world, ALL)).toBe(true);
    for (const id of ALL) expect(world.steppedTicks(id).slice(-3)).toEqual([77, 78, 79]);
    expectSound(world, ALL);
  });
});

describe('repair', () => {
  test('a state that has gone astray is replaced by the base, before it commands anything', () => {
    const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
    const { snapshot } = world.stateOf(2);
    if (snapshot === null) throw new Error('a running replica has a state');
    const law = toBytes('{"steps":999,"sum":999}');
    const astray = { state: { ...snapshot.state, law }, encoded: null, digested: null };
    world.stateOf(2).snapshot = Object.assign(
      Object.create(Object.getPrototypeOf(snapshot)),
      snapshot,
      astray,
    );
    world.runTo(30);
    expect(world.reported('adopted', 2).map(({ report }) => report.stateTick)).toEqual([19]);
    expect(holdEqualStates(world, ALL)).toBe(true);
    expectSound(world, ALL);
    for (const id of [0, 1, 3]) expect(world.stateOf(id).health.of(2).dissenting).toBe(1);
  });

  test('a rig that is split two and two goes on from the group with the lowest id', () => {
    // Outside the hypothesis: replicas 2 and 3 miss the second round of tick 20.
    const world = new Lockstep({
      ...OM1,
      delayUs: ({ to }, message) =>
        message.kind === 'round' && message.tick === 20 && message.round === 2 && to >= 2 ? null : 500,
    });
    world.startAll().runTo(30);
    expect(world.steppedTicks(0)).toContain(20);
    expect(world.steppedTicks(2)).not.toContain(20);
    expect(holdEqualStates(world, ALL)).toBe(true);
    expect(world.steppedTicks(3).slice(-8)).toEqual([22, 23, 24, 25, 26, 27, 28, 29]);
    expectSound(world, ALL);
    expect(
      world
        .reported('adopted')
        .map(({ replica }) => replica)
        .sort(),
    ).toEqual([2, 3]);
  });

  test('a vector with fewer than n−f entries is not stepped and yields no commands', () => {
    // Replicas 2 and 3 are cut off from tick 20 on.
    const world = new Lockstep({
      ...OM1,
      delayUs: ({ from, to }, message) =>
        message.kind === 'round' && message.tick >= 20 && from >= 2 !== to >= 2 ? null : 500,
    });
    world.startAll().runTo(26);
    expect(world.reported('stepped').filter(({ report }) => report.tick >= 20)).toEqual([]);
    expect(world.commands.filter(({ command }) => command.tick >= 20)).toEqual([]);
    expect(world.voted('fail-safe').map(({ cause }) => cause)).toEqual(['start', 'hold-expired']);
  });

  test('entries that nobody can read make a vector short', () => {
    const garble = (message: RoundMessage): RoundMessage => ({
      ...message,
      items: message.items.map((item) => ({ ...item, value: toBytes('none') })),
    });
    const world = new Lockstep({
      ...OM1,
      liars: [2, 3],
      interpose: (message, { from }) =>
        from >= 2 && message.kind === 'round' && message.round === 1 && message.tick >= 20
          ? [garble(message)]
          : [message],
    });
    world.startAll().runTo(24);
    const short = world.reported('not-stepped', 0).filter(({ report }) => report.tick >= 20);
    expect(short.map(({ report }) => report.cause)).toEqual(new Array(4).fill('short-vector'));
    expect(world.commands.filter(({ replica, command }) => replica < 2 && command.tick >= 20)).toEqual([]);
  });
});

test('two pieces of a state are given in a tick to each who asks, and only of states of the run', () => {
  const world = new Lockstep({ ...OM1 }).startAll().runTo(20);
  const answers: unknown[] = [];
  const digest = world.stateOf(0).snapshot?.digest ?? new Uint8Array();
  const config = { kind: 'state-request', digest, offset: 0 } as const;
  const before = world.reports.length;
  const spied = new Lockstep({
    ...OM1,
    interpose: (message) => (message.kind === 'state-reply' && answers.push(message), [message]),
  });
  spied.startAll().runTo(20);
  for (let at = 0; at < 5; at += 1) spied.inject(1, 0, config);
  spied.inject(2, 0, config);
  expect(answers).toHaveLength(3);
  spied.inject(3, 0, { kind: 'state-request', digest: new Uint8Array(16), offset: 0 });
  spied.inject(3, 0, { kind: 'state-request', digest: new Uint8Array(0), offset: 0 });
  spied.inject(3, 0, { ...config, offset: 8_192 });
  spied.inject(3, 0, { ...config, offset: 1 });
  spied.inject(3, 0, { ...config, offset: NaN });
  expect(answers).toHaveLength(3);
  spied.runTo(22);
  spied.inject(1, 0, config);
  expect(answers).toHaveLength(4);
  expect(world.reports.length).toBe(before);
});
