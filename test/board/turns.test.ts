import { expect, test } from 'vitest';
import { readTickTurn, StatusTurns } from '../../src/board/turns.js';
import type { TickRecord } from '../../src/process/telemetry.js';

const RECORD: TickRecord = {
  tick: 107,
  startTick: 100,
  mode: 'running',
  firstSendUs: 1,
  agreedUs: 2,
  vector: null,
  entries: null,
  state: null,
  readings: null,
  commands: null,
  commanded: true,
  absent: 0,
  late: 0,
  lateMessages: 0,
  overrun: null,
  notStepped: null,
  suspects: [],
  clockOffsetUs: 0,
  skewBoundUs: 400,
  startLatenessUs: 0,
};

test('a tick is in time unless the replica itself overslept', () => {
  expect(readTickTurn(RECORD)).toEqual({ met: true, doing: 'running at tick 7' });
  expect(readTickTurn({ ...RECORD, overrun: 'overslept' }).met).toBe(false);
  expect(readTickTurn({ ...RECORD, overrun: 'misses-too-many' }).met).toBe(true);
});

test('a replica that waits for the others is in time', () => {
  expect(readTickTurn({ ...RECORD, mode: 'waiting', startTick: null })).toEqual({
    met: true,
    doing: 'waiting',
  });
});

test('a status turn is in time when it comes within two periods of the last', () => {
  const turns = new StatusTurns(50_000);
  expect(turns.note('fail-safe', 7_000_000)).toEqual({ met: true, doing: 'fail-safe' });
  expect(turns.note('armed', 7_100_000)).toEqual({ met: true, doing: 'armed' });
  expect(turns.note('armed', 7_200_001)).toEqual({ met: false, doing: 'armed' });
  expect(turns.note('armed', 7_250_000).met).toBe(true);
});
