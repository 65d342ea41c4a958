/** What a rig makes of its voters. */
import { expect, test } from 'vitest';
import { buildVoterConfig } from '../../src/process/replica-config.js';
import { loadRig } from '../../src/rig/load-rig.js';

test.each([
  ['pitch', 4, 3],
  ['valve', 3, 2],
  ['valve-witness', 2, 1],
])('%s: of %i replicas %i move an actuator', async (name, n, majority) => {
  const { rig } = await loadRig(`hardware/rigs/${name}`);
  expect(buildVoterConfig(rig, 0, new Uint8Array(8))).toMatchObject({ n, majority });
});
