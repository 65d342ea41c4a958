/** A state of many pieces in a simulated rig: whoever lost it fetches it while the others fly on, on either wire. */
import { expect, it } from 'vitest';
import { planFaults } from '../../src/demo/tour.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { simulate } from '../../src/simulation/simulate.js';
import { copyLargeRig } from '../support/large-law.js';
import { removeRig } from '../support/rig-copy.js';

it.each(['full', 'none'] as const)('64 KiB are fetched in pieces within ticks (wire %s)', async (wire) => {
  const folder = copyLargeRig();
  try {
    const planned = planFaults([{ fault: 'crash on c at 20 for 20', say: '' }]);
    if (!planned.ok) throw new Error(planned.mistakes.map(({ what }) => what).join('; '));
    const commanded: number[] = [];
    const { figures, violations } = simulate({
      loaded: await loadRig(folder),
      ticks: 100,
      seed: 1,
      wire,
      faults: planned.faults,
      onTrace: (line) => {
        if (line.kind === 'tick' && line.id === 'c' && line.record.commanded)
          commanded.push(line.record.tick);
      },
    });
    expect(figures).toMatchObject({ ticks: 100, completedTicks: 100, disagreements: 0, uncoveredTicks: 0 });
    expect(violations).toEqual([]);
    expect(commanded.filter((tick) => tick > 80).length).toBeGreaterThan(15);
  } finally {
    removeRig(folder);
  }
});
