/** Where the command log meets the rounds: a good history passes, and a bad one for each rule is caught. */
import { expect, test } from 'vitest';
import type { Checkers } from '../../src/checkers/create-checkers.js';
import { silence, tell, type TickStory } from './history.js';

const LAG_TICKS = 5;
const IDS = [0, 1, 2];

/** Slots that take effect at each tick: the first command at slot 1, an entry without one at 2, two commands at 3 and 4. */
const LOG = [
  { slot: 1, sequence: 1 },
  { slot: 2, sequence: null },
  { slot: 3, sequence: 2 },
  { slot: 4, sequence: 3 },
] as const;

/** What is stated at a tick: nothing before 20, slot 1 from 20 on, all from 30 on. */
const stated = (tick: number): number => (tick < 20 ? 0 : tick < 30 ? 1 : 4);

interface Changes {
  /** Of what `replica` states at the tick. */
  readonly prefix?: (tick: number, replica: number) => number | undefined;
  /** Of the slots that take effect at `replica`. */
  readonly applied?: (tick: number, replica: number) => readonly number[] | undefined;
  readonly also?: (story: TickStory) => void;
  /** Slot 3 holds this request of the operator. */
  readonly third?: number;
}

function fly({ prefix, applied, also, third = 2 }: Changes = {}): string[] {
  const requestAt = (slot: number): { readonly client: string; readonly sequence: number } => ({
    client: 'operator',
    sequence: slot === 3 ? third : (LOG[slot - 1]?.sequence ?? 0),
  });
  const checkers = tell({
    ticks: 90,
    rig: {
      replicas: ['a', 'b', 'c'],
      hypothesis: 'crash',
      f: 1,
      lagTicks: LAG_TICKS,
      returnTicks: 12,
    },
    alter: (story) => {
      const { tick } = story;
      story.first.push((one: Checkers) => {
        if (tick === 10)
          for (const replica of IDS)
            for (const { slot, sequence } of LOG)
              one.onSlotChosen(replica, slot, sequence === null ? null : requestAt(slot));
        for (const replica of IDS) {
          one.onPrefixes(
            replica,
            tick,
            IDS.map((id) => prefix?.(tick, id) ?? stated(tick)),
          );
          const slots = applied?.(tick, replica) ?? (tick === 20 ? [1] : tick === 30 ? [3, 4] : []);
          if (slots.length > 0)
            one.onSlotsApplied(
              replica,
              tick,
              slots.map((slot) => ({ slot, ...requestAt(slot) })),
            );
        }
      });
      also?.(story);
    },
  });
  return [...new Set(checkers.violations.map(({ checker, rule }) => `${checker} ${rule}`))];
}

test('what all commanders know takes effect, and nothing else: well', () => {
  expect(fly()).toEqual([]);
});

test('the smallest prefix of those who are there decides, and it never falls', () => {
  const late = (tick: number, replica: number): number | undefined =>
    replica === 2 && tick >= 30 && tick < 34 ? 1 : undefined;
  const at = (tick: number): readonly number[] => (tick === 20 ? [1] : tick === 34 ? [3, 4] : []);
  expect(fly({ prefix: late, applied: at })).toEqual([]);
});

test.each<readonly [string, string[], Changes]>([
  [
    'by its own prefix, a tick early',
    ['meeting §9 prefix', 'meeting §9 same tick'],
    {
      applied: (tick, replica) =>
        replica !== 1 ? undefined : tick === 29 ? [3, 4] : tick === 30 ? [] : undefined,
    },
  ],
  ['a slot left out', ['meeting §9 same tick'], { applied: (tick) => (tick === 30 ? [4] : undefined) }],
  [
    'a tick late',
    ['meeting §9 same tick'],
    { applied: (tick) => (tick === 30 ? [] : tick === 31 ? [3, 4] : undefined) },
  ],
  [
    'out of order',
    ['meeting §9 in order', 'meeting §9 same tick'],
    { applied: (tick) => (tick === 30 ? [4, 3] : undefined) },
  ],
  ['a second time', ['meeting §9 same tick'], { applied: (tick) => (tick === 40 ? [1] : undefined) }],
  ['one request at two slots', ['meeting §9 once', 'meeting §9 same tick'], { third: 1 }],
  [
    'what is not chosen there',
    ['meeting §11 chosen'],
    {
      applied: () => [],
      also: ({ tick, first }) => {
        if (tick === 20)
          first.push((one) =>
            IDS.forEach((replica) =>
              one.onSlotsApplied(replica, tick, [{ slot: 1, client: 'operator', sequence: 9 }]),
            ),
          );
        if (tick === 30)
          first.push((one) =>
            IDS.forEach((replica) =>
              one.onSlotsApplied(replica, tick, [
                { slot: 3, client: 'operator', sequence: 2 },
                { slot: 4, client: 'operator', sequence: 3 },
              ]),
            ),
          );
      },
    },
  ],
  [
    'another value for a chosen slot, after a restart',
    ['meeting §11 one value'],
    {
      also: ({ tick, first }) => {
        if (tick === 50) first.push((one) => one.onSlotChosen(1, 3, { client: 'operator', sequence: 8 }));
      },
    },
  ],
  [
    'a laggard that goes on speaking',
    ['meeting §9 lag'],
    {
      prefix: (tick, replica) => (replica === 2 && tick >= 30 && tick < 45 ? 1 : undefined),
      applied: (tick) => (tick === 20 ? [1] : tick === 45 ? [3, 4] : []),
    },
  ],
  [
    'answered as chosen, and another one is chosen there',
    ['meeting §11 answered'],
    {
      also: ({ tick, first }) => {
        if (tick === 25) first.push((one) => one.onToldChosen(0, { client: 'operator', sequence: 7 }, 3));
      },
    },
  ],
  [
    'answered as chosen, and lost',
    ['meeting §11 takes effect'],
    {
      also: ({ tick, first }) => {
        if (tick === 35) first.push((one) => one.onToldChosen(0, { client: 'operator', sequence: 7 }, 5));
      },
    },
  ],
  [
    'answered with two slots',
    ['meeting §11 answered once'],
    {
      also: ({ tick, first }) => {
        if (tick !== 25) return;
        first.push((one) => one.onToldChosen(0, { client: 'operator', sequence: 2 }, 3));
        first.push((one) => one.onToldChosen(1, { client: 'operator', sequence: 2 }, 4));
      },
    },
  ],
])('%s: caught', (_, rules, changes) => {
  expect(fly(changes)).toEqual(rules);
});

test('a laggard without whom the others are too few goes on speaking: well', () => {
  const behind = (tick: number, replica: number): number | undefined =>
    replica > 0 && tick >= 30 && tick < 45 ? 1 : undefined;
  const at = (tick: number): readonly number[] => (tick === 20 ? [1] : tick === 45 ? [3, 4] : []);
  expect(fly({ prefix: behind, applied: at })).toEqual([]);
});

test('what an operator was told takes effect: well', () => {
  const also = ({ tick, first }: TickStory): void => {
    if (tick === 25) first.push((one) => one.onToldChosen(0, { client: 'operator', sequence: 2 }, 3));
  };
  expect(fly({ also })).toEqual([]);
});

test('a run that begins anew goes on from the largest prefix that its vector states', () => {
  const down = (tick: number): boolean => tick >= 40 && tick < 44;
  const also = (story: TickStory): void => {
    if (!down(story.tick)) return;
    const { tick } = story;
    if (tick === 43) story.first.push((one) => IDS.forEach((id) => one.onRunStarted(id, tick, [1, 4, 4])));
    for (const id of IDS) {
      if (tick === 40) story.first.push((one) => one.onFaulty(id, tick, 'omits'));
      if (tick === 43) story.first.push((one) => one.onFaulty(id, 44, null));
      silence(story, id);
    }
    story.voter = [];
  };
  // Voters trip meanwhile, which this test is not about.
  expect(fly({ also }).filter((rule) => rule.startsWith('meeting'))).toEqual([]);
  const again = fly({
    also,
    applied: (tick) => (tick === 20 ? [1] : tick === 30 || tick === 60 ? [3, 4] : []),
  });
  expect(again.filter((rule) => rule.startsWith('meeting'))).toEqual(['meeting §9 same tick']);
});
