import { describe, expect, test } from 'vitest';
import { combineVerdicts, countTolerated, judgeFlight, type ExitCode } from '../../src/demo/verdict.js';
import { pitchModel } from '../../hardware/plants/pitch.js';
import type { FaultFigures, FlightFigures, PlantFigures } from '../../src/demo/figures.js';
import { fly } from './flight-maker.js';

const good = fly(400);
const judge = (changes: Partial<FlightFigures>, flown = true): ExitCode =>
  judgeFlight('masked', { ...good, ...changes }, flown).exitCode;

const done: FaultFigures = {
  spec: 'lie on c at 50 for 10',
  on: ['c'],
  appliedAt: 50,
  clearedAt: 60,
  affected: 30,
  failed: null,
};
const lost: PlantFigures = {
  survived: false,
  maxAbsPitchErrorDeg: 40,
  maxAbsError: { of: 'pitch', value: 40, unit: 'deg' },
  description: pitchModel.description,
  last: {},
};

describe('a rig that masks faults', () => {
  test('exit 0 when nothing broke', () => {
    expect(judge({})).toBe(0);
    expect(judge({ faults: [done], missedTicks: { elevator: 2 }, lateMessages: 9 })).toBe(0);
  });

  test.each<[string, Partial<FlightFigures>]>([
    ['disagreement', { disagreements: 1 }],
    ['unsafe output', { unsafeOutputs: 1 }],
    ['uncovered tick', { uncoveredTicks: 1 }],
    ['trip inside the hypothesis', { failSafeTrips: 1 }],
    ['aircraft lost inside the hypothesis', { plant: lost }],
    ['no tick at all', { ticks: 0 }],
    ['too many ticks unreported', { unreported: 3 }],
    ['too many outside by the machine', { ticksOutsideHypothesis: 3 }],
    ['too many outputs unverified', { unverifiedOutputs: 3 }],
    ['a fault that altered nothing', { faults: [{ ...done, affected: 0 }] }],
    ['a fault that never struck', { faults: [{ ...done, appliedAt: null, clearedAt: null, affected: 0 }] }],
    ['a fault that was refused', { faults: [{ ...done, failed: 'no such replica' }] }],
  ])('exit 1: %s', (_name, changes) => {
    expect(judge(changes)).toBe(1);
  });

  test('0.5 % of ticks may be unreported or outside by the machine, one of a short flight', () => {
    expect(countTolerated(1_000)).toBe(5);
    expect(countTolerated(40)).toBe(1);
    expect(judge({ unreported: 2, ticksOutsideHypothesis: 2 })).toBe(0);
  });

  test('exit 3: taken outside the hypothesis, and safe', () => {
    const outside = { ticksOutsideHypothesis: 50, ticksOutsideByFaults: 50, faults: [done] };
    expect(judge({ ...outside, failSafeTrips: 1, plant: lost })).toBe(3);
    expect(judge({ ...outside, failSafeTrips: 1, disagreementsOutside: 4, uncoveredOutside: 40 })).toBe(3);
    expect(judge({ ticksOutsideHypothesis: 2, failSafeTrips: 1 })).toBe(3);
  });

  test('an aircraft that is lost behind a struck actuator breaks no promise of the replicas; anything else does', () => {
    const stuck = { ...done, spec: 'actuator-stuck on elevator at 50', on: ['elevator'], clearedAt: null };
    const alarmed = { faults: [stuck], plant: lost, actuatorAlarms: { elevator: 1 } };
    expect(judge(alarmed)).toBe(0);
    expect(judgeFlight('masked', { ...good, ...alarmed }, true).findings).toEqual([
      'The read-back of elevator was alarmed 1 time.',
      'The aircraft was lost after elevator had been struck, which no vote can mend.',
    ]);
    expect(judge({ ...alarmed, unsafeOutputs: 1 })).toBe(1);
    expect(judge({ ...alarmed, failSafeTrips: 1 })).toBe(1);
    expect(judge({ ...alarmed, faults: [{ ...stuck, appliedAt: null }] })).toBe(1);
    const unseen = judgeFlight('masked', { ...good, faults: [stuck] }, true);
    expect(unseen.findings).toEqual(['The read-back of elevator showed nothing to be alarmed at.']);
  });

  test('outside the hypothesis too an unsafe output is a broken promise', () => {
    const outside = {
      ticksOutsideHypothesis: 50,
      ticksOutsideByFaults: 50,
      faults: [done],
      failSafeTrips: 1,
    };
    expect(judge({ ...outside, unsafeOutputs: 1 })).toBe(1);
    expect(judge({ ...outside, uncoveredTicks: 1 })).toBe(1);
    expect(judge({ ...outside, failSafeTrips: 0, plant: lost })).toBe(1);
  });

  test('outside without any harm is exit 0', () => {
    expect(judge({ ticksOutsideHypothesis: 50, ticksOutsideByFaults: 50, faults: [done] })).toBe(0);
  });

  test('a flight that was cut short is not blamed for what had no time', () => {
    expect(judge({ faults: [{ ...done, appliedAt: null, clearedAt: null, affected: 0 }] }, false)).toBe(0);
    expect(judge({ faults: [{ ...done, clearedAt: null, affected: 0 }] }, false)).toBe(0);
    expect(judge({ faults: [{ ...done, affected: 0 }] }, false)).toBe(1);
    expect(judge({ unsafeOutputs: 1 }, false)).toBe(1);
  });

  test('says what broke', () => {
    const { headline, findings } = judgeFlight(
      'masked',
      { ...good, disagreements: 1, unsafeOutputs: 2 },
      true,
    );
    expect(headline).toBe('Promises were broken.');
    expect(findings).toEqual([
      '2 outputs that no correct replica computed reached an actuator.',
      'In 1 tick two correct replicas held different results.',
    ]);
  });
});

describe('a rig for study', () => {
  const study = (changes: Partial<FlightFigures>): ExitCode =>
    judgeFlight('disagree', { ...good, faults: [done], ...changes }, true).exitCode;

  test('its promise is that correct replicas disagree', () => {
    expect(study({ disagreements: 3, plant: lost, unsafeOutputs: 2 })).toBe(0);
    expect(study({})).toBe(1);
    expect(study({ disagreements: 3, faults: [{ ...done, affected: 0 }] })).toBe(1);
  });
});

test('several flights: the first that is not 0', () => {
  const of = (exitCode: ExitCode) => ({ exitCode, headline: '', findings: [] });
  expect(combineVerdicts([of(0), of(0)])).toBe(0);
  expect(combineVerdicts([of(0), of(3), of(1)])).toBe(3);
});
