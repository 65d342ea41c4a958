import { describe, expect, test } from 'vitest';
import type { PeerMessage, RoundMessage } from '../../src/core/types.js';
import { FaultInjector } from '../../src/faults/injector.js';
import { MUTATIONS } from '../../src/faults/mutate.js';
import { toHex } from '../../src/core/bytes.js';
import { findDisagreements, findUnsafeOutputs, Lockstep } from '../support/lockstep.js';
import { decodeEntry, encodeEntry } from '../support/toy-codec.js';
import { Bench, makeRig, makeRound1, makeRound2, ManualClock } from './support.js';

const MANY = 200;

/** Sends round 2 of many ticks to a and b and gives what they are told of each. */
function tellMany(fault: string, seed = 'seed'): { readonly bench: Bench; readonly told: RoundMessage[] } {
  const bench = new Bench(makeRig(), 2, { seed });
  bench.strike(fault);
  for (let tick = 1; tick <= MANY; tick += 1) {
    for (const to of [0, 1]) bench.peers.send(to, { ...makeRound2(to), tick });
  }
  return { bench, told: bench.messages.map(({ message }) => message as RoundMessage) };
}

/** What is different from what an honest replica tells `to` in that tick. */
function compare(said: RoundMessage, to: number): string[] {
  const honest = makeRound2(to);
  const different: string[] = [];
  if (said.round !== honest.round) different.push('round');
  if (said.items.length < honest.items.length) different.push('omit-item');
  said.items.forEach((item, at) => {
    const expected = honest.items[at];
    if (expected === undefined || said.items.length < honest.items.length) return;
    if (item.path.join() !== expected.path.join()) different.push('path');
    if (item.value === null) different.push('absent');
    else if (toHex(item.value) !== toHex(expected.value ?? new Uint8Array(0))) different.push('value');
  });
  return different;
}

describe('mutate', () => {
  test.each([
    ['round', 'round'],
    ['value', 'value'],
    ['absent', 'absent'],
    ['path', 'path'],
    ['omit-item', 'omit-item'],
  ])('%s: one thing in each message is wrong, and nothing else', (kind, expected) => {
    const { bench, told } = tellMany(`mutate on c p=1 kinds=${kind}`);
    expect(told).toHaveLength(2 * MANY);
    const differences = told.map((message, at) => compare(message, at % 2));
    // A hop may be bent to where it led.
    const least = kind === 'path' ? 2 * MANY * 0.6 : 2 * MANY;
    expect(differences.filter((one) => one.join() === expected).length).toBeGreaterThanOrEqual(least);
    expect(differences.every((one) => one.length <= 1)).toBe(true);
    expect(bench.affected).toBeGreaterThan(MANY);
  });

  test('tick: one to either side', () => {
    const { told } = tellMany('mutate on c p=1 kinds=tick');
    const off = told.map((message, at) => message.tick - (Math.floor(at / 2) + 1));
    expect(new Set(off)).toEqual(new Set([-1, 1]));
  });

  test('omit-message: nothing is said; with p as often as it says', () => {
    expect(tellMany('mutate on c p=1 kinds=omit-message').told).toEqual([]);
    const { told } = tellMany('mutate on c p=0.25 kinds=omit-message');
    expect(told.length).toBeGreaterThan(2 * MANY * 0.6);
    expect(told.length).toBeLessThan(2 * MANY * 0.9);
  });

  test('replay: what the same receiver was told before', () => {
    const { told } = tellMany('mutate on c p=1 kinds=replay');
    for (const [at, message] of told.entries()) {
      if (at < 2) continue;
      expect(message.tick).toBeLessThan(Math.floor(at / 2) + 1);
      expect(compare(message, at % 2)).toEqual([]);
    }
  });

  test('other: what another receiver was told in that round', () => {
    const { told } = tellMany('mutate on c p=1 kinds=other');
    const foreign = told.filter((message, at) => compare(message, at % 2).length > 0);
    expect(foreign.length).toBeGreaterThan(MANY);
    for (const [at, message] of told.entries()) {
      if (compare(message, at % 2).length > 0) expect(compare(message, 1 - (at % 2))).toEqual([]);
    }
  });

  test('receivers of the same message are told different things; the same seed tells the same', () => {
    const bench = new Bench();
    bench.strike('mutate on c p=1 kinds=value');
    const message = makeRound1();
    for (const to of [0, 1, 3]) bench.peers.send(to, message);
    const values = bench.messages.map(({ message: said }) =>
      said.kind === 'round' ? toHex(said.items[0]?.value ?? new Uint8Array(0)) : '',
    );
    expect(new Set(values).size).toBeGreaterThan(1);
    expect(message).toEqual(makeRound1());
    expect(tellMany('mutate on c').told).toEqual(tellMany('mutate on c').told);
    expect(tellMany('mutate on c').told).not.toEqual(tellMany('mutate on c', 'another').told);
  });

  test('what belongs to no round, and other links, are left alone', () => {
    const bench = new Bench();
    bench.strike('mutate on c>b p=1 kinds=omit-message');
    const request: PeerMessage = { kind: 'state-request', digest: new Uint8Array(16), offset: 0 };
    bench.peers.send(1, request);
    bench.peers.send(0, makeRound1());
    bench.peers.send(1, makeRound1());
    expect(bench.messages.map(({ to }) => to)).toEqual([1, 0]);
  });

  test('kinds that there are not are refused with those that there are', () => {
    expect(new Bench().injector.handle('mutate on c kinds=round,path-3 at 1')).toMatchObject({
      ok: false,
      what: 'mutate: kinds=round,path-3 cannot be',
      cure: `kinds is a list of ${MUTATIONS.join(', ')}`,
    });
  });
});

describe('every word of a replica may be mutated', () => {
  test.each([
    ['four replicas, MACs', 4, { kind: 'byzantine', f: 1, authenticators: 'mac' }],
    ['three replicas, signatures', 3, { kind: 'byzantine', f: 1, authenticators: 'signature' }],
  ] as const)('%s: the others agree and the actuator stays right', (_, n, hypothesis) => {
    const correct = [0, 1, 3].slice(0, n - 1);
    for (let seed = 1; seed <= 6; seed += 1) {
      const rig = makeRig({
        hypothesis,
        replicas: makeRig().replicas.slice(0, n),
        sensors: makeRig().sensors.slice(0, 1),
      });
      const injector = new FaultInjector({
        rig,
        self: 2,
        seed,
        clock: new ManualClock(),
        host: { kill: () => {}, stall: () => {}, killBroker: () => {} },
        encodeEntry,
        decodeEntry,
        onEvent: () => {},
      });
      let said: PeerMessage[] = [];
      const peers = injector.wrapPeers({ send: (_to, message) => said.push(message) });
      injector.handle('mutate on c p=0.7 at 0');
      injector.onTick(0);
      const world = new Lockstep({
        n,
        hypothesis,
        liars: [2],
        interpose: (message, { from, to }) => {
          if (from !== 2) return [message];
          said = [];
          peers.send(to, message);
          return said;
        },
      })
        .startAll()
        .runTo(80);
      expect(injector.list()[0]?.affected).toBeGreaterThan(50);
      expect(findDisagreements(world, correct)).toEqual([]);
      expect(findUnsafeOutputs(world, correct)).toEqual([]);
      expect(world.steppedTicks(0).length).toBeGreaterThan(60);
      expect(world.voted('output').length).toBeGreaterThan(60);
    }
  });
});
