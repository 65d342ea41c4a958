/** Every fault of the machine, of clocks and of single words, in a simulated rig: what the catalogue expects of it. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { planFaults, type PlannedFault } from '../../src/demo/tour.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { simulate, type SimulationOptions, type SimulationOutcome } from '../../src/simulation/simulate.js';

const pitch = await loadRig(path.resolve('hardware/rigs/pitch'));

function plan(...texts: string[]): readonly PlannedFault[] {
  const planned = planFaults(texts.map((fault) => ({ fault, say: '' })));
  if (!planned.ok) throw new Error(planned.mistakes.map(({ what }) => what).join('; '));
  return planned.faults;
}

function fly(
  faults: readonly string[],
  options: Partial<SimulationOptions> = {},
): SimulationOutcome & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const outcome = simulate({
    loaded: pitch,
    ticks: 160,
    seed: 1,
    wire: 'full',
    faults: plan(...faults),
    onLine: (line) => lines.push(line),
    ...options,
  });
  return { ...outcome, lines };
}

const IDS = ['a', 'b', 'c', 'd'];
const TICKS = 120;

describe('masked on every replica', () => {
  it.each([
    'clock-step on ID s=1 at 20 for 40',
    'clock-step on ID s=-0.5 at 20 for 40',
    'clock-step on ID s=0.015 at 20 for 40',
    'clock-drift on ID ppm=30000 at 20 for 40',
    'clock-drift on ID ppm=-30000 at 20 for 40',
    'clock-freeze on ID at 20 for 40',
    'bridge-hang on ID at 20 for 40',
    'bridge-corrupt on ID rate=0.005 at 20 for 40',
    'bridge-reset on ID at 20 for 40',
    'mutate on ID p=0.8 at 20 for 90',
    'sos-timing on ID at 20 for 40',
    'sos-timing on ID ms=0 at 20 for 40',
    'parser-bomb on ID at 20 for 40',
    'config-mismatch on ID at 20 for 40',
    'config-mismatch on ID of=rig at 20 for 40',
    'version-mismatch on ID at 20 for 40',
    'twin on ID at 20 for 40',
  ])('%s', (fault) => {
    for (const id of IDS) {
      // Bytes are left out where the fault strikes none.
      const wire = /^(bridge|parser|config|version)/.test(fault) ? 'full' : 'none';
      const { figures, verdict } = fly([fault.replace('ID', id)], { ticks: TICKS, wire });
      expect(verdict, JSON.stringify(figures)).toMatchObject({ exitCode: 0, headline: 'All promises kept.' });
      expect(figures).toMatchObject({
        ticks: TICKS,
        completedTicks: TICKS,
        ticksOutsideHypothesis: 0,
        unreported: 0,
        actuatorAlarms: { elevator: 0 },
      });
      expect(figures.faults[0]).toMatchObject({ on: [id], failed: null });
      expect(figures.faults[0]?.affected).toBeGreaterThan(0);
    }
  });

  it('comes back when it is over', () => {
    for (const fault of ['clock-step on c s=1', 'clock-freeze on c', 'version-mismatch on c']) {
      const commanded: number[] = [];
      fly([`${fault} at 20 for 30`], {
        onTrace: (line) => {
          if (line.kind === 'tick' && line.id === 'c' && line.record.commanded)
            commanded.push(line.record.tick);
        },
      });
      expect(commanded.length, fault).toBeGreaterThan(60);
    }
  });

  it('is refused at joining with an error that names what differs and the cure', () => {
    const { lines, figures } = fly([
      'version-mismatch on c at 20 for 40',
      'config-mismatch on c at 100 for 30',
    ]);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^a: version-mismatch: c speaks protocol version 2 and a version 1; install the same release/,
      ),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^b: config-mismatch: c and b differ in: control law; copy the same rig folder to both/,
      ),
    );
    expect(figures.rejected['version-mismatch']).toBeGreaterThan(0);
    expect(figures.rejected['config-mismatch']).toBeGreaterThan(0);
  });

  it('counts bombs as malformed', () => {
    const { figures } = fly(['parser-bomb on c at 20 for 20']);
    expect(figures.rejected['malformed-payload']).toBe(figures.faults[0]?.affected);
  });
});

describe('behind the vote', () => {
  it.each([
    'actuator-stuck on elevator value=3',
    'actuator-reverse on elevator',
    'actuator-slow on elevator rate=0.5',
  ])('%s is alarmed', (fault) => {
    const { figures, verdict, lines } = fly([`${fault} at 40 for 100`]);
    expect(figures.actuatorAlarms, lines.join('\n')).toMatchObject({ elevator: 1 });
    expect(figures).toMatchObject({ unsafeOutputs: 0, disagreements: 0, uncoveredTicks: 0 });
    expect(lines).toContainEqual(
      expect.stringMatching(/^elevator: the device of actuator elevator stands at/),
    );
    expect(verdict.exitCode).toBe(0);
    expect(verdict.findings[0]).toMatch(/^The read-back of elevator was alarmed/);
  });

  it('bridge-hang is alarmed, bridge-corrupt and bridge-reset do no harm', () => {
    const hung = fly(['bridge-hang on elevator ms=1500 at 40']);
    expect(hung.figures.actuatorAlarms).toMatchObject({ elevator: 1 });
    expect(hung.lines).toContainEqual(expect.stringContaining('does not answer any more'));
    for (const fault of [
      'bridge-corrupt on elevator rate=0.0002 at 40 for 60',
      'bridge-reset on elevator at 40',
    ]) {
      const { figures, verdict } = fly([fault]);
      expect(verdict.exitCode, fault).toBe(0);
      expect(figures.plant, fault).toMatchObject({ survived: true });
      expect(figures.faults[0]?.affected).toBeGreaterThan(0);
    }
  });

  it('voter-restart: fail-safe until a majority arms the new one, and nobody else is to blame', () => {
    const { figures, verdict } = fly(['voter-restart on elevator ms=300 at 60']);
    expect(figures.processes['elevator']).toMatchObject({ starts: 2, deaths: 1 });
    expect(figures).toMatchObject({
      unsafeOutputs: 0,
      uncoveredTicks: 0,
      disagreements: 0,
      failSafeTrips: 0,
    });
    expect(figures.uncoveredOutside).toBeGreaterThan(5);
    expect(figures.completedTicks).toBeGreaterThan(130);
    expect(figures.faults).toMatchObject([{ on: ['elevator'], appliedAt: 60, affected: 1, failed: null }]);
    expect(verdict.exitCode).toBe(0);
  });
});

describe('what this world cannot do', () => {
  it('is refused by name: without bytes there is no line and no handshake', () => {
    for (const fault of ['bridge-hang on c at 20 for 5', 'version-mismatch on c at 20 for 5']) {
      const { figures, verdict } = fly([fault], { wire: 'none' });
      expect(figures.faults[0]?.failed).toContain("which 'c' does not offer");
      expect(verdict.exitCode).toBe(1);
    }
  });
});
