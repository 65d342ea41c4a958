/** What measured links allow, and what is said of it. */
import { describe, expect, test } from 'vitest';
import { judgeMeasurement } from '../../src/measure/judge-measurement.js';
import { renderMeasurement } from '../../src/measure/render-measurement.js';
import type { Hypothesis } from '../../src/core/types.js';
import type { Measurement } from '../../src/measure/take-measurement.js';
import { makeLink, makeMeasurement, makeReplica, NOTHING, spread } from './support.js';

const BYZANTINE: Hypothesis = { kind: 'byzantine', f: 1, authenticators: 'signature' };

function judge(
  measurement: Measurement,
  timing: { roundUs?: number; periodUs?: number; hypothesis?: Hypothesis } = {},
): ReturnType<typeof judgeMeasurement> {
  return judgeMeasurement(
    { hypothesis: BYZANTINE, roundUs: 20_000, periodUs: 50_000, ...timing },
    measurement,
  );
}

describe('the round that links allow', () => {
  test('is what 99 of 100 take to arrive, and the skew of the receiver, on the worst link', () => {
    const worst = makeLink('b', 'c', { arrival: spread(2_000, 5_000, 30_000), delay: spread(900, 4_500) });
    const judgement = judge(makeMeasurement({ links: [worst] }));
    expect(judgement.worst).toEqual({
      from: 'b',
      to: 'c',
      arrivalUs: 5_000,
      skewUs: 640,
      delayUs: 4_500,
      startUs: 400,
    });
    // 20 / 5.64 = 3.546…; one and a half times 5.64 is 8.46.
    expect(judgement.round).toEqual({
      configuredUs: 20_000,
      neededUs: 5_640,
      advisedUs: 8_500,
      percent: 254,
    });
    expect(judgement).toMatchObject({ ok: true, findings: [] });
  });

  test('a clock that is far off counts as much as a slow link', () => {
    const replicas = [makeReplica('a'), makeReplica('b', { skew: spread(9_000, 9_000) })];
    const { worst, round } = judge(makeMeasurement({ replicas }));
    expect(worst).toMatchObject({ from: 'a', to: 'b', skewUs: 9_000 });
    expect(round?.neededUs).toBe(1_664 + 9_000);
  });

  test('where clocks do not know their bound, usual delays and targets estimate it', () => {
    const blind = { skew: NOTHING, offset: spread(100, 700) };
    const replicas = [makeReplica('a', blind), makeReplica('b', blind), makeReplica('c', blind)];
    const links = [makeLink('a', 'b', { delay: spread(3_000, 3_200) })];
    expect(judge(makeMeasurement({ replicas, links })).skewBounds).toEqual([
      { id: 'a', us: 3_000, by: 'estimate' },
      { id: 'b', us: 3_000, by: 'estimate' },
      { id: 'c', us: 700, by: 'estimate' },
    ]);
  });

  test('a bound of a few ticks alone is none', () => {
    const rare = makeReplica('a', { skew: { ...spread(8), count: 3 }, offset: spread(100, 900) });
    const { skewBounds } = judge(makeMeasurement({ replicas: [rare, makeReplica('b')] }));
    expect(skewBounds[0]).toEqual({ id: 'a', us: 900, by: 'estimate' });
  });
});

describe('the period that they allow', () => {
  test('is f+1 rounds and what is done after them, one of its parts slow', () => {
    // Starts: 400 at worst and 500 of processing; or 100 as usual and 900 of processing at worst.
    const { processing, period } = judge(makeMeasurement());
    expect(processing).toEqual({
      configuredUs: 10_000,
      neededUs: 1_000,
      advisedUs: 1_500,
      percent: 900,
    });
    expect(period).toEqual({
      configuredUs: 50_000,
      neededUs: 2 * (1_664 + 640) + 1_000,
      advisedUs: 2 * 3_500 + 1_500,
      percent: 791,
    });
  });

  test.each<[Hypothesis, number]>([
    [{ kind: 'none' }, 1],
    [{ kind: 'crash', f: 1 }, 2],
    [{ kind: 'byzantine', f: 2, authenticators: 'mac' }, 3],
  ])('%j has its own number of rounds', (hypothesis, rounds) => {
    const { period } = judge(makeMeasurement(), { hypothesis, periodUs: 100_000 });
    expect(period?.neededUs).toBe(rounds * 2_304 + 1_000);
  });
});

describe('margins', () => {
  const needs = 1_664 + 640;
  test.each([
    ['one and a half times what is needed', 1.5 * needs, true, []],
    ['less than that', 1.5 * needs - 1, true, ['warning']],
    ['as much as is needed', needs, true, ['warning']],
    ['less than is needed', needs - 1, false, ['error']],
  ])('%s', (_, roundUs, ok, levels) => {
    const judgement = judge(makeMeasurement(), { roundUs });
    expect(judgement.ok).toBe(ok);
    expect(judgement.findings.map(({ level }) => level)).toEqual(levels);
  });

  test('a round that is too short is an error with the times that would do', () => {
    const slow = makeLink('a', 'b', { arrival: spread(61_000, 63_000), delay: spread(60_000, 62_000) });
    const { ok, findings } = judge(makeMeasurement({ links: [slow] }));
    expect(ok).toBe(false);
    expect(findings).toEqual([
      {
        level: 'error',
        what: 'the round of 20 ms is too short: needed are 64 ms, so the margin is −69 %',
        cure: "mend a > b, the slowest link, or write 'round: 96 ms' and a period of 194 ms or more in rig.yaml",
      },
    ]);
  });

  test('where starts are late and not links, the machine is named', () => {
    const replicas = [makeReplica('a', { start: spread(9_000, 25_000) }), makeReplica('b')];
    const links = [makeLink('a', 'b', { arrival: spread(10_000, 27_000) })];
    const { findings } = judge(makeMeasurement({ replicas, links }));
    expect(findings[0]?.cure).toMatch(/^give a a quieter machine, as it starts late, or write 'round: /);
  });

  test('a period without room after its rounds', () => {
    const { ok, findings } = judge(makeMeasurement(), { roundUs: 24_600 });
    expect(ok).toBe(false);
    expect(findings).toMatchObject([
      {
        level: 'error',
        what: 'what the period leaves after its 2 rounds, a time of 800 us is too short: needed are 1 ms, so the margin is −20 %',
        cure: expect.stringMatching(/^leave 1\.5 ms by a longer period or a shorter round/),
      },
    ]);
  });
});

describe('findings', () => {
  test('up to one in a thousand may be lost or late', () => {
    const flow = (lost: number, late: number): Measurement =>
      makeMeasurement({ links: [makeLink('a', 'b', { expected: 1_000, lost, late })] });
    expect(judge(flow(1, 1)).findings).toEqual([]);
    const { ok, findings } = judge(flow(2, 3));
    expect(ok).toBe(true);
    expect(findings.map(({ level, what }) => `${level}: ${what}`)).toEqual([
      'warning: lost: a > b 2 of 1000 messages',
      'warning: late: a > b 3 of 1000 ticks',
    ]);
  });

  test('nothing comes over a link', () => {
    const dead = makeLink('a', 'b', { delay: NOTHING, arrival: NOTHING, expected: 0 });
    const { ok, findings } = judge(makeMeasurement({ links: [dead] }));
    expect(ok).toBe(false);
    expect(findings[0]?.what).toBe('nothing came over a > b');
  });

  test('replicas that do not answer, or do not run', () => {
    const { ok, findings } = judge(
      makeMeasurement({
        replicas: [makeReplica('a'), makeReplica('b', { mode: 'joining' })],
        unanswered: [{ id: 'c', why: 'no answer from replica c within 5000 ms: see that it runs' }],
      }),
    );
    expect(ok).toBe(false);
    expect(findings.map(({ level, what }) => `${level}: ${what}`)).toEqual([
      'error: replica c could not be measured',
      'error: replica b is joining and takes no part in the run',
    ]);
  });

  test('replicas that miss ticks themselves, and too few ticks', () => {
    const replicas = [
      makeReplica('a', { ticks: 20, overruns: 1 }),
      makeReplica('b', { ticks: 20, unspoken: 2 }),
      makeReplica('c', { ticks: 20 }),
    ];
    expect(judge(makeMeasurement({ replicas })).findings).toMatchObject([
      { level: 'warning', what: 'only 20 ticks were measured', cure: 'measure longer: --for 13s' },
      { level: 'warning', what: 'silent or too late themselves: a 1 of 20 ticks, b 2 of 20' },
    ]);
  });

  test('nobody answers: nothing follows', () => {
    const unanswered = [{ id: 'a', why: 'no answer' }];
    expect(judge(makeMeasurement({ replicas: [], unanswered }))).toMatchObject({
      ok: false,
      round: null,
      period: null,
      processing: null,
      findings: [{ level: 'error' }],
    });
  });
});

describe('as text', () => {
  const render = (measurement: Measurement, timing?: Parameters<typeof judge>[1]): string =>
    renderMeasurement(measurement, judge(measurement, timing));

  test('a rig with time to spare', async () => {
    await expect(`${render(makeMeasurement())}\n`).toMatchFileSnapshot('golden/time-to-spare.txt');
  });

  test('a link that is too slow, one that loses, and a replica that is silent', async () => {
    const measurement = makeMeasurement({
      links: [
        makeLink('a', 'b', {
          delay: spread(60_416, 61_440, 65_536),
          arrival: spread(61_440, 63_488, 65_536),
          tripUs: null,
          late: 99,
        }),
        makeLink('b', 'c', { lost: 3 }),
      ],
      unanswered: [
        {
          id: 'd',
          why: 'no answer from replica d within 5000 ms: see that it runs, that its inbox can be reached and that the keys are of this rig',
        },
      ],
    });
    await expect(`${render(measurement)}\n`).toMatchFileSnapshot('golden/too-slow.txt');
  });

  test('nothing measured', () => {
    const measurement = makeMeasurement({ replicas: [], unanswered: [{ id: 'a', why: 'start it' }] });
    expect(render(measurement)).toBe(
      'Measured for 5 s: 0 ticks, 0 of 1 replicas\n\nErrors\n  - replica a could not be measured; start it',
    );
  });
});
