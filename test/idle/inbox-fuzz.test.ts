/** 10⁵ random, truncated and bit-flipped streams at an inbox: nothing crashes, nothing passes, memory stays flat. */
import { Duplex } from 'node:stream';
import type net from 'node:net';
import v8 from 'node:v8';
import vm from 'node:vm';
import mqttPacket from 'mqtt-packet';
import { expect, test } from 'vitest';
import { EmbeddedInbox, type InboxMember } from '../../src/mqtt/embedded-inbox.js';
import { defaultMqttLimits } from '../../src/mqtt/inbox.js';
import { connectAs, connectMember, eventually, nowUs, silentLog } from '../support/mqtt-kit.js';

v8.setFlagsFromString('--expose_gc');
const collect = vm.runInNewContext('gc') as () => void;

/** A connection without a network, fed by hand. */
class FedSocket extends Duplex {
  readonly remoteAddress = 'fed';
  setNoDelay(): this {
    return this;
  }
  override _read(): void {
    // Fed by `feed`.
  }
  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
  }
  /** In pieces, as a network might. */
  feed(bytes: Buffer, random: () => number): void {
    let at = 0;
    while (at < bytes.length && !this.destroyed) {
      const end = random() < 0.7 ? bytes.length : at + 1 + Math.floor(random() * 40);
      this.emit('data', Buffer.from(bytes.subarray(at, end)));
      at = end;
    }
  }
}

/** A small generator with a seed, so that a failure can be had again. */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const width = 100;
const members: InboxMember[] = Array.from({ length: width }, (_, i) => ({
  id: `m${String(i)}`,
  kind: (['sender', 'operator', 'observer'] as const)[i % 3] ?? 'sender',
  purposes: ['round'],
  password: `pw-m${String(i)}`,
}));

function connectPacket(id: string, password: string): Buffer {
  return mqttPacket.generate(connectAs(id, password));
}

/** What a member may say, and what it may not, in one stream. */
function script(id: string): Buffer {
  const topic = `voteplane/rig/a/${id}/round`;
  const base = { cmd: 'publish' as const, retain: false, dup: false };
  return Buffer.concat([
    mqttPacket.generate({ ...base, topic, payload: Buffer.alloc(60, 7), qos: 0 }),
    mqttPacket.generate({
      cmd: 'subscribe',
      messageId: 3,
      subscriptions: [{ topic: 'voteplane/rig/a/#', qos: 0 }],
    }),
    mqttPacket.generate({ cmd: 'pingreq' }),
    mqttPacket.generate({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['voteplane/rig/a/#'] }),
    mqttPacket.generate({ ...base, topic, payload: Buffer.alloc(200, 9), qos: 0 }),
    mqttPacket.generate({ ...base, topic, payload: Buffer.alloc(20, 9), qos: 1, messageId: 5 }),
    mqttPacket.generate({ cmd: 'pubrel', messageId: 5 }),
    mqttPacket.generate({ cmd: 'disconnect' }),
  ]);
}

function mutate(bytes: Buffer, random: () => number): Buffer {
  const kind = random();
  if (kind < 0.25)
    return Buffer.from(Array.from({ length: Math.floor(random() * 120) }, () => Math.floor(random() * 256)));
  const copy = Buffer.from(bytes);
  if (kind < 0.5) return copy.subarray(0, Math.floor(random() * copy.length));
  const flips = 1 + Math.floor(random() * 8);
  for (let i = 0; i < flips; i += 1) {
    const at = Math.floor(random() * copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  }
  return kind < 0.9 ? copy : Buffer.concat([copy.subarray(Math.floor(random() * copy.length)), copy]);
}

test('100 000 streams', async () => {
  const random = makeRandom(20_240_601);
  let strange = 0;
  const inbox = new EmbeddedInbox({
    rigId: 'rig',
    owner: 'a',
    host: '127.0.0.1',
    port: 0,
    members,
    limits: { ...defaultMqttLimits, connectsPerSecond: 1e9, maxUnproved: 1e6, penaltyMs: 0 },
    nowUs,
    log: silentLog,
  });
  let lastFrom = '';
  inbox.onFrame((from, purpose, frame) => {
    lastFrom = from;
    if (purpose !== 'round' || !/^m\d+$/.test(from) || frame.length > defaultMqttLimits.maxFrameBytes)
      strange += 1;
  });
  await inbox.open();
  const scripts = members.map(({ id }) => script(id));
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const heaps: number[] = [];
  const rounds = 100_000 / width;
  let deliveredToLiars = 0;
  try {
    for (let round = 0; round < rounds; round += 1) {
      const sockets = members.map(() => new FedSocket());
      // Every second round nobody knows its password: then nothing at all may pass.
      const honest = round % 2 === 0;
      const before = inbox.counters().delivered;
      members.forEach(({ id, password }, i) => {
        const socket = sockets[i] as FedSocket;
        inbox.accept(socket as unknown as net.Socket);
        const connect = connectPacket(id, honest ? password : 'guess');
        if (honest) socket.feed(connect, random);
        else socket.feed(mutate(Buffer.concat([connect, scripts[i] ?? connect]), random), random);
      });
      for (let i = 0; i < 8; i += 1) await turn();
      if (honest) {
        members.forEach((_member, i) =>
          (sockets[i] as FedSocket).feed(mutate(scripts[i] ?? Buffer.alloc(0), random), random),
        );
        await turn();
      } else {
        deliveredToLiars += inbox.counters().delivered - before;
      }
      for (const socket of sockets) socket.destroy();
      await turn();
      if (round % (rounds / 10) === rounds / 10 - 1) {
        collect();
        heaps.push(process.memoryUsage().heapUsed / 2 ** 20);
      }
    }
    expect(deliveredToLiars).toBe(0);
    expect(strange).toBe(0);
    const { refused, delivered } = inbox.counters();
    // The streams reached every kind of refusal that bytes alone can reach.
    expect(
      Object.entries(refused)
        .filter(([, count]) => count > 0)
        .map(([cause]) => cause),
    ).toEqual(
      expect.arrayContaining([
        'malformed',
        'oversize',
        'credentials',
        'order',
        'quality',
        'topic',
        'subscription',
      ]),
    );
    expect(delivered).toBeGreaterThan(10_000);
    // Flat: from the second tenth to the last.
    expect((heaps.at(-1) ?? 0) - (heaps[1] ?? 0)).toBeLessThan(4);
    // And it still serves.
    const live = await connectMember(inbox.address().port, 'm0');
    lastFrom = '';
    live.publish('voteplane/rig/a/m0/round', 'alive');
    await eventually('the frame', () => lastFrom === 'm0');
    live.end();
  } finally {
    await inbox.close();
  }
});
