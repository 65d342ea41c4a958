import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { computeCrc32c } from '../../firmware-bridge/host/crc32c.js';
import { decodeFrame, encodeFrame, FRAME_MAX_BYTES, FrameDecoder } from '../../firmware-bridge/host/frame.js';
import type { BridgeMessage } from '../../firmware-bridge/host/messages.js';
import { FAULT_CODES } from '../../firmware-bridge/host/messages.js';
import { UNIT_TEXTS } from '../../firmware-bridge/host/units.js';

function readVectors<T>(name: string): T[] {
  return JSON.parse(readFileSync(`firmware-bridge/vectors/${name}.json`, 'utf8')) as T[];
}

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

describe('golden bytes', () => {
  test.each(readVectors<{ name: string; bytes: string; crc32c: string }>('crc'))(
    'CRC-32C, $name',
    ({ bytes, crc32c }) => {
      expect(computeCrc32c(fromHex(bytes)).toString(16).padStart(8, '0')).toBe(crc32c);
    },
  );

  test.each(readVectors<{ name: string; frame: string; message: BridgeMessage }>('frames'))(
    '$name, both directions',
    ({ frame, message }) => {
      expect(Buffer.from(encodeFrame(message)).toString('hex')).toBe(frame);
      const bytes = fromHex(frame);
      expect(bytes.length).toBeLessThanOrEqual(FRAME_MAX_BYTES + 1);
      expect(bytes.indexOf(0)).toBe(bytes.length - 1);
      expect(decodeFrame(bytes.subarray(0, -1))).toEqual(message);
    },
  );

  test.each(readVectors<{ name: string; frame: string; refused: string }>('bad-frames'))(
    'refused: $name',
    ({ frame, refused }) => {
      expect(decodeFrame(fromHex(frame).subarray(0, -1))).toBe(refused);
    },
  );

  test.each(readVectors<{ name: string; bytes: string; messages: string[]; refused: number }>('streams'))(
    'stream: $name, in every cut',
    ({ bytes, messages, refused }) => {
      const whole = fromHex(bytes);
      for (const piece of [1, 2, 3, 7, whole.length]) {
        const decoder = new FrameDecoder();
        const types: string[] = [];
        for (let at = 0; at < whole.length; at += piece) {
          decoder.push(whole.subarray(at, at + piece), (message) => types.push(message.type));
        }
        expect(types).toEqual(messages);
        expect(decoder.countRefused()).toBe(refused);
      }
    },
  );

  test('every type of message has a golden frame', () => {
    const types = new Set(
      readVectors<{ message: BridgeMessage }>('frames').map(({ message }) => message.type),
    );
    expect(types.size).toBe(11);
  });
});

describe('PROTOCOL.md', () => {
  const text = readFileSync('firmware-bridge/PROTOCOL.md', 'utf8');

  test('lists every unit code as the code has it', () => {
    UNIT_TEXTS.forEach((unit, code) => {
      if (code > 0) expect(text).toContain(`| ${code} | ${unit} |`);
    });
  });

  test('lists every fault code', () => {
    FAULT_CODES.forEach((code, index) =>
      expect(text).toContain(`| ${index + 1} ${code.replace('-', ' ')} |`),
    );
  });
});
