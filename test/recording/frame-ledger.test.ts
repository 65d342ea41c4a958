/** Frames received against frames sent. */
import { expect, test } from 'vitest';
import { FrameLedger } from '../../src/recording/frame-ledger.js';

const ALL = new Set(['a', 'b']);
const frame = (...bytes: number[]): Uint8Array => new Uint8Array(bytes);

test('a frame counts once for every time it was sent, to whom and as what it was sent', () => {
  const ledger = new FrameLedger();
  ledger.noteSent('a', 'b', 'round', frame(1));
  ledger.noteSent('a', 'b', 'round', frame(1));
  ledger.noteSent('a', 'b', 'round', frame(2));
  for (const atUs of [10, 11, 12]) ledger.noteReceived('a', 'b', 'round', frame(1), atUs);
  ledger.noteReceived('a', 'b', 'state', frame(2), 13);
  ledger.noteReceived('b', 'a', 'round', frame(2), 5);
  ledger.noteReceived('operator', 'a', 'control', frame(3), 1);
  expect(ledger.check(ALL)).toEqual({
    received: 6,
    matched: 2,
    fromOutside: 1,
    beyondLog: 0,
    unsent: 3,
    firstUnsent: { from: 'b', to: 'a', purpose: 'round', arrivedUs: 5 },
  });
});

test('what a sender did after the end of its log is not known', () => {
  const ledger = new FrameLedger();
  ledger.noteCut('a', 1_000_000);
  ledger.noteReceived('a', 'b', 'round', frame(1), 999_999);
  ledger.noteReceived('a', 'b', 'round', frame(2), 1_000_000);
  ledger.noteReceived('b', 'a', 'round', frame(3), 1_000_000);
  ledger.noteReceived('a', 'b', 'round', frame(4), 60_000_000);
  expect(ledger.check(ALL)).toMatchObject({ beyondLog: 1, unsent: 3, matched: 0 });
});

test('thousands of frames keep their order and number', () => {
  const ledger = new FrameLedger();
  for (let at = 0; at < 5_000; at += 1) {
    ledger.noteSent('a', 'b', 'round', frame(at & 0xff, at >> 8));
    if (at % 3 > 0) ledger.noteReceived('a', 'b', 'round', frame(at & 0xff, at >> 8), at);
  }
  expect(ledger.check(ALL)).toMatchObject({ received: 3_333, matched: 3_333, unsent: 0 });
});
