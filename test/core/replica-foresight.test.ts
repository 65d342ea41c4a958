/** Replicas that command on what they foresee after round 1, and what they do where it comes otherwise. */
import { describe, expect, test } from 'vitest';
import type { Foresight } from '../../src/core/replica.js';
import type { Hypothesis, RoundMessage } from '../../src/core/types.js';
import {
  findDisagreements,
  findUnsafeOutputs,
  Lockstep,
  type LockstepOptions,
  type Seen,
} from '../support/lockstep.js';
import { decodeEntry, encodeEntry } from '../support/toy-codec.js';

const MAC1: Hypothesis = { kind: 'byzantine', f: 1, authenticators: 'mac' };
const FORESIGHT = { processingUs: 1_000, relayAtUs: 1_000 };
const ALL = [0, 1, 2, 3];

function fly(changes: Partial<LockstepOptions> = {}, ticks = 30): Lockstep {
  return new Lockstep({ n: 4, hypothesis: MAC1, foresight: FORESIGHT, ...changes }).startAll().runTo(ticks);
}

/** How long after the start of its tick each output came, µs. */
function outputDelays(world: Lockstep): number[] {
  return world.voterEvents.flatMap(({ atUs, effect }) =>
    effect.kind === 'output' ? [atUs - effect.tick * world.timing.periodUs] : [],
  );
}

/** What replica 0 does in a tick, in order: `1>2` is a message of round 1 to replica 2, `command` a command. */
function listSends(changes: Partial<LockstepOptions>, ticks = 20): string[] {
  const sends: string[] = [];
  fly(
    {
      ...changes,
      watch: (seen: Seen) => {
        if (seen.kind !== 'replica' || seen.replica !== 0) return;
        const inTick = seen.atUs - (ticks - 1) * 50_000;
        for (const effect of seen.effects) {
          if (inTick < 0) continue;
          if (effect.kind === 'command') sends.push(`command at ${inTick}`);
          if (effect.kind === 'report' && effect.report.kind === 'stepped') sends.push(`step at ${inTick}`);
          if (effect.kind === 'send' && effect.message.kind === 'round')
            sends.push(`${effect.message.round}>${effect.to} at ${inTick}`);
        }
      },
    },
    ticks,
  );
  return sends;
}

/** What replica `from` says of itself in round 1 is off by `offset`. */
function alter(message: RoundMessage, offset: number): RoundMessage {
  return {
    ...message,
    items: message.items.map((item) => {
      const entry = item.value === null ? null : decodeEntry(item.value);
      if (entry === null) return item;
      const readings = entry.readings.map((one) => (typeof one === 'number' ? one + offset : one));
      return { ...item, value: encodeEntry({ ...entry, readings }) };
    }),
  };
}

describe('without faults', () => {
  test('outputs leave one delay earlier, and are the same', () => {
    const plain = new Lockstep({ n: 4, hypothesis: MAC1 }).startAll().runTo(30);
    const world = fly();
    expect(world.voted('output').map(({ tick, count }) => ({ tick, count }))).toEqual(
      plain.voted('output').map(({ tick, count }) => ({ tick, count })),
    );
    const [first] = outputDelays(plain);
    expect(outputDelays(world).every((us) => us === (first as number) - 500)).toBe(true);
    expect(findDisagreements(world, ALL)).toEqual([]);
    expect(findUnsafeOutputs(world, ALL)).toEqual([]);
  });

  test('each replica commands once a tick, and steps when the last round has confirmed it', () => {
    const world = fly();
    const stepped = world.reported('stepped', 2);
    expect(stepped.length).toBeGreaterThan(15);
    for (const { atUs, report } of stepped) {
      expect(report.foreseenUs).not.toBeNull();
      expect(report.foreseenUs as number).toBeLessThan(atUs);
      const sent = world.commands.filter(
        ({ replica, command }) => replica === 2 && command.tick === report.tick,
      );
      expect(sent.map(({ command }) => command)).toEqual(report.commands);
    }
  });

  test('the command leaves first, and relays after it when they have made way', () => {
    const sends = listSends({});
    expect(sends).toEqual([
      ...['1>1', '1>2', '1>3'].map((one) => `${one} at 100`),
      'command at 600',
      ...['2>1', '2>2', '2>3'].map((one) => `${one} at 1000`),
      'step at 1500',
    ]);
  });
});

test('relays do not wait when all those of others are there: nothing else is waited for', () => {
  // Replica 0 alone foresees, the others relay at once.
  const foresight = (replica: number): Foresight | undefined =>
    replica === 0 ? { ...FORESIGHT, relayAtUs: 2_000 } : undefined;
  expect(listSends({ foresight }).slice(3)).toEqual([
    'command at 600',
    ...['2>1', '2>2', '2>3'].map((one) => `${one} at 1100`),
    'step at 1100',
  ]);
});

test('whoever foresees late relays at once', () => {
  const sends = listSends({
    delayUs: ({ to }, message) => (to === 0 && message.kind === 'round' && message.round === 1 ? 1_300 : 500),
  });
  expect(sends.slice(3)).toEqual([
    'command at 1400',
    ...['2>1', '2>2', '2>3'].map((one) => `${one} at 1400`),
    'step at 1500',
  ]);
});

test('with too little of round 1 left nothing is foreseen, and relays leave at once', () => {
  const delayUs = 15_000 - 100 - FORESIGHT.processingUs;
  const slow = (us: number): Partial<LockstepOptions> => ({
    delayUs: (_, message) => (message.kind === 'round' && message.round === 1 ? us : 500),
  });
  const inTime = listSends(slow(delayUs));
  expect(inTime.filter((one) => one.startsWith('c'))).toEqual([`command at ${delayUs + 100}`]);
  const late = listSends(slow(delayUs + 1));
  const at = delayUs + 101;
  expect(late.slice(3)).toEqual([
    ...['2>1', '2>2', '2>3'].map((one) => `${one} at ${at}`),
    `command at ${at + 500}`,
    `step at ${at + 500}`,
  ]);
});

test('two who were told something else command again on what was decided, and nobody else is believed', () => {
  const world = fly({
    liars: [3],
    interpose: (message, { from, to }) =>
      from === 3 && message.kind === 'round' && message.round === 1 && message.tick >= 20
        ? [alter(message, to)]
        : [message],
    // Between commands on what was foreseen there is no majority.
    interposeCommand: (command, from) => (from === 3 && command.tick >= 20 ? [] : [command]),
  });
  const correct = [0, 1, 2];
  expect(findDisagreements(world, correct)).toEqual([]);
  expect(findUnsafeOutputs(world, correct)).toEqual([]);
  expect(world.voted('output').at(-1)?.tick).toBe(29);
  expect(world.voted('missed')).toEqual([]);
  for (const replica of correct) {
    const sent = world.commands.filter((one) => one.replica === replica && one.command.tick === 25);
    expect(sent).toHaveLength(2);
    expect(sent[0]?.command.basis).not.toEqual(sent[1]?.command.basis);
    expect(world.reported('stepped', replica).at(-1)?.report.foreseenUs).toBeNull();
  }
  // They had not lied, and are not told to have.
  expect(world.voted('dissent').filter(({ from }) => from !== 3)).toEqual([]);
});

test('who told two the same is believed in what it told them, and the third steps that too', () => {
  const world = fly({
    liars: [3],
    interpose: (message, { from, to }) =>
      from === 3 && message.kind === 'round' && message.round === 1 && message.tick >= 20
        ? [alter(message, to === 1 ? 3 : 1)]
        : [message],
    // It goes along with the two, and completes their majority before round 2.
    interposeCommand: (command, from) => (from === 3 && command.tick >= 20 ? [] : [command]),
  });
  expect(findDisagreements(world, [0, 1, 2])).toEqual([]);
  expect(findUnsafeOutputs(world, [0, 1, 2])).toEqual([]);
  expect(world.voted('missed')).toEqual([]);
  const count = (replica: number): number =>
    world.commands.filter((one) => one.replica === replica && one.command.tick === 25).length;
  expect([count(0), count(1), count(2)]).toEqual([1, 2, 1]);
});

test('a dead replica keeps nobody from anything: before it is excluded nothing is foreseen, then without it', () => {
  const world = fly({}, 15);
  world.kill(3);
  world.runTo(30);
  expect(world.voted('missed')).toEqual([]);
  expect(findUnsafeOutputs(world, [0, 1, 2])).toEqual([]);
  const stepped = world.reported('stepped', 0).map(({ report }) => report);
  expect(stepped.find(({ tick }) => tick === 16)?.foreseenUs).toBeNull();
  expect(stepped.at(-1)?.foreseenUs).not.toBeNull();
});

test('a voter that takes the mid value hears what is decided, not what is foreseen', () => {
  const world = fly({
    actuators: [{ rearm: 'auto', takesMidValue: true }],
    voter: { vote: { kind: 'mid-value', quorum: 3 } },
  });
  const stepped = world.reported('stepped', 0).at(-1);
  expect(stepped?.report.foreseenUs).not.toBeNull();
  expect(world.voted('missed')).toEqual([]);
  expect(outputDelays(world)).toEqual(
    outputDelays(fly({ actuators: [{ rearm: 'auto', takesMidValue: true }] })).map(() => 2_000),
  );
});

test('no other rig names a vector in its commands', () => {
  for (const [n, hypothesis] of [
    [3, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
    [3, { kind: 'crash', f: 1 }],
    [7, { kind: 'byzantine', f: 2, authenticators: 'mac' }],
  ] as const) {
    const world = new Lockstep({ n, hypothesis, foresight: FORESIGHT }).startAll().runTo(20);
    expect(world.commands.length).toBeGreaterThan(10);
    expect(world.commands.filter(({ command }) => command.basis !== undefined)).toEqual([]);
  }
});
