/**
 * The pitch rig over Mosquitto, with passwords from the key files and the access list of hardware/rigs/README.md: one broker shared
 * by all, and one for each receiver, of which any single one may die (protocol.md §7).
 */
import { afterEach, describe, expect, test } from 'vitest';
import { deriveFacts } from '../../../src/rig/derive.js';
import { loadRig } from '../../../src/rig/load-rig.js';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { findMosquitto, type Mosquitto } from '../../support/mosquitto.js';
import { freePort } from '../../support/mqtt-kit.js';
import { BROKER_ACL, startBrokerFor } from '../../support/rig-brokers.js';
import { copyRig, placeInboxes, removeRig } from '../../support/rig-copy.js';
import { RigRunner } from '../../support/rig-runner.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe.skipIf(!findMosquitto())('Mosquitto', () => {
  async function prepare(portOf: (id: string) => number): Promise<RigRunner> {
    const rigPath = copyRig('pitch', {
      'rig.yaml': placeInboxes((id) => `mqtt://127.0.0.1:${String(portOf(id))}`),
    });
    cleanUps.push(() => removeRig(rigPath));
    const rig = await RigRunner.prepare({ rigPath });
    cleanUps.push(() => rig.close());
    return rig;
  }

  async function startFor(rig: RigRunner, inboxes: readonly string[], port: number): Promise<Mosquitto> {
    const mosquitto = await startBrokerFor(rig, inboxes, { port });
    cleanUps.push(() => mosquitto.stop());
    return mosquitto;
  }

  test('one shared by all', FLIGHT, async () => {
    expect(BROKER_ACL).toHaveLength(2);
    const port = await freePort();
    const rig = await prepare(() => port);
    const owners = [...rig.rig.replicas, ...rig.rig.actuators].map(({ id }) => id);
    await startFor(rig, owners, port);
    await rig.start();
    await rig.fly(60);
    const figures = await rig.land();
    expectUndisturbed(rig, figures, 60);
  });

  test(
    'one for each receiver: that of a replica is killed and comes back, and only its owner is away',
    FLIGHT,
    async () => {
      const ports = new Map<string, number>();
      for (const id of ['a', 'b', 'c', 'd', 'elevator']) ports.set(id, await freePort());
      const rig = await prepare((id) => ports.get(id) as number);
      const brokers = new Map<string, Mosquitto>();
      for (const [id, port] of ports) brokers.set(id, await startFor(rig, [id], port));
      await rig.start();
      await rig.fly(20);
      const before = rig.newestTick;
      await brokers.get('c')?.kill();
      await rig.fly(30);
      const heard = rig.ticksOf('c').filter(({ tick, vector }) => tick > before + 3 && vector !== null);
      expect(heard).toEqual([]);
      await brokers.get('c')?.start();
      await rig.untilCommanding('c');
      const figures = await rig.land();
      expect(rig.deaths).toEqual([]);
      expectUndisturbed(rig, figures, 50);
    },
  );
});

test('a rig over external brokers says which are single points of failure', async () => {
  const shared = copyRig('pitch', { 'rig.yaml': placeInboxes(() => 'mqtt://127.0.0.1:1883') });
  cleanUps.push(() => removeRig(shared));
  const { rig } = await loadRig(shared);
  expect(rig.replicas.map(({ inbox }) => inbox)).toEqual(
    rig.replicas.map(() => ({ kind: 'external', url: 'mqtt://127.0.0.1:1883' })),
  );
  expect(deriveFacts(rig).singlePoints.join('\n')).toMatch(/127\.0\.0\.1:1883/);
});
