/** What `npm run bench` asks for: how far the ticks of replicas on hosts of their own begin apart, nobody being struck. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HostRig } from '../support/host-rig.js';
import { CLOCKS, SkewMeter } from './clocks.js';

const { ticks = 200, json = null } = JSON.parse(process.env['VOTEPLANE_SKEW'] ?? '{}') as {
  readonly ticks?: number;
  readonly json?: string | null;
};

const SETTLE_TICKS = 60;

test('skew', async () => {
  const rig = await HostRig.open({ environmentOf: (id) => ({ VOTEPLANE_TEST_CLOCK: CLOCKS[id] ?? '' }) });
  const { runner } = rig;
  try {
    await runner.start();
    // Clocks that begin apart by the delay of a message are slewed together first.
    await runner.fly(SETTLE_TICKS);
    const skews = new SkewMeter(runner);
    await runner.fly(ticks);
    skews.take();
    const figures = await runner.land();
    expect(figures.unsafeOutputs).toBe(0);
    const skewsUs = skews.sorted();
    expect(skewsUs.length).toBeGreaterThan(ticks / 2);
    if (json !== null) writeFileSync(json, JSON.stringify({ ticks: figures.ticks, skewsUs }));
  } finally {
    await rig.close();
  }
});
