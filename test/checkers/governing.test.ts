/** Two replicas and a witness: a good history passes, and a bad one for each rule of who may order is caught. */
import { describe, expect, test } from 'vitest';
import type { CheckedQuorum, CheckedRig } from '../../src/checkers/observations.js';
import { bytesOf, countAt, expire, outputOf, silence, starve, tell, type TickStory } from './history.js';

const AT = 30;
const CHANGE_TICKS = 6;
const BOTH = 0b11;
const A_ALONE = 0b01;

/** Slot 1 makes `a` the operational quorum, slot 2 both; nobody knows what comes after slot 8. */
function quorumAfter(slot: number): CheckedQuorum | null {
  if (slot > 8) return null;
  return slot < 1
    ? { members: BOTH, slot: 0 }
    : slot < 2
      ? { members: A_ALONE, slot: 1 }
      : { members: BOTH, slot: 2 };
}

const RIG: Partial<CheckedRig> = {
  replicas: ['a', 'b'],
  hypothesis: 'crash',
  f: 1,
  lagTicks: 5,
  witness: { id: 'w', changeTicks: CHANGE_TICKS, quorumAfter },
};

interface Changes {
  /** What the replica's vector states, by commander; null: absent. */
  readonly stated?: (tick: number, replica: number) => readonly (number | null)[] | undefined;
  readonly also?: (story: TickStory) => void;
  readonly ticks?: number;
  /** Whether a witness is there from the beginning. */
  readonly hasWitness?: boolean;
}

function fly({ stated, also, ticks = 60, hasWitness = true }: Changes = {}): string[] {
  const checkers = tell({
    rig: RIG,
    ticks,
    alter: (story) => {
      const { tick } = story;
      also?.(story);
      story.first.push((one) => {
        if (tick === 0 && hasWitness) one.onWitness(tick, null);
        for (const replica of [0, 1])
          if (story.vectors[replica] !== null)
            one.onPrefixes(
              replica,
              tick,
              stated?.(tick, replica) ??
                [0, 1].map((id) => (story.vectors[replica]?.[id] === null ? null : 0)),
            );
      });
    },
  });
  return checkers.violations.map(({ checker, rule, tick, who }) => `${tick} ${who}: ${checker} ${rule}`);
}

const at =
  (tick: number, alter: (story: TickStory) => void) =>
  (story: TickStory): void => {
    if (story.tick === tick) alter(story);
  };

/** The replica is gone from the tick on. */
function crash(story: TickStory, id: number, from: number): void {
  if (story.tick < from) return;
  if (story.tick === from) story.first.push((one) => one.onFaulty(id, from, 'omits'));
  silence(story, id);
}

test('a rig without a fault, and one order that comes before that of the other', () => {
  expect(fly()).toEqual([]);
  expect(fly({ also: at(AT, (story) => (story.commands = story.commands.slice(0, 1))) })).toEqual([]);
});

describe('who may order', () => {
  test('two orders for one tick are equal', () => {
    const also = at(AT, (story) => {
      story.commands = [0, 1].map((from) => ({ from, command: outputOf(AT, countAt(AT) + 5 * from) }));
    });
    expect(fly({ also })).toEqual([`${AT} b: governing §5 one order`]);
  });

  test('even outside the hypothesis, and not where somebody lies', () => {
    const differ = (fault: 'omits' | 'lies') => (story: TickStory) => {
      if (story.tick === AT - 5)
        for (const id of [0, 1]) story.first.push((one) => one.onFaulty(id, AT - 5, fault));
      if (story.tick === AT)
        story.commands = [0, 1].map((from) => ({ from, command: outputOf(AT, countAt(AT) + 5 * from) }));
    };
    expect(fly({ also: differ('omits'), ticks: AT + 6 })).toEqual([`${AT} b: governing §5 one order`]);
    expect(fly({ also: differ('lies'), ticks: AT + 6 })).toEqual([]);
  });

  test('one that the log has left out orders nothing', () => {
    const stated = (tick: number): readonly number[] | undefined => (tick === AT ? [1, 1] : undefined);
    expect(fly({ stated })).toContain(`${AT} b: governing §9 member`);
  });

  test('without an entry of another member, one orders only where that one does not', () => {
    const stated = (tick: number, replica: number): readonly (number | null)[] | undefined =>
      tick === AT && replica === 0 ? [0, null] : undefined;
    expect(fly({ stated })).toContain(`${AT} a: governing §5 operational quorum`);
    const also = at(AT, (story) => (story.commands = story.commands.slice(0, 1)));
    expect(fly({ stated, also })).toEqual([]);
  });

  test('whoever orders has a vector; one that stops does not tell of it any more', () => {
    const orderBlindly = at(AT, (story) => {
      story.vectors[1] = null;
      story.digests[1] = null;
    });
    expect(fly({ also: orderBlindly })).toContain(`${AT} b: governing §4 vector before order`);
    const die = (story: TickStory): void => {
      const { commands } = story;
      crash(story, 1, AT);
      if (story.tick !== AT) return;
      // It had spoken, and ordered; nobody hears what it made of it.
      story.commands = commands;
      for (const vector of story.vectors) if (vector !== null) vector[1] = bytesOf(AT, 1);
      story.proposed[1] = bytesOf(AT, 1);
    };
    expect(fly({ also: die, ticks: AT + CHANGE_TICKS })).toEqual([]);
  });

  test('never back to an older quorum', () => {
    const stated = (tick: number): readonly number[] => (tick < AT ? [2, 2] : [0, 0]);
    expect(fly({ stated, ticks: AT + 5 })).toContain(`${AT} a: governing §5 older quorum`);
  });

  test('the rules rest where nobody can know the quorum', () => {
    expect(fly({ stated: () => [9, 9] })).toEqual([]);
  });
});

describe('a replica beside one that is gone', () => {
  /** `b` crashes; `a` steps again after so many ticks. The voter trips meanwhile where it has to. */
  const alone = (ticks: number) => (story: TickStory) => {
    crash(story, 1, AT);
    if (story.tick < AT || story.tick >= AT + ticks) return;
    starve(story);
    story.vectors[0] = null;
    story.digests[0] = null;
    story.orders[0] = null;
  };

  test('owes no step while the operational quorum is being changed', () => {
    expect(fly({ also: alone(3) })).toEqual([]);
  });

  test('and steps afterwards', () => {
    expect(fly({ also: alone(CHANGE_TICKS + 1) })).toContain(`${AT + CHANGE_TICKS} a: liveness §3 decides`);
  });

  test('owes a step in every tick where the other is there', () => {
    const also = at(AT, (story) => {
      story.vectors[0] = null;
      story.digests[0] = null;
      story.orders[0] = null;
      story.commands = story.commands.filter(({ from }) => from === 1);
    });
    expect(fly({ also })).toContain(`${AT} a: liveness §3 decides`);
  });

  test('beside one that lingers it owes nothing: that is outside the hypothesis', () => {
    const also = (story: TickStory): void => {
      if (story.tick === AT) story.first.push((one) => one.onFaulty(1, AT, 'lingers'));
      if (story.tick < AT) return;
      starve(story);
      for (const id of [0, 1]) silence(story, id);
      if (story.tick === AT + 3) expire(story);
    };
    expect(fly({ also, ticks: AT + 12 })).toEqual([]);
  });
});

describe('a witness', () => {
  test('uses up one of the faulty: with a replica gone too the tick is outside', () => {
    const both = (story: TickStory): void => {
      if (story.tick === AT) story.first.push((one) => one.onWitness(AT, 'faulty'));
      crash(story, 1, AT);
      if (story.tick < AT) return;
      starve(story);
      silence(story, 0);
      if (story.tick === AT + 3) expire(story);
    };
    expect(fly({ also: both })).toEqual([]);
  });

  test('has to come back: all have to hear it within the bound', () => {
    expect(fly({ hasWitness: false, ticks: 17 })).toEqual(['11 w: liveness §6 comes back']);
    const also = (story: TickStory): void => {
      if (story.tick === AT) story.first.push((one) => one.onWitness(AT, 'faulty'));
      if (story.tick === AT + 5) story.first.push((one) => one.onWitness(AT + 5, 'away'));
    };
    expect(fly({ also, ticks: AT + 5 + 11 })).toEqual([]);
    expect(fly({ also, ticks: AT + 5 + 16 })).toEqual([`${AT + 5 + 11} w: liveness §6 comes back`]);
  });
});

test('a replica that operators have retired owes nothing until they want it again', () => {
  const retire =
    (admitAt: number) =>
    (story: TickStory): void => {
      if (story.tick === AT) story.first.push((one) => one.onRetired(1, AT, true));
      if (story.tick === admitAt) story.first.push((one) => one.onRetired(1, admitAt, false));
      if (story.tick >= AT) silence(story, 1);
    };
  expect(fly({ also: retire(Infinity), ticks: 90 })).toEqual([]);
  expect(fly({ also: retire(60), ticks: 90 })).toContain('72 b: liveness §6 comes back');
});

test('beside a witness an output without any order is caught', () => {
  const also = at(AT, (story) => {
    story.commands = [];
  });
  expect(fly({ also })).toContain(`${AT} elevator: actuator §5 majority`);
});
