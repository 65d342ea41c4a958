/** Getting a state in pieces (protocol.md §4, §6): from whoever has it, in spite of whoever lies. */
import { describe, expect, test } from 'vitest';
import { cutPiece, PIECE_BYTES, PIECES_AT_ONCE, StateFetch } from '../../src/core/state-fetch.js';
import type { StateReply } from '../../src/core/types.js';
import { digest } from '../support/toy-codec.js';

const STATE = Uint8Array.from({ length: 5 * PIECE_BYTES + 77 }, (_, at) => (at * 7) % 251);
const DIGEST = digest(STATE);

const pieceAt = (offset: number, bytes = STATE): StateReply => {
  const reply = cutPiece(DIGEST, bytes, offset);
  if (reply === null) throw new Error('there is such a piece');
  return reply;
};

/** Answers everything that is asked for, liars with what `lie` makes of the truth; the last outcome. */
function serve(fetch: StateFetch, lie: (reply: StateReply, from: number) => StateReply | null): string {
  let outcome = 'more';
  for (const { to, offset } of fetch.listRequests()) {
    const truth = cutPiece(DIGEST, STATE, offset);
    const reply = truth === null ? null : lie(truth, to);
    if (reply !== null) outcome = fetch.take(to, reply);
  }
  return outcome;
}

describe('a state of several pieces', () => {
  test('is asked for at all holders at once, a few pieces each', () => {
    const fetch = new StateFetch(9, DIGEST, [1, 2, 3], digest);
    expect(fetch.listRequests()).toEqual([1, 2, 3].map((to) => ({ to, offset: 0 })));
    expect(fetch.take(1, pieceAt(0))).toBe('more');
    expect(fetch.take(2, pieceAt(0))).toBe('unwanted');
    const requests = fetch.listRequests();
    expect(requests.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5].map((at) => at * PIECE_BYTES));
    expect(requests.filter(({ to }) => to === 1).length).toBeLessThanOrEqual(PIECES_AT_ONCE);
    expect(serve(fetch, (reply) => reply)).toBe('whole');
    expect(fetch.bytes).toEqual(STATE);
  });

  test.each([
    [
      'other bytes',
      (reply: StateReply): StateReply => ({ ...reply, piece: reply.piece.map((byte) => byte ^ 1) }),
    ],
    ['another length', (reply: StateReply): StateReply => ({ ...reply, length: reply.length + 8_192 })],
    ['nothing', (): null => null],
    ['another digest', (reply: StateReply): StateReply => ({ ...reply, digest: new Uint8Array(16) })],
  ])('one holder that sends %s holds it up, and no more', (_, lie) => {
    const fetch = new StateFetch(9, DIGEST, [1, 2, 3], digest);
    let ticks = 0;
    for (let outcome = ''; outcome !== 'whole'; ticks += 1) {
      fetch.beginTick();
      outcome = serve(fetch, (reply, from) => (from === 1 ? lie(reply) : reply));
      expect(ticks).toBeLessThan(40);
    }
    expect(fetch.bytes).toEqual(STATE);
  });
});

test('a state of one piece is judged by itself, whoever sends it', () => {
  const small = STATE.subarray(0, 100);
  const fetch = new StateFetch(9, digest(small), [1, 2], digest);
  const reply: StateReply = {
    kind: 'state-reply',
    digest: digest(small),
    length: 100,
    offset: 0,
    piece: small,
  };
  expect(fetch.take(1, { ...reply, piece: small.map((byte) => byte ^ 1) })).toBe('wrong');
  expect(fetch.take(3, reply)).toBe('unwanted');
  expect(fetch.take(2, reply)).toBe('whole');
});

test('pieces that there are not are nobody’s', () => {
  for (const offset of [-PIECE_BYTES, 1, NaN, 6 * PIECE_BYTES, Infinity])
    expect(cutPiece(DIGEST, STATE, offset)).toBeNull();
  const fetch = new StateFetch(9, DIGEST, [1], digest);
  for (const odd of [-1, 0, NaN, 0.5, Infinity, 2 ** 40]) {
    expect(fetch.take(1, { ...pieceAt(0), length: odd })).not.toBe('whole');
    expect(fetch.take(1, { ...pieceAt(0), offset: odd })).not.toBe('whole');
  }
});

test('vectors are kept for replay, so many and no more', () => {
  const fetch = new StateFetch(9, DIGEST, [1], digest);
  const agreed = { active: 1, vector: [], told: false, entries: [] };
  let kept = 0;
  for (let tick = 10; tick < 200; tick += 1) if (fetch.addVector({ ...agreed, tick })) kept += 1;
  expect(kept).toBe(64);
});
