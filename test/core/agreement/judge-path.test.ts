/** Rule 3 of protocol.md §3 for one label, against its definition. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgePath } from '../../../src/core/agreement/algorithm.js';
import { createFlooding } from '../../../src/core/agreement/flooding.js';
import { createOralMessages } from '../../../src/core/agreement/oral-messages.js';
import { createSignedMessages } from '../../../src/core/agreement/signed-messages.js';
import { toBytes } from '../../support/toy-codec.js';

test.each([
  ['round 1 has an empty path', [], 1, null],
  ['round 1 with a path', [2], 1, 'path-length'],
  ['round 2 without one', [], 2, 'path-length'],
  ['round 2 with two', [2, 3], 2, 'path-length'],
  ['the commander, then the sender', [2], 2, null],
  ['the sender itself', [1], 2, 'path-repeats'],
  ['an id twice', [2, 2], 3, 'path-repeats'],
  ['the receiver', [0], 2, 'path-holds-receiver'],
  ['the receiver in the middle', [2, 0], 3, 'path-holds-receiver'],
  ['nobody', [4], 2, 'path-out-of-range'],
  ['less than nobody', [-1], 2, 'path-out-of-range'],
  ['half a replica', [2.5], 2, 'path-out-of-range'],
  ['no number', [NaN], 2, 'path-out-of-range'],
  ['an id that a shift would fold into range', [34], 2, 'path-out-of-range'],
] as const)('%s', (_, path, round, cause) => {
  expect(judgePath(path, round, 1, 0, 4)).toBe(cause);
});

test('sound if and only if it has the length of its round, distinct ids in range, and not the receiver', () => {
  const odd = fc.oneof(
    fc.nat({ max: 6 }),
    fc.integer(),
    fc.double(),
    fc.constantFrom(32, 33, 38, -1, 2 ** 32),
  );
  fc.assert(
    fc.property(
      fc.array(odd, { maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat({ max: 6 }),
      fc.nat({ max: 6 }),
      (path, round, sender, receiver) => {
        const whole = [...path, sender];
        const sound =
          whole.length === round &&
          new Set(whole).size === round &&
          whole.every((id) => Number.isInteger(id) && id >= 0 && id < 7) &&
          !whole.includes(receiver);
        expect(judgePath(path, round, sender, receiver, 7) === null).toBe(sound);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('what is not sound never becomes a value, in any algorithm', () => {
  const items = [
    { path: [0], value: toBytes('of the receiver') },
    { path: [1], value: toBytes('of the sender') },
    { path: [9], value: toBytes('of nobody') },
    { path: [2, 3], value: toBytes('too long') },
  ];
  for (const algorithm of [createOralMessages(4, 1), createSignedMessages(4, 1), createFlooding(4, 1)]) {
    const tick = algorithm.createTick(0);
    tick.propose(null);
    expect(tick.accept(2, 1, items)).toEqual([
      'path-holds-receiver',
      'path-repeats',
      'path-out-of-range',
      'path-length',
    ]);
    expect(tick.accept(1, 0, [{ path: [], value: toBytes('its own echo') }])).toEqual([
      'path-holds-receiver',
    ]);
    expect(tick.decide()).toEqual([null, null, null, null]);
  }
});

test('of two items with one path the first counts, and an absent value is none where values are signed', () => {
  const om = createOralMessages(4, 1).createTick(0);
  const twice = ['u', 'w'].map((text) => ({ path: [], value: toBytes(text) }));
  expect(om.accept(1, 1, twice)).toEqual(['path-twice']);
  expect(om.relay(2, 2)).toEqual([
    { path: [1], value: toBytes('u') },
    { path: [3], value: null },
  ]);
  for (const algorithm of [createSignedMessages(4, 1), createFlooding(4, 1)])
    expect(algorithm.createTick(0).accept(1, 1, [{ path: [], value: null }])).toEqual(['no-value']);
});

test('SM never holds, and so never relays, more than two values of an instance', () => {
  const tick = createSignedMessages(4, 1).createTick(0);
  const many = Array.from({ length: 50 }, (_, at) => ({
    path: [],
    value: toBytes(`value ${at}`),
    proof: toBytes('1'),
  }));
  expect(tick.accept(1, 1, many)).toEqual([]);
  expect(tick.relay(2, 2)).toHaveLength(2);
  expect(tick.relay(2, 2)[0]).toEqual({ path: [1], value: toBytes('value 0'), proof: toBytes('1') });
});
