import { describe, expect, test } from 'vitest';
import type { StoreKind } from '../../src/store/stamp.js';
import { cutPower, type CutFigures, type CutPlan } from '../support/cut-power.js';

/** `npm run power-cuts` asks for many more. */
const CUTS = Number(process.env.VOTEPLANE_POWER_CUTS ?? 1500);

const plan = (kind: StoreKind): Omit<CutPlan, 'seed'> => ({
  owner: { kind, rigId: 'test-rig', replicaId: 'a' },
  writes: 20,
  lives: 3,
  deepen: 300,
});

async function cutMany(of: Omit<CutPlan, 'seed'>, cuts: number): Promise<CutFigures & { seeds: number }> {
  const sum = { cuts: 0, operations: 0, lives: 0, refused: 0, seeds: 0, violations: [] as string[] };
  for (let seed = 1; sum.cuts < cuts && sum.violations.length === 0; seed += 1) {
    const figures = await cutPower({ ...of, seed });
    sum.cuts += figures.cuts;
    sum.operations += figures.operations;
    sum.lives += figures.lives;
    sum.refused += figures.refused;
    sum.violations.push(...figures.violations);
    sum.seeds += 1;
  }
  return sum;
}

/** The long run says what it did. */
function tell(text: string, violations: readonly string[]): void {
  if (process.env.VOTEPLANE_POWER_CUTS !== undefined) console.log(`${text}, ${violations.length} violations`);
}

describe.each(['journal', 'witness'] as const)('%s: power cut behind every operation', (kind) => {
  test('nothing durable is lost, nothing never written appears, and it opens', { timeout: 0 }, async () => {
    const { violations, cuts, operations, lives, seeds } = await cutMany(plan(kind), CUTS);
    tell(
      `${kind}: ${seeds} seeds, ${lives} lives, power cut behind ${operations} operations, ${cuts} images opened`,
      violations,
    );
    expect(violations).toEqual([]);
    expect(cuts).toBeGreaterThanOrEqual(CUTS);
  });

  test('after a sync that failed: the same, where it is not refused', { timeout: 0 }, async () => {
    const { violations, cuts, refused } = await cutMany({ ...plan(kind), fails: true }, CUTS / 2);
    tell(`${kind}, with syncs that fail: ${cuts} images opened, ${refused} refused`, violations);
    expect(violations).toEqual([]);
    expect(refused).toBeLessThanOrEqual(cuts / 100);
  });

  test('a disk that lies about what it synced is noticed', async () => {
    const { violations } = await cutMany({ ...plan(kind), lies: true }, 2000);
    expect(violations).not.toEqual([]);
  });
});
