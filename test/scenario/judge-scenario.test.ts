import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pitchModel } from '../../hardware/plants/pitch.js';
import type { FlightFigures, PlantFigures } from '../../src/demo/figures.js';
import { judgeScenario } from '../../src/scenario/judge-scenario.js';
import { loadScenario } from '../../src/scenario/load-scenario.js';
import { formatClaim } from '../../src/scenario/parse-expectations.js';
import type { Claim, ClaimKind, Scenario } from '../../src/scenario/scenario.js';
import { fly } from '../demo/flight-maker.js';
import { removeRigFolders } from '../rig/rig-folder.js';
import { SOUND_SCENARIO, writeScenario } from './scenario-maker.js';

const pitchError = (value: number): NonNullable<PlantFigures['maxAbsError']> => ({
  of: 'pitch',
  value,
  unit: 'deg',
});
const plant: PlantFigures = {
  survived: true,
  maxAbsPitchErrorDeg: 0.25,
  maxAbsError: pitchError(0.25),
  description: pitchModel.description,
  last: {},
};
const lost: PlantFigures = {
  ...plant,
  survived: false,
  maxAbsPitchErrorDeg: 40,
  maxAbsError: pitchError(40),
};
const struck = { on: ['c'], appliedAt: 30, clearedAt: 70, affected: 9, failed: null };
const suspect = (id: string, firmTicks: number) => ({ id, ticks: 20, firmTicks, by: ['a', 'b'] });
/** A flight as the sound scenario expects it. */
const good: FlightFigures = {
  ...fly(100),
  plant,
  suspects: [suspect('c', 20)],
  faults: [
    { ...struck, spec: 'lie on c at 30 for 40' },
    { ...struck, spec: 'crash on d at 80', on: ['d'] },
  ],
};
const outside: Partial<FlightFigures> = {
  ticksOutsideHypothesis: 30,
  ticksOutsideByFaults: 30,
  outsideByFaultsFrom: 40,
  failSafeTrips: 1,
  trips: [{ actuator: 'elevator', tick: 43, cause: 'hold-expired' }],
};

let sound: Scenario;
beforeAll(async () => {
  sound = (await loadScenario(writeScenario(SOUND_SCENARIO))).scenario;
});
afterAll(removeRigFolders);

/** What becomes of one claim alone. */
function judge(claim: Claim, changes: Partial<FlightFigures>) {
  const expectations = [{ claim, text: formatClaim(claim), line: 10 }];
  const verdict = judgeScenario({ ...sound, expectations }, { ...good, ...changes });
  const judged = verdict.expectations.at(-1);
  return { ...verdict, met: judged?.met, found: judged?.found };
}

interface Case {
  readonly claim: Claim;
  readonly met: readonly Partial<FlightFigures>[];
  /** What is measured, and how it is told. */
  readonly unmet: readonly (readonly [Partial<FlightFigures>, RegExp])[];
}

const CASES: readonly Case[] = [
  {
    claim: { kind: 'agree' },
    met: [{}, { disagreementsOutside: 3, ...outside }],
    unmet: [[{ disagreements: 1 }, /^disagreement in 1 tick$/]],
  },
  {
    claim: { kind: 'disagree' },
    met: [{ disagreements: 4, plant: lost }],
    unmet: [[{ disagreementsOutside: 4 }, /^disagreement in 0 ticks$/]],
  },
  {
    claim: { kind: 'masked' },
    met: [{}, { ticksOutsideHypothesis: 2 }, { missedTicks: { elevator: 2 } }],
    unmet: [
      [{ disagreements: 2 }, /disagreement in 2 ticks/],
      [{ uncoveredTicks: 1 }, /1 tick inside the hypothesis in fail-safe/],
      [{ failSafeTrips: 1 }, /1 trip to fail-safe/],
      [{ plant: lost }, /the plant was lost/],
      [outside, /1 trip to fail-safe/],
    ],
  },
  {
    claim: { kind: 'fail-safe', withinTicks: 3 },
    met: [outside, { ...outside, disagreementsOutside: 5, plant: lost }],
    unmet: [
      [{}, /never left the hypothesis/],
      [{ ...outside, trips: [] }, /^elevator never fell$/],
      [{ ...outside, trips: [{ actuator: 'elevator', tick: 39, cause: 'x' }] }, /^elevator never fell$/],
      [{ ...outside, trips: [{ actuator: 'elevator', tick: 44, cause: 'x' }] }, /^elevator after 4 ticks$/],
      [{ ...outside, disagreements: 1 }, /disagreement in 1 tick/],
      [{ ...outside, uncoveredTicks: 2 }, /2 ticks inside the hypothesis in fail-safe/],
    ],
  },
  {
    claim: { kind: 'suspects', ids: ['c'] },
    met: [{}, { suspects: [suspect('c', 1), suspect('a', 0)] }],
    unmet: [
      [{ suspects: [] }, /^nobody was suspected$/],
      [{ suspects: [suspect('c', 20), suspect('a', 1)] }, /c for 20 ticks by a, b; a for 20 ticks by a, b$/],
      [{ suspects: [suspect('a', 0)] }, /a for 20 ticks by a, b, for no more than slowness/],
    ],
  },
  {
    claim: { kind: 'suspects', ids: [] },
    met: [{ suspects: [] }],
    unmet: [[{}, /c for 20 ticks/]],
  },
  {
    claim: { kind: 'suspects-include', ids: ['c'] },
    met: [{}, { suspects: [suspect('a', 9), suspect('c', 0)] }],
    unmet: [[{ suspects: [suspect('a', 9)] }, /^a for 20 ticks/]],
  },
  {
    claim: { kind: 'plant-error', max: 0.25, unit: 'deg' },
    met: [{}],
    unmet: [
      [{ plant: { ...plant, maxAbsError: pitchError(0.26) } }, /^0\.260 deg at worst$/],
      [{ plant: { ...plant, maxAbsError: { of: 'level', value: 0.1, unit: 'm' } } }, /^0\.100 m at worst$/],
      [{ plant: { ...plant, maxAbsError: null } }, /no error was measured/],
      [{ plant: null }, /no error was measured/],
    ],
  },
  {
    claim: { kind: 'plant', fate: 'survives' },
    met: [{}],
    unmet: [
      [{ plant: lost }, /^the plant was lost$/],
      [{ plant: null }, /nothing was heard/],
    ],
  },
  {
    claim: { kind: 'plant', fate: 'lost' },
    met: [{ plant: lost }],
    unmet: [[{}, /^the plant survives$/]],
  },
  {
    claim: { kind: 'missed-ticks', max: 2 },
    met: [{}, { missedTicks: { left: 2, right: 2 } }],
    unmet: [[{ missedTicks: { left: 2, right: 3 } }, /^3 at right$/]],
  },
  {
    claim: { kind: 'rejected', causes: ['replayed', 'bad-authenticator'] },
    met: [{ rejected: { replayed: 1, 'bad-authenticator': 3, late: 2 } }],
    unmet: [
      [{ rejected: { replayed: 5, 'bad-authenticator': 0 } }, /^refused were replayed 5$/],
      [{ rejected: {} }, /^nothing was refused$/],
    ],
  },
  {
    claim: { kind: 'alarms', ids: ['left'] },
    met: [{ actuatorAlarms: { left: 2, right: 0 } }],
    unmet: [
      [{}, /^nothing was alarmed$/],
      [{ actuatorAlarms: { left: 1, right: 2 } }, /^left alarmed 1 time, right alarmed 2 times$/],
    ],
  },
  {
    claim: { kind: 'alarms', ids: [] },
    met: [{}],
    unmet: [[{ actuatorAlarms: { elevator: 1 } }, /^elevator alarmed 1 time$/]],
  },
  {
    claim: { kind: 'commands', done: 2, refused: 0 },
    met: [{ commands: { done: 2, refused: 0, lapsed: 1 } }],
    unmet: [
      [{ commands: { done: 3, refused: 0, lapsed: 0 } }, /^3 done, 0 refused by the law, 0 lapsed$/],
      [{ commands: { done: 2, refused: 1, lapsed: 0 } }, /^2 done, 1 refused/],
      [{}, /^0 done/],
    ],
  },
  {
    claim: { kind: 'commands', done: 0, refused: 1 },
    met: [{ commands: { done: 0, refused: 1, lapsed: 0 } }],
    unmet: [[{}, /^0 done, 0 refused/]],
  },
  {
    claim: { kind: 'outside', outside: true },
    met: [outside],
    unmet: [[{ ticksOutsideHypothesis: 3 }, /^0 ticks outside the hypothesis by faults$/]],
  },
  {
    claim: { kind: 'outside', outside: false },
    met: [{}, { ticksOutsideHypothesis: 3 }],
    unmet: [[outside, /^30 ticks outside/]],
  },
];

describe('each expectation', () => {
  test.each(CASES.map((one) => [formatClaim(one.claim), one] as const))('%s', (text, one) => {
    for (const changes of one.met) {
      const judged = judge(one.claim, changes);
      expect(judged, JSON.stringify(changes)).toMatchObject({ met: true, exitCode: 0, findings: [] });
      expect(judged.found).not.toBe('');
    }
    for (const [changes, found] of one.unmet) {
      const judged = judge(one.claim, changes);
      expect(judged, JSON.stringify(changes)).toMatchObject({ met: false, exitCode: 1 });
      expect(judged.found).toMatch(found);
      expect(judged.findings).toEqual([`${sound.file}:10: expected ${text}; found ${String(judged.found)}.`]);
    }
  });

  test('none is without a case', () => {
    const kinds: Record<ClaimKind, true> = {
      agree: true,
      disagree: true,
      masked: true,
      'fail-safe': true,
      suspects: true,
      'suspects-include': true,
      'plant-error': true,
      plant: true,
      'missed-ticks': true,
      rejected: true,
      alarms: true,
      commands: true,
      outside: true,
    };
    expect(new Set(CASES.map(({ claim }) => claim.kind))).toEqual(new Set(Object.keys(kinds)));
  });
});

describe('a whole scenario', () => {
  test('met: exit 0, every expectation with what was found', () => {
    const verdict = judgeScenario(sound, good);
    expect(verdict).toMatchObject({
      exitCode: 0,
      headline: 'All that was expected is met.',
      findings: [],
      file: sound.file,
      title: 'A liar',
      spoiltByMachine: false,
    });
    expect(verdict.expectations.map(({ text, line, met }) => [text, line, met])).toEqual([
      ['no unsafe output', null, true],
      ['every fault strikes', null, true],
      ['masked', 10, true],
      ['suspects: [c]', 11, true],
      ['plant-error: { max: 0.5 deg }', 12, true],
    ]);
  });

  test('an unsafe output is never expected, and never put down to the machine', () => {
    const verdict = judgeScenario(sound, { ...good, unsafeOutputs: 1, ticksOutsideHypothesis: 1 });
    expect(verdict).toMatchObject({ exitCode: 1, spoiltByMachine: false });
    expect(verdict.findings).toEqual(['Always expected: expected no unsafe output; found 1 unsafe output.']);
  });

  test.each([
    ['altered nothing', { affected: 0 }, /altered nothing$/],
    ['never struck', { appliedAt: null, clearedAt: null, affected: 0 }, /never struck$/],
    ['was refused', { failed: 'no way' }, /could not be done: no way$/],
  ])('a fault that %s proves nothing', (_name, change, found) => {
    const faults = good.faults.map((fault, at) => (at === 0 ? { ...fault, ...change } : fault));
    const verdict = judgeScenario(sound, { ...good, faults });
    expect(verdict.exitCode).toBe(1);
    expect(verdict.expectations[1]).toMatchObject({ text: 'every fault strikes', met: false });
    expect(verdict.expectations[1]?.found).toMatch(found);
  });

  test('without faults nothing has to strike', () => {
    const { expectations } = judgeScenario({ ...sound, faults: [] }, { ...good, faults: [] });
    expect(expectations.map(({ text }) => text)).not.toContain('every fault strikes');
  });

  test('a flight cut short, or not flown at all, proves nothing', () => {
    expect(judgeScenario(sound, good, false)).toMatchObject({
      exitCode: 1,
      findings: ['The flight was cut short, so it proves nothing.'],
      spoiltByMachine: false,
    });
    expect(judgeScenario(sound, { ...good, ticks: 0 })).toMatchObject({
      exitCode: 1,
      findings: [expect.stringMatching(/Not one tick/)],
    });
  });
});

describe("the machine's own delays", () => {
  const trip: Partial<FlightFigures> = { failSafeTrips: 1, plant: lost };

  test('a tenth of the ticks is tolerated, no more, and told', () => {
    expect(judgeScenario(sound, { ...good, ticksOutsideHypothesis: 10 }).exitCode).toBe(0);
    const verdict = judgeScenario(sound, { ...good, ticksOutsideHypothesis: 11 });
    expect(verdict).toMatchObject({ exitCode: 1, spoiltByMachine: true });
    expect(verdict.headline).toMatch(/machine's own delays spoilt the flight/);
    expect(verdict.findings).toEqual([expect.stringMatching(/11 ticks of 100 .* more than 10 %/)]);
    expect(judgeScenario(sound, { ...good, unreported: 11 }).spoiltByMachine).toBe(true);
  });

  test.each<[string, Partial<FlightFigures>, boolean]>([
    ['a tick outside by the machine', { ticksOutsideHypothesis: 1 }, true],
    ['a stall of a round', { machineStallMs: 20 }, true],
    ['a stall of less', { machineStallMs: 19 }, false],
    ['ticks outside by faults alone', { ticksOutsideHypothesis: 9, ticksOutsideByFaults: 9 }, false],
    ['disagreement as well', { ticksOutsideHypothesis: 1, disagreements: 1 }, false],
  ])('a trip after %s', (_name, changes, spoilt) => {
    const verdict = judgeScenario(sound, { ...good, ...trip, ...changes });
    expect(verdict).toMatchObject({ exitCode: 1, spoiltByMachine: spoilt });
  });

  test.each<[string, number, boolean]>([
    ['a tenth of the ticks or less do not account', 10, false],
    ['more do account', 11, true],
  ])('%s for a liar who is not suspected', (_name, ticksOutsideHypothesis, spoilt) => {
    const verdict = judgeScenario(sound, { ...good, ticksOutsideHypothesis, suspects: [] });
    expect(verdict).toMatchObject({ exitCode: 1, spoiltByMachine: spoilt });
  });
});
