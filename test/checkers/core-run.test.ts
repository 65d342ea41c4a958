/**
 * The checkers over runs of the real core: one replica in trouble of every kind, and the truth about it told, is no
 * violation; the same runs with the truth withheld, or with a core that is wrong, are. So what the checkers demand is
 * what the protocol promises, no more.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCheckers, type Checkers } from '../../src/checkers/create-checkers.js';
import type { CheckedRig, FaultKind, Order } from '../../src/checkers/observations.js';
import type { ActuatorCommand, Hypothesis } from '../../src/core/types.js';
import { Lockstep, type LockstepOptions } from '../support/lockstep.js';
import { decodeEntry, digest, encodeEntry, toBytes } from '../support/toy-codec.js';

const PERIOD_US = 50_000;

interface Truth {
  readonly replica: number;
  readonly from: number;
  readonly to: number;
  readonly kind: FaultKind;
}

interface Told {
  readonly atUs: number;
  readonly tell: (checkers: Checkers) => void;
}

/** A world that writes down what the checkers have to be told. */
class WatchedWorld {
  readonly world: Lockstep;
  private readonly told: Told[] = [];

  constructor(private readonly options: LockstepOptions) {
    this.world = new Lockstep({
      ...options,
      interpose: (message, link) => {
        if (message.kind === 'round' && message.round === 1) {
          const value = message.items[0]?.value ?? null;
          const { tick } = message;
          if (value !== null) this.note((one) => one.onProposed(link.from, tick, value));
        }
        return options.interpose?.(message, link) ?? [message];
      },
      interposeCommand: (command, from, actuator) => {
        const outgoing = options.interposeCommand?.(command, from, actuator) ?? [command];
        for (const one of outgoing) this.note((checkers) => checkers.onCommand(actuator, from, one));
        return outgoing;
      },
    });
  }

  check(truths: readonly Truth[], rig: Partial<CheckedRig> = {}): Checkers {
    const { hypothesis, n } = this.options;
    const checkers = createCheckers({
      replicas: ['a', 'b', 'c', 'd', 'e', 'f', 'g'].slice(0, n),
      actuators: [
        {
          id: 'elevator',
          minCount: -100_000,
          maxCount: 100_000,
          failSafeCount: 0,
          holdUs: 4 * PERIOD_US,
          vote: 'exact',
          rearm: 'auto',
        },
      ],
      hypothesis: hypothesis.kind,
      f: hypothesis.kind === 'none' ? 1 : hypothesis.f,
      periodUs: PERIOD_US,
      // Excluded soon after it came back a replica has to stay out for a while.
      returnTicks: 60,
      ...rig,
    });
    for (const { replica, from, to, kind } of truths) {
      checkers.onFaulty(replica, from, kind);
      checkers.onFaulty(replica, to, null);
    }
    checkers.onVoterStarted(0, digest(toBytes(`boot ${n + 1}`)).subarray(0, 8), 0);
    const events: Told[] = [...this.told, ...this.reports(), ...this.voterEvents()];
    events.sort((a, b) => a.atUs - b.atUs);
    let over = -1;
    for (const { atUs, tell } of events) {
      for (; over < Math.floor(atUs / PERIOD_US) - 4; over += 1) checkers.onTickOver(over + 1, atUs);
      tell(checkers);
    }
    return checkers;
  }

  private note(tell: (checkers: Checkers) => void): void {
    this.told.push({ atUs: this.world.nowUs, tell });
  }

  private reports(): Told[] {
    return this.world.reports.flatMap(({ replica, atUs, report }): Told[] => {
      if (report.kind === 'agreed')
        return [{ atUs, tell: (one) => one.onVector(replica, report.tick, report.vector) }];
      if (report.kind !== 'stepped') return [];
      const orders = report.commands.map(orderOf);
      return [{ atUs, tell: (one) => one.onStepped(replica, report.tick, report.readStateDigest(), orders) }];
    });
  }

  private voterEvents(): Told[] {
    return this.world.voterEvents.flatMap(({ atUs, effect, actuator }): Told[] => {
      switch (effect.kind) {
        case 'output':
          return [{ atUs, tell: (one) => one.onOutput(actuator, effect.tick, effect.count, atUs) }];
        case 'armed':
          return [{ atUs, tell: (one) => one.onArmed(actuator, effect.tick, atUs) }];
        case 'fail-safe':
          return [{ atUs, tell: (one) => one.onFailSafe(actuator, effect.cause, effect.count, atUs) }];
        default:
          return [];
      }
    });
  }
}

function orderOf(command: ActuatorCommand | null): Order {
  if (command === null || command.order.kind === 'none') return null;
  return command.order.kind === 'trip' ? 'trip' : command.order.count;
}

type Trouble =
  | { readonly kind: 'pause'; readonly forUs: number }
  | { readonly kind: 'restart'; readonly afterUs: number }
  | { readonly kind: 'lossy'; readonly forTicks: number; readonly direction: 'out' | 'in' | 'both' };

const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  fc.record({
    kind: fc.constant('pause' as const),
    forUs: fc.oneof(fc.nat({ max: 30_000 }), fc.nat({ max: 400_000 })),
  }),
  fc.record({ kind: fc.constant('restart' as const), afterUs: fc.nat({ max: 200_000 }) }),
  fc.record({
    kind: fc.constant('lossy' as const),
    forTicks: fc.integer({ min: 1, max: 6 }),
    direction: fc.constantFrom('out' as const, 'in' as const, 'both' as const),
  }),
);

const FIRST_TICK = 15;
const APART_TICKS = 20;

describe('one replica in trouble', () => {
  test.each<[string, number, Hypothesis, number]>([
    ['n=4, OM(1)', 4, { kind: 'byzantine', f: 1, authenticators: 'mac' }, 12],
    ['n=3, SM(1)', 3, { kind: 'byzantine', f: 1, authenticators: 'signature' }, 12],
    ['n=3, flooding(1)', 3, { kind: 'crash', f: 1 }, 12],
    ['n=7, OM(2), two of them', 7, { kind: 'byzantine', f: 2, authenticators: 'mac' }, 3],
  ])('%s', (_, n, hypothesis, numRuns) => {
    const f = hypothesis.kind === 'none' ? 0 : hypothesis.f;
    let withheld = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: n - 1 }), { minLength: f, maxLength: f }),
        fc.array(fc.tuple(trouble, fc.nat({ max: PERIOD_US - 1 }), fc.nat({ max: f - 1 })), {
          minLength: 3,
          maxLength: 3,
        }),
        fc.array(fc.nat({ max: 999 }), { minLength: 50, maxLength: 50 }),
        (victims, troubles, dice) => {
          let roll = 0;
          const links: { victim: number; direction: string; fromUs: number; untilUs: number }[] = [];
          const watched = new WatchedWorld({
            n,
            hypothesis,
            delayUs: ({ from, to, nowUs }) => {
              const hit = links.some(
                (one) =>
                  ((from === one.victim && one.direction !== 'in') ||
                    (to === one.victim && one.direction !== 'out')) &&
                  nowUs >= one.fromUs &&
                  nowUs < one.untilUs,
              );
              return hit && (dice[roll++ % dice.length] as number) < 500 ? null : 500;
            },
          });
          const { world } = watched;
          const truths: Truth[] = [];
          world.startAll();
          troubles.forEach(([one, offsetUs, whose], at) => {
            const victim = victims[whose] as number;
            const fromUs = (FIRST_TICK + at * APART_TICKS) * PERIOD_US + offsetUs;
            const lastsUs =
              one.kind === 'pause'
                ? one.forUs
                : one.kind === 'restart'
                  ? one.afterUs
                  : one.forTicks * PERIOD_US;
            const from = Math.floor(fromUs / PERIOD_US);
            // What it could not read of the tick in which the trouble ended is part of the trouble.
            const to = Math.floor((fromUs + lastsUs) / PERIOD_US) + 1;
            truths.push({ replica: victim, from, to, kind: 'omits' });
            if (one.kind === 'lossy')
              links.push({ victim, direction: one.direction, fromUs, untilUs: fromUs + lastsUs });
            world.at(fromUs, () => {
              if (one.kind === 'pause') world.pause(victim, one.forUs);
              if (one.kind !== 'restart') return;
              world.kill(victim);
              world.at(fromUs + lastsUs, () => world.start(victim));
            });
          });
          world.runTo(FIRST_TICK + 3 * APART_TICKS + 70);
          const checkers = watched.check(truths);
          expect(checkers.violations).toEqual([]);
          const summary = checkers.summary();
          // The start alone lies outside: what follows never takes more than f.
          expect(summary.ticksOutside).toBeLessThan(8);
          expect(summary.ticksInside).toBeGreaterThan(130);
          if (watched.check([]).violationCount > 0) withheld += 1;
        },
      ),
      { numRuns },
    );
    // Somebody really was in trouble.
    expect(withheld).toBeGreaterThan(numRuns / 4);
  });
});

const OM1: LockstepOptions = { n: 4, hypothesis: { kind: 'byzantine', f: 1, authenticators: 'mac' } };

test('more than f asleep: the trip and the way back are excused', () => {
  const watched = new WatchedWorld(OM1);
  const { world } = watched;
  world.startAll().runTo(20);
  for (const id of [0, 1, 2]) world.at(20 * PERIOD_US - 10, () => world.pause(id, 20 * PERIOD_US));
  world.runTo(100);
  const truths = [0, 1, 2].map((replica) => ({ replica, from: 19, to: 40, kind: 'omits' as const }));
  const checkers = watched.check(truths);
  expect(checkers.violations).toEqual([]);
  expect(checkers.summary().tripsOutside).toBe(1);
  const withheld = watched.check([]);
  const rules = Object.keys(withheld.summary().violationsByRule);
  expect(rules).toContain('liveness §3 decides');
});

/** Replica `n − 1` says another value to each receiver in round 1, from tick 15 on. */
function twoFaced(n: number): Pick<LockstepOptions, 'liars' | 'interpose'> {
  return {
    liars: [n - 1],
    interpose: (message, { from, to }) => {
      if (from !== n - 1 || message.kind !== 'round' || message.round !== 1 || message.tick < 15)
        return [message];
      const items = message.items.map((item) => {
        const entry = item.value === null ? null : decodeEntry(item.value);
        return entry === null
          ? item
          : { ...item, value: encodeEntry({ ...entry, readings: [to === 0 ? -900 : 900] }) };
      });
      return [{ ...message, items }];
    },
  };
}

test('a commander with two faces is no violation, if it is known for one', () => {
  const watched = new WatchedWorld({ ...OM1, ...twoFaced(4) });
  watched.world.startAll().runTo(60);
  const known = watched.check([{ replica: 3, from: 14, to: 99, kind: 'lies' }]);
  expect(known.violations).toEqual([]);
  expect(known.summary().ticksInside).toBeGreaterThan(40);
  expect(Object.keys(watched.check([]).summary().violationsByRule).sort()).toEqual([
    'agreement §3.6 vector',
    'validity §3.6 as sent',
  ]);
});

test('without agreement the same commander splits the correct ones', () => {
  const watched = new WatchedWorld({
    n: 3,
    hypothesis: { kind: 'none' },
    sample: (replica, tick) => [(tick % 50) + 4 * replica],
    ...twoFaced(3),
  });
  watched.world.startAll().runTo(60);
  const truth = [{ replica: 2, from: 14, to: 99, kind: 'lies' as const }];
  // Held to a promise that n = 3 with MACs cannot keep.
  const held = Object.keys(
    watched.check(truth, { hypothesis: 'byzantine', f: 1 }).summary().violationsByRule,
  );
  expect(held).toContain('agreement §3.6 vector');
  expect(held).toContain('agreement §11 state');
  expect(held).toContain('agreement §11 command');
  const study = watched.check(truth);
  expect(study.violations).toEqual([]);
  expect(study.summary().disagreementsOutside).toBeGreaterThan(30);
});

test('a law that is not the same everywhere', () => {
  let calls = 0;
  const watched = new WatchedWorld({
    ...OM1,
    law: (state) => {
      calls += 1;
      return { ok: true, state: toBytes(`${state.length + (calls === 100 ? 1 : 0)}`), counts: [calls % 4] };
    },
  });
  watched.world.startAll().runTo(60);
  const rules = Object.keys(watched.check([]).summary().violationsByRule);
  expect(rules).toContain('agreement §11 state');
  expect(rules).toContain('agreement §11 command');
});
