/** A store that keeps the last record of each key remembers as much as one that keeps them all. */
import { expect, test } from 'vitest';
import { isReplaced, orderRecords, recordKey } from '../../../src/core/paxos/durable-records.js';
import { recoverPaxos } from '../../../src/core/paxos/recover.js';
import type { PaxosRecord } from '../../../src/core/paxos/types.js';
import { PaxosWorld } from '../../support/paxos-world.js';

test('what is left of all records makes the same device, whatever order it comes in', () => {
  const world = new PaxosWorld(3, { snapshotSlots: 6 });
  let dropped = 0;
  for (let round = 0; round < 6; round += 1) {
    world.run(500_000, () => world.leader() >= 0);
    for (let sequence = 1; sequence <= 5; sequence += 1)
      world.request(Math.max(0, world.leader()), `c${round}`, sequence, `${round}.${sequence}`);
    world.run(round % 2 === 0 ? 3_000 : 200_000);
    const down = round % 3;
    world.stop(down);
    world.run(400_000);
    // The second time its store is empty.
    world.start(down, round === 1 ? [] : world.device(down).records);
    world.run(300_000);
    for (const { config, records } of world.devices) {
      const left = new Map<string, PaxosRecord>();
      for (const record of records) {
        for (const [key, earlier] of left) if (isReplaced(earlier, record)) left.delete(key);
        left.set(recordKey(record), record);
      }
      dropped += records.length - left.size;
      const whole = recoverPaxos(config, records, 0);
      const kept = recoverPaxos(config, orderRecords([...left.values()].reverse()), 0);
      expect(kept.state.incarnation).toBe(whole.state.incarnation);
      expect(kept.state.promised).toBe(whole.state.promised);
      expect(kept.state.prefix).toBe(whole.state.prefix);
      expect(kept.state.governance).toEqual(whole.state.governance);
      expect(new Map(kept.state.votes)).toEqual(new Map(whole.state.votes));
      expect(kept.effects).toEqual(whole.effects);
    }
  }
  expect(dropped).toBeGreaterThan(100);
});

test('a promise that was made by a vote alone outlives the snapshot that takes the place of the vote', () => {
  const world = new PaxosWorld(3, { snapshotSlots: 1 });
  world.nowUs = 1_000_000;
  const entry = { kind: 'command', request: { client: 'c', sequence: 1, value: new Uint8Array(1) } } as const;
  const message = {
    kind: 'propose',
    incarnation: 1,
    ballot: 3,
    slot: 1,
    entry,
    prefix: 0,
    hasVote: true,
  } as const;
  world.step(1, { kind: 'received', nowUs: world.nowUs, from: 0, message });
  const { config, records } = world.device(1);
  const snapshot = records.find(({ kind }) => kind === 'snapshot');
  if (snapshot === undefined) throw new Error('there is no snapshot');
  const left = records.filter((record) => record === snapshot || !isReplaced(record, snapshot));
  expect(left.map(({ kind }) => kind)).not.toContain('vote');
  expect(recoverPaxos(config, orderRecords(left), 0).state.promised).toBe(3);
});
