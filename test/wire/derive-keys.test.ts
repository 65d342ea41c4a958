/** No two uses of a pair secret meet: whatever a key is for, another key is for something else (protocol.md §8, sessions). */
import { expect, test } from 'vitest';
import { toHex } from '../../src/core/bytes.js';
import type { LinkAlgorithm } from '../../src/wire/cose.js';
import {
  deriveFrameKey,
  deriveHelloKey,
  encodeFrameAad,
  encodeHelloAad,
  NONCE_BYTES,
  PAIR_SECRET_BYTES,
  type Direction,
} from '../../src/wire/derive-keys.js';

const SECRET = new Uint8Array(PAIR_SECRET_BYTES).fill(7);
const [NONCE_A, NONCE_B, NONCE_C] = [1, 2, 3].map((byte) => new Uint8Array(NONCE_BYTES).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const HERE: Direction = { rigId: 'rig', keyEpoch: 1, sender: 'a', receiver: 'b' };
/** The same pair the other way round, another epoch, another rig. */
const ELSEWHERE: readonly Direction[] = [
  { ...HERE, sender: 'b', receiver: 'a' },
  { ...HERE, keyEpoch: 2 },
  { ...HERE, rigId: 'other' },
];

test('a session’s keys differ by direction, epoch, rig, purpose, algorithm and either nonce', () => {
  const key = (
    direction: Direction,
    purpose: 'round' | 'state' = 'round',
    sender = NONCE_A,
    receiver = NONCE_B,
    algorithm: LinkAlgorithm = 'hmac-256',
  ): string => toHex(deriveFrameKey(SECRET, direction, purpose, { sender, receiver }, algorithm).key);
  const keys = [
    key(HERE),
    ...ELSEWHERE.map((direction) => key(direction)),
    key(HERE, 'state'),
    key(HERE, 'round', NONCE_C),
    key(HERE, 'round', NONCE_A, NONCE_C),
    key(HERE, 'round', NONCE_A, NONCE_B, 'hmac-256-64'),
    key(HERE, 'round', NONCE_A, NONCE_B, 'chacha20-poly1305'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('so do the keys of hellos, and what hellos and frames are bound to', () => {
  const hellos = [HERE, ...ELSEWHERE].map((direction) => toHex(deriveHelloKey(SECRET, direction)));
  expect(new Set(hellos).size).toBe(hellos.length);
  const bound = [HERE, ...ELSEWHERE].flatMap((direction) => [
    toHex(encodeHelloAad(direction)),
    toHex(encodeFrameAad(direction, 'round', new Uint8Array(32), NONCE_A)),
    toHex(encodeFrameAad(direction, 'state', new Uint8Array(32), NONCE_A)),
    toHex(encodeFrameAad(direction, 'round', new Uint8Array(32), NONCE_B)),
  ]);
  expect(new Set(bound).size).toBe(bound.length);
});
