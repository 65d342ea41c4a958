import { describe, expect, test } from 'vitest';
import { pitchModel } from '../../hardware/plants/pitch.js';
import { tankModel } from '../../hardware/plants/tank.js';
import type { PlantFigures } from '../../src/demo/figures.js';
import {
  formatJson,
  formatVerdict,
  readVersions,
  wrapLines,
  type FlownFlight,
} from '../../src/demo/report.js';
import { judgeFlight } from '../../src/demo/verdict.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { fly } from './flight-maker.js';

const PITCH: PlantFigures = {
  survived: true,
  maxAbsPitchErrorDeg: 0.25,
  maxAbsError: { of: 'pitch', value: 0.25, unit: 'deg' },
  description: pitchModel.description,
  last: {},
};

async function makeFlight(name: string): Promise<FlownFlight> {
  const { rig } = await loadRig(`hardware/rigs/${name}`);
  const figures = {
    ...fly(40),
    faults: [
      { spec: 'lie on c at 5 for 9', on: ['c'], appliedAt: 5, clearedAt: 14, affected: 27, failed: null },
      { spec: 'crash on d at 39', on: [], appliedAt: null, clearedAt: null, affected: 0, failed: null },
    ],
    plant: PITCH,
  };
  const result = { figures, flown: false, failure: null, badExits: ['a: exit code 1'] };
  return { rig, rigPath: `hardware/rigs/${name}`, result, verdict: judgeFlight('masked', figures, false) };
}

describe('the report', () => {
  test('holds the first flight at the top and all flights below', async () => {
    const flights = [await makeFlight('pitch'), await makeFlight('seven')];
    const text = formatJson({ exitCode: 0, error: null, seed: 3, versions: readVersions('1.2.3'), flights });
    const report = JSON.parse(text) as Record<string, unknown> & { flights: Record<string, unknown>[] };
    expect(report).toMatchObject({
      rig: 'pitch',
      ticks: 40,
      exitCode: 0,
      seed: 3,
      versions: { voteplane: '1.2.3' },
    });
    expect(report.flights.map(({ rig }) => rig)).toEqual(['pitch', 'seven']);
    // What a reader of the file counts on, by name.
    for (const name of [
      ...['ticks', 'completedTicks', 'disagreements', 'disagreementsOutside', 'ticksOutsideHypothesis'],
      ...['unreported', 'unsafeOutputs', 'uncoveredTicks', 'failSafeTrips', 'missedTicks', 'lateMessages'],
      ...[
        'rejected',
        'faults',
        'latencyUs',
        'agreementUs',
        'plant',
        'suspects',
        'processes',
        'machineStallMs',
      ],
    ])
      expect(report).toHaveProperty(name);
  });

  test('is written for a demo that never flew, too', () => {
    const text = formatJson({
      exitCode: 2,
      error: 'no rig',
      seed: 1,
      versions: readVersions('1'),
      flights: [],
    });
    expect(JSON.parse(text)).toMatchObject({ exitCode: 2, error: 'no rig', flights: [] });
  });

  test('says in words what happened', async () => {
    const text = formatVerdict(await makeFlight('pitch')).join('\n');
    expect(text).toContain('pitch (4 replicas, 1 may lie, MACs): All promises kept.');
    expect(text).toContain('altered 27: lie on c at 5 for 9');
    expect(text).toContain('never struck: crash on d at 39');
    expect(text).toContain('The aircraft survived; largest pitch error 0.25 deg.');
    expect(text).toContain('Ended badly: a: exit code 1');
  });

  test('says of a plant what it calls itself and its error', async () => {
    const flight = await makeFlight('valve');
    const plant: PlantFigures = {
      survived: false,
      maxAbsPitchErrorDeg: null,
      maxAbsError: { of: 'level', value: 0.125, unit: 'm' },
      description: tankModel.description,
      last: { lostWhy: 'it ran dry' },
    };
    const figures = { ...flight.result.figures, plant };
    const verdict = judgeFlight('masked', figures, false);
    expect(verdict.findings).toContain('The tank was lost.');
    const text = formatVerdict({ ...flight, verdict, result: { ...flight.result, figures } }).join('\n');
    expect(text).toContain('The tank was lost (it ran dry); largest level error 0.13 m.');
    expect(text).not.toContain('aircraft');
  });

  test('is wrapped to a terminal, or not at all', () => {
    const lines = ['one two three four five six seven', '  eight nine ten eleven twelve'];
    expect(wrapLines(lines, 24)).toEqual([
      'one two three four',
      '  five six seven',
      '  eight nine ten',
      '    eleven twelve',
    ]);
    expect(wrapLines(lines, Infinity)).toEqual(lines);
  });
});
