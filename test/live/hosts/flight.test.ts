/**
 * The pitch rig on six hosts with a cable each (protocol.md §6, §7): wherever its inboxes stand, it is armed and flies;
 * whoever loses its cable for five seconds is missed by nobody and comes back; links that are slow, unsteady and lossy
 * within what the rounds allow cost nothing.
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

/** For so long a cable is out, and at most so long after that its host is away. */
const OUT_TICKS = 100;
const RETURN_TICKS = 100;

/** Pulls the cable of a replica for five seconds of a flight and waits until it is a member again. */
async function loseCable({ runner, network }: HostRig, id: string): Promise<void> {
  await runner.fly(10);
  const pulled = runner.newestTick;
  network.pullCable(id);
  await runner.fly(OUT_TICKS);
  network.plugCable(id);
  const plugged = runner.newestTick;
  await runner.untilCommanding(id);
  const back = runner.ticksOf(id).find(({ tick, commanded }) => tick >= plugged && commanded);
  expect(back?.tick).toBeLessThanOrEqual(plugged + RETURN_TICKS);
  // What was under way when the cable went may still have come about; nothing else did.
  const alone = runner.ticksOf(id).filter(({ tick }) => tick > pulled + 3 && tick < plugged);
  expect(alone.filter(({ vector, commanded }) => vector !== null || commanded)).toEqual([]);
  await runner.fly(10);
}

describe.skipIf(!findNamespaces())('six hosts', () => {
  test(
    'embedded inboxes: a replica loses its cable for 5 s, comes back, and another one lies',
    FLIGHT,
    async () => {
      const rig = await open();
      await rig.runner.start();
      await loseCable(rig, 'b');
      await rig.orderFault('equivocate on d at +10 for 10');
      await rig.runner.until('the fault to be over', () =>
        rig.runner.observer.figures().faults.some((fault) => fault.clearedAt !== null),
      );
      const figures = await rig.runner.land();
      expect(rig.runner.deaths).toEqual([]);
      expectUndisturbed(rig.runner, figures, OUT_TICKS + 20);
      expect(figures.faults.map(({ failed, affected }) => [failed, affected > 0])).toEqual([[null, true]]);
    },
  );

  test(
    'clocks that are hours apart and drift by 200 ppm: the ticks of correct replicas begin together, also after a return',
    FLIGHT,
    async () => {
      // Seconds ahead of the machine's clock, and parts in a million too fast.
      const clocks: Readonly<Record<string, string>> = {
        a: '86400 200',
        b: '3 -200',
        c: '7200 150',
        d: '0 -150',
        elevator: '36000 200',
      };
      const { runner } = await open({
        environmentOf: (id) => ({ VOTEPLANE_TEST_CLOCK: clocks[id] ?? '' }),
      });
      await runner.start();
      await runner.fly(100);
      await runner.kill('c');
      await runner.fly(20);
      runner.start('c');
      await runner.untilCommanding('c');
      await runner.fly(60);
      const figures = await runner.land();
      expectUndisturbed(runner, figures, 150);
      const starts = new Map<number, number[]>();
      for (const id of ['a', 'b', 'c', 'd']) {
        for (const { tick, firstSendUs, startLatenessUs } of runner.ticksOf(id)) {
          if (firstSendUs === null) continue;
          starts.set(tick, [...(starts.get(tick) ?? []), firstSendUs - startLatenessUs]);
        }
      }
      const skewsUs = [...starts.values()]
        .filter(({ length }) => length > 1)
        .map((times) => Math.max(...times) - Math.min(...times))
        .sort((x, y) => x - y);
      expect(skewsUs.length).toBeGreaterThan(100);
      expect(skewsUs[skewsUs.length >> 1]).toBeLessThanOrEqual(5_000);
    },
  );

  test(
    'links of 2 ms and 1 ms of jitter that lose a frame in a thousand; one is cut one way',
    FLIGHT,
    async () => {
      const rig = await open({ links: { delayMs: 2, jitterMs: 1, loss: 0.001 } });
      await rig.runner.start();
      await rig.runner.fly(20);
      await rig.proxy?.cut('c>a');
      await rig.runner.fly(20);
      await rig.proxy?.restore('c>a');
      await rig.runner.untilCommanding('c');
      await rig.runner.fly(20);
      const figures = await rig.runner.land();
      expectUndisturbed(rig.runner, figures, 60);
      expect((await rig.proxy?.counts('a>elevator'))?.chunks).toBeGreaterThan(60);
    },
  );

  describe.skipIf(!findMosquitto())('over Mosquitto', () => {
    test('one on each host: a replica loses its cable for 5 s and comes back', FLIGHT, async () => {
      const rig = await open({ inboxes: 'mosquitto-each' });
      await rig.runner.start();
      await loseCable(rig, 'c');
      const figures = await rig.runner.land();
      expect(rig.runner.deaths).toEqual([]);
      expectUndisturbed(rig.runner, figures, OUT_TICKS + 20);
    });

    test('one shared by all, on a host of its own', FLIGHT, async () => {
      const rig = await open({ inboxes: 'mosquitto-shared' });
      expect([...rig.brokers.keys()]).toEqual([BROKER_HOST]);
      await rig.runner.start();
      await rig.runner.fly(60);
      expectUndisturbed(rig.runner, await rig.runner.land(), 60);
    });
  });
});
