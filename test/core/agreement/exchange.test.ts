/** The rounds of a tick: what counts, what is late, when a round closes (protocol.md §3: early advance, overrun). */
import { beforeEach, describe, expect, test } from 'vitest';
import { Exchange, tickAt, tickStartUs } from '../../../src/core/agreement/exchange.js';
import { createFlooding } from '../../../src/core/agreement/flooding.js';
import { createOralMessages } from '../../../src/core/agreement/oral-messages.js';
import type { RelayItem, ReplicaIndex, RoundMessage, Tick } from '../../../src/core/types.js';
import { toBytes } from '../../support/toy-codec.js';

const TIMING = { periodUs: 50_000, roundUs: 15_000, graceUs: 2_000, epochUs: 0 };
const TICK = 4;
const START = TICK * TIMING.periodUs;
const RUN = new Uint8Array(16);

function say(tick: Tick, round: number, items: readonly RelayItem[] = []): RoundMessage {
  return { kind: 'round', tick, round, run: RUN, items };
}

function value(text: string): RelayItem {
  return { path: [], value: toBytes(text) };
}

let exchange: Exchange;

beforeEach(() => {
  exchange = new Exchange(createOralMessages(4, 1), TIMING, 4, 0, 1);
});

/** The messages of a whole round from the given peers. */
function holdRound(round: number, peers: readonly ReplicaIndex[], atUs: number, tick = TICK): void {
  for (const peer of peers) expect(exchange.hold(peer, say(tick, round), atUs)).toBe('held');
}

/** A tick before, in which the given peers were heard. */
function liveThrough(tick: Tick, peers: readonly ReplicaIndex[]): void {
  exchange.begin(tick, toBytes('own'));
  holdRound(1, peers, tickStartUs(TIMING, tick) + 100, tick);
  exchange.advance(tickStartUs(TIMING, tick) + TIMING.roundUs);
  holdRound(2, peers, tickStartUs(TIMING, tick) + TIMING.roundUs + 100, tick);
  exchange.advance(tickStartUs(TIMING, tick) + 2 * TIMING.roundUs);
}

describe('a round closes', () => {
  test('at once when every peer has spoken, and the next one begins', () => {
    exchange.begin(TICK, toBytes('own'));
    holdRound(1, [1, 2], START + 300);
    expect(exchange.isReady(START + 300)).toBe(false);
    holdRound(1, [3], START + 400);
    expect(exchange.isReady(START + 400)).toBe(true);
    expect(exchange.advance(START + 400)).toEqual({ begun: [2], absent: [], drops: [] });
    expect(exchange.isReady(START + 400)).toBe(false);
    holdRound(2, [1, 2, 3], START + 500);
    exchange.advance(START + 500);
    expect(exchange.result.kind).toBe('agreed');
    expect(exchange.nextDeadlineUs()).toBeNull();
    expect(exchange.isReady(START + 500)).toBe(false);
  });

  test('without whoever is not waited for: what it says does not count', () => {
    exchange.begin(TICK, toBytes('own'), 0b0111);
    expect(exchange.hold(3, say(TICK, 1, [value('x')]), START + 100)).toBe('excluded');
    holdRound(1, [1, 2], START + 300);
    expect(exchange.isReady(START + 300)).toBe(true);
  });

  test('at its deadline otherwise, whatever the round before did: nothing moves a deadline', () => {
    exchange.begin(TICK, toBytes('own'));
    expect(exchange.nextDeadlineUs()).toBe(START + 15_000);
    holdRound(1, [1, 2, 3], START + 300);
    exchange.advance(START + 300);
    expect(exchange.nextDeadlineUs()).toBe(START + 30_000);
    holdRound(2, [1, 2], START + 400);
    expect(exchange.advance(START + 29_999)).toEqual({ begun: [], absent: [], drops: [] });
    expect(exchange.advance(START + 30_000).absent).toEqual([{ round: 2, peer: 3 }]);
    expect(exchange.result.kind).toBe('agreed');
  });

  test('with what came early: a message waits for its round and its tick', () => {
    expect(exchange.hold(1, say(TICK, 2), START - 100)).toBe('held');
    expect(exchange.hold(1, say(TICK, 1), START - 90)).toBe('held');
    exchange.begin(TICK, toBytes('own'));
    holdRound(1, [2, 3], START + 100);
    holdRound(2, [2, 3], START + 200);
    expect(exchange.advance(START + 200).begun).toEqual([2]);
    expect(exchange.isReady(START + 200)).toBe(true);
    exchange.advance(START + 200);
    expect(exchange.result.kind).toBe('agreed');
  });

  test('in the order of the senders, not of the arrivals', () => {
    const decide = (order: readonly ReplicaIndex[]): unknown => {
      const one = new Exchange(createFlooding(4, 1), TIMING, 4, 0, 1);
      one.begin(TICK, toBytes('own'));
      for (const peer of order) one.hold(peer, say(TICK, 1, [value(`of ${peer}`)]), START + 100);
      one.advance(START + 100);
      // Two relayers contradict each other about replica 3; under `crash` nobody does, and yet nothing may depend on it.
      for (const peer of order)
        one.hold(peer, say(TICK, 2, [{ path: [(peer % 3) + 1], value: toBytes(`by ${peer}`) }]), START + 200);
      one.advance(START + 200);
      return one.result;
    };
    expect(decide([3, 1, 2])).toEqual(decide([1, 2, 3]));
  });
});

describe('a message is', () => {
  test('late once its round has closed, and after the grace in any case', () => {
    exchange.begin(TICK, null);
    holdRound(1, [1, 2], START + 100);
    exchange.advance(START + 15_000);
    expect(exchange.hold(3, say(TICK, 1), START + 15_001)).toBe('late');
    expect(exchange.hold(3, say(TICK, 2), START + 32_001)).toBe('late');
    expect(exchange.hold(3, say(TICK - 1, 2), START + 100)).toBe('late');
  });

  test('in time within the grace while the deadline has not been noticed', () => {
    exchange.begin(TICK, null);
    expect(exchange.hold(1, say(TICK, 1), START + 15_000)).toBe('held');
    expect(exchange.hold(2, say(TICK, 1), START + 17_000)).toBe('held');
    expect(exchange.hold(3, say(TICK, 1), START + 17_001)).toBe('late');
  });

  test('late after the tick was decided or given up', () => {
    exchange.abandon(TICK);
    expect(exchange.result).toEqual({ kind: 'none', cause: 'overslept' });
    expect(exchange.hold(1, say(TICK, 1), START + 100)).toBe('late');
    liveThrough(TICK + 1, [1, 2]);
    expect(exchange.result.kind).toBe('agreed');
    expect(exchange.hold(3, say(TICK + 1, 2), START + TIMING.periodUs + 30_001)).toBe('late');
  });

  test('from the future more than one tick ahead of the clock and of the tick under way', () => {
    expect(exchange.hold(1, say(TICK + 1, 1), START)).toBe('held');
    expect(exchange.hold(1, say(TICK + 2, 1), START)).toBe('future');
    expect(exchange.hold(1, say(TICK + 2, 1), START + TIMING.periodUs - 1)).toBe('future');
    expect(exchange.hold(1, say(Number.MAX_SAFE_INTEGER, 1), START)).toBe('future');
    exchange.begin(TICK + 1, null); // this clock was slow
    expect(exchange.hold(1, say(TICK + 2, 1), START)).toBe('held');
  });

  test('a duplicate when it says the same again, equivocation when it does not; the first one counts', () => {
    exchange.begin(TICK, null);
    expect(exchange.hold(1, say(TICK, 1, [value('v')]), START)).toBe('held');
    expect(exchange.hold(1, say(TICK, 1, [value('v')]), START)).toBe('duplicate');
    expect(exchange.hold(1, say(TICK, 1, [value('w')]), START)).toBe('equivocation');
    expect(exchange.hold(1, say(TICK, 1, [{ path: [], value: null }]), START)).toBe('equivocation');
    expect(exchange.hold(1, say(TICK, 1, []), START)).toBe('equivocation');
    expect(exchange.hold(1, say(TICK, 1, [{ path: [2], value: toBytes('v') }]), START)).toBe('equivocation');
    expect(exchange.hold(1, say(TICK, 1, [value('v'), value('v')]), START)).toBe('equivocation');
    expect(exchange.hold(2, say(TICK, 2, [{ path: [3], value: toBytes('v') }]), START)).toBe('held');
    expect(exchange.hold(2, say(TICK, 2, [{ path: [1], value: toBytes('v') }]), START)).toBe('equivocation');
    exchange.hold(2, say(TICK, 1, [value('x')]), START);
    exchange.hold(3, say(TICK, 1, [value('y')]), START);
    exchange.advance(START);
    expect(exchange.hold(1, say(TICK, 1, [value('w')]), START + 1)).toBe('equivocation');
    expect(exchange.relay(2, 2)).toEqual([
      { path: [1], value: toBytes('v') },
      { path: [3], value: toBytes('y') },
    ]);
  });

  test.each([0, -1, 3, 1.5, NaN, Infinity, 2 ** 40])('nothing in round %d', (round) => {
    exchange.begin(TICK, null);
    expect(exchange.hold(1, say(TICK, round), START)).toBe('round-out-of-range');
  });

  test.each([NaN, Infinity, -Infinity, TICK + 0.5, 1e308, 2 ** 53])('nothing in tick %d', (tick) => {
    exchange.begin(TICK, null);
    expect(exchange.hold(1, say(tick, 1), START)).toBe('tick-out-of-range');
  });
});

describe('memory', () => {
  test('holds the tick under way, the one of the clock and the one after it, whatever is said', () => {
    exchange.begin(TICK, null);
    const clockUs = START + 3 * TIMING.periodUs; // this replica was stopped for three ticks
    for (let tick = 0; tick < 1_000; tick += 1) {
      for (const fraction of [0, 0.25, 1 / 3]) exchange.hold(1, say(tick + fraction, 1), clockUs);
    }
    const { ahead } = exchange as unknown as { ahead: readonly { tick: Tick }[] };
    expect(ahead.map((one) => one.tick)).toEqual([TICK + 3, TICK + 4]);
  });

  test('what came early is forgotten when the run changes', () => {
    holdRound(1, [1, 2, 3], START - 100);
    exchange.forgetEarly();
    exchange.begin(TICK, null);
    expect(exchange.isReady(START + 100)).toBe(false);
    holdRound(1, [1, 2, 3], START + 100);
  });

  test('a message of two ticks ahead displaces nothing', () => {
    holdRound(1, [1, 2], START - 100);
    for (let tick = TICK + 1; tick < TICK + 50; tick += 1) exchange.hold(3, say(tick, 1), START - 50);
    exchange.begin(TICK, null);
    holdRound(1, [3], START + 100);
    expect(exchange.isReady(START + 100)).toBe(true);
  });
});

describe('a replica takes itself for the faulty one', () => {
  test('when it slept past a deadline with something new outstanding', () => {
    liveThrough(TICK - 1, [1, 2, 3]);
    exchange.begin(TICK, toBytes('own'));
    holdRound(1, [1, 2], START + 100);
    exchange.advance(START + 17_001);
    expect(exchange.result).toEqual({ kind: 'none', cause: 'overslept' });
    expect(exchange.nextDeadlineUs()).toBeNull();
  });

  test('not when it noticed the deadline within the grace', () => {
    liveThrough(TICK - 1, [1, 2, 3]);
    exchange.begin(TICK, toBytes('own'));
    holdRound(1, [1, 2], START + 100);
    expect(exchange.advance(START + 17_000).begun).toEqual([2]);
  });

  test('not when every message came in time: then the deadline decided nothing', () => {
    liveThrough(TICK - 1, [1, 2, 3]);
    exchange.begin(TICK, toBytes('own'));
    holdRound(1, [1, 2, 3], START + 100);
    exchange.advance(START + 40_000);
    holdRound(2, [1, 2, 3], START + 30_000);
    exchange.advance(START + 45_000);
    expect(exchange.result.kind).toBe('agreed');
  });

  test('not for a peer that was silent before: its silence is no news', () => {
    liveThrough(TICK - 1, [1, 2]);
    exchange.begin(TICK, toBytes('own'));
    holdRound(1, [1, 2], START + 100);
    expect(exchange.advance(START + 20_000)).toEqual({
      begun: [2],
      absent: [{ round: 1, peer: 3 }],
      drops: [],
    });
    expect(exchange.result.kind).toBe('pending');
  });

  test('for a peer that spoke in the tick before, if only too late', () => {
    liveThrough(TICK - 1, [1, 2]);
    expect(exchange.hold(3, say(TICK - 1, 2), START - 10)).toBe('late');
    exchange.begin(TICK, toBytes('own'));
    holdRound(1, [1, 2], START + 100);
    exchange.advance(START + 20_000);
    expect(exchange.result).toEqual({ kind: 'none', cause: 'overslept' });
  });

  test('when it misses more than f peers', () => {
    liveThrough(TICK - 1, [1, 2, 3]);
    exchange.begin(TICK, toBytes('own'));
    holdRound(1, [1], START + 100);
    const { absent } = exchange.advance(START + 15_000);
    expect(absent.map(({ peer }) => peer)).toEqual([2, 3]);
    expect(exchange.result).toEqual({ kind: 'none', cause: 'misses-too-many' });
  });
});

test('drops name the sender and the cause', () => {
  exchange.begin(TICK, toBytes('own'));
  exchange.hold(1, say(TICK, 1, [value('v'), value('w')]), START);
  exchange.hold(2, say(TICK, 1, [{ path: [1], value: toBytes('v') }]), START);
  exchange.hold(3, say(TICK, 1, []), START);
  expect(exchange.advance(START).drops).toEqual([
    { sender: 1, cause: 'path-twice' },
    { sender: 2, cause: 'path-length' },
  ]);
});

test('the grid of ticks', () => {
  const timing = { ...TIMING, epochUs: 7_000 };
  expect(tickStartUs(timing, 3)).toBe(157_000);
  expect(tickAt(timing, 156_999)).toBe(2);
  expect(tickAt(timing, 157_000)).toBe(3);
  expect(tickAt(timing, 6_999)).toBe(-1);
});
