import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { altitudeModel } from '../../hardware/plants/altitude.js';
import { pitchModel } from '../../hardware/plants/pitch.js';
import { tankModel } from '../../hardware/plants/tank.js';
import type { PlantFigures } from '../../src/demo/figures.js';
import { isPaintable, paintLine } from '../../src/demo/painter.js';
import { flattenLine, wrapText } from '../../src/demo/lines.js';
import { readChartPoint, type ChartPoint } from '../../src/demo/plant-view.js';
import { renderView } from '../../src/demo/view.js';
import type { FlightView } from '../../src/demo/flight.js';
import { parseFault, type Injection } from '../../src/faults/spec.js';
import type { Rig } from '../../src/rig/rig.js';
import { Observer } from '../../src/demo/observer.js';
import { IDS, makeOutput, makeRecord, RIG, START, startUs } from './flight-maker.js';

const rig: Rig = {
  ...RIG,
  id: 'pitch',
  roundUs: 20_000,
  processingUs: 5_000,
  mac: 'hmac-256',
  confidential: false,
  witness: null,
  sensors: [
    {
      id: 'pitch',
      type: 'number',
      unit: 'deg',
      min: -45,
      max: 45,
      spread: 1,
      required: true,
      fusion: 'mid-value',
      maxAgeUs: 1,
      holdUs: 1,
      channel: 0,
    },
  ],
  operators: ['operator'],
  observers: [],
  commands: [],
  faultInjection: true,
  expect: 'masked',
  law: { path: 'law.ts', stateMaxBytes: 100 },
  plant: { model: 'pitch', parameters: {} },
  tour: [],
  flights: [],
  reliability: { replicaMtbfHours: 1000, repairHours: 1, missionHours: 1, assumed: [] },
};

const injection = (text: string): Injection => {
  const parsed = parseFault(text);
  if (!parsed.ok || parsed.spec.kind !== 'inject') throw new Error(text);
  return parsed.spec;
};

/** A view after some ticks, `d` dead and `c` lying. */
function makeView(changes: Partial<FlightView> = {}): FlightView {
  const observer = new Observer(rig, 400);
  observer.note(
    { kind: 'voter', id: 'elevator', records: [{ kind: 'armed', tick: START, trips: 0, atUs: 0 }] },
    0,
  );
  for (let tick = START; tick < START + 100; tick += 1) {
    if (tick === START + 1)
      observer.noteFault({
        kind: 'fault',
        id: 'c',
        spec: 'lie on c at 50 for 300',
        event: 'applied',
        tick: 0,
        affected: 1,
      });
    for (const id of IDS) {
      if (id === 'd' && tick > START + 20) continue;
      const record = makeRecord(tick, {
        entries: [[1.25], [1.5], [33], null],
        readings: [{ value: 1.5, quality: 'degraded' }],
        commands: [-7_250],
        suspects: [2],
        ...(id === 'c' ? { vector: 'ffff' } : {}),
      });
      observer.note({ kind: 'ticks', id, records: [record] }, startUs(tick));
    }
    observer.note(
      { kind: 'voter', id: 'elevator', records: [makeOutput(tick, { count: -7_250, votes: 0b0011 })] },
      0,
    );
  }
  observer.noteDeath('d', startUs(START + 21));
  const values = { pitchDeg: 1.4, reference: 1.6, elevatorDeg: -7.2, lostWhy: null };
  const { description } = pitchModel;
  observer.note({ kind: 'plant', atUs: 0, values, survived: true, maxAbsError: 0.3, description }, 0);
  const spec = injection('lie on c at 50 for 300');
  return {
    rig,
    latest: observer.latest(),
    figures: observer.figures(),
    flownTicks: observer.flownTicks,
    ticks: 400,
    fault: { spec, text: 'lie on c at 50 for 300', say: 'c lies to everybody.', active: true },
    nextFault: null,
    lines: ['d is dead, as the fault has it'],
    ...changes,
  };
}

const chart: readonly ChartPoint[] = Array.from({ length: 200 }, (_, at) => ({
  value: Math.sin(at / 20),
  reference: Math.sin(at / 20) + 0.1,
}));

const show = (view: FlightView, columns: number, rows: number): string[] =>
  renderView(view, chart, { columns, rows }).map(flattenLine);

describe('the view', () => {
  test('shows what each replica read, the agreed values, the votes, the suspects and the fault', () => {
    const text = show(makeView(), 80, 40);
    const row = (start: string): string => text.find((line) => line.startsWith(` ${start} `)) ?? '';
    expect(text[0]).toContain('tick 99 of 400');
    expect(text[0]).toContain('4 replicas, 1 may lie, MACs, 20 Hz');
    expect(row('a')).toMatch(/running +1\.25 +v1099 +-7\.25 +c$/);
    expect(row('c')).toMatch(/lie +33\.00 +ffff/);
    expect(row('d')).toMatch(/dead +–/);
    expect(row('agreed')).toMatch(/1\.50 +pitch degraded/);
    expect(row('elevator')).toMatch(/armed +-7\.25 deg +on the votes of a b \(3 needed\)/);
    expect(row('aircraft')).toContain('pitch 1.40 deg  wanted 1.60  elevator -7.20 deg  error ≤ 0.30 deg');
    expect(row('fault')).toContain('lie on c at 50 for 300');
    expect(text.join('\n')).toContain('c lies to everybody.');
    expect(text.join('\n')).toContain('d is dead, as the fault has it');
    expect(row('promises')).toContain('disagreements 0');
  });

  test('shows whether the witness lives, and who the operational quorum is', () => {
    const view = makeView();
    const row = (witness: FlightView['latest']['witness']): string | undefined =>
      show({ ...view, latest: { ...view.latest, witness } }, 80, 40).find((line) => line.startsWith(' w '));
    expect(row(null)).toBeUndefined();
    expect(row({ id: 'w', down: false, quorum: null })?.trimEnd()).toMatch(/^ w +witness$/);
    expect(row({ id: 'w', down: false, quorum: ['a', 'b'] })).toMatch(
      /witness +operational quorum: a and b$/,
    );
    expect(row({ id: 'w', down: true, quorum: ['a'] })).toMatch(/dead +operational quorum: a alone$/);
  });

  test('compares vectors of one and the same tick', () => {
    const observer = new Observer(rig, 400);
    for (const id of IDS)
      for (let tick = START; tick < START + (id === 'a' ? 12 : 10); tick += 1)
        observer.note({ kind: 'ticks', id, records: [makeRecord(tick)] }, startUs(tick));
    const { accounts } = observer.latest();
    expect(new Set(accounts.map((account) => account?.vector))).toEqual(new Set([`v${START + 9}`]));
  });

  test('a trip, a lost aircraft and the wait before the flight are said in words', () => {
    const view = makeView();
    const { latest, figures } = view;
    const failSafe = { sinceUs: 0, cause: 'hold-expired' };
    const tripped = {
      ...view,
      latest: { ...latest, voters: latest.voters.map((one) => ({ ...one, failSafe, trips: 2 })) },
      figures: {
        ...figures,
        plant: {
          survived: false,
          maxAbsPitchErrorDeg: 9,
          maxAbsError: { of: 'pitch', value: 9, unit: 'deg' },
          description: pitchModel.description,
          last: { pitchDeg: 9, lostWhy: 'it broke' },
        },
      },
    };
    const text = show(tripped, 100, 40).join('\n');
    expect(text).toContain('FAIL-SAFE');
    expect(text).toContain('2 trips');
    expect(text).toContain('LOST: it broke');
    expect(show({ ...view, flownTicks: null, fault: null }, 80, 24)[0]).toContain('waiting');
  });

  test('a plant that tracks nothing is shown by its instruments', () => {
    const view = makeView();
    const plant: PlantFigures = {
      survived: true,
      maxAbsPitchErrorDeg: null,
      maxAbsError: null,
      description: altitudeModel.description,
      last: { altitudeFt: 10219.5, leftDeg: -3, lostWhy: null },
    };
    const text = show({ ...view, figures: { ...view.figures, plant } }, 100, 40).join('\n');
    expect(text).toContain(' aircraft altitude 10220 ft   left -3.00 deg   right – deg');
    expect(readChartPoint(plant)).toBeNull();
  });

  test('a tank is spoken of as a tank, from its first report on', () => {
    const view = makeView();
    const plant: PlantFigures = {
      survived: true,
      maxAbsPitchErrorDeg: null,
      maxAbsError: { of: 'level', value: 0.042, unit: 'm' },
      description: tankModel.description,
      last: { levelM: 1.02, reference: 1, valvePercent: 48.5, outflowLPerS: 140, lostWhy: null },
    };
    const point = readChartPoint(plant);
    expect(point).toEqual({ value: 1.02, reference: 1 });
    const ofTank = { ...view, figures: { ...view.figures, plant } };
    for (const points of [[], point === null ? [] : [point]]) {
      const text = renderView(ofTank, points, { columns: 100, rows: 40 }).map(flattenLine).join('\n');
      expect(text).toContain(
        ' tank     level 1.02 m  target 1.00  valve 48.50 %  outflow 140.00 l/s  error ≤ 0.04 m',
      );
      expect(text).not.toMatch(/aircraft|wanted|elevator -/);
    }
    const charted = renderView(ofTank, [{ value: 1.02, reference: 1 }], { columns: 100, rows: 40 });
    expect(charted.map(flattenLine).filter((line) => / │/.test(line))).toHaveLength(5);
    expect(charted.map(flattenLine).join('\n')).toContain('     1.01 │>');
  });

  test('never exceeds the terminal, whatever its size, and keeps the most important', () => {
    const view = makeView();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 250 }), fc.integer({ min: 1, max: 80 }), (columns, rows) => {
        const text = show(view, columns, rows);
        expect(text.length).toBeLessThanOrEqual(rows);
        for (const line of text) expect([...line].length).toBeLessThanOrEqual(Math.max(20, columns));
        expect(text[0]).toContain('voteplane');
      }),
      { numRuns: 200 },
    );
    expect(show(view, 80, 24).some((line) => line.startsWith(' promises'))).toBe(true);
    expect(show(view, 80, 24).some((line) => line.startsWith(' aircraft'))).toBe(true);
  });
});

describe('painting', () => {
  test('colours tones, or leaves plain text without colour', () => {
    const line = [
      { text: 'ok ', tone: 'good' as const },
      { text: 'plain', tone: 'plain' as const },
    ];
    expect(paintLine(line, true)).toBe('\x1b[32mok \x1b[0mplain');
    expect(paintLine(line, false)).toBe('ok plain');
  });

  test('only on a terminal that can', () => {
    const output = (isTTY: boolean): NodeJS.WriteStream => ({ isTTY }) as NodeJS.WriteStream;
    expect(isPaintable(output(true), { TERM: 'xterm' })).toBe(true);
    expect(isPaintable(output(true), { TERM: 'dumb' })).toBe(false);
    expect(isPaintable(output(false), { TERM: 'xterm' })).toBe(false);
  });
});

test('text is wrapped at spaces', () => {
  expect(wrapText('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  expect(wrapText('', 9)).toEqual([]);
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,10}$/)),
      fc.integer({ min: 10, max: 60 }),
      (words, width) => {
        const lines = wrapText(words.join(' '), width);
        expect(lines.join(' ')).toBe(words.join(' '));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      },
    ),
  );
});
