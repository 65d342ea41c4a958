/** Who is waited for (protocol.md §3, active set): what agreed entries bring about, and nothing else does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  activeMask,
  followVector,
  foundMembers,
  isActive,
  type ActiveSetRules,
  type Member,
} from '../../../src/core/membership/active-set.js';
import type { Entry } from '../../../src/core/types.js';

const K = 5;
const FOUR: ActiveSetRules = { n: 4, maxFaulty: 1, testimony: 2, excludeAfterTicks: K };
const CRASH: ActiveSetRules = { n: 3, maxFaulty: 1, testimony: 1, excludeAfterTicks: K };

function entry(missed: number, joins = 0): Entry {
  const standing = { kind: 'running', stateTick: 0, stateDigest: new Uint8Array(16) } as const;
  return { standing, readings: [], actuators: [], missed, joins };
}

/** The members after vectors of ticks `from` … `to`, all alike. */
function follow(
  rules: ActiveSetRules,
  members: readonly Member[],
  from: number,
  to: number,
  entries: readonly (Entry | null)[],
): readonly Member[] {
  for (let tick = from; tick <= to; tick += 1) members = followVector(rules, members, tick, entries);
  return members;
}

const ALL = foundMembers(4, 0b1111, 0);
/** a, b and d name c; c is absent. */
const NAMING_C = [entry(0b0100), entry(0b0100), null, entry(0b0100)];

describe('exclusion', () => {
  test('K ticks in a row of f+1 agreed entries, and it holds two ticks later', () => {
    expect(activeMask(follow(FOUR, ALL, 1, K - 1, NAMING_C), 99)).toBe(0b1111);
    const members = follow(FOUR, ALL, 1, K, NAMING_C);
    expect(activeMask(members, K + 1)).toBe(0b1111);
    expect(activeMask(members, K + 2)).toBe(0b1011);
  });

  test('one entry alone names nobody, were it a liar’s, nor does one’s own', () => {
    const liar = [entry(0b0100), entry(0), entry(0), entry(0)];
    expect(follow(FOUR, ALL, 1, 3 * K, liar)).toBe(ALL);
    const own = [entry(0), entry(0), entry(0b0100), entry(0b0100)];
    expect(follow(FOUR, ALL, 1, 3 * K, own)).toBe(ALL);
  });

  test('a tick in which it was there begins the count anew', () => {
    let members = follow(FOUR, ALL, 1, K - 1, NAMING_C);
    members = follow(FOUR, members, K, K, [entry(0), entry(0), entry(0), entry(0)]);
    members = follow(FOUR, members, K + 1, 2 * K - 1, NAMING_C);
    expect(activeMask(members, 99)).toBe(0b1111);
  });

  test('never more than f at once, whatever the entries say', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(FOUR, CRASH, { n: 7, maxFaulty: 2, testimony: 3, excludeAfterTicks: 2 }),
        fc.array(fc.array(fc.option(fc.tuple(fc.nat(127), fc.nat(127))), { minLength: 7, maxLength: 7 }), {
          maxLength: 60,
        }),
        (rules, ticks) => {
          let members = foundMembers(rules.n, (1 << rules.n) - 1, 0);
          ticks.forEach((said, at) => {
            const entries = said
              .slice(0, rules.n)
              .map((one) => (one === null ? null : entry(one[0], one[1])));
            const before = members;
            members = followVector(rules, members, at + 1, entries);
            // What holds in the next tick is not changed by a vector.
            expect(activeMask(members, at + 2)).toBe(activeMask(before, at + 2));
            const out = members.filter((member) => !isActive(member, at + 3)).length;
            expect(out).toBeLessThanOrEqual(rules.maxFaulty);
          });
        },
      ),
    );
  });

  test('what was missed before it counted is not held against it', () => {
    const members = foundMembers(4, 0b1111, 100);
    expect(follow(FOUR, members, 95, 100, NAMING_C)).toBe(members);
  });
});

describe('return', () => {
  const OUT = follow(FOUR, ALL, 1, K, NAMING_C);
  const LET_IN = [entry(0, 0b0100), entry(0, 0b0100), null, entry(0, 0b0100)];

  test('on f+1 agreed requests, two ticks later', () => {
    const members = followVector(FOUR, OUT, 20, LET_IN);
    expect(activeMask(members, 21)).toBe(0b1011);
    expect(activeMask(members, 22)).toBe(0b1111);
    const one = [entry(0, 0b0100), entry(0), null, entry(0)];
    expect(followVector(FOUR, OUT, 20, one)).toBe(OUT);
  });

  test('on one where nobody lies', () => {
    const out = follow(CRASH, foundMembers(3, 0b111, 0), 1, K, [entry(0b100), entry(0b100), null]);
    expect(activeMask(out, 99)).toBe(0b011);
    expect(activeMask(followVector(CRASH, out, 20, [entry(0, 0b100), entry(0), null]), 22)).toBe(0b111);
  });

  test('whoever is excluded again soon stays out longer each time, up to a limit', () => {
    let members: readonly Member[] = ALL;
    let tick = 0;
    const times: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      while (members[2]?.status === 'active') members = followVector(FOUR, members, (tick += 1), NAMING_C);
      const since = tick;
      while (members[2]?.status === 'excluded') members = followVector(FOUR, members, (tick += 1), LET_IN);
      times.push(tick - since);
    }
    expect(times[0]).toBe(1);
    expect(times[1]).toBeGreaterThanOrEqual(4);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[5]).toBe(times[4]);
    expect(times[5]).toBeLessThanOrEqual(10);
  });
});

test('a run begins with those that were there', () => {
  expect(activeMask(foundMembers(4, 0b1011, 7), 7)).toBe(0b1011);
});
