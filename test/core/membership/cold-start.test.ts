/** When to begin where nobody runs yet (protocol.md §6, cold start; Srikanth and Toueg's echo broadcast). */
import { describe, expect, test } from 'vitest';
import { ColdStart } from '../../../src/core/membership/cold-start.js';
import type { Hypothesis } from '../../../src/core/types.js';

const make = (n: number, maxFaulty: number, hypothesis: Hypothesis): ColdStart =>
  new ColdStart({ n, self: 0, maxFaulty, hypothesis });

const MAC: Hypothesis = { kind: 'byzantine', f: 1, authenticators: 'mac' };
const SIGNED: Hypothesis = { kind: 'byzantine', f: 1, authenticators: 'signature' };
const NOTHING = { echo: false, begin: false };

describe('MACs, n = 4', () => {
  test('echoes at f+1 inits, begins at 2f+1 echoes', () => {
    const start = make(4, 1, MAC);
    start.makeReady();
    expect(start.signal).toBe('init');
    expect(start.judge(0)).toEqual(NOTHING);
    start.note(1, 'init', 0);
    expect(start.judge(0)).toEqual({ echo: true, begin: false });
    expect(start.signal).toBe('echo');
    start.note(2, 'echo', 0);
    expect(start.judge(0)).toEqual(NOTHING);
    start.note(1, 'echo', 0);
    expect(start.judge(0)).toEqual({ echo: false, begin: true });
  });

  test('f liars alone bring about neither', () => {
    const start = make(4, 1, MAC);
    start.note(3, 'echo', 0);
    expect(start.judge(0)).toEqual(NOTHING);
    start.makeReady();
    start.note(3, 'echo', 0);
    // Its own init and the liar's echo make it echo; two echoes begin nothing.
    expect(start.judge(0)).toEqual({ echo: true, begin: false });
  });

  test('f+1 echoes make one echo that has not heard of an init', () => {
    const start = make(4, 1, MAC);
    start.note(1, 'echo', 0);
    start.note(2, 'echo', 0);
    expect(start.judge(0)).toEqual({ echo: true, begin: true });
  });

  test('what is not repeated is forgotten, and it says who is silent', () => {
    const start = make(4, 1, MAC);
    start.makeReady();
    start.note(1, 'echo', 0);
    start.note(2, 'echo', 900_000);
    expect(start.listSilent(900_000, 0)).toEqual([3]);
    expect(start.judge(1_100_000)).toEqual({ echo: true, begin: false });
    expect(start.listSilent(1_100_000, 0)).toEqual([1, 3]);
    start.reset();
    expect(start.signal).toBeNull();
    expect(start.listSilent(1_100_000, 0)).toEqual([1, 2, 3]);
    // A session with 3 stands: it is there, and has nothing to signal yet.
    expect(start.listSilent(1_100_000, 0b1000)).toEqual([1, 2]);
  });
});

test('signatures and n ≤ 3f: f+1 signals; n > 3f: as with MACs', () => {
  const three = make(3, 1, SIGNED);
  three.makeReady();
  expect(three.judge(0)).toEqual(NOTHING);
  three.note(2, 'init', 0);
  expect(three.judge(0)).toEqual({ echo: false, begin: true });
  const four = make(4, 1, SIGNED);
  four.makeReady();
  four.note(2, 'init', 0);
  expect(four.judge(0)).toEqual({ echo: true, begin: false });
});

test('crash: n−f, whoever they are, and not before it is ready itself', () => {
  const start = make(5, 2, { kind: 'crash', f: 2 });
  start.note(1, 'init', 0);
  start.note(2, 'init', 0);
  start.note(3, 'init', 0);
  expect(start.judge(0)).toEqual(NOTHING);
  start.makeReady();
  expect(start.judge(0)).toEqual({ echo: false, begin: true });
});
