/**
 * Brokers that keep no rule and lie: they forge, alter, duplicate and replay what passes, of this session and of an
 * earlier one, and babble. Nothing of it is accepted, each frame is accounted for, and the rig flies (protocol.md §7, §8).
 */
import { afterEach, expect, test } from 'vitest';
import { REFUSAL_CAUSES } from '../../../src/wire/refusal.js';
import { makeDice } from '../../support/broken-frames.js';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { startHostileBroker, type Captured, type HostileBroker } from '../../support/hostile-broker.js';
import { copyRig, placeInboxes, removeRig } from '../../support/rig-copy.js';
import { RigRunner } from '../../support/rig-runner.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const REPLICAS = ['a', 'b', 'c', 'd'];
const OWNERS = [...REPLICAS, 'elevator'];
/** Some four times what one sender may send; no more, as all brokers of this test share a process. */
const BABBLE_PER_TURN = 60;
const BABBLE_TURN_MS = 20;

interface HostileRig {
  readonly rig: RigRunner;
  readonly brokers: ReadonlyMap<string, HostileBroker>;
}

/** The pitch rig with a hostile broker for every receiver. */
async function prepareHostile(): Promise<HostileRig> {
  const brokers = new Map<string, HostileBroker>();
  for (const id of OWNERS) {
    const broker = await startHostileBroker();
    cleanUps.push(() => broker.stop());
    brokers.set(id, broker);
  }
  const rigPath = copyRig('pitch', {
    'rig.yaml': placeInboxes((id) => (brokers.get(id) as HostileBroker).url),
  });
  cleanUps.push(() => removeRig(rigPath));
  const rig = await RigRunner.prepare({ rigPath });
  cleanUps.push(() => rig.close());
  return { rig, brokers };
}

function split(topic: string): { receiver: string; sender: string; purpose: string } {
  const [, , receiver = '', sender = '', purpose = ''] = topic.split('/');
  return { receiver, sender, purpose };
}

const isSession = ({ topic }: Captured): boolean =>
  ['round', 'state', 'command', 'status'].includes(split(topic).purpose);

function refusedBy(rig: RigRunner, id: string): number {
  return REFUSAL_CAUSES.reduce((sum, cause) => sum + (rig.rejectedBy(id)[cause] ?? 0), 0);
}

test(
  'forgeries, duplicates and recordings of an earlier life: none is accepted, and the rig flies on',
  FLIGHT,
  async () => {
    const { rig, brokers } = await prepareHostile();
    await rig.start();
    await rig.fly(10);
    // Recordings of the lives that end now.
    await rig.kill('b');
    const earlier = new Map(
      [...brokers].map(([id, broker]) => [
        id,
        broker.captured
          .filter((message) => isSession(message) && split(message.topic).sender === 'b')
          .slice(-50),
      ]),
    );
    await rig.start('b');
    await rig.untilCommanding('b');
    await rig.fly(30);
    await Promise.all(OWNERS.map((id) => rig.freshStats(id)));
    const expected = new Map(OWNERS.map((id) => [id, refusedBy(rig, id)]));
    const dice = makeDice(9);

    /** What this broker adds to a message that passes; each addition must be refused. */
    const addTo = (message: Captured): Captured[] => {
      const { receiver, sender, purpose } = split(message.topic);
      const peers = REPLICAS.filter((id) => id !== receiver && id !== sender);
      const underOtherName = `voteplane/pitch/${receiver}/${peers[dice(peers.length)]}/${purpose}`;
      const flipped = Buffer.from(message.payload);
      const at = dice(flipped.length);
      flipped[at] = (flipped[at] as number) ^ (1 << dice(8));
      const recorded = earlier.get(receiver) ?? [];
      const recording = recorded[dice(recorded.length)];
      return [
        message,
        { topic: message.topic, payload: flipped },
        // A voter's word under a replica's name would not reach anybody: nobody subscribes to that.
        ...(purpose === 'status' ? [] : [{ topic: underOtherName, payload: message.payload }]),
        ...(recording === undefined ? [] : [recording]),
      ];
    };
    for (const [owner, broker] of brokers) {
      broker.alter = (message) => {
        if (!isSession(message)) return [message];
        const added = addTo(message);
        expected.set(owner, (expected.get(owner) ?? 0) + added.length);
        // Whichever comes first, the true one or the lie.
        return dice(2) === 0 ? [message, ...added] : [...added.slice(1), message, message];
      };
    }
    await rig.fly(60);
    for (const broker of brokers.values()) broker.alter = null;

    await rig.until('all additions to be refused', () =>
      OWNERS.every((id) => refusedBy(rig, id) >= (expected.get(id) ?? 0)),
    );
    await Promise.all(OWNERS.map((id) => rig.freshStats(id)));
    expect(OWNERS.map((id) => [id, refusedBy(rig, id)])).toEqual(OWNERS.map((id) => [id, expected.get(id)]));
    const figures = await rig.land();
    expectUndisturbed(rig, figures, 100);
    for (const cause of ['bad-authenticator', 'replayed'])
      expect(figures.rejected[cause], cause).toBeGreaterThan(200);
  },
);

test(
  'old hellos do not end sessions; the broker of one replica may swallow, and babble under another name',
  FLIGHT,
  async () => {
    const { rig, brokers } = await prepareHostile();
    await rig.start();
    await rig.fly(10);
    const before = rig.newestTick;
    const hellos = new Map(
      [...brokers].map(([id, broker]) => [
        id,
        broker.captured.filter(({ topic }) => split(topic).purpose === 'hello'),
      ]),
    );
    for (const [id, broker] of brokers) {
      broker.alter = (message) => {
        // Each round one old hello for good measure.
        const old = hellos.get(id) ?? [];
        const [first, ...rest] = old;
        if (first === undefined || !isSession(message)) return [message];
        hellos.set(id, [...rest, first]);
        return [first, message];
      };
    }
    await rig.fly(40);
    for (const id of REPLICAS) {
      const flown = rig.ticksOf(id).filter(({ tick }) => tick > before + 1);
      const commanded = flown.filter((record) => record.commanded || record.overrun !== null);
      expect(commanded.length).toBeGreaterThan(flown.length * 0.8);
    }
    for (const broker of brokers.values()) broker.alter = null;

    const broker = brokers.get('c') as HostileBroker;
    broker.alter = () => [];
    const babble = setInterval(() => {
      for (let i = 0; i < BABBLE_PER_TURN; i += 1)
        broker.forge('voteplane/pitch/c/a/round', Buffer.alloc(200, 0x84));
    }, BABBLE_TURN_MS);
    try {
      await rig.fly(30);
    } finally {
      clearInterval(babble);
    }
    broker.alter = null;
    await rig.untilCommanding('c');
    expect(rig.deaths).toEqual([]);
    const figures = await rig.land();
    expectUndisturbed(rig, figures, 80);
    expect(figures.rejected['inbox-rate']).toBeGreaterThan(500);
  },
);
