/**
 * 100 000 broken frames at the inboxes of a flying rig, from members with true credentials and, for one, true keys: none
 * is accepted, each is accounted for, nothing crashes or grows, and the others fly on (protocol.md §8, §11).
 */
import { setPriority } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { REFUSAL_CAUSES } from '../../../src/wire/refusal.js';
import { breakFrame, makeDice } from '../../support/broken-frames.js';
import { expectUndisturbed, FLIGHT } from '../../support/expect-flight.js';
import { Liar } from '../../support/liar.js';
import { RigRunner, ROOT } from '../../support/rig-runner.js';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const FRAMES = 100_000;
/** Half of what an inbox of this rig lets one sender send: faster ones are cut, which is another test's. */
const FRAMES_PER_TURN = 8;
const TURN_MS = 20;
const LIARS_NICENESS = 15;
const GROWTH_MAX_MIB = 30;

/** Sends `frames` in all, evenly to every receiver of every liar; gives how many each receiver was sent. */
async function flood(liars: readonly Liar[], frames: number): Promise<Map<string, number>> {
  const dice = makeDice(20_260_725);
  const lanes = liars.flatMap((liar) => liar.receivers.map((receiver) => ({ liar, receiver })));
  const sent = new Map<string, number>();
  const perLane = Math.ceil(frames / lanes.length);
  let done = 0;
  while (done < perLane) {
    const due = Math.min(perLane, done + FRAMES_PER_TURN);
    for (; done < due; done += 1) {
      for (const { liar, receiver } of lanes) {
        const { purpose, frame } = breakFrame(liar, receiver, dice);
        liar.send(receiver, purpose, frame);
        sent.set(receiver, (sent.get(receiver) ?? 0) + 1);
      }
    }
    // The pace of the flood, and no wait for anything: after a stall nothing is made up for.
    await setTimeout(TURN_MS);
  }
  return sent;
}

test(
  '100 000 random, truncated, flipped, replayed and authentic but senseless frames: none is accepted',
  FLIGHT,
  async () => {
    const rigPath = path.join(ROOT, 'hardware', 'rigs', 'pitch');
    const rig = await RigRunner.prepare({ rigPath });
    cleanUps.push(() => rig.close());
    const others = rig.ids.filter((id) => id !== 'c');
    await rig.start(...others);
    await rig.fly(10);
    const liars: Liar[] = [];
    for (const id of ['c', 'operator', 'watch']) {
      const liar = await Liar.enter(rig, rigPath, id);
      cleanUps.push(() => liar.leave());
      await liar.untilEstablished();
      liars.push(liar);
    }
    const receivers = liars[0]?.receivers ?? [];
    expect(receivers).toEqual(['a', 'b', 'd', 'elevator']);
    const refusedBy = (id: string): number =>
      REFUSAL_CAUSES.reduce((sum, cause) => sum + (rig.rejectedBy(id)[cause] ?? 0), 0);
    const measure = async (): Promise<Map<string, { refused: number; rssMiB: number }>> => {
      const stats = await Promise.all(receivers.map((id) => rig.freshStats(id)));
      return new Map(stats.map(({ id, rssMiB }) => [id, { refused: refusedBy(id), rssMiB }]));
    };
    const before = await measure();
    const readLinks = (): unknown =>
      liars.map((liar) => receivers.map((id) => [liar.disconnects(id), liar.dropped(id)]));
    const links = readLinks();

    // Liars have machines of their own; here they share the processors with those that have deadlines.
    setPriority(LIARS_NICENESS);
    const sent = await flood(liars, FRAMES);

    expect([...sent.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(FRAMES);
    // Nobody was cut and every frame left: each must be found among the refused.
    expect(readLinks()).toEqual(links);
    const expected = receivers.map(
      (id) => [id, (before.get(id)?.refused ?? 0) + (sent.get(id) ?? 0)] as const,
    );
    await rig.until('all of them to be refused', () =>
      expected.every(([id, count]) => refusedBy(id) >= count),
    );
    const after = await measure();
    expect([...after].map(([id, { refused }]) => [id, refused])).toEqual(expected);
    for (const [id, { rssMiB }] of after)
      expect(rssMiB - (before.get(id)?.rssMiB ?? 0), `growth of ${id}`).toBeLessThan(GROWTH_MAX_MIB);
    expect(rig.deaths).toEqual([]);
    const figures = await rig.land();
    expectUndisturbed(rig, figures, 100);
    for (const cause of ['bad-authenticator', 'malformed-envelope', 'malformed-payload', 'wrong-algorithm'])
      expect(figures.rejected[cause], cause).toBeGreaterThan(100);
  },
);
