/** Commands of operators: good histories pass, and one bad history for each rule is caught. */
import { expect, test } from 'vitest';
import type { AppliedRequest } from '../../src/core/types.js';
import { tell, type TickStory } from './history.js';

const AT = 30;

function applied(tick: number, changes: Partial<AppliedRequest> = {}): AppliedRequest {
  return { client: 0, sequence: 1, digest: new Uint8Array(32), tick, outcome: { kind: 'done' }, ...changes };
}

/** What replicas tell at their ticks: `told` by replica; null: nothing. */
function fly(
  ...stories: readonly (readonly [
    tick: number,
    told: readonly (AppliedRequest | null)[],
    startTick?: number,
  ])[]
) {
  return tell({
    alter: (story: TickStory) => {
      for (const [tick, told, startTick = 0] of stories) {
        if (story.tick !== tick) continue;
        story.first.push((checkers) => {
          told.forEach((one, replica) => {
            if (one !== null) checkers.onCommanded(replica, tick, startTick, [one]);
          });
        });
      }
    },
  });
}

function rulesOf(checkers: ReturnType<typeof fly>): string[] {
  return [...new Set(checkers.violations.map(({ checker, rule }) => `${checker} ${rule}`))];
}

const everybody = (one: AppliedRequest): AppliedRequest[] => [one, one, one, one];

test('the same at every replica is well, and counted', () => {
  const checkers = fly([AT, everybody(applied(AT))], [AT + 5, everybody(applied(AT + 5, { sequence: 2 }))]);
  expect(rulesOf(checkers)).toEqual([]);
  expect(checkers.summary().commandTicks).toBe(2);
});

test.each([
  ['nothing at one', [applied(AT), applied(AT), applied(AT), null]],
  ['another number at one', [applied(AT), applied(AT, { sequence: 2 }), applied(AT), applied(AT)]],
  [
    'another content at one',
    [applied(AT), applied(AT), applied(AT), applied(AT, { digest: new Uint8Array(32).fill(1) })],
  ],
  [
    'another outcome at one',
    [applied(AT, { outcome: { kind: 'refused', reason: 'no' } }), applied(AT), applied(AT), applied(AT)],
  ],
])('%s is caught', (_, told) => {
  expect(rulesOf(fly([AT, told]))).toEqual(['commands §10 same tick']);
});

test('a second effect of one request is caught, and the same number in another run is well', () => {
  expect(rulesOf(fly([AT, everybody(applied(AT))], [AT + 3, everybody(applied(AT + 3))]))).toEqual([
    'commands §10 once',
  ]);
  expect(rulesOf(fly([AT, everybody(applied(AT))], [AT + 3, everybody(applied(AT + 3)), AT + 2]))).toEqual(
    [],
  );
});

test('a liar may tell what it likes', () => {
  const checkers = tell({
    alter: (story) => {
      if (story.tick === 20) story.first.push((one) => one.onFaulty(3, 20, 'lies'));
      if (story.tick === AT) story.first.push((one) => one.onCommanded(3, AT, 0, [applied(AT)]));
      if (story.tick === AT + 1) story.first.push((one) => one.onCommanded(3, AT + 1, 0, [applied(AT + 1)]));
    },
  });
  expect(checkers.violations).toEqual([]);
  expect(checkers.summary().commandTicks).toBe(0);
});
