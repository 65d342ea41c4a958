/** What the simulator cannot carry is refused in words. */
import { expect, test } from 'vitest';
import { refuseWitness } from '../../src/cli/refuse-witness.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { loadRig } from '../../src/rig/load-rig.js';

test('a rig with a witness is refused, with what to do instead; any other is not', async () => {
  const { rig } = await loadRig('hardware/rigs/valve-witness');
  expect(() => refuseWitness(rig, 'here')).toThrow(UsageError);
  expect(() => refuseWitness(rig, 'here')).toThrow(/has a witness.*voteplane demo here/);
  refuseWitness((await loadRig('hardware/rigs/valve')).rig, 'there');
});
