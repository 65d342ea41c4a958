/**
 * Who leads: the lowest live replica, with a hold-down, in terms (fast, column 16). S3 is the textbook's election, ids
 * mirrored.
 */
import { describe, expect, test } from 'vitest';
import {
  createLeaderChoice,
  hear,
  hearLeader,
  liveLeader,
  look,
  shouldTry,
} from '../../../src/core/paxos/leader-choice.js';
import { nextBallot, ownerOf } from '../../../src/core/paxos/ballot.js';
import { PaxosWorld } from '../../support/paxos-world.js';

const TIMEOUTS = { n: 4, self: 1, silenceUs: 100, holdDownUs: 50 };

describe('ballots', () => {
  test('of replica i are ≡ i mod n, above all that were seen', () => {
    for (let n = 2; n <= 7; n += 1)
      for (let self = 0; self < n; self += 1)
        for (const above of [0, 1, n, 99, 2 ** 31]) {
          const ballot = nextBallot(above, self, n, 0) ?? 0;
          expect(ownerOf(ballot, n)).toBe(self);
          expect(ballot).toBeGreaterThan(above);
          expect(ballot - above).toBeLessThanOrEqual(n + 1);
        }
  });

  test('of a later incarnation lie beyond all of the earlier ones, and are used only by those who know of it', () => {
    const last = 2 ** 32 * 3 - 1;
    const early = nextBallot(last - 3, 2, 3, 0) ?? Infinity;
    expect(early).toBeLessThanOrEqual(last);
    expect(nextBallot(0, 2, 3, 1)).toBeGreaterThan(last);
    expect(nextBallot(last + 10, 2, 3, 0)).toBeNull();
  });
});

describe('who tries', () => {
  test('nobody while a leader is heard, then the lowest live one first, and the next only after a while', () => {
    const choice = createLeaderChoice(4, 0);
    hearLeader(choice, 3, 7, 1_000);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_100)).toBe(false);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_101)).toBe(true);
    expect(shouldTry(TIMEOUTS, choice, 0b0011, 1_101)).toBe(false);
    expect(shouldTry(TIMEOUTS, choice, 0b0011, 1_151)).toBe(true);
    expect(shouldTry(TIMEOUTS, choice, 0b0101, 9_999)).toBe(false);
  });

  test('nobody within the hold-down of a try', () => {
    const choice = createLeaderChoice(4, 0);
    choice.triedUs = 1_000;
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_050)).toBe(false);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_051)).toBe(true);
  });

  test('a pause longer than the silence begins anew how long a peer has been steady', () => {
    const choice = createLeaderChoice(4, 0);
    hear(TIMEOUTS, choice, 2, 10);
    hear(TIMEOUTS, choice, 2, 110);
    expect(choice.steadyUs[2]).toBe(10);
    hear(TIMEOUTS, choice, 2, 211);
    expect(choice.steadyUs[2]).toBe(211);
  });

  test('whoever stood still itself listens first, once for each leader that it heard', () => {
    const choice = createLeaderChoice(4, 0);
    hearLeader(choice, 3, 7, 1_000);
    for (let nowUs = 1_010; nowUs <= 1_050; nowUs += 10) look(TIMEOUTS, choice, nowUs);
    // It looks again, far too late: what the leader said meanwhile has not been read yet.
    look(TIMEOUTS, choice, 1_200);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_200)).toBe(false);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_225)).toBe(false);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_226)).toBe(true);
    // Nothing having been heard since, it does not wait a second time.
    look(TIMEOUTS, choice, 1_400);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_400)).toBe(true);
    hearLeader(choice, 3, 7, 1_410);
    look(TIMEOUTS, choice, 1_600);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, 1_600)).toBe(false);
  });

  test('where somebody taken for dead is heard again, everybody is waited for longer, for a while', () => {
    const choice = createLeaderChoice(4, 0);
    const isWaitedFor = (silentUs: number): boolean =>
      liveLeader(TIMEOUTS, choice, choice.leaderUs + silentUs) !== null;
    let nowUs = 1_000;
    const hearAfter = (silentUs: number): void => {
      nowUs += silentUs;
      hear(TIMEOUTS, choice, 3, nowUs);
      hearLeader(choice, 3, 7, nowUs);
    };
    hearAfter(0);
    expect([isWaitedFor(100), isWaitedFor(101)]).toEqual([true, false]);
    hearAfter(101);
    expect([isWaitedFor(200), isWaitedFor(201)]).toEqual([true, false]);
    expect(shouldTry(TIMEOUTS, choice, 0b0010, nowUs + 200)).toBe(false);
    hearAfter(300);
    hearAfter(400);
    expect([isWaitedFor(400), isWaitedFor(401)]).toEqual([true, false]);
    // That long is a restart, and no reason to wait.
    const { patience, patientUs } = choice;
    hearAfter(401);
    expect(choice).toMatchObject({ patience, patientUs });
    look(TIMEOUTS, choice, patientUs + 10_000);
    expect(choice.patience).toBe(4);
    look(TIMEOUTS, choice, patientUs + 10_001);
    expect([isWaitedFor(200), isWaitedFor(201)]).toEqual([true, false]);
    look(TIMEOUTS, choice, patientUs + 20_002);
    expect([isWaitedFor(100), isWaitedFor(101)]).toEqual([true, false]);
  });

  test('a leader of an earlier term leads nobody', () => {
    const choice = createLeaderChoice(4, 0);
    expect(hearLeader(choice, 2, 10, 100)).toBe(true);
    expect(hearLeader(choice, 1, 9, 200)).toBe(false);
    expect(liveLeader(TIMEOUTS, choice, 200)).toBe(2);
    expect(liveLeader(TIMEOUTS, choice, 201)).toBeNull();
  });
});

describe('S3  coulouris, the election of Fig. 15.8, lowest id first', () => {
  /**
   * p4 … p1 of the book are replicas 0 … 3, as the highest id there is the lowest here; a fifth makes two crashes
   * bearable.
   */
  function elect(): PaxosWorld {
    const world = new PaxosWorld(5);
    world.run(300_000, () => world.leader() === 0);
    return world;
  }

  test('p4 is dead, p1 notices, p3 dies before it announces itself: p2 leads', () => {
    const world = elect();
    world.stop(0);
    // p3 tries, and stops before anybody hears that it leads.
    expect(world.run(500_000, () => world.device(1).state.leadership !== null)).toBe(true);
    world.stop(1);
    expect(world.run(500_000, () => world.leader() >= 0)).toBe(true);
    expect(world.leader()).toBe(2);
    world.run(200_000);
    expect(world.devices.map(({ state }) => state.leadership?.phase === 'leads').slice(2)).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('a slow p3 that returns finds its term over: one leader stays', () => {
    const world = elect();
    const ballot = world.device(0).state.leadership?.ballot ?? 0;
    let slow = true;
    world.delay = (letter): number | null => (slow && letter.from === 0 ? null : 1_000);
    expect(
      world.run(500_000, () => world.leader() === 1 || world.device(1).state.leadership?.phase === 'leads'),
    ).toBe(true);
    slow = false;
    world.run(200_000);
    const leaders = world.devices.filter(({ state }) => state.leadership?.phase === 'leads');
    expect(leaders).toHaveLength(1);
    expect(leaders[0]?.config.self).toBe(1);
    expect(leaders[0]?.state.leadership?.ballot).toBeGreaterThan(ballot);
    world.request(0, 'c', 1, 'x');
    expect(world.answers.at(-1)?.outcome).toEqual({ kind: 'redirect', leader: 1 });
  });
});
