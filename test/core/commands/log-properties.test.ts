/**
 * Whatever each replica knows of the log and whenever it learns it, whichever of them fails: commands take effect once,
 * in the order of the log, at one tick everywhere; and of two replicas beside a witness never both go on apart.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry as LogEntry, Slot } from '../../../src/core/paxos/types.js';
import { findDisagreements, holdEqualStates } from '../../support/lockstep.js';
import { command, CRASH3, LogWorld, WITNESSED } from '../../support/log-world.js';
import { toText } from '../../support/toy-codec.js';

/** What the commands of the log set, each once. */
function expectedSet(world: LogWorld): readonly number[] {
  return world.log.flatMap(({ entry, executes }) => {
    if (entry.kind !== 'command' || !executes) return [];
    const [what, value] = toText(entry.request.value).split(' ');
    return what === 'set' ? [Number(value)] : [];
  });
}

/** An entry for slot `slot`; now and then a request of before once more. */
function entryFor(slot: Slot, pick: number): LogEntry {
  if (pick === 0) return { kind: 'nothing' };
  if (pick === 1) return command(slot, 'fail');
  return command(pick === 2 && slot > 3 ? slot - 3 : slot);
}

function runs(replica: number, world: LogWorld): boolean {
  return world.reported('stepped', replica).at(-1)?.report.tick === lastTick(world);
}

function lastTick(world: LogWorld): number {
  return Math.max(...world.reported('stepped').map(({ report }) => report.tick));
}

describe('three replicas of which one may fail', () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('choose' as const), pick: fc.nat(6) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('learn' as const),
        replica: fc.nat(2),
        back: fc.nat(2),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('run' as const), halfTicks: fc.integer({ min: 1, max: 6 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.integer({ min: 20, max: 300 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), share: fc.nat(3) }) },
  );

  test('apply each command once, at one tick, and come together when all is well again', () => {
    fc.assert(
      fc.property(
        fc.nat(2),
        fc.array(action, { minLength: 5, maxLength: 40 }),
        fc.nat(1_000),
        fc.boolean(),
        (faulty, actions, seed, fails) => {
          let share = 0;
          let chance = seed;
          const world = new LogWorld({
            ...CRASH3,
            delayUs: ({ from, to }) => {
              chance = (chance * 1_103 + 12_345) % 65_536;
              return (from === faulty || to === faulty) && chance % 8 < share ? null : 500;
            },
            sample: (replica, tick) => [(tick % 100) + replica],
          });
          world.startAll().runTo(20);
          const correct = [0, 1, 2].filter((id) => id !== faulty);
          let lives = true;
          for (const one of actions) {
            if (one.do === 'choose') world.choose(entryFor(world.log.length + 1, one.pick));
            else if (one.do === 'learn') {
              if (one.replica !== faulty || lives) world.learn([one.replica], world.log.length - one.back);
            } else if (one.do === 'run') world.runUntilUs(world.nowUs + one.halfTicks * 25_000);
            else if (one.do === 'lose') share = one.share;
            else if (one.do === 'pause') world.pause(faulty, one.ms * 1_000);
            else if (one.do === 'kill' && lives) {
              world.kill(faulty);
              lives = false;
            } else if (one.do === 'start' && !lives) {
              world.restart(faulty, world.known[faulty] ?? 0);
              lives = true;
            }
          }
          expect(findDisagreements(world, correct)).toEqual([]);
          const [one, other] = correct as [number, number];
          const slots = world.effects(one).map(([slot]) => slot);
          expect(new Set(slots).size).toBe(slots.length);
          expect(slots).toEqual([...slots].sort((a, b) => (a ?? 0) - (b ?? 0)));
          const ticks = new Map(world.effects(other));
          for (const [slot, tick] of world.effects(one)) {
            const there = ticks.get(slot);
            if (there !== undefined) expect([slot, there]).toEqual([slot, tick]);
          }

          share = 0;
          if (!lives) world.restart(faulty, world.known[faulty] ?? 0);
          if (fails) {
            for (let id = 0; id < 3; id += 1) world.kill(id);
            world.runTicks(3);
            for (let id = 0; id < 3; id += 1) world.restart(id, world.known[id] ?? 0);
            world.runTicks(10);
          }
          world.learn([0, 1, 2]);
          world.runTicks(60);
          expect([0, 1, 2].map((id) => [world.stateOf(id).mode, runs(id, world)])).toEqual(
            [0, 1, 2].map(() => ['running', true]),
          );
          expect(holdEqualStates(world, [0, 1, 2])).toBe(true);
          expect(world.setAt(0)).toEqual(expectedSet(world));
          expect(world.bookAt(0)?.prefix).toBe(world.log.length);
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);
});

describe('two replicas and a witness', () => {
  const action = fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant('choose' as const), pick: fc.nat(6) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('change' as const), to: fc.integer({ min: 1, max: 3 }) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('learn' as const), replica: fc.nat(1), back: fc.nat(2) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('run' as const), halfTicks: fc.integer({ min: 1, max: 9 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), replica: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), replica: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), cut: fc.boolean() }) },
  );

  test('never both go on apart, and come together when all is well again', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 60 }), (actions) => {
        let isCut = false;
        const world = new LogWorld(
          {
            ...WITNESSED,
            voter: { majority: 1 },
            delayUs: () => (isCut ? null : 500),
            sample: (replica, tick) => [(tick % 100) + replica],
          },
          { witnessed: true },
        );
        world.startAll().runTo(20);
        const lives = [true, true];
        const voted: Slot[][] = [[], []];
        let quorum = 0b11;
        const restart = (replica: number): void => {
          const known = world.known[replica] ?? 0;
          world.restart(replica, known);
          for (const slot of voted[replica] ?? [])
            if (slot > known) world.feed(replica, { kind: 'voted', slot, nowUs: world.nowUs });
          lives[replica] = true;
        };
        /** As the log would be changed: one that is the quorum votes for the next, and of two, one that stays. */
        const change = (to: number): void => {
          const voters = [0, 1].filter((id) => lives[id] === true && (quorum & (1 << id)) !== 0);
          const voter = voters.find((id) => (to & (1 << id)) !== 0) ?? voters[0];
          if (to === quorum || voter === undefined) return;
          const slot = world.log.length + 1;
          for (const id of quorum === 0b11 ? [voter] : voters) {
            voted[id]?.push(slot);
            world.feed(id, { kind: 'voted', slot, nowUs: world.nowUs });
          }
          world.choose({ kind: 'quorum', members: to });
          quorum = to;
        };
        for (const one of actions) {
          if (one.do === 'choose') world.choose(entryFor(world.log.length + 1, one.pick));
          else if (one.do === 'change') change(one.to);
          else if (one.do === 'learn') {
            if (lives[one.replica] === true) world.learn([one.replica], world.log.length - one.back);
          } else if (one.do === 'run') world.runUntilUs(world.nowUs + one.halfTicks * 25_000);
          else if (one.do === 'cut') isCut = one.cut;
          else if (one.do === 'kill' && lives[one.replica] === true) {
            world.kill(one.replica);
            lives[one.replica] = false;
          } else if (one.do === 'start' && lives[one.replica] === false) restart(one.replica);
        }
        isCut = false;
        for (const id of [0, 1]) if (lives[id] !== true) restart(id);
        change(0b11);
        world.learn([0, 1]);
        world.runTicks(100);
        // No two different orders for one tick of a run, whoever gave them.
        const orders = new Map<string, string>();
        for (const { run, command: order } of world.commands) {
          const text = JSON.stringify(order);
          const name = `${run} ${order.tick}`;
          expect([name, orders.get(name) ?? text]).toEqual([name, text]);
          orders.set(name, text);
        }
        expect([0, 1].map((id) => [world.stateOf(id).mode, runs(id, world)])).toEqual([
          ['running', true],
          ['running', true],
        ]);
        expect(holdEqualStates(world, [0, 1])).toBe(true);
        expect(world.setAt(0)).toEqual(expectedSet(world));
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
