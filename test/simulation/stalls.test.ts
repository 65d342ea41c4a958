/**
 * More replicas than the hypothesis allows stand still at once, as when the machine under all of them is busy elsewhere,
 * or the network is. Nothing unsafe comes of it, and the rig heals by itself, from the states that it stopped at
 * (protocol.md §4).
 */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { deriveQuorums } from '../../src/core/agreement/hypothesis.js';
import { planFaults } from '../../src/demo/tour.js';
import { Random } from '../../src/faults/random.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { simulate } from '../../src/simulation/simulate.js';

const RIGS = path.resolve('hardware', 'rigs');
const SEEDS = Array.from({ length: 12 }, (_, at) => at + 1);
const TICKS = 260;
/** Bursts end before tick 110 of 260, and so long after the last of them at most there are outputs again. */
const FIRST_TICK = 60;
const LONGEST_OUTAGE_TICKS = 45;

/**
 * Up to four bursts, in each of which two or more replicas stand still or die for a while, every one for another while. So
 * many live on that the run does: f+1, or one where nobody lies.
 */
function drawStalls(replicas: readonly string[], mostCrashes: number, seed: number): readonly string[] {
  const random = new Random(`stalls ${seed}`);
  const draw = (from: number, to: number): number => from + random.nextInteger(to - from + 1);
  const stalls = new Map<string, string>();
  let tick = FIRST_TICK;
  let crashes = 0;
  for (let burst = draw(1, 4); burst > 0; burst -= 1) {
    const longestMs = draw(30, 300);
    const struck = draw(2, replicas.length);
    const first = draw(0, replicas.length - 1);
    for (let at = 0; at < struck; at += 1) {
      const id = replicas[(first + at) % replicas.length] as string;
      const stops = draw(1, 4) > 1 || crashes === mostCrashes;
      if (!stops) crashes += 1;
      stalls.set(
        `${id} ${tick}`,
        stops
          ? `pause on ${id} ms=${draw(1, longestMs)} at ${tick} for 1`
          : `crash on ${id} at ${tick} for ${draw(1, 20)}`,
      );
    }
    tick += draw(1, 12);
  }
  return [...stalls.values()];
}

describe.each(['pitch', 'seven', 'signed-three', 'crash-three'])('%s', (name) => {
  test.each(SEEDS)('heals, seed %i', async (seed) => {
    const loaded = await loadRig(path.join(RIGS, name));
    const n = loaded.rig.replicas.length;
    const stalls = drawStalls(
      loaded.rig.replicas.map(({ id }) => id),
      n - deriveQuorums(loaded.rig.hypothesis, n).testimony,
      seed,
    );
    const plan = planFaults(stalls.map((fault) => ({ fault, say: '' })));
    if (!plan.ok) throw new Error(plan.mistakes.map(({ text, what }) => `${text}: ${what}`).join('\n'));
    const { figures, failure, violations } = simulate({
      loaded,
      ticks: TICKS,
      seed,
      wire: 'none',
      faults: plan.faults,
    });
    const all = `${stalls.join('\n')}\n${JSON.stringify(figures, null, 1)}`;
    expect(failure, all).toBeNull();
    // How soon each is back is another matter: here the rig as a whole has to be.
    expect(
      violations.filter(({ checker }) => checker !== 'liveness'),
      all,
    ).toEqual([]);
    expect(figures, all).toMatchObject({ disagreements: 0, unsafeOutputs: 0, uncoveredTicks: 0 });
    expect(figures.ticks - figures.completedTicks, all).toBeLessThanOrEqual(LONGEST_OUTAGE_TICKS);
  });
});
