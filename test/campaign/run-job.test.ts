/** Jobs in the real simulator, and how runs are judged. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { judgeRun, type RunAccount } from '../../src/campaign/judge-run.js';
import { JobBench } from '../../src/campaign/run-job.js';
import { deriveSmallerRigs } from '../../src/campaign/smaller-rig.js';
import { loadRig } from '../../src/rig/load-rig.js';
import type { FlightFigures } from '../../src/demo/figures.js';
import { fly } from '../demo/flight-maker.js';
import { PITCH, makeJob } from './fake-campaign.js';
import { ROOT } from '../support/rig-runner.js';

const bench = new JobBench(await loadRig(PITCH));
const ignore = (): void => {};

describe('in the simulator', () => {
  test('a liar is masked, the same twice, and a timeline changes nothing', () => {
    const job = makeJob({ ticks: 200 });
    const [one, other, told] = [
      bench.run(job, false, ignore),
      bench.run(job, false, ignore),
      bench.run(job, true, ignore),
    ];
    expect(one).toMatchObject({
      outcome: 'held',
      reasons: [],
      figures: { ticks: 200, disagreements: 0 },
      events: [],
      plant: [],
    });
    expect(other).toEqual(one);
    expect({ ...told, events: [], plant: [] }).toEqual(one);
    expect(told.events).toEqual([{ tick: 50, until: 70, kind: 'fault', text: 'lie on c at 50 for 20' }]);
    expect(told.plant.length).toBeGreaterThan(50);
    expect(Math.max(...told.plant.map(({ error }) => Math.abs(error)))).toBeGreaterThan(0);
  });

  test('the error of any plant is sampled, by what it tracks', async () => {
    const tank = new JobBench(await loadRig(path.join(ROOT, 'hardware', 'rigs', 'valve')));
    const { figures, plant } = tank.run(makeJob({ ticks: 100, faults: [] }), true, ignore);
    expect(plant.length).toBeGreaterThan(25);
    const worst = Math.max(...plant.map(({ error }) => Math.abs(error)));
    expect(worst).toBeGreaterThan(0.01);
    expect(worst).toBeLessThanOrEqual((figures?.maxPlantError ?? 0) + 1e-4);
  });

  test('colluders lead to fail-safe, which is told with its ticks', () => {
    const job = makeJob({ ticks: 200, faults: ['collude on world at 50 for 40'], expectation: 'fail-safe' });
    const result = bench.run(job, true, ignore);
    expect(result).toMatchObject({ outcome: 'fail-safe', figures: { unsafeOutputs: 0 } });
    expect(result.events.filter(({ kind }) => kind === 'trip').length).toBe(result.figures?.trips);
    // What is masked must not trip.
    expect(bench.run({ ...job, expectation: 'masked' }, false, ignore)).toMatchObject({
      outcome: 'failed',
      reasons: ['trip'],
    });
  });

  test('time that moves is told of', () => {
    const beats: number[] = [];
    bench.run(makeJob({ ticks: 2_500, faults: [] }), false, (ticks) => beats.push(ticks));
    expect(beats).toEqual([1_000, 2_000]);
  });

  test("a smaller rig runs in place of the campaign's own", async () => {
    const folder = path.join(ROOT, 'hardware', 'rigs', 'seven');
    const [rigText = null] = deriveSmallerRigs(readFileSync(path.join(folder, 'rig.yaml'), 'utf8'), {
      ids: new Set(['c']),
      sensors: null,
    });
    const seven = new JobBench(await loadRig(folder));
    const result = seven.run(makeJob({ ticks: 120, rigText }), false, ignore);
    expect(result.outcome).toBe('held');
    expect(result.figures?.replicaTicks).toBeLessThan(4 * 200);
  });

  test('what the simulator throws is the result of that job', () => {
    const result = bench.run(makeJob({ faults: ['lie on nobody at 50 for 20'] }), false, ignore);
    expect(result).toMatchObject({ outcome: 'broken', reasons: ['threw'], figures: null });
    expect(result.findings[0]).toMatch(/nobody/);
  });
});

describe('the judgement', () => {
  const good = fly(400);
  const fault = {
    spec: 'lie on c at 50 for 20',
    on: ['c'],
    appliedAt: 50,
    clearedAt: 70,
    affected: 40,
    failed: null,
  };
  const account = (figures: Partial<FlightFigures>, more: Partial<RunAccount> = {}): RunAccount => ({
    figures: { ...good, faults: [fault], ...figures },
    violations: [],
    violationCount: 0,
    traceDigest: 'ff',
    replicaTicks: 1,
    events: [],
    plant: [],
    ...more,
  });
  const violation = { checker: 'agreement', rule: '§11', tick: 7, who: 'a', what: 'It differs.' };

  test.each([
    ['all is well', 'masked', {}, 'held', []],
    ['the fault altered nothing', 'masked', { faults: [{ ...fault, affected: 0 }] }, 'idle', []],
    [
      'the fault never struck',
      'masked',
      { faults: [{ ...fault, appliedAt: null }] },
      'failed',
      ['fault never struck'],
    ],
    ['the fault was refused', 'safe', { faults: [{ ...fault, failed: 'no' }] }, 'failed', ['fault refused']],
    ['an unsafe output', 'safe', { unsafeOutputs: 1 }, 'failed', ['unsafe output']],
    ['disagreement inside', 'masked', { disagreements: 2 }, 'failed', ['disagreement']],
    ['disagreement inside', 'fail-safe', { disagreements: 2 }, 'failed', ['disagreement']],
    ['disagreement of a kind that is not covered', 'safe', { disagreements: 2 }, 'held', []],
    ['an uncovered tick', 'fail-safe', { uncoveredTicks: 1 }, 'failed', ['uncovered tick']],
    [
      'a trip outside',
      'fail-safe',
      { failSafeTrips: 1, ticksOutsideHypothesis: 9, ticksOutsideByFaults: 9 },
      'fail-safe',
      [],
    ],
    [
      'a trip that was to be masked',
      'masked',
      { failSafeTrips: 1, ticksOutsideHypothesis: 9, ticksOutsideByFaults: 9 },
      'failed',
      ['trip'],
    ],
    ['nothing flown', 'safe', { ticks: 0 }, 'failed', ['never armed']],
    ['nothing flown over links slower than rounds', 'unmoved', { ticks: 0 }, 'fail-safe', []],
    ['an unsafe output over such links', 'unmoved', { unsafeOutputs: 1 }, 'failed', ['unsafe output']],
  ] as const)('%s, expected %s', (_about, expectation, figures, outcome, reasons) => {
    expect(judgeRun(expectation, account(figures))).toMatchObject({ outcome, reasons });
  });

  test.each(['masked', 'fail-safe', 'safe', 'unmoved'] as const)(
    'a violation is never excused (%s)',
    (expectation) => {
      const result = judgeRun(
        expectation,
        account({}, { violations: [violation, violation], violationCount: 40 }),
      );
      expect(result).toMatchObject({ outcome: 'failed', reasons: ['agreement §11'] });
      expect(result.findings).toContain('Tick 7, a: It differs. (agreement, §11)');
      expect(result.findings).toContain('And 38 more violations.');
    },
  );
});
