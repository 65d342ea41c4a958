import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { countFlightTicks, planFaults, planStandardTour } from '../../src/demo/tour.js';
import { planFault } from '../../src/faults/plan-fault.js';
import { loadRig } from '../../src/rig/load-rig.js';

const RIGS = fileURLToPath(new URL('../../hardware/rigs/', import.meta.url));

describe('the standard tour', () => {
  const names = readdirSync(RIGS, { withFileTypes: true }).flatMap((one) =>
    one.isDirectory() ? [one.name] : [],
  );

  test.each(names)('%s: every stop can be done there, one at a time, with room to recover', async (name) => {
    const { rig } = await loadRig(`${RIGS}${name}`);
    const tour = planStandardTour(rig);
    if (rig.hypothesis.kind === 'none') {
      expect(tour).toEqual([]);
      return;
    }
    expect(tour.length).toBeGreaterThan(3);
    let free = 0;
    for (const { spec, say } of tour) {
      const planned = planFault(spec, rig);
      expect(planned).toMatchObject({ ok: true });
      expect(planned.ok && planned.plan.obeying.length).toBe(1);
      expect(spec.at.tick).toBeGreaterThanOrEqual(free);
      expect(say.length).toBeGreaterThan(30);
      free = spec.at.tick + (spec.forTicks ?? 0) + 1e6 / rig.periodUs;
    }
  });

  test('lasts about as long at any tick rate', async () => {
    const seconds = async (name: string): Promise<number> => {
      const { rig } = await loadRig(`${RIGS}${name}`);
      return (countFlightTicks(rig, planStandardTour(rig)) * rig.periodUs) / 1e6;
    };
    expect(await seconds('pitch')).toBeGreaterThan(40);
    expect(await seconds('pitch')).toBeLessThan(60);
    expect(Math.abs((await seconds('pitch')) - (await seconds('pitch-50hz')))).toBeLessThan(1);
  });
});

describe('faults that are asked for', () => {
  test('at +N counts from the start of the run', () => {
    const plan = planFaults([{ fault: 'lie on c at +50 for 10', say: 'so' }]);
    expect(plan).toMatchObject({ ok: true, faults: [{ text: 'lie on c at 50 for 10', say: 'so' }] });
  });

  test('all mistakes at once, each with its cure', () => {
    const plan = planFaults([
      { fault: 'lie c at 50', say: '' },
      { fault: 'lie on c at 50', say: '' },
      { fault: 'clear lie on c', say: '' },
    ]);
    expect(plan.ok).toBe(false);
    if (plan.ok) return;
    expect(plan.mistakes.map(({ text }) => text)).toEqual(['lie c at 50', 'clear lie on c']);
    for (const { what, cure } of plan.mistakes) expect(what.length * cure.length).toBeGreaterThan(0);
  });

  test('a flight lasts until the last fault is over and the rig has recovered', () => {
    const plan = planFaults([
      { fault: 'lie on c at 100 for 60', say: '' },
      { fault: 'crash on d at 20', say: '' },
    ]);
    if (!plan.ok) throw new Error('no plan');
    expect(countFlightTicks({ periodUs: 50_000 }, plan.faults)).toBe(220);
    expect(countFlightTicks({ periodUs: 50_000 }, plan.faults.slice(1))).toBe(20 + 100 + 60);
    expect(countFlightTicks({ periodUs: 50_000 }, [])).toBe(600);
  });
});
