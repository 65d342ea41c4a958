import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCobs, encodeCobs } from '../../firmware-bridge/host/cobs.js';
import { encodeFrame, FRAME_MAX_BYTES, FrameDecoder } from '../../firmware-bridge/host/frame.js';
import { encodeBody, FAULT_CODES, scaleCount } from '../../firmware-bridge/host/messages.js';
import type { BridgeMessage, DeviceMessage } from '../../firmware-bridge/host/messages.js';
import { advanceRandom, drawBits } from '../../hardware/plants/random.js';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const i32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const channel = fc.integer({ min: 0, max: 15 });
const output = fc.integer({ min: 0, max: 3 });
const scale = fc
  .record({
    unit: u8,
    numerator: fc.integer({ min: 1, max: 0xffff }),
    denominator: fc.integer({ min: 1, max: 0xffffffff }),
    range: fc.tuple(i32, i32, i32),
  })
  .map(({ unit, numerator, denominator, range }) => {
    const [minCount, safeCount, maxCount] = [...range].sort((a, b) => a - b) as [number, number, number];
    return { unit, numerator, denominator, minCount, safeCount, maxCount };
  });

/** Any message that may be sent. */
const message: fc.Arbitrary<BridgeMessage> = fc.oneof(
  fc.record({
    type: fc.constant('sample-request' as const),
    channel: fc.oneof(channel, fc.constant(255)),
    sequence: u16,
  }),
  fc.record({ type: fc.constant('output' as const), output, sequence: u16, tick: u32, count: i32 }),
  fc.record({ type: fc.constant('heartbeat-request' as const), sequence: u16 }),
  fc
    .record({ type: fc.constant('hello-request' as const), versions: fc.tuple(u8, u8), hostNonce: u32 })
    .map(({ type, versions, hostNonce }) => ({
      type,
      lowestVersion: Math.max(1, Math.min(...versions)),
      highestVersion: Math.max(1, ...versions),
      hostNonce,
    })),
  fc.record({
    type: fc.constant('hello' as const),
    version: fc.integer({ min: 1, max: 255 }),
    hostNonce: u32,
    bootNonce: u32,
    channels: fc.integer({ min: 0, max: 16 }),
    outputs: fc.integer({ min: 0, max: 4 }),
    deviceId: fc.stringMatching(/^[a-z0-9-]{1,16}$/),
  }),
  fc
    .tuple(channel, fc.constantFrom('number' as const, 'boolean' as const), scale)
    .map(([at, kind, { safeCount: _, ...rest }]) => ({
      type: 'channel' as const,
      channel: at,
      kind,
      ...rest,
    })),
  fc
    .tuple(output, scale, u16)
    .map(([at, rest, watchdogMs]) => ({ type: 'output-info' as const, output: at, ...rest, watchdogMs })),
  fc
    .record({
      type: fc.constant('sample' as const),
      channel,
      sequence: u16,
      boot: u16,
      valid: fc.boolean(),
      deviceTimeUs: u32,
      count: i32,
    })
    .map((sample) => (sample.valid ? sample : { ...sample, count: 0 })),
  fc.record({
    type: fc.constant('read-back' as const),
    output,
    sequence: u16,
    boot: u16,
    measured: fc.boolean(),
    safe: fc.boolean(),
    tick: u32,
    deviceTimeUs: u32,
    count: i32,
  }),
  fc.record({
    type: fc.constant('fault' as const),
    code: fc.constantFrom(...FAULT_CODES),
    subject: u8,
    boot: u16,
    deviceTimeUs: u32,
    detail: i32,
  }),
  fc.record({
    type: fc.constant('heartbeat' as const),
    sequence: u16,
    boot: u16,
    deviceTimeUs: u32,
    badFrames: u16,
  }),
);

describe('frames', () => {
  test('stuffing is undone, and holds no zero', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 253 }), (body) => {
        const stuffed = encodeCobs(body);
        expect(stuffed.includes(0)).toBe(false);
        expect(stuffed.length).toBe(body.length + 1);
        expect(decodeCobs(stuffed)).toEqual(body);
      }),
    );
  });

  test('every message survives the way, in any cut', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map(encodeFrame));
          const decoder = new FrameDecoder();
          const seen: BridgeMessage[] = [];
          let at = 0;
          for (let i = 0; at < bytes.length; i += 1) {
            const cut = cuts[i % cuts.length] ?? 1;
            decoder.push(bytes.subarray(at, at + cut), (one) => seen.push(one));
            at += cut;
          }
          expect(seen).toEqual(messages);
          expect(decoder.countRefused()).toBe(0);
        },
      ),
    );
  });

  test('a field outside its range is never sent', () => {
    const sample: DeviceMessage = {
      type: 'sample',
      channel: 0,
      sequence: 0,
      boot: 0,
      valid: true,
      deviceTimeUs: 0,
      count: 0,
    };
    for (const count of [Number.NaN, 0.5, 2 ** 31, -(2 ** 31) - 1, Number.POSITIVE_INFINITY]) {
      expect(() => encodeBody({ ...sample, count })).toThrow(RangeError);
    }
    const hello: DeviceMessage = {
      type: 'hello',
      version: 1,
      hostNonce: 0,
      bootNonce: 0,
      channels: 0,
      outputs: 0,
      deviceId: 'Über',
    };
    expect(() => encodeBody(hello)).toThrow(/device id/);
  });

  test('a value is the same double on every machine: exact product, one division', () => {
    expect(scaleCount(-1500, { numerator: 1, denominator: 1000 })).toBe(-1.5);
    expect(scaleCount(1023, { numerator: 5, denominator: 1023 })).toBe(5);
    expect(scaleCount(-0x80000000, { numerator: 0xffff, denominator: 1 })).toBe(-0x80000000 * 0xffff);
    expect(Object.is(scaleCount(-0, { numerator: 1, denominator: 7 }), 0)).toBe(true);
  });
});

describe('hostile bytes at a decoder', () => {
  /** Frames a device sends all day, to be damaged. */
  const samples = [0, 1, 2, 3].map((sequence) =>
    encodeFrame({
      type: 'sample',
      channel: sequence,
      sequence,
      boot: 0x1234,
      valid: true,
      deviceTimeUs: 50_000 * sequence,
      count: 1000 - 700 * sequence,
    }),
  );

  test('100,000 random, truncated and bit-flipped frames: none accepted, none thrown, nothing kept', () => {
    const decoder = new FrameDecoder();
    const accepted: BridgeMessage[] = [];
    let random = 20_250;
    const draw = (below: number): number => {
      random = advanceRandom(random);
      return drawBits(random) % below;
    };
    let sent = 0;
    for (let i = 0; i < 100_000; i += 1) {
      let frame: Uint8Array;
      const good = samples[draw(samples.length)] ?? new Uint8Array(1);
      if (i % 3 === 0) {
        // No zero inside: one frame, one refusal.
        frame = Uint8Array.from({ length: 1 + draw(100) }, () => 1 + draw(255));
      } else if (i % 3 === 1) {
        frame = good.slice(0, 1 + draw(good.length - 2));
      } else {
        frame = good.slice(0, -1);
        const flips = 1 + draw(5);
        for (let flip = 0; flip < flips; flip += 1) {
          const at = draw(frame.length);
          const flipped = (frame[at] ?? 0) ^ (1 << draw(8));
          if (flipped !== 0) frame[at] = flipped;
        }
        // Two flips may undo each other.
        if (Buffer.compare(frame, good.subarray(0, -1)) === 0) frame[3] = (frame[3] ?? 0) ^ 0x40 || 1;
      }
      decoder.push(frame, (message) => accepted.push(message));
      decoder.push(new Uint8Array(1), (message) => accepted.push(message));
      sent += 1;
    }
    expect(accepted).toEqual([]);
    expect(decoder.countRefused()).toBe(sent);
    expect(decoder.refused['bad-crc']).toBeGreaterThan(10_000);
    expect(decoder.refused['too-long']).toBeGreaterThan(1_000);
    expect(decoder.refused['bad-stuffing']).toBeGreaterThan(10_000);
    // A good frame behind all that comes through.
    decoder.push(samples[1] ?? new Uint8Array(), (message) => accepted.push(message));
    expect(accepted).toHaveLength(1);
  });

  test('an endless frame is counted once and costs no memory', () => {
    const decoder = new FrameDecoder();
    const flood = new Uint8Array(65_536).fill(0x55);
    for (let i = 0; i < 200; i += 1) decoder.push(flood, () => expect.unreachable());
    expect(decoder.countRefused()).toBe(0);
    decoder.push(new Uint8Array(1), () => expect.unreachable());
    expect(decoder.refused['too-long']).toBe(1);
    expect((decoder as unknown as { held: Uint8Array }).held.length).toBe(FRAME_MAX_BYTES);
  });

  test('any bytes at all: total', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (pieces) => {
        const decoder = new FrameDecoder();
        for (const piece of pieces) decoder.push(piece, () => {});
      }),
    );
  });
});
