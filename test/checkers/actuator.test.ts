/** Safety of an actuator: good histories pass, and one bad history for each rule is caught. */
import { describe, expect, test } from 'vitest';
import type { CheckedRig } from '../../src/checkers/observations.js';
import { BOOT, countAt, expire, outputOf, RIG, starve, tell, type TickStory } from './history.js';

const AT = 30;

function rulesOf(checkers: ReturnType<typeof tell>): string[] {
  return [...new Set(checkers.violations.map(({ checker, rule }) => `${checker} ${rule}`))];
}

function at(tick: number, alter: (story: TickStory) => void): (story: TickStory) => void {
  return (story) => {
    if (story.tick === tick) alter(story);
  };
}

/** More than f are faulty from tick `from` on: only what holds always is judged. */
function outside(story: TickStory, from: number): void {
  if (story.tick === from) for (const id of [2, 3]) story.first.push((one) => one.onFaulty(id, from, 'lies'));
}

/** The voter puts out `count`, on orders for it by the given replicas. */
function putOut(story: TickStory, count: number, by: readonly number[]): void {
  story.commands = [0, 1, 2, 3].map((from) => ({
    from,
    command: outputOf(story.tick, by.includes(from) ? count : countAt(story.tick)),
  }));
  story.voter = [(one, atUs) => one.onOutput(0, story.tick, count, atUs)];
}

describe('an output', () => {
  test('of what a majority of liars ordered: no correct replica computed it', () => {
    const checkers = tell({ alter: at(AT, (story) => putOut(story, 55, [1, 2, 3])) });
    expect(checkers.violations).toEqual([
      {
        checker: 'actuator',
        rule: '§5 computed by a correct replica',
        tick: AT,
        who: 'elevator',
        what: 'It put out 55; correct replicas ordered 30 to 30.',
      },
    ]);
  });

  test('outside the hypothesis a majority may order it', () => {
    const checkers = tell({
      alter: (story) => {
        outside(story, AT);
        if (story.tick === AT) putOut(story, 55, [1, 2, 3]);
      },
    });
    expect(checkers.violations).toEqual([]);
  });

  test('on less than a majority, even outside the hypothesis', () => {
    const checkers = tell({
      alter: (story) => {
        outside(story, AT);
        if (story.tick === AT) putOut(story, 55, [2, 3]);
      },
    });
    expect(rulesOf(checkers)).toEqual(['actuator §5 majority']);
    expect(checkers.violations[0]?.what).toBe('It put out 55 on 2 equal commands; it takes 3.');
  });

  test('on one replica counted twice', () => {
    const checkers = tell({
      alter: at(AT, (story) => {
        story.commands = [0, 1, 1, 1].map((from) => ({ from, command: outputOf(AT, countAt(AT)) }));
      }),
    });
    expect(rulesOf(checkers)).toEqual(['actuator §5 majority']);
  });

  test('on orders for another tick', () => {
    const checkers = tell({
      alter: at(AT, (story) => {
        story.commands = [0, 1, 2, 3].map((from) => ({ from, command: outputOf(AT + 1, countAt(AT)) }));
      }),
    });
    expect(rulesOf(checkers)).toEqual(['actuator §5 majority']);
  });

  test('a liar that votes for many values of the tick counts once for each', () => {
    const checkers = tell({
      alter: at(AT, (story) => {
        story.commands = [];
        for (let count = 0; count < 60; count += 1)
          story.commands.push({ from: 3, command: outputOf(AT, count) });
        for (const from of [0, 1, 2]) story.commands.push({ from, command: outputOf(AT, countAt(AT)) });
      }),
    });
    expect(checkers.violations).toEqual([]);
  });

  test('outside the envelope', () => {
    const checkers = tell({
      alter: at(AT, (story) => {
        story.orders = [0, 1, 2, 3].map(() => [101]);
        putOut(story, 101, [0, 1, 2, 3]);
      }),
    });
    expect(checkers.violations).toMatchObject([
      { rule: '§5 envelope', what: 'It put out 101, outside -100 … 100.' },
    ]);
    expect(
      rulesOf(
        tell({ alter: at(AT, (story) => story.voter.push((one, atUs) => one.onOutput(0, AT, NaN, atUs))) }),
      ),
    ).toContain('actuator §5 envelope');
  });

  test('of an older tick after a newer one, and twice of one tick', () => {
    const old = tell({
      alter: at(AT, (story) =>
        story.voter.push((one, atUs) => one.onOutput(0, AT - 1, countAt(AT - 1), atUs)),
      ),
    });
    expect(rulesOf(old)).toEqual(['actuator §5 tick order']);
    const twice = tell({
      alter: at(AT, (story) => story.voter.push((one, atUs) => one.onOutput(0, AT, countAt(AT), atUs))),
    });
    expect(rulesOf(twice)).toEqual(['actuator §5 tick order']);
  });

  test('of a tick that is nobody’s', () => {
    const far = tell({
      alter: at(AT, (story) => story.voter.push((one, atUs) => one.onOutput(0, 1e9, 3, atUs))),
    });
    expect(rulesOf(far)).toContain('actuator §5 window');
  });

  test('before any arming, after a trip without one, and by a voter that is gone', () => {
    const early = tell({ armAt: 5, alter: at(2, (story) => putOut(story, countAt(2), [0, 1, 2, 3])) });
    expect(rulesOf(early)).toEqual(['actuator §5 armed']);
    const tripped = tell({
      alter: (story) => {
        outside(story, 20);
        if (story.tick < 20 || story.tick > 25) return;
        starve(story);
        if (story.tick === 23) expire(story);
      },
      ticks: 30,
    });
    expect(rulesOf(tripped)).toEqual(['actuator §5 armed']);
    const gone = tell({
      alter: at(AT, (story) => story.first.push((one, atUs) => one.onVoterStopped(0, atUs))),
    });
    expect(rulesOf(gone)).toEqual(['actuator §5 armed']);
  });

  test('when hold was over', () => {
    const checkers = tell({
      alter: (story) => {
        outside(story, 20);
        if (story.tick >= 20 && story.tick <= 24) starve(story);
      },
      ticks: 30,
    });
    expect(rulesOf(checkers)).toEqual(['actuator §5 hold']);
  });

  test('that comes after its tick was judged is judged all the same', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick === AT) story.voter = [];
        if (story.tick === AT + 1) story.voter = [];
        // Tick AT is judged at the end of AT + 3.
        if (story.tick === AT + 4) {
          story.commands = [];
          story.voter = [(one, atUs) => one.onOutput(0, AT, 7, atUs)];
        }
      },
      ticks: AT + 6,
    });
    expect(rulesOf(checkers)).toContain('actuator §5 computed by a correct replica');
  });
});

describe('arming', () => {
  const armedBy = (by: readonly number[], arm = { bootNonce: BOOT, trips: 0, firstTick: 3 }) =>
    tell({
      alter: at(3, (story) => {
        story.commands = [0, 1, 2, 3].map((from) => ({
          from,
          command: outputOf(3, countAt(3), by.includes(from) ? arm : null),
        }));
      }),
    });

  test('by a majority', () => expect(armedBy([0, 1, 3]).violations).toEqual([]));

  test('by fewer', () => expect(rulesOf(armedBy([0, 1]))).toEqual(['actuator §5 arming by a majority']));

  test.each([
    ['another boot', { bootNonce: new Uint8Array(8), trips: 0, firstTick: 3 }],
    ['an earlier trip', { bootNonce: BOOT, trips: 1, firstTick: 3 }],
    ['another first tick', { bootNonce: BOOT, trips: 0, firstTick: 4 }],
  ])('for %s', (_, arm) => {
    expect(rulesOf(armedBy([0, 1, 2, 3], arm))).toEqual(['actuator §5 arming by a majority']);
  });

  test('on commands of an earlier boot', () => {
    const checkers = tell({
      alter: at(3, (story) => story.voter.unshift((one, atUs) => one.onVoterStarted(0, BOOT, atUs))),
    });
    expect(rulesOf(checkers)).toContain('actuator §5 arming by a majority');
  });

  test('while armed', () => {
    const checkers = tell({
      alter: at(AT, (story) => story.voter.push((one, atUs) => one.onArmed(0, AT, atUs))),
    });
    expect(rulesOf(checkers)).toContain('actuator §5 arming');
  });

  test('from a tick that has gone out', () => {
    const checkers = tell({
      alter: at(AT, (story) => {
        story.voter.push((one, atUs) => {
          one.onVoterStopped(0, atUs);
          one.onVoterStarted(0, BOOT, atUs);
          const arm = { bootNonce: BOOT, trips: 0, firstTick: AT - 1 };
          for (const from of [0, 1, 2]) one.onCommand(0, from, outputOf(AT - 1, 1, arm));
          one.onArmed(0, AT - 1, atUs);
        });
      }),
    });
    expect(rulesOf(checkers)).toEqual(['actuator §5 tick floor']);
  });
});

describe('fail-safe', () => {
  const trip =
    (cause: 'hold-expired' | 'ordered', count = 0, orders = 0) =>
    (story: TickStory): void => {
      outside(story, 20);
      if (story.tick < 25) return;
      if (story.tick > 25) return starve(story);
      story.commands = [0, 1, 2, 3].map((from) => ({
        from,
        command: from < orders ? { tick: 25, order: { kind: 'trip' }, arm: null } : outputOf(25, countAt(25)),
      }));
      story.voter = [(one, atUs) => one.onFailSafe(0, cause, count, atUs)];
    };

  test('by order of a majority', () => {
    expect(tell({ alter: trip('ordered', 0, 3), ticks: 40 }).violations).toEqual([]);
  });

  test('by order of fewer', () => {
    expect(rulesOf(tell({ alter: trip('ordered', 0, 2), ticks: 40 }))).toEqual([
      'actuator §5 trip by a majority',
    ]);
  });

  test('before hold is over', () => {
    expect(rulesOf(tell({ alter: trip('hold-expired'), ticks: 40 }))).toEqual(['actuator §5 hold']);
  });

  test('at another value than the declared one', () => {
    expect(rulesOf(tell({ alter: trip('ordered', 7, 3), ticks: 40 }))).toEqual([
      'actuator §5 fail-safe value',
    ]);
  });

  test('a trip of a voter that is not armed', () => {
    const twice = tell({
      alter: (story) => {
        trip('ordered', 0, 3)(story);
        if (story.tick === 25)
          story.voter.push((one, atUs) => one.onFailSafe(0, 'hold-expired', 0, atUs + 50_000));
      },
      ticks: 40,
    });
    expect(rulesOf(twice)).toEqual(['actuator §5 trip']);
  });

  test('none at all, when hold is over', () => {
    const checkers = tell({
      alter: (story) => {
        outside(story, 20);
        if (story.tick >= 30) starve(story);
      },
      ticks: 40,
    });
    expect(rulesOf(checkers)).toEqual(['actuator §5 hold']);
    expect(checkers.violations[0]?.what).toMatch(/does not trip/);
  });
});

describe('mid-value voting', () => {
  const rig: Partial<CheckedRig> = {
    actuators: RIG.actuators.map((one) => ({ ...one, vote: 'mid-value' as const })),
  };

  /** Commands at the voter and what correct replicas computed. */
  const vote =
    (orders: readonly (number | null)[], count: number) =>
    (story: TickStory): void => {
      if (story.tick === 20) story.first.push((one) => one.onFaulty(3, 20, 'lies'));
      if (story.tick !== AT) return;
      story.orders = [[10], [10], [10], [99]];
      story.commands = orders.flatMap((order, from) =>
        order === null ? [] : [{ from, command: outputOf(AT, order) }],
      );
      story.voter = [(one, atUs) => one.onOutput(0, AT, count, atUs)];
    };

  test('the middle of 2f+1 passes', () => {
    expect(tell({ rig, alter: vote([10, 10, null, 99], 10) }).violations).toEqual([]);
  });

  test('a value outside those of correct replicas', () => {
    expect(rulesOf(tell({ rig, alter: vote([10, 10, null, 99], 99) }))).toEqual([
      'actuator §5 computed by a correct replica',
    ]);
  });

  test('fewer than 2f+1 commands', () => {
    expect(rulesOf(tell({ rig, alter: vote([10, 10, null, null], 10) }))).toEqual(['actuator §5 mid-value']);
  });

  test('a value that nobody ordered', () => {
    expect(rulesOf(tell({ rig, alter: vote([9, 12, 11, null], 10) }))).toEqual(['actuator §5 mid-value']);
  });
});

test('only the first violations are kept, all are counted', () => {
  const checkers = tell({ alter: (story) => story.tick > 5 && (story.orders[0] = [-1]), ticks: 500 });
  expect(checkers.violations).toHaveLength(50);
  expect(checkers.violationCount).toBe(491);
  expect(Object.values(checkers.summary().violationsByRule)).toEqual([491]);
});
