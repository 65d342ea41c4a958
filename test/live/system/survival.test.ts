/** Any one replica killed in mid-flight: the aircraft is not disturbed, and the replica comes back (protocol.md §3, §11). */
import { afterEach, expect, test } from 'vitest';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { RigRunner } from '../../support/rig-runner.js';

let rig: RigRunner | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

test('each replica in turn dies by SIGKILL, is started again and commands again', FLIGHT, async () => {
  rig = await RigRunner.prepare();
  await rig.start();
  await rig.fly(20);
  for (const { id } of rig.rig.replicas) {
    await rig.kill(id);
    await rig.fly(15);
    await rig.start(id);
    await rig.untilCommanding(id);
    await rig.fly(5);
  }
  const figures = await rig.land();
  expectUndisturbed(rig, figures, 100);
  expect(rig.deaths.map((exit) => [exit.id, exit.signal])).toEqual([
    ['a', 'SIGKILL'],
    ['b', 'SIGKILL'],
    ['c', 'SIGKILL'],
    ['d', 'SIGKILL'],
  ]);
});
