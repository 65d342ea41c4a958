/** Agreement and validity: good histories pass, and one bad history for each rule is caught. */
import { describe, expect, test } from 'vitest';
import { bytesOf, expire, silence, tell, type TickStory } from './history.js';

const AT = 30;

function at(tick: number, alter: (story: TickStory) => void): (story: TickStory) => void {
  return (story) => {
    if (story.tick === tick) alter(story);
  };
}

function rulesOf(checkers: ReturnType<typeof tell>): string[] {
  return [...new Set(checkers.violations.map(({ checker, rule }) => `${checker} ${rule}`))];
}

describe('what goes well', () => {
  test('a healthy rig violates nothing, and nearly all its ticks are inside', () => {
    const checkers = tell({ ticks: 200 });
    expect(checkers.violations).toEqual([]);
    expect(checkers.summary()).toMatchObject({ ticks: 197, ticksOutside: 1, violationCount: 0 });
  });

  test('also on a grid that began long ago', () => {
    expect(tell({ from: 987_654_321 }).violations).toEqual([]);
  });

  test('one liar may hold what it likes, and put what it likes into its own entry', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick === 20) story.first.push((one) => one.onFaulty(3, 20, 'lies'));
        if (story.tick < 20) return;
        story.vectors[3] = [null, bytesOf(6, 6, 6), null, null];
        story.digests[3] = bytesOf(666);
        story.orders[3] = [-5];
        for (const id of [0, 1, 2]) (story.vectors[id] ?? [])[3] = bytesOf(story.tick, 1234);
      },
    });
    expect(checkers.violations).toEqual([]);
    expect(checkers.summary().ticksOutside).toBe(1);
  });

  test('one that is silent, comes back with an old state and joins owes nothing meanwhile', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick === 20) story.first.push((one) => one.onFaulty(2, 20, 'omits'));
        if (story.tick === 25) story.first.push((one) => one.onFaulty(2, 25, null));
        // It listens, then speaks of an old state, then steps.
        if (story.tick >= 20 && story.tick < 28) silence(story, 2);
        if (story.tick === 28) story.digests[2] = null;
      },
    });
    expect(checkers.violations).toEqual([]);
    expect(checkers.summary().ticksOutside).toBe(1);
  });
});

describe('agreement', () => {
  test('two correct replicas hold different vectors', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick === 20) story.first.push((one) => one.onFaulty(3, 20, 'lies'));
        if (story.tick === AT) (story.vectors[1] ?? [])[3] = null;
      },
    });
    expect(checkers.violations).toEqual([
      {
        checker: 'agreement',
        rule: '§3.6 vector',
        tick: AT,
        who: 'b',
        what: 'For d it holds absent, a holds 1e0000030000.',
      },
    ]);
  });

  test('two correct replicas hold different states', () => {
    const checkers = tell({ alter: at(AT, (story) => (story.digests[2] = bytesOf(1))) });
    expect(rulesOf(checkers)).toEqual(['agreement §11 state']);
    expect(checkers.violations[0]).toMatchObject({ tick: AT, who: 'c' });
  });

  test.each([[[33]], [['trip' as const]], [[null]], [[]]])('a correct replica orders %j', (orders) => {
    const checkers = tell({ alter: at(AT, (story) => (story.orders[0] = orders)) });
    expect(rulesOf(checkers)).toContain('agreement §11 command');
  });

  test('a replica tells two different vectors of one tick', () => {
    const checkers = tell({
      alter: at(AT, (story) => story.first.push((one) => one.onVector(1, AT, [null, null, null, null]))),
    });
    expect(rulesOf(checkers)).toEqual(['agreement §3 one vector']);
  });

  test('a replica steps what it has no vector of', () => {
    const checkers = tell({ alter: at(AT, (story) => (story.vectors[1] = null)) });
    expect(rulesOf(checkers)).toEqual(['agreement §4 vector before step', 'liveness §3 decides']);
  });

  test('a replica steps from fewer than n−f entries, even outside the hypothesis', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick === 20)
          for (const id of [2, 3]) story.first.push((one) => one.onFaulty(id, 20, 'omits'));
        if (story.tick < 20) return;
        silence(story, 2);
        silence(story, 3);
        if (story.tick !== AT) for (const id of [0, 1]) story.digests[id] = null;
        if (story.tick === AT) story.digests[1] = null;
        story.commands = [];
        story.voter = [];
        if (story.tick === 23) expire(story);
      },
      ticks: 40,
    });
    expect(rulesOf(checkers)).toEqual(['agreement §3 short vector']);
    expect(checkers.violations[0]).toMatchObject({ tick: AT, who: 'a' });
  });

  test('outside the hypothesis a difference is counted and allowed', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick === 20)
          for (const id of [2, 3]) story.first.push((one) => one.onFaulty(id, 20, 'lies'));
        if (story.tick === 22) for (const id of [2, 3]) story.first.push((one) => one.onFaulty(id, 22, null));
        if (story.tick !== 21) return;
        (story.vectors[1] ?? [])[3] = null;
        story.digests[1] = bytesOf(77);
      },
    });
    expect(checkers.violations).toEqual([]);
    expect(checkers.summary()).toMatchObject({ disagreementsOutside: 1, ticksOutside: 4 });
  });

  test('a lie is outside a hypothesis of crashes', () => {
    const alter = (story: TickStory): void => {
      if (story.tick === 20) story.first.push((one) => one.onFaulty(3, 20, 'lies'));
      if (story.tick === 21) story.first.push((one) => one.onFaulty(3, 21, null));
      if (story.tick === 20) story.digests[1] = bytesOf(1);
    };
    const crash = tell({ rig: { hypothesis: 'crash' }, alter });
    expect(crash.violations).toEqual([]);
    expect(crash.summary().disagreementsOutside).toBe(1);
    expect(rulesOf(tell({ alter }))).toEqual(['agreement §11 state']);
  });

  test('without agreement nothing is promised once somebody was faulty, and all of it before', () => {
    const rig = { hypothesis: 'none' as const, replicas: ['a', 'b', 'c'] };
    const split = (from: number) => (story: TickStory) => {
      if (story.tick === 20) story.first.push((one) => one.onFaulty(2, 20, 'lies'));
      if (story.tick === 21) story.first.push((one) => one.onFaulty(2, 21, null));
      if (story.tick >= from) story.digests[1] = bytesOf(story.tick, 1);
    };
    expect(tell({ rig, alter: split(20) }).violations).toEqual([]);
    expect(tell({ rig, alter: split(20) }).summary().disagreementsOutside).toBe(37);
    expect(rulesOf(tell({ rig, alter: split(19) }))).toEqual(['agreement §11 state']);
  });
});

describe('validity', () => {
  test('a correct commander stands with something else than it proposed', () => {
    const checkers = tell({
      alter: at(AT, (story) => {
        for (const vector of story.vectors) (vector ?? [])[0] = bytesOf(5);
      }),
    });
    expect(rulesOf(checkers)).toEqual(['validity §3.6 as sent']);
    expect(checkers.violationCount).toBe(4);
    expect(checkers.violations[0]?.what).toBe(
      'For a, which does not lie, it holds 050000; a proposed 1e0000000000.',
    );
  });

  test('a correct commander stands as absent', () => {
    const checkers = tell({
      alter: at(AT, (story) => {
        for (const vector of story.vectors) (vector ?? [])[0] = null;
      }),
    });
    expect(rulesOf(checkers)).toEqual(['validity §3.6 present']);
  });

  test('a silent commander stands with a value', () => {
    const checkers = tell({
      alter: (story) => {
        if (story.tick === 20) story.first.push((one) => one.onFaulty(2, 20, 'omits'));
        if (story.tick < 20) return;
        silence(story, 2);
        if (story.tick === AT)
          for (const vector of story.vectors) if (vector !== null) vector[2] = bytesOf(9);
      },
    });
    expect(rulesOf(checkers)).toEqual(['validity §3.6 as sent']);
    expect(checkers.violationCount).toBe(3);
  });

  test('one that crashes while it speaks may be absent or present, not something else', () => {
    const crash = (entry: (tick: number) => Uint8Array | null) =>
      tell({
        alter: (story) => {
          if (story.tick === AT) story.first.push((one) => one.onFaulty(2, AT, 'omits'));
          if (story.tick > AT) silence(story, 2);
          if (story.tick !== AT) return;
          story.vectors[2] = null;
          story.digests[2] = null;
          for (const vector of story.vectors) if (vector !== null) vector[2] = entry(AT);
        },
      });
    expect(crash(() => null).violations).toEqual([]);
    expect(crash((tick) => bytesOf(tick, 2)).violations).toEqual([]);
    expect(rulesOf(crash(() => bytesOf(8)))).toEqual(['validity §3.6 as sent']);
  });

  test('a vector without an entry for each commander', () => {
    const checkers = tell({
      alter: at(AT, (story) => (story.vectors[0] = (story.vectors[0] ?? []).slice(0, 3))),
    });
    expect(rulesOf(checkers)).toContain('validity §1 one entry a commander');
  });
});
