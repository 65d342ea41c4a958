/**
 * A clock that has run too fast stands still until time has caught up with it. What peers say comes early meanwhile and
 * makes whole vectors, and what the replica says is late to all of them: it has to notice, and keep silent.
 */
import path from 'node:path';
import { expect, test } from 'vitest';
import { planFaults } from '../../src/demo/tour.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { simulate } from '../../src/simulation/simulate.js';

test.each([2, 10, 21])('a replica whose clock stood still agrees on nothing alone, seed %i', async (seed) => {
  const loaded = await loadRig(path.resolve('hardware/rigs/crash-three'));
  const plan = planFaults([{ fault: 'clock-drift on b at 100 for 53', say: '' }]);
  if (!plan.ok) throw new Error(plan.mistakes.map(({ text, what }) => `${text}: ${what}`).join('\n'));
  const { failure, violations, figures } = simulate({
    loaded,
    ticks: 200,
    seed,
    wire: 'none',
    faults: plan.faults,
  });
  expect([failure, violations]).toEqual([null, []]);
  expect(figures).toMatchObject({ disagreements: 0, uncoveredTicks: 0, ticksOutsideHypothesis: 0 });
});
