import { expect, test } from 'vitest';
import { FrameReader } from '../../src/mqtt/frame-reader.js';
import { defaultMqttLimits } from '../../src/mqtt/inbox.js';

const limits = { ...defaultMqttLimits, packetsPerSecond: 10, packetBurst: 5, maxFrameBytes: 100 };
const routes = ['b', 'c', 'd'].map((from) => ({ topic: `to/${from}`, from, purpose: 'round' as const }));
const frame = (): Uint8Array => new Uint8Array(10);

function open(): { reader: FrameReader; got: string[] } {
  const reader = new FrameReader(routes, limits, 0);
  const got: string[] = [];
  reader.onFrame((from) => got.push(from));
  return { reader, got };
}

test('frames come from the sender of their topic; other topics and long frames are counted', () => {
  const { reader, got } = open();
  expect(reader.onMessage('to/b', frame, 20, 0)).toBe(true);
  expect(reader.onMessage('to/B', frame, 20, 0)).toBe(true);
  expect(reader.onMessage('__proto__', frame, 20, 0)).toBe(true);
  expect(reader.onMessage('to/c', () => new Uint8Array(101), 111, 0)).toBe(true);
  expect(got).toEqual(['b']);
  expect(reader.counters()).toMatchObject({
    delivered: 1,
    deliveredBytes: 10,
    refused: { topic: 2, oversize: 1 },
  });
});

test('the excess of one sender is dropped, the others go on', () => {
  const { reader, got } = open();
  for (let i = 0; i < 12; i += 1) expect(reader.onMessage('to/b', frame, 20, i)).toBe(true);
  expect(reader.onMessage('to/c', frame, 20, 20)).toBe(true);
  expect(got).toEqual(['b', 'b', 'b', 'b', 'b', 'c']);
  expect(reader.counters().refused.rate).toBe(7);
});

test('a broker that floods beyond all senders together is cut', () => {
  const { reader } = open();
  let cutAt = -1;
  for (let i = 0; i < 100 && cutAt < 0; i += 1) if (!reader.onMessage('junk', frame, 20, i)) cutAt = i;
  // Three senders, twice their burst.
  expect(cutAt).toBe(30);
  expect(reader.counters().refused.flood).toBe(1);
});

test('what piled up in a pause may pass, but not more', () => {
  const { reader, got } = open();
  reader.onMessage('to/b', frame, 20, 0);
  // One second of silence: ten frames of saving beyond the burst of five.
  for (let i = 0; i < 30; i += 1) reader.onMessage('to/b', frame, 20, 1_000_000 + i);
  expect(got).toHaveLength(1 + 15);
});

test('there is one handler', () => {
  const { reader } = open();
  expect(() => {
    reader.onFrame(() => undefined);
  }).toThrow(/one frame handler/);
});
