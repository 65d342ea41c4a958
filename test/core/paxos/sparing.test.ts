/**
 * A leader under load (src/core/paxos/sparing.ts): it asks one follower alone, tells the other what was chosen, and proposes together
 * what came while something was under way. Not under load it asks both, and a follower that does not answer is not relied on.
 */
import { describe, expect, test } from 'vitest';
import type { PaxosConfig } from '../../../src/core/paxos/types.js';
import { DELAY_US, PaxosWorld, type Letter } from '../../support/paxos-world.js';

const LEADER = 0;
/** Between two requests: 40 in 10 ms. */
const QUICKLY_US = 250;

function leading(changes: Partial<PaxosConfig> = {}): PaxosWorld {
  const world = new PaxosWorld(3, { busySlots: 20, ...changes });
  expect(world.run(1_000_000, () => world.leader() === LEADER)).toBe(true);
  return world;
}

/** Asks the leader `count` times; the first sequence is `from`. */
function ask(world: PaxosWorld, count: number, everyUs: number, from = 1): void {
  for (let sequence = from; sequence < from + count; sequence += 1) {
    world.request(LEADER, 'client', sequence, `value ${sequence}`);
    world.run(everyUs);
  }
}

/** Clients who ask the leader again a little after they were answered; how many slots it proposed at a time. */
function askAgainAndAgain(world: PaxosWorld, clients: number, forUs: number): number[] {
  const untilUs = world.nowUs + forUs;
  const asked = new Map<string, number>();
  const ask = (client: string): void => {
    const sequence = (asked.get(client) ?? 0) + 1;
    asked.set(client, sequence);
    world.request(LEADER, client, sequence, `${client} ${sequence}`);
  };
  world.sent.length = 0;
  world.answers.length = 0;
  const run = `run ${world.nowUs}`;
  for (let client = 0; client < clients; client += 1) ask(`${run} ${client}`);
  const isAnswered = (): boolean => world.answers.length > 0;
  while (world.nowUs < untilUs) {
    if (!world.run(untilUs - world.nowUs, isAnswered)) break;
    const again = world.answers.splice(0);
    world.run(DELAY_US / 2);
    for (const { client, sequence } of again) if (asked.get(client) === sequence) ask(client);
  }
  const batches = new Map<number, Set<number>>();
  for (const { message, dueUs } of world.sent)
    if (message.kind === 'propose')
      batches.set(dueUs, (batches.get(dueUs) ?? new Set<number>()).add(message.slot));
  return [...batches.values()].map(({ size }) => size);
}

const proposalsTo = (letters: readonly Letter[], to: number): number[] =>
  letters.flatMap(({ message, to: receiver }) =>
    message.kind === 'propose' && receiver === to ? [message.slot] : [],
  );

const answered = (world: PaxosWorld): number[] => [...new Set(world.answers.map(({ sequence }) => sequence))];

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe('a leader of three under load', () => {
  test('asks one follower alone, who answers; the other learns what was chosen', () => {
    const world = leading();
    ask(world, 100, QUICKLY_US);
    world.sent.length = 0;
    world.answers.length = 0;
    ask(world, 100, QUICKLY_US, 101);
    expect(proposalsTo(world.sent, 1).length).toBeGreaterThan(90);
    expect(proposalsTo(world.sent, 2)).toEqual([]);
    expect(world.answers.every(({ from }) => from === 1)).toBe(true);
    // It is told before it asks.
    expect(world.sent.filter(({ message }) => message.kind === 'fetch')).toEqual([]);
    // The last ones wait for those before them to be acknowledged, and then as long as two batches take for others; they are
    // acknowledged themselves, and are told.
    world.run((2 + 4 + 3) * DELAY_US);
    expect(world.device(2).state.prefix).toBe(200);
    world.run(100_000);
    // Each of these once: nobody else answers.
    const answers = world.answers.filter(({ sequence }) => sequence > 100);
    expect(answers.map(({ sequence }) => sequence)).toEqual(upTo(200).slice(100));
    expect(world.device(2).executed).toEqual(upTo(200).map((sequence) => `value ${sequence}`));
    expect(world.disagreements()).toEqual([]);
  });

  test('proposes together what came while something was under way', () => {
    const world = leading();
    ask(world, 100, QUICKLY_US);
    world.sent.length = 0;
    ask(world, 100, QUICKLY_US, 101);
    const began = new Map<number, number[]>();
    for (const { message, dueUs } of world.sent)
      if (message.kind === 'propose') began.set(dueUs, [...(began.get(dueUs) ?? []), message.slot]);
    // A proposal and its acknowledgement take two delays: eight requests come meanwhile, for two batches.
    const perTrip = (2 * DELAY_US) / QUICKLY_US;
    expect(began.size).toBeLessThanOrEqual((2 * 100) / perTrip + 2);
  });

  test('waits for those who were answered and ask again', () => {
    const world = leading();
    const batches = askAgainAndAgain(world, 16, 100_000);
    // Once it is under load, and knows how many they are.
    expect(new Set(batches.slice(20, -1))).toEqual(new Set([16]));
    expect(batches.length).toBeGreaterThan(40);
  });

  test('does not wait for those who stay away', () => {
    const world = leading();
    askAgainAndAgain(world, 16, 50_000);
    const batches = askAgainAndAgain(world, 12, 50_000);
    expect(new Set(batches.slice(2))).toEqual(new Set([12]));
    // A batch takes two delays: nobody waited for longer than two of them.
    expect(batches.length).toBeGreaterThan(10);
    world.answers.length = 0;
    world.run(100_000);
    world.request(LEADER, 'late', 1, 'value');
    world.run(3 * DELAY_US);
    expect(world.answers.map(({ client }) => client)).toContain('late');
  });

  test('one by one, it asks both', () => {
    const world = leading();
    ask(world, 30, 2_000);
    expect(proposalsTo(world.sent, 1)).toEqual(proposalsTo(world.sent, 2));
    expect(world.answers.map(({ from }) => from)).toContain(2);
  });

  test.each([
    ['nobody asks for a while', 100_000, 10_000],
    ['one client is left, who asks without a pause', 0, 1_000],
  ])('when %s, it asks both again', (_name, pauseUs, everyUs) => {
    const world = leading();
    ask(world, 100, QUICKLY_US);
    world.run(pauseUs);
    ask(world, 30, everyUs, 101);
    world.sent.length = 0;
    ask(world, 10, everyUs, 131);
    expect(proposalsTo(world.sent, 1)).toEqual(proposalsTo(world.sent, 2));
    expect(proposalsTo(world.sent, 2)).toHaveLength(10);
  });

  test.each([1, 2])('a follower that stops, %i, holds up nobody for long', (dead) => {
    const world = leading();
    ask(world, 100, QUICKLY_US);
    world.stop(dead);
    ask(world, 200, QUICKLY_US, 101);
    const { retryUs } = world.device(LEADER).config;
    world.run(2 * retryUs);
    expect(answered(world)).toEqual(upTo(300));
    // Asked for longer than that, only the one that is left answers, at once.
    world.answers.length = 0;
    world.request(LEADER, 'client', 301, 'value 301');
    world.run(3 * DELAY_US);
    expect(answered(world)).toEqual([301]);
  });

  test('what was voted for by one follower alone outlives the leader', () => {
    const world = leading();
    ask(world, 100, QUICKLY_US);
    // The third device knows nothing of the last ones.
    world.delay = ({ to, message }) => (to === 2 && message.kind !== 'beat' ? null : DELAY_US);
    ask(world, 20, QUICKLY_US, 101);
    world.run(10 * DELAY_US);
    expect(answered(world)).toEqual(upTo(120));
    const known = world.device(2).state.prefix;
    expect(known).toBeLessThan(world.device(1).state.prefix);
    world.stop(LEADER);
    world.delay = () => DELAY_US;
    expect(world.run(1_000_000, () => world.device(2).executed.length === 120)).toBe(true);
    expect(world.device(2).executed).toEqual(upTo(120).map((sequence) => `value ${sequence}`));
    expect(world.disagreements()).toEqual([]);
  });

  test('a group that cannot do with one answer asks all', () => {
    const world = new PaxosWorld(5, { busySlots: 20 });
    expect(world.run(1_000_000, () => world.leader() === LEADER)).toBe(true);
    ask(world, 100, QUICKLY_US);
    for (const follower of [2, 3, 4])
      expect(proposalsTo(world.sent, follower)).toEqual(proposalsTo(world.sent, 1));
  });
});
