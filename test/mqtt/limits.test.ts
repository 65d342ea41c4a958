import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBucket } from '../../src/mqtt/token-bucket.js';
import { parseBrokerUrl } from '../../src/mqtt/external-inbox.js';
import { checkId, formatTopic, makeTopicTable, maxTopicBytes, purposes } from '../../src/mqtt/topic.js';

describe('token bucket', () => {
  const rates = { packetsPerSecond: 100, packetBurst: 20, bytesPerSecond: 10_000, byteBurst: 2000 };

  test('in any stretch no more passes than the burst and the rate allow, whatever the times', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50_000), fc.nat(300)), { maxLength: 200 }), (steps) => {
        const bucket = new TokenBucket(rates, 0);
        let nowUs = 0;
        let packets = 0;
        let bytes = 0;
        for (const [waitUs, size] of steps) {
          nowUs += waitUs;
          if (bucket.take(size, nowUs)) {
            packets += 1;
            bytes += size;
          }
        }
        expect(packets).toBeLessThanOrEqual(20 + (100 * nowUs) / 1e6 + 1e-6);
        expect(bytes).toBeLessThanOrEqual(2000 + (10_000 * nowUs) / 1e6 + 1e-6);
      }),
    );
  });

  test('a sender within its rate always passes', () => {
    const bucket = new TokenBucket(rates, 0);
    for (let nowUs = 0; nowUs < 10_000_000; nowUs += 10_000) expect(bucket.take(90, nowUs)).toBe(true);
  });

  test('a clock that steps back gives nothing away', () => {
    const bucket = new TokenBucket(rates, 1_000_000);
    for (let i = 0; i < 20; i += 1) expect(bucket.take(1, 1_000_000)).toBe(true);
    expect(bucket.take(1, 0)).toBe(false);
  });

  test('a stall of the owner is credited once', () => {
    const bucket = new TokenBucket(rates, 0);
    bucket.credit(1_000_000, 1_000_000);
    let passed = 0;
    while (bucket.take(1, 1_000_000)) passed += 1;
    expect(passed).toBe(120);
  });
});

describe('topics', () => {
  test('name rig, receiver, sender and purpose, within the stated length', () => {
    expect(formatTopic('pitch', 'a', 'b', 'round')).toBe('voteplane/pitch/a/b/round');
    const id = 'x'.repeat(64);
    for (const purpose of purposes)
      expect(formatTopic(id, id, id, purpose).length).toBeLessThanOrEqual(maxTopicBytes);
  });

  test.each(['', 'a/b', 'a+', '#', '$SYS', 'a b', 'ä', '\u0000', 'x'.repeat(65)])(
    'the id %j is refused',
    (id) => {
      expect(() => checkId(id)).toThrow(/cannot stand in an MQTT topic/);
    },
  );

  test('a table knows the allowed purposes of one sender and no other text', () => {
    const table = makeTopicTable('pitch', 'a', 'b', ['round', 'hello', 'round']);
    expect([...table.values()]).toEqual(['round', 'hello']);
    for (const topic of [
      'voteplane/pitch/a/b/state',
      'voteplane/pitch/a/c/round',
      'voteplane/pitch/a/b/round/',
      'constructor',
    ]) {
      expect(table.get(topic)).toBeUndefined();
    }
  });
});

describe('broker addresses', () => {
  test('host and port, 1883 by default', () => {
    expect(parseBrokerUrl('mqtt://broker.local')).toEqual({ host: 'broker.local', port: 1883 });
    expect(parseBrokerUrl('mqtt://127.0.0.1:2000/')).toEqual({ host: '127.0.0.1', port: 2000 });
    expect(parseBrokerUrl('mqtt://[::1]:2000')).toEqual({ host: '::1', port: 2000 });
  });
  test.each(['mqtts://h', 'h:1883', 'mqtt://', 'mqtt://h:0', 'mqtt://h:70000', 'mqtt://u:p@h', 'mqtt://h/x'])(
    '%j is refused',
    (url) => {
      expect(() => parseBrokerUrl(url)).toThrow(/write mqtt:\/\/host:port/);
    },
  );
});
