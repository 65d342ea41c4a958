/** Whole rigs in virtual time: one seed decides everything, and the verdict does not depend on the wire. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { planFaults, type PlannedFault } from '../../src/demo/tour.js';
import { loadRig, type LoadedRig } from '../../src/rig/load-rig.js';
import { QUIET_LINK } from '../../src/simulation/network.js';
import { simulate, type SimulationOptions, type SimulationOutcome } from '../../src/simulation/simulate.js';
import type { TraceLine } from '../../src/simulation/trace.js';
import { drawWeather, listWeather } from '../../src/simulation/weather.js';

const pitch = await loadRig(path.resolve('hardware/rigs/pitch'));
const load = (name: string): Promise<LoadedRig> => loadRig(path.resolve('hardware/rigs', name));

function plan(...texts: string[]): readonly PlannedFault[] {
  const planned = planFaults(texts.map((fault) => ({ fault, say: '' })));
  if (!planned.ok) throw new Error(planned.mistakes.map(({ what }) => what).join('; '));
  return planned.faults;
}

const fly = (options: Partial<SimulationOptions> = {}): SimulationOutcome =>
  simulate({ loaded: pitch, ticks: 200, seed: 1, wire: 'none', faults: [], ...options });

describe('a simulated flight', () => {
  it.each(['full', 'none'] as const)('repeats itself to the last byte from its seed (wire %s)', (wire) => {
    const faults = drawWeather(pitch.rig, 400, 5, wire);
    expect(faults.length).toBeGreaterThan(1);
    const traces: string[] = [];
    const outcomes = [0, 1].map((at) => {
      const lines: TraceLine[] = [];
      const outcome = fly({ wire, faults, ticks: 400, seed: 5, onTrace: (line) => lines.push(line) });
      traces[at] = lines.map((line) => JSON.stringify(line)).join('\n');
      return outcome;
    });
    expect(traces[0]).toBe(traces[1]);
    expect(outcomes[0]).toEqual(outcomes[1]);
    const other = fly({ wire, faults, ticks: 400, seed: 6 });
    expect(other.traceDigest).not.toBe(outcomes[0]?.traceDigest);
  });

  it('is one in which a fault changes the trace', () => {
    expect(fly().traceDigest).not.toBe(fly({ faults: plan('sensor-stuck on c at 50 for 20') }).traceDigest);
  });

  it.each(['pitch', 'pitch-50hz', 'crash-three', 'valve', 'signed-three', 'seven'])(
    'of %s keeps its promises, on either wire',
    async (name) => {
      const loaded = await load(name);
      for (const wire of ['full', 'none'] as const) {
        const { figures, verdict, failure } = fly({ loaded, wire, ticks: 60 });
        expect(failure).toBeNull();
        expect(verdict).toMatchObject({ exitCode: 0 });
        expect(figures).toMatchObject({ ticks: 60, completedTicks: 60, ticksOutsideHypothesis: 0 });
        expect(figures.plant).toMatchObject({ survived: true });
      }
    },
  );

  it('of three replicas that only vote loses the aircraft to one liar, as on the live rig', async () => {
    const loaded = await load('tmr-lesson');
    const planned = planFaults(loaded.rig.tour);
    if (!planned.ok) throw new Error('the tour of the lesson does not parse');
    for (const wire of ['full', 'none'] as const) {
      const { figures, verdict } = fly({ loaded, wire, ticks: 200, faults: planned.faults });
      expect(verdict.exitCode).toBe(0);
      expect(figures.disagreements).toBeGreaterThan(0);
      expect(figures.plant).toMatchObject({ survived: false });
    }
  });

  it('brings a killed replica back, and names a liar', () => {
    const { figures, verdict } = fly({
      wire: 'full',
      faults: plan('crash on a at 40 for 20', 'lie on c at 110 for 40'),
    });
    expect(verdict).toMatchObject({ exitCode: 0 });
    expect(figures.processes['a']).toMatchObject({ starts: 2, deaths: 1 });
    expect(figures.suspects.map(({ id }) => id)).toContain('c');
    expect(figures.faults.map(({ affected }) => affected > 0)).toEqual([true, true]);
  });

  it('goes to fail-safe under two colluding liars, with no unsafe output', () => {
    for (const wire of ['full', 'none'] as const) {
      const { figures, verdict } = fly({ wire, faults: plan('collude on world at 60 for 40') });
      expect(verdict.exitCode).toBe(3);
      expect(figures.failSafeTrips).toBeGreaterThan(0);
      expect(figures.unsafeOutputs).toBe(0);
    }
  });

  it('counts what replicas refuse by cause', () => {
    const { figures } = fly({
      wire: 'full',
      faults: plan('forge on b at 30 for 20', 'replay on c at 80 for 30'),
    });
    expect(figures.rejected['bad-authenticator']).toBeGreaterThan(0);
    expect(figures.rejected['replayed']).toBeGreaterThan(0);
  });

  it('without an output in time where the network is slower than the rounds goes to fail-safe', () => {
    const network = { default: { ...QUIET_LINK, delayUs: 30_000 } };
    const { figures, failure } = fly({ network, ticks: 50 });
    // Nothing is ever agreed on, so nothing is ever armed; and nothing moves without a majority.
    expect(failure).toMatch(/no actuator was armed/);
    expect(figures.unsafeOutputs).toBe(0);
  });

  it('refuses a fault that the rig cannot suffer, by name', () => {
    expect(() => fly({ faults: plan('ballot-regression on a at 10 for 5') })).toThrow(/no command log/);
  });
});

describe('faults drawn by a seed', () => {
  it('rotate the keys of a replica once, whatever the length of the flight: more would leave the voter behind', () => {
    const faults = drawWeather(pitch.rig, 100_000, 3, 'full');
    const rotated = faults
      .filter(({ spec }) => spec.name === 'key-rotate')
      .map(({ text }) => text.slice(0, 15));
    expect(rotated.sort()).toEqual(pitch.rig.replicas.map(({ id }) => `key-rotate on ${id}`));
    // What ends with the fault may come again.
    expect(faults.filter(({ text }) => text.startsWith('crash on a')).length).toBeGreaterThan(1);
  });

  it('are the same for the same seed, keep apart, and strike at most f replicas at a time', async () => {
    for (const loaded of [pitch, await load('seven'), await load('crash-three')]) {
      const { rig } = loaded;
      const f = rig.hypothesis.kind === 'none' ? 0 : rig.hypothesis.f;
      const faults = drawWeather(rig, 20_000, 3, 'full');
      expect(faults).toEqual(drawWeather(rig, 20_000, 3, 'full'));
      expect(faults).not.toEqual(drawWeather(rig, 20_000, 4, 'full'));
      const kinds = new Set(faults.map(({ spec }) => spec.name));
      expect(kinds.size).toBeGreaterThan(listWeather(rig, 'full').length / 2);
      for (const { spec } of faults) {
        const rivals = faults.filter(
          (other) =>
            other.spec.at.tick <= spec.at.tick + (spec.forTicks ?? 0) &&
            spec.at.tick <= other.spec.at.tick + (other.spec.forTicks ?? 0),
        );
        expect(rivals.length).toBeLessThanOrEqual(f);
      }
    }
  });
});
