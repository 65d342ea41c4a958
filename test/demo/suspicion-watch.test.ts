import { describe, expect, test } from 'vitest';
import { WINDOW_TICKS } from '../../src/core/membership/health.js';
import type { FaultyCause, SuspectFigures } from '../../src/demo/figures.js';
import { SuspicionWatch } from '../../src/demo/suspicion-watch.js';
import { IDS, makeRecord } from './flight-maker.js';

interface Tick {
  /** Whom each replica suspects, by its place. */
  readonly suspects?: Readonly<Record<number, readonly number[]>>;
  readonly causes?: Readonly<Record<number, FaultyCause>>;
}

const QUIET: readonly Tick[] = Array.from({ length: WINDOW_TICKS + 1 }, () => ({}));

function watch(...ticks: readonly Tick[]): readonly SuspectFigures[] {
  const suspicions = new SuspicionWatch(IDS);
  ticks.forEach(({ suspects = {}, causes = {} }, tick) => {
    const records = IDS.map((_, at) => makeRecord(tick, { suspects: suspects[at] ?? [] }));
    suspicions.note(
      tick,
      records,
      IDS.map((_, at) => causes[at] ?? null),
    );
  });
  return suspicions.figures();
}

const AB_SUSPECT_C: Tick = { suspects: { 0: [2], 1: [2] } };

describe('suspicions', () => {
  test('of those who are correct count, and stand firm after a window without slowness', () => {
    expect(watch(...QUIET, AB_SUSPECT_C, AB_SUSPECT_C)).toEqual([
      { id: 'c', ticks: 2, firmTicks: 2, by: ['a', 'b'] },
    ]);
  });

  test('of the faulty do not count', () => {
    expect(watch(...QUIET, { suspects: { 0: [1] }, causes: { 0: 'fault' } })).toEqual([]);
  });

  test('at the start may stand on what was before', () => {
    expect(watch(AB_SUSPECT_C)).toEqual([{ id: 'c', ticks: 1, firmTicks: 0, by: ['a', 'b'] }]);
  });

  test('of one who was late stand on slowness, until the evidence is gone', () => {
    const late: Tick = { ...AB_SUSPECT_C, causes: { 2: 'late' } };
    const [figures] = watch(...QUIET, late, ...QUIET.map(() => AB_SUSPECT_C));
    expect(figures).toMatchObject({ ticks: QUIET.length + 1, firmTicks: 1 });
  });

  test('of one on whom a fault was at work stand firm', () => {
    expect(watch(...QUIET, { ...AB_SUSPECT_C, causes: { 2: 'fault' } })).toMatchObject([{ firmTicks: 1 }]);
  });

  test('by one who was itself not correct a while ago are not firm, by another they are', () => {
    const bWasAway: Tick = { causes: { 1: 'fault' } };
    const bySuspect = (by: number): Tick => ({ suspects: { [by]: [3] } });
    expect(watch(...QUIET, bWasAway, bySuspect(1))).toMatchObject([{ id: 'd', ticks: 1, firmTicks: 0 }]);
    expect(watch(...QUIET, bWasAway, bySuspect(0))).toMatchObject([{ id: 'd', ticks: 1, firmTicks: 1 }]);
  });
});
