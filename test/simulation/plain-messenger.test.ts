/** What a messenger without bytes gives by fiat: names that nobody can take, freshness, and signatures. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RoundMessage } from '../../src/core/types.js';
import { Random } from '../../src/faults/random.js';
import type { Log, Principal, Purpose, Transport } from '../../src/ports.js';
import type { Messenger, ReceivedMessage } from '../../src/process/messenger.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { generateKeys } from '../../src/wire/keys.js';
import { RANK } from '../../src/simulation/event-queue.js';
import { Host, World } from '../../src/simulation/host.js';
import { Network, QUIET_NETWORK } from '../../src/simulation/network.js';
import { PlainWire } from '../../src/simulation/plain-messenger.js';

const pitch = (await loadRig(path.resolve('hardware/rigs/pitch'))).rig;
const signed = (await loadRig(path.resolve('hardware/rigs/signed-three'))).rig;
const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const random = new Random('keys');
const entropy = { bytes: (length: number): Uint8Array => random.nextBytes(length) };
const DIGESTS = { rig: new Uint8Array(32), law: new Uint8Array(32), arithmetic: new Uint8Array(32) };

interface Seat {
  readonly messenger: Messenger;
  readonly transport: Transport;
  readonly got: { readonly from: Principal; readonly message: ReceivedMessage }[];
  /** Frames as they arrived. */
  readonly frames: { readonly from: Principal; readonly purpose: Purpose; readonly frame: Uint8Array }[];
  readonly established: Principal[];
}

class Bench {
  readonly world = new World();
  readonly network: Network;
  readonly wire: PlainWire;
  readonly seats = new Map<Principal, Seat>();

  constructor(readonly rig = pitch) {
    this.network = new Network(this.world, rig, QUIET_NETWORK, new Random('net'), {
      onSent: () => {},
      onTrouble: () => {},
    });
    this.wire = new PlainWire(
      rig,
      rig.replicas.map((_, at) => 1_000 + at),
    );
    for (const { id } of rig.replicas) this.boot(id);
    this.run(1_000_000);
  }

  boot(id: Principal): Seat {
    const { rig, network, world } = this;
    const host = new Host(world);
    host.boot();
    const base = network.attach(id, host);
    const seat: Pick<Seat, 'got' | 'frames' | 'established'> = { got: [], frames: [], established: [] };
    const transport: Transport = {
      ...base,
      onFrame: (handler) =>
        base.onFrame((from, purpose, frame, atUs) => {
          seat.frames.push({ from, purpose, frame });
          handler(from, purpose, frame, atUs);
        }),
    };
    const keys = generateKeys(rig, entropy).find(({ principal }) => principal === id);
    if (keys === undefined) throw new Error(`no keys for ${id}`);
    const messenger = this.wire.open({
      rig,
      id,
      keys,
      digests: DIGESTS,
      transport,
      clock: host.clock,
      entropy,
      log: SILENT,
      events: {
        onMessage: (from, message) => seat.got.push({ from, message }),
        onEstablished: (peer) => seat.established.push(peer),
      },
    });
    messenger.start();
    const whole = { ...seat, messenger, transport };
    this.seats.set(id, whole);
    return whole;
  }

  seat(id: Principal): Seat {
    const seat = this.seats.get(id);
    if (seat === undefined) throw new Error(`nobody sits at ${id}`);
    return seat;
  }

  run(us: number): void {
    const untilUs = this.world.nowUs + us;
    this.world.at(untilUs, RANK.timer, () => {});
    while (this.world.nowUs < untilUs && this.world.advance());
  }
}

const roundOf = (items: RoundMessage['items'], tick = 5): RoundMessage => ({
  kind: 'round',
  tick,
  round: items[0]?.path.length === 1 ? 2 : 1,
  run: new Uint8Array(16),
  items,
});
const VALUE = new Uint8Array([1, 2, 3]);

describe('a messenger without bytes', () => {
  it('has a session with every peer and hands over the very message', () => {
    const bench = new Bench();
    const message = roundOf([{ path: [], value: VALUE }]);
    expect([...bench.seat('a').established].sort()).toEqual(['b', 'c', 'd']);
    expect(bench.seat('a').messenger.send('b', message)).toBe(true);
    bench.run(100_000);
    expect(bench.seat('b').got).toEqual([{ from: 'a', message }]);
  });

  it('opens nothing that was altered, made up, meant for another or sent under another name', () => {
    const bench = new Bench();
    const { network } = bench;
    bench.seat('a').messenger.send('b', roundOf([{ path: [], value: VALUE }]));
    bench.run(100_000);
    const frame = bench.seat('b').frames.at(-1)?.frame as Uint8Array;
    const altered = frame.slice();
    altered[0] = (altered[0] as number) ^ 1;
    network.sendAs('c', 'a', 'b', 'round', altered);
    network.sendAs('c', 'a', 'b', 'round', new Uint8Array(40));
    network.sendAs('b', 'a', 'c', 'round', frame);
    network.sendAs('c', 'c', 'b', 'round', frame);
    network.sendAs('c', 'a', 'b', 'command', frame);
    bench.run(100_000);
    expect(bench.seat('b').got).toHaveLength(1);
    expect(bench.seat('c').got).toHaveLength(0);
    expect(bench.seat('b').messenger.readRefused()).toEqual({ 'bad-authenticator': 4 });
    expect(bench.seat('c').messenger.readRefused()).toEqual({ 'bad-authenticator': 1 });
  });

  it('tells what comes again, and what was said to or by an earlier life', () => {
    const bench = new Bench();
    bench.seat('a').messenger.send('b', roundOf([{ path: [], value: VALUE }]));
    bench.run(100_000);
    const frame = bench.seat('b').frames.at(-1)?.frame as Uint8Array;
    bench.network.sendAs('a', 'a', 'b', 'round', frame);
    bench.run(100_000);
    expect(bench.seat('b').messenger.readRefused()).toEqual({ replayed: 1 });
    bench.network.detach('b');
    const reborn = bench.boot('b');
    bench.run(2_000_000);
    expect([...reborn.established].sort()).toEqual(['a', 'c', 'd']);
    bench.network.sendAs('a', 'a', 'b', 'round', frame);
    bench.run(100_000);
    expect(reborn.got).toHaveLength(0);
    expect(reborn.messenger.readRefused()).toEqual({ 'no-session': 1 });
    bench.seat('a').messenger.send('b', roundOf([{ path: [], value: VALUE }]));
    bench.run(100_000);
    expect(reborn.got).toHaveLength(1);
  });

  it('refuses a payload that no correct sender could have written', () => {
    const bench = new Bench();
    bench.seat('a').messenger.sendPayload('b', 'round', new Uint8Array(8));
    bench.run(100_000);
    expect(bench.seat('b').got).toHaveLength(0);
    expect(bench.seat('b').messenger.readRefused()).toEqual({ 'malformed-payload': 1 });
  });
});

describe('signatures without bytes', () => {
  const relay = (bench: Bench): RoundMessage => {
    bench.seat('a').messenger.send('b', roundOf([{ path: [], value: VALUE }]));
    bench.run(100_000);
    const got = bench.seat('b').got.at(-1)?.message as RoundMessage;
    const item = got.items[0];
    if (item?.proof === undefined) throw new Error('the value came without a signature');
    return roundOf([{ path: [0], value: VALUE, proof: item.proof }]);
  };

  it('go along with a value that is relayed as it came', () => {
    const bench = new Bench(signed);
    bench.seat('b').messenger.send('c', relay(bench));
    bench.run(100_000);
    expect(bench.seat('c').got).toHaveLength(1);
  });

  it.each<[string, (message: RoundMessage) => RoundMessage]>([
    [
      'another value',
      (message) => ({
        ...message,
        items: message.items.map((item) => ({ ...item, value: new Uint8Array([9]) })),
      }),
    ],
    ['another tick', (message) => ({ ...message, tick: message.tick + 1 })],
    ['another run', (message) => ({ ...message, run: new Uint8Array(16).fill(7) })],
    [
      'another commander',
      (message) => ({ ...message, items: message.items.map((item) => ({ ...item, path: [2] })) }),
    ],
    [
      'no signature',
      (message) => ({
        ...message,
        items: message.items.map(({ path: way, value }) => ({ path: way, value })),
      }),
    ],
  ])('do not hold for %s', (_, alter) => {
    const bench = new Bench(signed);
    bench.seat('b').messenger.send('c', alter(relay(bench)));
    bench.run(100_000);
    expect(bench.seat('c').got).toHaveLength(0);
    expect(bench.seat('c').messenger.readRefused()).toEqual({ 'bad-signature': 1 });
  });
});
