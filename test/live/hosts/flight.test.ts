/**
 * The pitch rig on six hosts with a cable each (protocol.md §6, §7): links that are slow, unsteady and lossy within what
 * the rounds allow cost nothing, a traitor on a host of its own neither, and one broker may hold all inboxes. What happens
 * to hosts, one after the other, is in `test/live/soak`.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { BROKER_HOST, HostRig, type HostRigOptions } from '../../support/host-rig.js';
import { findMosquitto } from '../../support/mosquitto.js';
import { findNamespaces } from '../../support/namespaces.js';

const rigs: HostRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

async function open(options: HostRigOptions = {}): Promise<HostRig> {
  const rig = await HostRig.open(options);
  rigs.push(rig);
  return rig;
}

describe.skipIf(!findNamespaces())('six hosts', () => {
  test(
    'links of 2 ms and 1 ms of jitter that lose a frame in a thousand; one is cut one way, and a replica lies',
    FLIGHT,
    async () => {
      const rig = await open({ links: { delayMs: 2, jitterMs: 1, loss: 0.001 } });
      await rig.runner.start();
      await rig.runner.fly(20);
      await rig.proxy?.cut('c>a');
      await rig.runner.fly(20);
      await rig.proxy?.restore('c>a');
      await rig.runner.untilCommanding('c');
      await rig.orderFault('equivocate on d at +10 for 10');
      await rig.runner.until('the fault to be over', () =>
        rig.runner.observer.figures().faults.some((fault) => fault.clearedAt !== null),
      );
      const figures = await rig.runner.land();
      expectUndisturbed(rig.runner, figures, 60);
      expect(figures.faults.map(({ failed, affected }) => [failed, affected > 0])).toEqual([[null, true]]);
      expect((await rig.proxy?.counts('a>elevator'))?.chunks).toBeGreaterThan(60);
    },
  );

  test.skipIf(!findMosquitto())('one Mosquitto shared by all, on a host of its own', FLIGHT, async () => {
    const rig = await open({ inboxes: 'mosquitto-shared' });
    expect([...rig.brokers.keys()]).toEqual([BROKER_HOST]);
    await rig.runner.start();
    await rig.runner.fly(60);
    expectUndisturbed(rig.runner, await rig.runner.land(), 60);
  });
});
