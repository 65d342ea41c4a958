import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import {
  encodePublish,
  encodeTopic,
  isBrokerControl,
  isSubscribe,
  isUnsubscribe,
  readConnect,
  readTopic,
  takeFrame,
} from '../../src/mqtt/packet.js';

/** Body of a packet that mqtt-packet made: what follows the fixed header. */
function bodyOf(packet: mqttPacket.Packet): Buffer {
  const bytes = mqttPacket.generate(packet);
  let at = 1;
  while ((bytes[at] ?? 0) >= 0x80) at += 1;
  return bytes.subarray(at + 1);
}

const connect: mqttPacket.IConnectPacket = {
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  clientId: 'b',
  keepalive: 1,
  username: 'b',
  password: Buffer.from('secret'),
};

describe('CONNECT', () => {
  test('is read as mqtt-packet writes it', () => {
    const body = bodyOf(connect);
    expect(readConnect(body, 0, body.length)).toEqual({
      protocolLevel: 4,
      clean: true,
      will: false,
      keepaliveS: 1,
      clientId: 'b',
      username: 'b',
      password: Buffer.from('secret'),
    });
  });

  test('shows a will, a kept session and a missing password', () => {
    const body = bodyOf({
      ...connect,
      clean: false,
      password: undefined as never,
      will: { topic: 't', payload: Buffer.from('w'), qos: 0, retain: false },
    });
    expect(readConnect(body, 0, body.length)).toMatchObject({
      clean: false,
      will: true,
      username: 'b',
      password: null,
    });
  });

  test('cut anywhere, or with a byte more, it is malformed', () => {
    const body = bodyOf(connect);
    for (let end = 0; end < body.length; end += 1) expect(readConnect(body, 0, end)).toBeNull();
    expect(readConnect(Buffer.concat([body, Buffer.alloc(1)]), 0, body.length + 1)).toBeNull();
  });

  test.each([
    ['the reserved flag', 0x01],
    ['a will QoS without a will', 0x08],
    ['a retained will without a will', 0x20],
    ['a will QoS of 3', 0x1c],
  ])('%s is malformed', (_name, flag) => {
    const body = Buffer.from(bodyOf(connect));
    body[7] = (body[7] ?? 0) | flag;
    expect(readConnect(body, 0, body.length)).toBeNull();
  });

  test('a password without a username, U+0000 and broken UTF-8 are malformed', () => {
    const body = Buffer.from(
      bodyOf({ ...connect, username: undefined as never, password: undefined as never }),
    );
    body[7] = 0x42;
    expect(readConnect(Buffer.concat([body, Buffer.from([0, 1, 65])]), 0, body.length + 3)).toBeNull();
    for (const bad of [0x00, 0xff]) {
      const named = Buffer.from(bodyOf(connect));
      named[12] = bad;
      expect(readConnect(named, 0, named.length)).toBeNull();
    }
  });
});

test('SUBSCRIBE and UNSUBSCRIBE: well formed ones pass, cut ones and too many filters do not', () => {
  const filters = (count: number): string[] => Array.from({ length: count }, (_, i) => `t${String(i)}/#`);
  for (const count of [1, 16, 17]) {
    const subscribe = bodyOf({
      cmd: 'subscribe',
      messageId: 7,
      subscriptions: filters(count).map((topic) => ({ topic, qos: 0 as const })),
    });
    const unsubscribe = bodyOf({ cmd: 'unsubscribe', messageId: 7, unsubscriptions: filters(count) });
    expect(isSubscribe(subscribe, 0, subscribe.length)).toBe(count <= 16);
    expect(isUnsubscribe(unsubscribe, 0, unsubscribe.length)).toBe(count <= 16);
    if (count === 1) {
      for (let end = 0; end < subscribe.length; end += 1) expect(isSubscribe(subscribe, 0, end)).toBe(false);
      for (let end = 0; end < unsubscribe.length; end += 1)
        expect(isUnsubscribe(unsubscribe, 0, end)).toBe(false);
    }
  }
});

test("a broker's control packets", () => {
  const check = (...bytes: number[]): boolean =>
    isBrokerControl(bytes[0] ?? 0, Buffer.from(bytes), 1, bytes.length);
  expect(check(0x20, 0, 0)).toBe(true);
  expect(check(0x20, 0, 5)).toBe(true);
  expect(check(0x20, 2, 0)).toBe(false);
  expect(check(0x20, 0, 6)).toBe(false);
  expect(check(0x20, 0)).toBe(false);
  expect(check(0x90, 0, 1, 0, 0x80)).toBe(true);
  expect(check(0x90, 0, 1, 3)).toBe(false);
  expect(check(0x90, 0, 1)).toBe(false);
  expect(check(0xb0, 0, 1)).toBe(true);
  expect(check(0xd0)).toBe(true);
  expect(check(0xd1)).toBe(false);
  expect(check(0x40, 0, 1)).toBe(false);
});

test('a PUBLISH of any size reads in mqtt-packet as it was meant', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1, 100, 127, 128, 200, 16_340, 16_384, 70_000),
      fc.integer({ min: 0, max: 40 }),
      (size, more) => {
        const frame = new Uint8Array(size + more).fill(7);
        const bytes = encodePublish(encodeTopic('voteplane/rig/a/b/round'), frame);
        const packets: mqttPacket.Packet[] = [];
        const parser = mqttPacket.parser();
        parser.on('packet', (packet) => packets.push(packet));
        expect(parser.parse(bytes)).toBe(0);
        expect(packets).toHaveLength(1);
        const [packet] = packets;
        if (packet?.cmd !== 'publish') throw new Error('not a PUBLISH');
        expect(packet).toMatchObject({ topic: 'voteplane/rig/a/b/round', qos: 0, retain: false, dup: false });
        expect(Buffer.compare(packet.payload as Buffer, frame)).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});

test('the readers are total: random bytes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(8), (bytes, start) => {
      const buffer = Buffer.from(bytes);
      const from = Math.min(start, buffer.length);
      readConnect(buffer, from, buffer.length);
      isSubscribe(buffer, from, buffer.length);
      isUnsubscribe(buffer, from, buffer.length);
      isBrokerControl(buffer[0] ?? 0, buffer, from, buffer.length);
      const found = readTopic(buffer, from, buffer.length);
      return (
        found === null ||
        (found.frameStart <= buffer.length && found.topic.length === found.frameStart - from - 2)
      );
    }),
    { numRuns: 5000 },
  );
});

test('a frame is plain bytes of its own, and pins no larger buffer', () => {
  const large = Buffer.alloc(60_000, 3);
  const frame = takeFrame(large, 100, 300);
  expect(Buffer.isBuffer(frame)).toBe(false);
  expect(frame.length).toBe(200);
  expect(frame.buffer.byteLength).toBeLessThan(2000);
});
