/**
 * P5: two proposers with interleaved ballots, every drop, every order of delivery, and a crash at every place,
 * exhaustively, within the first two ballots: never are two values chosen for a slot. How many worlds there are is
 * known and compared, so that a search that explores nothing fails. The same for a new rig whose stores are all empty, one
 * of which is lost at any time, and for one in which operators want one device alone. `VOTEPLANE_PAXOS_DEEP=1` searches further: more
 * crashes, and the messages that only hand on what is chosen.
 */
import { describe, expect, test } from 'vitest';
import { Explorer, type Budget, type Findings } from '../../support/paxos-explorer.js';

const DEEP = process.env['VOTEPLANE_PAXOS_DEEP'] === '1';
const TWO_BALLOTS = { maxBallot: 6, catchesUp: false, worlds: 2_000_000 };

function explore(explorer: Explorer, budget: Budget): Findings {
  const findings = explorer.explore(budget);
  console.log(
    `${findings.worlds} worlds, ${findings.transitions} steps, ${findings.chosenWorlds} with a choice`,
  );
  expect(findings.violation).toBeNull();
  return findings;
}

describe('P5  three replicas, 0 and 1 propose', () => {
  test('one proposer alone comes to one value', () => {
    const { worlds, outcomes } = explore(new Explorer({}), { ...TWO_BALLOTS, tries: [1, 0, 0], stops: 0 });
    expect(worlds).toBe(117);
    expect([...outcomes.keys()].sort()).toEqual(['', '1:a1']);
  });

  test('one proposer, and two crashes, of which any may take a vote whose proposal has left', () => {
    const { worlds, outcomes } = explore(new Explorer({}), { ...TWO_BALLOTS, tries: [1, 0, 0], stops: 2 });
    expect(worlds).toBe(957);
    expect([...outcomes.keys()].sort()).toEqual(['', '1:a1']);
  });

  test('two proposers, and one device that crashes anywhere', () => {
    const { worlds, outcomes } = explore(new Explorer({}), {
      ...TWO_BALLOTS,
      maxBallot: 3,
      tries: [1, 1, 0],
      stops: 1,
    });
    expect(worlds).toBe(1_037_414);
    expect([...outcomes.keys()].sort()).toEqual(['', '1:a1', '1:b1', '1:b1, 2:a1', '2:a1'].sort());
  });

  test.runIf(DEEP)('who lead again and again', () => {
    const { worlds } = explore(new Explorer({}), { ...TWO_BALLOTS, tries: [1, 1, 0], stops: 1 });
    expect(worlds).toBe(1_939_246);
  });
});

describe('P5  three replicas, 0 and 1 propose with their votes inside', () => {
  const create = (): Explorer => new Explorer({ proposesAhead: false });

  test('two proposers, and one device that crashes anywhere', () => {
    const { worlds, outcomes } = explore(create(), { ...TWO_BALLOTS, tries: [1, 1, 0], stops: 1 });
    expect(worlds).toBe(50_129);
    // Either one first, and the other in the next slot: both orders are there, and no third.
    expect([...outcomes.keys()].sort()).toEqual([
      '',
      '1:a1',
      '1:a1, 2:b1',
      '1:b1',
      '1:b1, 2:a1',
      '2:a1',
      '2:b1',
    ]);
  });

  test.runIf(DEEP)('with two crashes', () => {
    const { worlds } = explore(create(), { ...TWO_BALLOTS, tries: [1, 1, 0], stops: 2 });
    expect(worlds).toBe(98_287);
  });

  test.runIf(DEEP)('with catching up', () => {
    const { worlds } = explore(create(), {
      ...TWO_BALLOTS,
      catchesUp: true,
      tries: [1, 1, 0],
      stops: 1,
    });
    expect(worlds).toBe(256_588);
  });
});

describe('P5  two replicas that take each other for dead, and a witness', () => {
  const budget: Budget = { ...TWO_BALLOTS, maxBallot: 5, tries: [1, 0, 1], stops: 0 };
  const create = (proposesAhead: boolean): Explorer =>
    new Explorer({ witness: 1, proposesAhead }, { apart: true });

  test('each tries to go on alone: one of them does, or both together', () => {
    const { worlds, outcomes } = explore(create(true), budget);
    expect(worlds).toBe(56_811);
    // Alone, 0 executes a1 and 2 executes c1; what one executed alone, the other never replaces.
    expect([...outcomes.keys()].sort()).toEqual([
      '',
      '1:a1',
      '1:a1, 2:c1',
      '1:c1',
      '1:c1, 2:a1',
      '1:quorum 1',
      '1:quorum 1, 2:a1',
      '1:quorum 1, 2:quorum 101',
      '1:quorum 100',
      '1:quorum 100, 2:c1',
      '1:quorum 100, 2:quorum 101',
    ]);
  });

  test.runIf(DEEP)('with a crash', () => {
    expect(explore(create(false), { ...budget, stops: 1 }).worlds).toBe(193_394);
  });

  test.runIf(DEEP)('with catching up', () => {
    expect(explore(create(false), { ...budget, catchesUp: true }).worlds).toBe(158_483);
  });

  test.runIf(DEEP)('with a third ballot', () => {
    expect(explore(create(false), { ...budget, maxBallot: 6 }).worlds).toBe(573_352);
  });
});

describe('a new rig of three replicas, and any store lost at any time', () => {
  test('whoever forgot does not help to choose anything else', () => {
    const { worlds, outcomes } = explore(new Explorer({}, { isNew: true }), {
      ...TWO_BALLOTS,
      maxBallot: 3,
      tries: [1, 0, 0],
      stops: 0,
      wipes: 1,
    });
    expect(worlds).toBe(78_991);
    expect([...outcomes.keys()].sort()).toEqual(['', '1:a1']);
  });

  test.runIf(DEEP)('with a witness, and another who leads after the loss', () => {
    const { worlds } = explore(new Explorer({ witness: 1, proposesAhead: false }, { isNew: true }), {
      ...TWO_BALLOTS,
      maxBallot: 5,
      tries: [1, 0, 1],
      stops: 0,
      wipes: 1,
      heirs: [2],
    });
    expect(worlds).toBe(255_541);
  });
});

describe('two replicas and a witness, one of which operators want alone', () => {
  test('it goes on alone, whoever leads', () => {
    const { worlds, outcomes } = explore(new Explorer({ witness: 1 }, { wanted: 0b100 }), {
      ...TWO_BALLOTS,
      maxBallot: 5,
      tries: [1, 0, 1],
      stops: 0,
    });
    expect(worlds).toBe(20_612);
    expect([...outcomes.keys()].sort()).toEqual([
      '',
      '1:quorum 100',
      '1:quorum 100, 2:a1',
      '1:quorum 100, 2:a1, 3:c1',
      '1:quorum 100, 2:c1',
    ]);
  });
});
