/** What a replica counts of its links. The meter belongs to replica b of three; a period lasts 50 ms. */
import { beforeEach, describe, expect, test } from 'vitest';
import { LinkMeter } from '../../src/process/link-meter.js';
import { makeRecord } from '../demo/flight-maker.js';
import type { TickRecord } from '../../src/process/telemetry.js';
import { summarizeCounts, type DurationSummary } from '../../src/wire/duration-counts.js';
import { parseCounters, parseDurations, type ReplicaCounters } from '../../src/wire/measure-codec.js';

const PERIOD = 50_000;
const [A, B, C] = [0, 1, 2];

let meter: LinkMeter;
beforeEach(() => {
  meter = new LinkMeter({
    rig: { replicas: ['a', 'b', 'c'].map((id) => ({ id })) as never, periodUs: PERIOD },
    self: B,
    readTrips: (peer) =>
      peer === A ? { shortestTripUs: 700, medianTripUs: 900.4, longestTripUs: 2_000 } : null,
  });
});

function readCounters(): ReplicaCounters {
  const counters = parseCounters(meter.answer('measure 1 counters').text, 3);
  if (counters === null) throw new Error('no counters');
  return counters;
}

function readDurations(what: string): DurationSummary {
  const { ok, text } = meter.answer(`measure 1 ${what}`);
  const counts = ok ? parseDurations(text) : null;
  if (counts === null) throw new Error(text);
  return summarizeCounts(counts);
}

/** A message of `tick` comes `lateUs` after its start; it had left `lagUs` after it. */
function arrive(peer: number, tick: number, lateUs = 1_500, lagUs = 500): void {
  meter.noteArrival(peer, tick, lagUs, tick * PERIOD + lateUs, 7_000_000 + tick * PERIOD + lateUs);
}

function live(tick: number, changes: Partial<TickRecord> = {}): void {
  meter.noteRecord(
    makeRecord(tick, {
      firstSendUs: null,
      agreedUs: null,
      foreseenUs: null,
      foreseen: null,
      startUs: null,
      startLatenessUs: 300,
      clockOffsetUs: -40,
      skewBoundUs: 1_000,
      ...changes,
    }),
  );
}

describe('links', () => {
  test('how long messages are under way, and how late after the start of the tick they come', () => {
    for (let tick = 10; tick < 110; tick += 1) arrive(A, tick, tick === 50 ? 9_000 : 1_500);
    expect(readDurations('delay a')).toMatchObject({ count: 100, p50Us: 1_024, p99Us: 1_024, maxUs: 9_216 });
    expect(readDurations('arrival a')).toMatchObject({ count: 100, p50Us: 1_536, p99Us: 1_536 });
    expect(readDurations('delay c').count).toBe(0);
    expect(readCounters().links).toEqual([
      { expected: 100, heard: 100, late: 0, tripUs: 900 },
      null,
      { expected: 0, heard: 0, late: 0, tripUs: null },
    ]);
  });

  test('a tick of which nothing came is missing; one that came late or out of turn is not', () => {
    for (const tick of [10, 11, 13, 14, 16, 15, 17]) arrive(A, tick);
    expect(readCounters().links[A]).toMatchObject({ expected: 8, heard: 7 });
  });

  test('a peer that was away for long says nothing of the link', () => {
    for (const tick of [10, 11, 200, 201]) arrive(A, tick);
    expect(readCounters().links[A]).toMatchObject({ expected: 4, heard: 4 });
  });

  test('ticks that are numbered otherwise are left out', () => {
    arrive(A, 10);
    meter.noteArrival(A, 900, 500, 11 * PERIOD, 7_550_000);
    meter.noteArrival(A, 11, 500, NaN, 7_550_000);
    arrive(A, 11);
    expect(readCounters().links[A]).toMatchObject({ expected: 2, heard: 2 });
    expect(readDurations('delay a').count).toBe(2);
  });

  test('a stamp that lies makes no other link wrong', () => {
    arrive(A, 10, 1_500, 4_000_000_000);
    arrive(C, 10);
    expect(readDurations('delay a').maxUs).toBe(8);
    expect(readDurations('delay c').maxUs).toBe(1_024);
  });

  test('late ticks count, unless this replica was itself too late', () => {
    live(10, { late: 1 << A });
    live(11, { late: (1 << A) | (1 << C) });
    live(12, { late: 1 << A, overrun: 'overslept' });
    expect(readCounters().links.map((link) => link?.late)).toEqual([2, undefined, 1]);
    expect(readCounters()).toMatchObject({ ticks: 3, overruns: 1 });
  });

  test('the first that is heard tells one life from another', () => {
    expect(readCounters().bornUs).toBeNull();
    arrive(A, 10);
    arrive(C, 11);
    expect(readCounters().bornUs).toBe(7_501_500);
  });
});

describe('the replica itself', () => {
  test('starts, clock and skew', () => {
    for (let tick = 1; tick <= 100; tick += 1) live(tick, { startLatenessUs: tick === 7 ? 5_000 : 300 });
    expect(readDurations('start')).toMatchObject({ count: 100, p50Us: 320, p99Us: 320, maxUs: 5_120 });
    expect(readDurations('offset')).toMatchObject({ count: 100, maxUs: 48 });
    expect(readDurations('skew')).toMatchObject({ count: 100, maxUs: 1_024 });
    expect(readCounters()).toMatchObject({ mode: 'running', ticks: 100, overruns: 0 });
  });

  test('from the vector to the first command of the same tick', () => {
    meter.noteCommanded(1_000_700);
    meter.noteCommanded(1_009_000);
    live(10, { agreedUs: 1_000_000 });
    live(11, { agreedUs: 1_050_000 });
    meter.noteCommanded(1_100_900);
    live(12);
    expect(readDurations('processing')).toMatchObject({ count: 1, maxUs: 704 });
  });

  test('ticks in which it says nothing, and ticks that it sleeps through', () => {
    for (const tick of [10, 11, 12]) {
      meter.noteSent(tick);
      live(tick);
    }
    live(13, { overrun: 'overslept' });
    meter.noteSent(16);
    live(16);
    expect(readCounters()).toMatchObject({ ticks: 7, unspoken: 3, overruns: 3 });
    // Ticks are numbered anew: nobody slept for so long.
    meter.noteSent(900);
    live(900);
    expect(readCounters()).toMatchObject({ ticks: 8, unspoken: 3 });
  });

  test('ticks of its own, before it shares any, are none', () => {
    live(3, { clockOffsetUs: null, mode: 'listening' });
    expect(readCounters()).toMatchObject({ mode: 'listening', ticks: 0, unspoken: 0 });
    expect(readDurations('start').count).toBe(0);
  });
});

test('what it cannot answer it refuses with the cure', () => {
  expect(meter.answer('measure 1 delay z')).toEqual({
    ok: false,
    text: 'there is no such peer; name another replica of the rig',
  });
  expect(meter.answer('measure 1 delay b').ok).toBe(false);
  expect(meter.answer('measure 9 counters').text).toMatch(/version 1 here; use a voteplane/);
});
