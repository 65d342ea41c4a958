/** Liveness, coverage, memory and messages: good histories pass, and one bad history for each rule is caught. */
import { describe, expect, test } from 'vitest';
import { createCheckers } from '../../src/checkers/create-checkers.js';
import { expire, BOOT, outputOf, countAt, RIG, silence, starve, tell, type TickStory } from './history.js';

function rulesOf(checkers: ReturnType<typeof tell>): string[] {
  return [...new Set(checkers.violations.map(({ checker, rule }) => `${checker} ${rule}`))];
}

/** Replica `id` is faulty in the ticks from … to − 1. */
function faulty(story: TickStory, id: number, from: number, to: number): void {
  if (story.tick === from) story.first.push((one) => one.onFaulty(id, from, 'omits'));
  if (story.tick === to) story.first.push((one) => one.onFaulty(id, to, null));
}

describe('liveness of replicas', () => {
  test('a correct replica agrees on nothing', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick !== 30) return;
        story.vectors[1] = null;
        story.digests[1] = null;
      },
    });
    expect(rulesOf(checkers)).toEqual(['liveness §3 decides']);
  });

  test('a correct replica does not step', () => {
    const checkers = tell({ alter: (story) => story.tick === 30 && (story.digests[1] = null) });
    expect(rulesOf(checkers)).toEqual(['liveness §3 steps']);
  });

  test('a correct replica is silent', () => {
    const checkers = tell({ alter: (story) => story.tick === 30 && silence(story, 1) });
    expect(rulesOf(checkers)).toEqual(['liveness §3 decides', 'liveness §3 speaks']);
  });

  test('failing to do its part does not make a replica faulty', () => {
    const checkers = tell({ alter: (story) => story.tick >= 30 && (story.digests[1] = null) });
    expect(checkers.violationCount).toBe(27);
    expect(checkers.summary().ticksOutside).toBe(1);
  });

  test('all skip a tick that more than f missed, and go on', () => {
    const checkers = tell({
      alter: (story) => {
        for (const id of [0, 1, 2]) faulty(story, id, 30, 31);
        if (story.tick !== 30) return;
        for (const id of [0, 1, 2, 3]) story.vectors[id] = story.digests[id] = null;
        starve(story);
      },
    });
    expect(checkers.violations).toEqual([]);
    // The tick itself, and the one in which everybody has to show itself again.
    expect(checkers.summary().ticksOutside).toBe(3);
  });

  test('a replica whose fault is over never comes back', () => {
    const alter = (story: TickStory): void => {
      faulty(story, 2, 20, 25);
      if (story.tick >= 20) silence(story, 2);
    };
    const checkers = tell({ alter });
    expect(rulesOf(checkers)).toEqual(['liveness §6 comes back']);
    // Once for each time that its 12 ticks have passed.
    expect(checkers.violations.map(({ tick, who }) => [tick, who])).toEqual([
      [37, 'c'],
      [49, 'c'],
    ]);
  });

  test('a rig never starts', () => {
    const checkers = tell({
      alter: (story) => {
        for (const id of [0, 1, 2, 3]) story.vectors[id] = story.digests[id] = null;
        starve(story);
      },
      ticks: 20,
    });
    expect(rulesOf(checkers)).toEqual(['liveness §6 comes back']);
    expect(checkers.violationCount).toBe(4);
  });

  test('while more than f are faulty nobody has to come back', () => {
    const checkers = tell({
      alter: (story) => {
        for (const id of [0, 1]) faulty(story, id, 20, 99);
        if (story.tick < 20) return;
        for (const id of [0, 1, 2, 3]) story.vectors[id] = story.digests[id] = null;
        starve(story);
        if (story.tick === 23) expire(story);
      },
    });
    expect(checkers.violations).toEqual([]);
  });
});

describe('coverage of an actuator', () => {
  const armAgain = (story: TickStory, trips: number): void => {
    const arm = { bootNonce: BOOT, trips, firstTick: story.tick };
    story.commands = story.commands.map(({ from }) => ({
      from,
      command: outputOf(story.tick, countAt(story.tick), arm),
    }));
    story.voter.unshift((one, atUs) => one.onArmed(0, story.tick, atUs));
  };

  /** The voter gets nothing from tick 30 on, trips at 33, and is armed again at `armedAt`. */
  const outage =
    (armedAt: number) =>
    (story: TickStory): void => {
      if (story.tick < 30) return;
      if (story.tick === armedAt) armAgain(story, 1);
      if (story.tick >= armedAt) return;
      starve(story);
      if (story.tick === 33) expire(story);
    };

  test('a trip inside the hypothesis', () => {
    const checkers = tell({ alter: outage(36) });
    expect(checkers.violations).toMatchObject([
      { checker: 'coverage', rule: '§11 no trip', tick: 33, who: 'elevator' },
    ]);
  });

  test('the same trip after ticks outside is excused, for `hold` and no longer', () => {
    const outside =
      (from: number, to: number) =>
      (story: TickStory): void => {
        for (const id of [0, 1]) faulty(story, id, from, to);
        outage(36)(story);
      };
    const excused = tell({ alter: outside(29, 31) });
    expect(excused.violations).toEqual([]);
    expect(excused.summary().tripsOutside).toBe(1);
    expect(rulesOf(tell({ alter: outside(20, 25) }))).toEqual(['coverage §11 no trip']);
  });

  test('a voter that is left in fail-safe', () => {
    const checkers = tell({
      alter: (story) => {
        for (const id of [0, 1]) faulty(story, id, 29, 31);
        outage(99)(story);
      },
    });
    expect(rulesOf(checkers)).toEqual(['coverage §11 covered']);
    // 5 ticks to arm, 4 of hold, 3 of margin after the last one outside.
    expect(checkers.violations[0]?.tick).toBe(44);
  });

  test('a voter that only the operator re-arms may wait, until it is armed', () => {
    const rig = { actuators: RIG.actuators.map((one) => ({ ...one, rearm: 'operator' as const })) };
    const alter = (story: TickStory): void => {
      for (const id of [0, 1]) faulty(story, id, 29, 31);
      outage(99)(story);
    };
    expect(tell({ rig, alter }).violations).toEqual([]);
  });

  test('a voter that is never armed', () => {
    expect(rulesOf(tell({ armAt: 99 }))).toEqual(['coverage §11 covered']);
  });

  test('a voter that restarts is armed anew, and one that is gone owes nothing', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick < 30) return;
        if (story.tick < 42) starve(story);
        if (story.tick === 30) story.first.push((one, atUs) => one.onVoterStopped(0, atUs));
        if (story.tick === 40)
          story.first.push((one, atUs) => {
            one.onVoterStarted(0, BOOT, atUs);
            one.onFailSafe(0, 'start', 0, atUs);
          });
        if (story.tick === 42) armAgain(story, 0);
      },
    });
    expect(checkers.violations).toEqual([]);
  });
});

describe('memory', () => {
  const feed = (bytesAt: (at: number) => number, memoryMaxBytes?: number) => {
    const checkers = createCheckers({ ...RIG, ...(memoryMaxBytes === undefined ? {} : { memoryMaxBytes }) });
    for (let at = 0; at < 4_000; at += 1) checkers.onMemory(1, bytesAt(at));
    return checkers;
  };

  test('noise, a saw tooth and a rise that ends are no leak', () => {
    expect(feed((at) => 1e6 + ((at * 7_919) % 1e6)).violationCount).toBe(0);
    expect(feed((at) => 1e6 + (at % 500) * 1_000).violationCount).toBe(0);
    expect(feed((at) => 1e6 + Math.min(at, 900) * 1_000).violationCount).toBe(0);
  });

  test('a floor that never stops rising is one', () => {
    const checkers = feed((at) => 1e6 + at * 1_000 + ((at * 7_919) % 1e6));
    expect(checkers.violations[0]).toMatchObject({ checker: 'memory', rule: '§11 growth', who: 'b' });
  });

  test('the limit', () => {
    const checkers = feed((at) => (at === 7 ? 1_001 : 1_000), 1_000);
    expect(checkers.violations).toMatchObject([
      { rule: '§11 limit', what: 'It holds 1001 bytes, more than 1000.' },
    ]);
  });
});

describe('messages', () => {
  const LINKS = [0, 1, 2, 3].flatMap((from) =>
    [0, 1, 2, 3].filter((to) => to !== from).map((to) => [from, to]),
  );
  const keyOf = (tick: number, from: number, round: number): number => tick * 100 + from * 10 + round;

  function tellMessages(
    alter: (story: TickStory, send: (round: number) => void) => void,
    doubtful: (one: ReturnType<typeof createCheckers>, tick: number) => void = () => undefined,
  ) {
    return tell({
      alter: (story) => {
        story.first.push((one) => {
          for (const round of [1, 2])
            for (const [from, to] of LINKS as [number, number][]) {
              one.onSent(from, to, keyOf(story.tick, from, round), story.tick);
              one.onAccepted(from, to, keyOf(story.tick, from, round), story.tick);
            }
          doubtful(one, story.tick);
        });
        alter(story, () => undefined);
      },
    });
  }

  const nothing = (): void => undefined;

  test('each message once', () => {
    expect(tellMessages(nothing).violations).toEqual([]);
  });

  test('a message that was never sent', () => {
    const checkers = tellMessages(nothing, (one, tick) => tick === 30 && one.onAccepted(1, 2, 666, 30));
    expect(checkers.violations).toMatchObject([
      { checker: 'messages', rule: '§8 accepted as sent', tick: 30, who: 'c' },
    ]);
  });

  test('a message that was sent to somebody else', () => {
    const checkers = tellMessages(nothing, (one, tick) => {
      if (tick !== 30) return;
      one.onSent(1, 3, 666, 30);
      one.onAccepted(1, 2, 666, 30);
    });
    expect(checkers.violationCount).toBe(1);
  });

  test('a message twice, also when the second comes ticks later', () => {
    expect(
      tellMessages(nothing, (one, tick) => tick === 30 && one.onAccepted(1, 2, keyOf(30, 1, 2), 30))
        .violationCount,
    ).toBe(1);
    expect(
      tellMessages(nothing, (one, tick) => tick === 40 && one.onAccepted(1, 2, keyOf(30, 1, 2), 30))
        .violationCount,
    ).toBe(1);
  });

  test('what a faulty one sent or took proves nothing', () => {
    const checkers = tellMessages(
      (story) => faulty(story, 1, 30, 31),
      (one, tick) => {
        if (tick !== 30) return;
        one.onAccepted(1, 2, 666, 30);
        one.onAccepted(2, 1, 667, 30);
      },
    );
    expect(checkers.violations).toEqual([]);
  });

  test('a liar that names ticks far away costs the true ones nothing, and no memory', () => {
    const checkers = tellMessages(
      (story) => {
        if (story.tick === 10) story.first.push((one) => one.onFaulty(3, 10, 'lies'));
      },
      (one, tick) => {
        if (tick < 10) return;
        for (const away of [64, 640, 2 ** 40, -1, 0.5, NaN]) {
          one.onSent(3, 0, away, tick + away);
          one.onAccepted(3, 0, away, tick + away);
        }
        if (tick === 30) one.onAccepted(1, 2, 666, 30);
      },
    );
    expect(checkers.violationCount).toBe(1);
    expect(checkers.summary().unjudgedMessages).toBeGreaterThan(0);
  });

  test('a sender that floods a link is not judged by what does not fit', () => {
    const checkers = tellMessages(nothing, (one, tick) => {
      if (tick !== 30) return;
      for (let at = 0; at < 200; at += 1) one.onSent(1, 2, 10_000 + at, 30);
      for (let at = 0; at < 200; at += 1) one.onAccepted(1, 2, 10_000 + at, 30);
    });
    expect(checkers.violations).toEqual([]);
  });
});
