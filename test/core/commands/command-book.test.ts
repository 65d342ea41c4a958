/** The rules of protocol.md §10, one by one, on the book alone. */
import { describe, expect, test } from 'vitest';
import {
  agreeRequests,
  applyPending,
  judgeRequest,
  KEPT_ANSWERS,
  LAPSE_TICKS,
  openBook,
  OPEN_REQUESTS,
  type CommandBook,
  type RequestEffect,
} from '../../../src/core/commands/command-book.js';
import { RequestPool } from '../../../src/core/commands/request-pool.js';
import type { Entry, RequestName } from '../../../src/core/types.js';

const DONE: RequestEffect = { kind: 'law', law: new Uint8Array() };
const BACKING = 2;

function name(sequence: number, digest = 7, client = 0): RequestName {
  return { client, sequence, digest: new Uint8Array(32).fill(digest) };
}

function entry(...requests: readonly RequestName[]): Entry {
  return {
    standing: { kind: 'running', stateTick: 0, stateDigest: new Uint8Array(16) },
    readings: [],
    actuators: [],
    missed: 0,
    joins: 0,
    requests,
  };
}

function agree(book: CommandBook, ...entries: readonly (Entry | null)[]): CommandBook {
  return agreeRequests(book, 10, entries, BACKING);
}

/** The book after these requests have had their effect, one tick each. */
function after(requests: readonly RequestName[]): CommandBook {
  let book = openBook(2, 1);
  requests.forEach((one, at) => {
    book = agreeRequests(book, at, [entry(one), entry(one)], BACKING);
    book = applyPending(book, at + 1, 10, () => DONE).book;
  });
  return book;
}

describe('what is agreed on', () => {
  const book = openBook(2, 1);

  test('takes f+1 distinct commanders', () => {
    expect(agree(book, entry(name(1)), entry(), null, entry()).pending).toEqual([]);
    expect(agree(book, entry(name(1)), entry(name(1)), null, entry()).pending).toEqual([
      { ...name(1), agreedTick: 10 },
    ]);
  });

  test('counts a commander that says it twice once', () => {
    expect(agree(book, entry(name(1), name(1), name(1)), entry()).pending).toEqual([]);
  });

  test('does not add up digests that differ', () => {
    expect(agree(book, entry(name(1, 3)), entry(name(1, 4)), entry(name(1, 5))).pending).toEqual([]);
  });

  test('is the smaller of two digests under one number', () => {
    const both = [name(1, 9), name(1, 4)];
    const { pending } = agree(book, entry(...both), entry(...both));
    expect(pending.map(({ digest }) => digest[0])).toEqual([4]);
  });

  test('stands by client, then by number', () => {
    const all = [name(5, 1, 1), name(9), name(2)];
    const { pending } = agree(book, entry(...all), entry(...all));
    expect(pending.map(({ client, sequence }) => [client, sequence])).toEqual([
      [0, 2],
      [0, 9],
      [1, 5],
    ]);
  });

  test('is no more of one client than may be open, the lowest numbers first', () => {
    const flood = Array.from({ length: 20 }, (_, at) => name(19 - at));
    const { pending } = agree(book, entry(...flood, name(1, 1, 1)), entry(...flood, name(1, 1, 1)));
    expect(pending.filter(({ client }) => client === 0).map(({ sequence }) => sequence)).toEqual([
      0, 1, 2, 3,
    ]);
    expect(pending.filter(({ client }) => client === 1)).toHaveLength(1);
    expect(OPEN_REQUESTS).toBe(4);
  });

  test('is nothing of a client that the rig has not', () => {
    expect(agree(book, entry(name(1, 1, 2)), entry(name(1, 1, 2))).pending).toEqual([]);
  });

  test('leaves the book as it is where nobody names anything', () => {
    expect(agree(book, entry(), entry(), null)).toBe(book);
  });
});

describe('what takes effect', () => {
  test('does so once for each client and number', () => {
    const book = after([name(1)]);
    expect(judgeRequest(book, name(1))).toBe('applied');
    expect(judgeRequest(book, name(1, 8))).toBe('used');
    expect(agree(book, entry(name(1)), entry(name(1))).pending).toEqual([]);
    expect(agree(book, entry(name(1, 8)), entry(name(1, 8))).pending).toEqual([]);
  });

  test('comes in order and is told with its tick', () => {
    const two = [name(3), name(1, 5, 1)];
    const seen: number[] = [];
    const { book, applied } = applyPending(
      agree(openBook(2, 1), entry(...two), entry(...two)),
      11,
      10,
      (one) => {
        seen.push(one.sequence);
        return one.client === 1 ? { kind: 'refused', reason: 'no' } : DONE;
      },
    );
    expect(seen).toEqual([3, 1]);
    expect(applied.map(({ outcome, tick }) => [outcome, tick])).toEqual([
      [{ kind: 'done' }, 11],
      [{ kind: 'refused', reason: 'no' }, 11],
    ]);
    expect(book.pending).toEqual([]);
  });

  test('out of order still counts, while its number is not forgotten', () => {
    const book = after([name(5), name(2)]);
    expect(judgeRequest(book, name(5))).toBe('applied');
    expect(judgeRequest(book, name(2))).toBe('applied');
    expect(judgeRequest(book, name(3))).toBe('new');
  });

  test('is forgotten by number: what is older counts as over, and the memory is bounded', () => {
    const book = after(Array.from({ length: 3 * KEPT_ANSWERS }, (_, at) => name(at + 1)));
    expect(book.clients[0]?.applied).toHaveLength(KEPT_ANSWERS);
    expect(book.clients[0]?.floor).toBe(2 * KEPT_ANSWERS);
    expect(judgeRequest(book, name(2 * KEPT_ANSWERS))).toBe('old');
    expect(judgeRequest(book, name(2 * KEPT_ANSWERS + 1))).toBe('applied');
    expect(judgeRequest(book, name(1, 1, 1))).toBe('new');
  });

  test('lapses, without anybody asking for its content, when the rig has stood still for too long', () => {
    const book = agree(openBook(1, 1), entry(name(1)), entry(name(1)));
    const fail = (): never => {
      throw new Error('a request that has lapsed has no effect');
    };
    const { applied } = applyPending(book, 10 + LAPSE_TICKS + 1, 10, fail);
    expect(applied[0]?.outcome).toEqual({ kind: 'lapsed' });
    expect(applyPending(book, 10 + LAPSE_TICKS, 10, () => DONE).applied[0]?.outcome).toEqual({
      kind: 'done',
    });
  });

  test('sets postures of actuators', () => {
    const book = agree(openBook(1, 2), entry(name(1)), entry(name(1)));
    const disarm: RequestEffect = { kind: 'posture', actuator: 1, armed: false };
    expect(applyPending(book, 11, 10, () => disarm).book.postures).toEqual([
      { disarmed: false, armUntil: -1 },
      { disarmed: true, armUntil: -1 },
    ]);
    expect(applyPending(book, 11, 10, () => ({ ...disarm, armed: true })).book.postures[1]).toEqual({
      disarmed: false,
      armUntil: 21,
    });
  });
});

describe('what one replica holds', () => {
  const content = new Uint8Array([1]);
  const ignore = (): void => {};

  test('is named until it is settled', () => {
    const pool = new RequestPool(64);
    expect(pool.take(name(1), content, 0)).toBe('taken');
    expect(pool.list(openBook(1, 1), 1, ignore)).toEqual([name(1)]);
    expect(pool.list(after([name(1)]), 2, ignore)).toEqual([]);
    expect(pool.find(name(1).digest)).toBe(content);
  });

  test('is bounded for each client, whatever it sends', () => {
    const pool = new RequestPool(64);
    const admitted = Array.from({ length: 50 }, (_, at) => pool.take(name(at, at), content, 0));
    expect(admitted.filter((one) => one === 'taken')).toHaveLength(OPEN_REQUESTS);
    expect(admitted.slice(OPEN_REQUESTS).every((one) => one === 'full')).toBe(true);
    expect(pool.take(name(1, 1, 1), content, 0)).toBe('taken');
  });

  test('is one request for a number: a second one is refused while the first is open', () => {
    const pool = new RequestPool(64);
    pool.take(name(1, 1), content, 0);
    expect(pool.take(name(1, 2), content, 0)).toBe('used');
    expect(pool.take(name(1, 1), content, 0)).toBe('taken');
  });

  test('is forgotten when nobody repeats it', () => {
    const pool = new RequestPool(64);
    pool.take(name(1), content, 0);
    pool.take(name(1), content, 60);
    expect(pool.list(openBook(1, 1), 100, ignore)).toHaveLength(1);
    expect(pool.list(openBook(1, 1), 125, ignore)).toHaveLength(0);
    expect(pool.find(name(1).digest)).toBeNull();
  });

  test('lives on where ticks have other numbers, and no longer than it would have', () => {
    const pool = new RequestPool(64);
    pool.take(name(1), content, 1_000_000);
    pool.renumber(5);
    expect(pool.list(openBook(1, 1), 69, ignore)).toHaveLength(1);
    expect(pool.list(openBook(1, 1), 70, ignore)).toHaveLength(0);
  });

  test('is told of when another took its number', () => {
    const pool = new RequestPool(64);
    pool.take(name(1, 9), content, 0);
    const settled: RequestName[] = [];
    pool.list(after([name(1, 3)]), 2, (one) => settled.push(one));
    expect(settled).toEqual([name(1, 9)]);
  });

  test('stays bounded over many requests that had their effect', () => {
    const pool = new RequestPool(64);
    for (let at = 1; at <= 100; at += 1) {
      pool.take(name(at, at), content, 1);
      pool.list(after([name(at, at)]), 1, ignore);
    }
    const found = Array.from({ length: 100 }, (_, at) => pool.find(name(at + 1, at + 1).digest));
    expect(found.filter((one) => one !== null).length).toBeLessThanOrEqual(9);
  });
});
