import { expect, test } from 'vitest';
import { readTickTurn, StatusTurns } from '../../src/board/turns.js';
import { makeRecord } from '../demo/flight-maker.js';

const RECORD = makeRecord(107, { startTick: 100 });

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
