import { describe, expect, test } from 'vitest';
import { pitchModel } from '../../hardware/plants/pitch.js';
import { Observer } from '../../src/demo/observer.js';
import { judgeFlight } from '../../src/demo/verdict.js';
import type { Telemetry, TickRecord } from '../../src/process/telemetry.js';
import { fly, IDS, makeOutput, makeRecord, RIG, START, startUs } from './flight-maker.js';

const exitCode = (figures: ReturnType<typeof fly>): number => judgeFlight('masked', figures, true).exitCode;

const fault = (
  spec: string,
  event: 'applied' | 'cleared',
  runTick: number,
  affected: number,
  id = 'c',
): Telemetry => ({ kind: 'fault', id, spec, event, tick: runTick, affected });

describe('a flight without faults', () => {
  test('keeps all promises', () => {
    const figures = fly(300);
    expect(figures).toMatchObject({
      ticks: 300,
      completedTicks: 300,
      disagreements: 0,
      disagreementsOutside: 0,
      ticksOutsideHypothesis: 0,
      unreported: 0,
      unsafeOutputs: 0,
      unverifiedOutputs: 0,
      uncoveredTicks: 0,
      failSafeTrips: 0,
      missedTicks: { elevator: 0 },
      faults: [],
      suspects: [],
    });
    expect(figures.latencyUs.p50).toBeGreaterThan(3_960);
    expect(figures.latencyUs.p50).toBeLessThan(4_040);
    expect(figures.agreementUs.max).toBe(2_000);
    expect(exitCode(figures)).toBe(0);
  });

  test('counts nothing before the run has begun and the voter is armed', () => {
    const observer = new Observer(RIG, null);
    for (let tick = 1; tick < 50; tick += 1) {
      for (const id of IDS) {
        const record = makeRecord(tick, {
          startTick: null,
          mode: 'waiting',
          vector: `${id}${tick}`,
          state: null,
        });
        observer.note({ kind: 'ticks', id, records: [record] }, startUs(tick + 1));
      }
    }
    observer.finish();
    expect(observer.figures().ticks).toBe(0);
    expect(observer.complete).toBe(false);
    expect(exitCode(observer.figures())).toBe(1);
  });

  test('sees the run begin though the replicas skipped ticks while they waited', () => {
    const observer = new Observer(RIG, null);
    const waiting = { startTick: null, mode: 'listening', firstSendUs: null } as const;
    const tell = (id: string, record: TickRecord): void =>
      observer.note({ kind: 'ticks', id, records: [record] }, startUs(record.tick + 1));
    for (const tick of [START - 28, START - 25, START - 20]) tell('b', makeRecord(tick, waiting));
    for (const id of IDS) tell(id, makeRecord(START));
    expect(observer.runTick).toBe(0);
    expect(observer.newestTick).toBe(START);
  });

  test('forgets what it has judged: memory does not grow with the flight', () => {
    const observer = new Observer(RIG, null);
    observer.note(
      { kind: 'voter', id: 'elevator', records: [{ kind: 'armed', tick: 0, trips: 0, atUs: startUs(0) }] },
      0,
    );
    let largest = 0;
    const size = (): number =>
      JSON.stringify(observer, (_key, value: unknown) =>
        value instanceof Map ? [...value.keys()] : value instanceof Float64Array ? value.length : value,
      ).length;
    let early = 0;
    for (let tick = 0; tick < 20_000; tick += 1) {
      for (const id of IDS)
        observer.note({ kind: 'ticks', id, records: [makeRecord(tick, { startTick: 0 })] }, startUs(tick));
      observer.note(
        {
          kind: 'voter',
          id: 'elevator',
          records: [
            makeOutput(tick),
            { kind: 'missed', firstTick: tick, ticks: 1, atUs: startUs(tick) },
            { kind: 'fail-safe', cause: 'ordered', trips: 1, count: 0, atUs: startUs(tick) + 1_000 },
            { kind: 'armed', tick: tick + 1, trips: 1, atUs: startUs(tick) + 2 },
          ],
        },
        startUs(tick),
      );
      if (tick === 500) early = size();
      if (tick > 500 && tick % 500 === 0) largest = Math.max(largest, size());
    }
    expect(largest).toBeLessThan(early * 1.2);
  });

  test('a wild tick number from one process neither hangs it nor ends the flight', () => {
    const figures = fly(100, {
      before: (tick) =>
        tick === START + 10
          ? [
              {
                kind: 'ticks',
                id: 'c',
                records: [makeRecord(Number.MAX_SAFE_INTEGER), makeRecord(NaN), makeRecord(-5)],
              },
            ]
          : undefined,
    });
    expect(figures.ticks).toBe(100);
    expect(exitCode(figures)).toBe(0);
  });

  test('ticks that a replica whose clock is ahead tells of have not been flown yet', () => {
    const spec = 'clock-step on b s=10 at 10 for 30';
    const told = (event: 'applied' | 'cleared', tick: number): Telemetry => fault(spec, event, tick, 1, 'b');
    const figures = fly(80, {
      before: (tick) =>
        tick === START + 10 ? [told('applied', 10)] : tick === START + 60 ? [told('cleared', 60)] : undefined,
      record: (replica, tick) => {
        if (replica !== 1 || tick < START + 10 || tick >= START + 60) return undefined;
        return tick < START + 40
          ? makeRecord(tick + 200, { vector: null, state: null, commands: null })
          : null;
      },
    });
    expect(figures).toMatchObject({
      ticks: 80,
      completedTicks: 80,
      unreported: 0,
      ticksOutsideHypothesis: 0,
    });
    expect(exitCode(figures)).toBe(0);
  });
});

describe('sabotaged agreement', () => {
  test.each([
    ['vector', { vector: 'other' }],
    ['state', { state: 'other' }],
    ['command', { commands: [99_999] }],
  ])('two correct replicas with a different %s: exit 1', (_what, changes) => {
    const figures = fly(100, {
      record: (replica, tick) =>
        replica === 3 && tick === START + 50 ? makeRecord(tick, changes) : undefined,
    });
    expect(figures.disagreements).toBe(1);
    expect(figures.disagreementsOutside).toBe(0);
    expect(exitCode(figures)).toBe(1);
  });

  test('one correct replica steps and another does not: exit 1', () => {
    const figures = fly(100, {
      record: (replica, tick) =>
        replica === 0 && tick === START + 50
          ? makeRecord(tick, { state: null, commands: null, notStepped: 'no-base' })
          : undefined,
    });
    expect(figures.disagreements).toBe(1);
    expect(exitCode(figures)).toBe(1);
  });

  test('what a faulty replica holds is its own affair, and what it says of others too', () => {
    const spec = 'equivocate on c at 20 for 30';
    const figures = fly(200, {
      before: (tick) =>
        tick === START + 20
          ? [fault(spec, 'applied', 20, 0)]
          : tick === START + 50
            ? [fault(spec, 'cleared', 50, 90)]
            : undefined,
      record: (replica, tick) =>
        replica === 2 && tick >= START + 20 && tick < START + 52
          ? makeRecord(tick, { vector: 'other', state: 'other', commands: [5], suspects: [0] })
          : replica !== 2 && tick >= START + 25 && tick < START + 55
            ? makeRecord(tick, { suspects: [2] })
            : undefined,
    });
    expect(figures).toMatchObject({ disagreements: 0, disagreementsOutside: 0, ticksOutsideHypothesis: 0 });
    expect(figures.faults).toEqual([
      { spec, on: ['c'], appliedAt: 20, clearedAt: 50, affected: 90, failed: null },
    ]);
    expect(figures.suspects).toEqual([{ id: 'c', ticks: 30, firmTicks: 23, by: ['a', 'b', 'd'] }]);
    expect(exitCode(figures)).toBe(0);
  });

  test('the margin after a fault ends', () => {
    const spec = 'lie on c at 20 for 30';
    const figures = fly(200, {
      before: (tick) =>
        tick === START + 20 ? [fault(spec, 'applied', 20, 0), fault(spec, 'cleared', 50, 90)] : undefined,
      record: (replica, tick) =>
        replica === 2 && tick === START + 53 ? makeRecord(tick, { vector: 'x' }) : undefined,
    });
    expect(figures.disagreements).toBe(1);
    expect(exitCode(figures)).toBe(1);
  });

  test('with more than f faulty the tick is outside, and a disagreement counts there', () => {
    const figures = fly(200, {
      before: (tick) =>
        tick === START + 20
          ? [
              fault('lie on c at 20 for 30', 'applied', 20, 0),
              fault('lie on d at 20 for 30', 'applied', 20, 0, 'd'),
            ]
          : tick === START + 50
            ? [
                fault('lie on c at 20 for 30', 'cleared', 50, 30),
                fault('lie on d at 20 for 30', 'cleared', 50, 30, 'd'),
              ]
            : undefined,
      record: (replica, tick) =>
        replica === 1 && tick === START + 30 ? makeRecord(tick, { vector: 'x' }) : undefined,
    });
    expect(figures).toMatchObject({
      disagreements: 0,
      disagreementsOutside: 1,
      ticksOutsideHypothesis: 33,
      ticksOutsideByFaults: 33,
      outsideCauses: { 'fault+fault': 33 },
    });
    expect(exitCode(figures)).toBe(0);
  });
});

describe('replicas that fail by themselves', () => {
  test('a replica that measured itself late is the faulty one of the tick', () => {
    const figures = fly(400, {
      record: (replica, tick) =>
        replica === 1 && tick === START + 30
          ? makeRecord(tick, { vector: null, state: null, commands: null, overrun: 'overslept' })
          : undefined,
    });
    expect(figures).toMatchObject({ unreported: 0, ticksOutsideHypothesis: 0, disagreements: 0 });
  });

  test('a witness that a fault has struck is one of those that may be, and what that brings about is the fault’s', () => {
    const strike = (event: 'applied' | 'cleared', tick: number): Telemetry =>
      fault('crash on w at 20 for 30', event, tick, 1, 'w');
    const rig = {
      ...RIG,
      witness: { id: 'w', inbox: { kind: 'embedded' as const, host: '127.0.0.1', port: 5 } },
    };
    const figures = fly(
      100,
      {
        before: (tick) =>
          tick === START + 20
            ? [strike('applied', 20)]
            : tick === START + 50
              ? [strike('cleared', 50)]
              : undefined,
        record: (replica, tick) =>
          replica === 1 && tick === START + 30
            ? makeRecord(tick, { vector: null, state: null, commands: null, overrun: 'overslept' })
            : undefined,
      },
      rig,
    );
    expect(figures).toMatchObject({
      ticksOutsideHypothesis: 1,
      ticksOutsideByFaults: 1,
      outsideCauses: { 'late+witness': 1 },
      outsideByFaultsFrom: 30,
    });
  });

  test('a witness that is gone is one of those that may be', () => {
    const lateOnce = (replica: number, tick: number): ReturnType<typeof makeRecord> | undefined =>
      replica === 1 && (tick === START + 40 || tick === START + 80)
        ? makeRecord(tick, { vector: null, state: null, commands: null, overrun: 'overslept' })
        : undefined;
    const figures = fly(
      400,
      {
        before: (tick, observer) => {
          if (tick === START + 30) observer.noteDeath('w', 0);
          return tick === START + 60 ? [{ kind: 'ready', id: 'w' }] : undefined;
        },
        record: lateOnce,
      },
      { ...RIG, witness: { id: 'w', inbox: { kind: 'embedded', host: '127.0.0.1', port: 5 } } },
    );
    expect(figures).toMatchObject({ ticksOutsideHypothesis: 1, outsideCauses: { 'late+witness': 1 } });
  });

  test('two late ones put it outside; more than 0.5 % of that is a broken promise', () => {
    const late = (ticks: number): ReturnType<typeof fly> =>
      fly(400, {
        record: (replica, tick) =>
          replica < 2 && tick >= START + 30 && tick < START + 30 + ticks
            ? makeRecord(tick, { vector: null, state: null, commands: null, overrun: 'overslept' })
            : undefined,
      });
    expect(late(2)).toMatchObject({
      ticksOutsideHypothesis: 2,
      ticksOutsideByFaults: 0,
      outsideCauses: { 'late+late': 2 },
    });
    expect(exitCode(late(2))).toBe(0);
    expect(exitCode(late(3))).toBe(1);
  });

  test('silence of a correct replica is counted; of one that stood still it is lateness', () => {
    const silent = (ticks: number, explained: boolean): ReturnType<typeof fly> =>
      fly(400, {
        before: (tick) =>
          explained && tick === START + 40
            ? [{ kind: 'stats', id: 'b', rssMiB: 50, cpuPercent: 3, maxStallMs: 120, rejected: {} }]
            : undefined,
        record: (replica, tick) =>
          replica === 1 && tick >= START + 30 && tick < START + 30 + ticks ? null : undefined,
      });
    expect(silent(3, false).unreported).toBe(3);
    expect(exitCode(silent(3, false))).toBe(1);
    expect(silent(3, true).unreported).toBe(0);
    expect(exitCode(silent(3, true))).toBe(0);
  });

  test('a dead replica is faulty until it runs again, and its death is on record', () => {
    const figures = fly(200, {
      before: (tick, observer) => {
        if (tick === START + 50) observer.noteDeath('d', startUs(tick));
        if (tick === START + 60) observer.noteStart('d');
        return undefined;
      },
      record: (replica, tick) =>
        replica !== 3 || tick < START + 50 || tick >= START + 70
          ? undefined
          : tick < START + 60
            ? null
            : makeRecord(tick, {
                mode: 'joining',
                startTick: null,
                vector: 'x',
                state: null,
                commands: null,
              }),
    });
    expect(figures).toMatchObject({ unreported: 0, disagreements: 0, ticksOutsideHypothesis: 0 });
    expect(figures.processes['d']).toMatchObject({ starts: 2, deaths: 1 });
    expect(exitCode(figures)).toBe(0);
  });

  test('one that is behind has to hold the same vector all the same', () => {
    const behind = (vector: string): ReturnType<typeof fly> =>
      fly(100, {
        record: (replica, tick) =>
          replica === 2 && tick === START + 10
            ? makeRecord(tick, { vector, state: null, commands: null, notStepped: 'behind' })
            : undefined,
      });
    expect(behind(`v${START + 10}`).disagreements).toBe(0);
    expect(behind('x').disagreements).toBe(1);
  });

  test('one that is behind explains what is missing on its own links, and nothing on others', () => {
    const missing = (to: number, from: number): ReturnType<typeof fly> =>
      fly(100, {
        record: (replica, tick) => {
          if (tick !== START + 10) return undefined;
          if (replica === 2)
            return makeRecord(tick, { absent: 1, state: null, commands: null, notStepped: 'behind' });
          return replica === to ? makeRecord(tick, { absent: 1 << from }) : undefined;
        },
      });
    expect(missing(0, 2).ticksOutsideHypothesis).toBe(0);
    expect(missing(0, 1).ticksOutsideHypothesis).toBe(1);
  });
});

test('beside a witness whoever is left may agree on nothing for a moment, and must without a fault', () => {
  const rig = {
    ...RIG,
    hypothesis: { kind: 'crash' as const, f: 1 },
    replicas: RIG.replicas.slice(0, 2),
    witness: { id: 'w', inbox: { kind: 'embedded' as const, host: '127.0.0.1', port: 3 } },
  };
  const spoils = (dies: boolean): ReturnType<typeof fly> =>
    fly(
      100,
      {
        before: (tick, observer) => {
          if (dies && tick === START + 40) observer.noteDeath('b', startUs(tick));
          return undefined;
        },
        record: (replica, tick) =>
          tick < START + 40 || tick > START + 42
            ? undefined
            : replica === 1
              ? null
              : makeRecord(tick, { vector: null, state: null, commands: null, commanded: false }),
        voter: (tick) => (tick < START + 40 || tick > START + 42 ? undefined : []),
      },
      rig,
    );
  expect(spoils(true).unreported).toBe(0);
  expect(spoils(false).unreported).toBeGreaterThan(0);
});

describe('sabotaged voting', () => {
  const withVoter = (at: number, records: ReturnType<typeof makeOutput>[]): ReturnType<typeof fly> =>
    fly(100, { voter: (tick) => (tick === START + at ? records : undefined) });

  test('an output that nobody computed: exit 1', () => {
    const figures = withVoter(40, [makeOutput(START + 40, { count: 777 })]);
    expect(figures.unsafeOutputs).toBe(1);
    expect(exitCode(figures)).toBe(1);
  });

  test('an output that only a liar claims to have computed: exit 1', () => {
    const spec = 'lie on c at 10 for 60';
    const figures = fly(100, {
      before: (tick) =>
        tick === START + 10
          ? [fault(spec, 'applied', 10, 0)]
          : tick === START + 70
            ? [fault(spec, 'cleared', 70, 60)]
            : undefined,
      record: (replica, tick) =>
        replica === 2 && tick === START + 40 ? makeRecord(tick, { commands: [777] }) : undefined,
      voter: (tick) => (tick === START + 40 ? [makeOutput(tick, { count: 777 })] : undefined),
    });
    expect(figures.unsafeOutputs).toBe(1);
    expect(exitCode(figures)).toBe(1);
  });

  test('outside the envelope: exit 1', () => {
    const figures = fly(100, {
      record: (_replica, tick) =>
        tick === START + 40 ? makeRecord(tick, { commands: [25_001] }) : undefined,
      voter: (tick) => (tick === START + 40 ? [makeOutput(tick, { count: 25_001 })] : undefined),
    });
    expect(figures.unsafeOutputs).toBe(1);
    expect(exitCode(figures)).toBe(1);
  });

  test('an older tick after a newer one, and the same tick twice: exit 1', () => {
    expect(withVoter(40, [makeOutput(START + 40), makeOutput(START + 38)]).unsafeOutputs).toBe(1);
    expect(withVoter(40, [makeOutput(START + 40), makeOutput(START + 40)]).unsafeOutputs).toBe(1);
  });

  test('after a trip without arming: exit 1', () => {
    const figures = withVoter(40, [
      { kind: 'fail-safe', cause: 'hold-expired', trips: 1, count: 0, atUs: startUs(START + 40) },
      makeOutput(START + 40),
    ]);
    expect(figures.unsafeOutputs).toBeGreaterThanOrEqual(1);
    expect(exitCode(figures)).toBe(1);
  });

  test('a trip and ticks in fail-safe inside the hypothesis: exit 1', () => {
    const figures = fly(100, {
      voter: (tick) =>
        tick === START + 40
          ? [{ kind: 'fail-safe', cause: 'hold-expired', trips: 1, count: 0, atUs: startUs(tick) + 100 }]
          : tick > START + 40 && tick < START + 45
            ? []
            : tick === START + 45
              ? [{ kind: 'armed', tick, trips: 1, atUs: startUs(tick) + 3_000 }, makeOutput(tick)]
              : undefined,
    });
    expect(figures).toMatchObject({
      failSafeTrips: 1,
      uncoveredTicks: 5,
      uncoveredOutside: 0,
      completedTicks: 95,
      unsafeOutputs: 0,
    });
    expect(exitCode(figures)).toBe(1);
  });

  test('the same after two liars: fail-safe as promised, exit 3', () => {
    const specs = ['lie on c at 20 for 30', 'lie on d at 20 for 30'];
    const figures = fly(200, {
      before: (tick) =>
        tick === START + 20
          ? specs.map((spec, at) => fault(spec, 'applied', 20, 0, IDS[at + 2]))
          : tick === START + 50
            ? specs.map((spec, at) => fault(spec, 'cleared', 50, 30, IDS[at + 2]))
            : undefined,
      voter: (tick) =>
        tick < START + 20 || tick > START + 57
          ? undefined
          : tick === START + 23
            ? [
                { kind: 'missed', firstTick: START + 20, ticks: 3, atUs: startUs(tick) + 90 },
                { kind: 'fail-safe', cause: 'hold-expired', trips: 1, count: 0, atUs: startUs(tick) + 1_000 },
              ]
            : tick === START + 57
              ? [{ kind: 'armed', tick, trips: 1, atUs: startUs(tick) + 3_000 }, makeOutput(tick)]
              : [],
    });
    expect(figures).toMatchObject({
      failSafeTrips: 1,
      uncoveredTicks: 0,
      uncoveredOutside: 34,
      unsafeOutputs: 0,
      missedTicks: { elevator: 3 },
    });
    expect(exitCode(figures)).toBe(3);
  });

  test('a voter that stays in fail-safe long after the rig is whole again: exit 1', () => {
    const specs = ['lie on c at 20 for 30', 'lie on d at 20 for 30'];
    const figures = fly(200, {
      before: (tick) =>
        tick === START + 20
          ? specs.flatMap((spec, at) => [
              fault(spec, 'applied', 20, 0, IDS[at + 2]),
              fault(spec, 'cleared', 50, 30, IDS[at + 2]),
            ])
          : undefined,
      voter: (tick) =>
        tick < START + 20
          ? undefined
          : tick === START + 23
            ? [{ kind: 'fail-safe', cause: 'hold-expired', trips: 1, count: 0, atUs: startUs(tick) + 100 }]
            : [],
    });
    expect(figures.uncoveredTicks).toBeGreaterThan(100);
    expect(exitCode(figures)).toBe(1);
  });

  test('missed ticks that hold covers break nothing', () => {
    const figures = fly(100, {
      voter: (tick) =>
        tick === START + 40
          ? []
          : tick === START + 41
            ? [
                { kind: 'missed', firstTick: START + 40, ticks: 1, atUs: startUs(tick) + 100 },
                makeOutput(tick),
              ]
            : undefined,
    });
    expect(figures).toMatchObject({ completedTicks: 99, missedTicks: { elevator: 1 }, uncoveredTicks: 0 });
    expect(exitCode(figures)).toBe(0);
  });

  test('an output whose computers died untold is neither safe nor unsafe', () => {
    const figures = fly(100, {
      before: (tick, observer) => {
        if (tick === START + 40) for (const id of IDS) observer.noteDeath(id, startUs(tick));
        return undefined;
      },
      record: (_replica, tick) => (tick === START + 40 ? null : undefined),
    });
    expect(figures).toMatchObject({ unsafeOutputs: 0, unverifiedOutputs: 1 });
  });

  test('an output that was foreseen is safe where nobody stepped its tick, and unsafe where somebody came to another', () => {
    const at = START + 40;
    const spoils = (steps: number): ReturnType<typeof fly> =>
      fly(100, {
        record: (replica, tick) => {
          if (tick !== at || replica < steps) return undefined;
          const late = { overrun: 'overslept', vector: null, state: null, commands: null } as const;
          return makeRecord(tick, { ...late, foreseen: [77] });
        },
        voter: (tick) => (tick === at ? [makeOutput(tick, { count: 77 })] : undefined),
      });
    expect(spoils(0).unsafeOutputs).toBe(0);
    expect(spoils(1).unsafeOutputs).toBe(1);
  });

  test('an output whose only computer lived the tick twice, and ordered nothing the second time', () => {
    const at = START + 40;
    const figures = fly(100, {
      before: (tick) =>
        tick === at + 2
          ? [
              {
                kind: 'ticks',
                id: 'b',
                records: [makeRecord(at, { commands: null, commanded: false, vector: null, state: null })],
              },
            ]
          : undefined,
      record: (replica, tick) => (tick === at && replica !== 1 ? null : undefined),
      voter: (tick) => (tick === at ? [makeOutput(tick, { votes: 0b0010 })] : undefined),
    });
    expect(figures).toMatchObject({ unsafeOutputs: 0, unverifiedOutputs: 0 });
  });

  test('mid-value voting: between the correct ones is safe, beyond them is not', () => {
    const rig = { ...RIG, actuators: RIG.actuators.map((one) => ({ ...one, vote: 'mid-value' as const })) };
    const spoils = (count: number): ReturnType<typeof fly> =>
      fly(
        50,
        {
          record: (replica, tick) => makeRecord(tick, { commands: [100 + replica] }),
          voter: (tick) => [makeOutput(tick, { count })],
        },
        rig,
      );
    expect(spoils(102).unsafeOutputs).toBe(0);
    expect(spoils(104).unsafeOutputs).toBe(50);
  });

  test('what happens after the last counted tick does not count', () => {
    const observer = new Observer(RIG, 20);
    observer.note(
      {
        kind: 'voter',
        id: 'elevator',
        records: [{ kind: 'armed', tick: START, trips: 0, atUs: startUs(START) }],
      },
      0,
    );
    for (let tick = START; tick < START + 30; tick += 1) {
      for (const id of IDS) observer.note({ kind: 'ticks', id, records: [makeRecord(tick)] }, startUs(tick));
      observer.note({ kind: 'voter', id: 'elevator', records: [makeOutput(tick)] }, startUs(tick));
    }
    expect(observer.complete).toBe(true);
    observer.note(
      {
        kind: 'voter',
        id: 'elevator',
        records: [
          { kind: 'fail-safe', cause: 'hold-expired', trips: 1, count: 0, atUs: startUs(START + 34) },
        ],
      },
      startUs(START + 34),
    );
    observer.note(
      {
        kind: 'plant',
        atUs: startUs(START + 34),
        values: {},
        survived: false,
        maxAbsError: 90,
        description: pitchModel.description,
      },
      startUs(START + 34),
    );
    observer.finish();
    expect(observer.figures()).toMatchObject({ ticks: 20, failSafeTrips: 0, plant: null });
  });
});

describe('numbers of processes', () => {
  test('refusals of all lives add up; size is the largest; start-up is left out', () => {
    const figures = fly(200, {
      before: (tick, observer) => {
        if (tick === START + 60) observer.noteDeath('a', startUs(tick));
        if (tick === START + 60) observer.noteStart('a');
        return tick === START + 20 || tick === START + 40 || tick === START + 80
          ? [
              {
                kind: 'stats',
                id: 'a',
                rssMiB: 40 + tick - START,
                cpuPercent: 4,
                maxStallMs: 3,
                rejected: { 'bad-tag': 5 },
              },
            ]
          : undefined;
      },
    });
    expect(figures.rejected).toEqual({ 'bad-tag': 10 });
    expect(figures.processes['a']).toEqual({ rssMiB: 120, cpuPercent: 4, starts: 2, deaths: 1 });
  });

  test('a stall of a process that a fault had paused is not the machine’s', () => {
    const stats = (id: string, maxStallMs: number): Telemetry => ({
      kind: 'stats',
      id,
      rssMiB: 50,
      cpuPercent: 3,
      maxStallMs,
      rejected: {},
    });
    const figures = fly(300, {
      before: (tick) =>
        tick === START + 100
          ? [
              fault('pause on c ms=300 at 95 for 1', 'applied', 95, 1),
              fault('pause on c ms=300 at 95 for 1', 'cleared', 96, 1),
            ]
          : tick === START + 101
            ? [stats('c', 310), stats('a', 12.34)]
            : undefined,
    });
    expect(figures.machineStallMs).toBe(12.3);
  });
});

describe('what a scenario asks for', () => {
  test('when each trip was, in ticks of the run, and from when on the faults were too many', () => {
    const applied = (id: string): Telemetry => fault(`lie on ${id} at 20 for 30`, 'applied', 20, 0, id);
    const cleared = (id: string): Telemetry => fault(`lie on ${id} at 20 for 30`, 'cleared', 50, 30, id);
    const figures = fly(200, {
      before: (tick) =>
        tick === START + 20
          ? [applied('c'), applied('d')]
          : tick === START + 50
            ? [cleared('c'), cleared('d')]
            : undefined,
      voter: (tick) =>
        tick === START + 23
          ? [{ kind: 'fail-safe', cause: 'hold-expired', trips: 1, count: 0, atUs: startUs(tick) + 9_000 }]
          : tick === START + 55
            ? [{ kind: 'armed', tick, trips: 1, atUs: startUs(tick) + 4_000 }, makeOutput(tick)]
            : tick >= START + 20 && tick < START + 55
              ? []
              : undefined,
    });
    expect(figures).toMatchObject({
      outsideByFaultsFrom: 20,
      failSafeTrips: 1,
      trips: [{ actuator: 'elevator', tick: 23, cause: 'hold-expired' }],
    });
    expect(fly(50)).toMatchObject({ outsideByFaultsFrom: null, trips: [] });
  });

  test('the first twenty trips are named, all are counted', () => {
    const figures = fly(200, {
      voter: (tick) =>
        tick < START + 100
          ? [
              { kind: 'fail-safe', cause: 'ordered', trips: 1, count: 0, atUs: startUs(tick) + 1_000 },
              { kind: 'armed', tick, trips: 1, atUs: startUs(tick) + 2_000 },
              makeOutput(tick),
            ]
          : undefined,
    });
    expect(figures.failSafeTrips).toBe(100);
    expect(figures.trips.map(({ tick }) => tick)).toEqual(Array.from({ length: 20 }, (_, tick) => tick));
  });
});
