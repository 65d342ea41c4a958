/**
 * Paxos in worlds that lose, delay and reorder messages, and stop and restart devices, drawn from a seed: whatever
 * happens, no slot has two values, every command is executed once, what a client was told stays true, and once the
 * world is well again everything goes on. `VOTEPLANE_PAXOS_WORLDS` says how many seeds of each kind are tried.
 */
import { describe, expect, test } from 'vitest';
import type { PaxosConfig } from '../../../src/core/paxos/types.js';
import { describeEntry, PaxosWorld } from '../../support/paxos-world.js';

const WORLDS = Number(process.env['VOTEPLANE_PAXOS_WORLDS'] ?? 4);

const KINDS: Record<string, { readonly n: number; readonly changes: Partial<PaxosConfig> }> = {
  'three replicas': { n: 3, changes: {} },
  'one learner': { n: 3, changes: { learning: 'one-learner' } },
  'standard Paxos': { n: 3, changes: { learning: 'votes-to-all' } },
  'two replicas and a witness': { n: 3, changes: { witness: 1 } },
  'four replicas': { n: 4, changes: {} },
  'five replicas': { n: 5, changes: {} },
};

/** A generator of numbers in [0, 1) (mulberry32). */
function draw(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Outcome {
  readonly world: PaxosWorld;
  readonly answered: ReadonlyMap<string, number>;
  readonly asked: number;
}

/** Two seconds of trouble, then two of peace. */
function live(n: number, changes: Partial<PaxosConfig>, seed: number): Outcome {
  const random = draw(seed);
  const world = new PaxosWorld(n, {
    snapshotSlots: 20,
    windowSlots: 8,
    batchSlots: 4,
    ackSlots: 4,
    ...changes,
  });
  const loss = random() * 0.3;
  const spread = random() * 30_000;
  world.flushUs = random() < 0.5 ? 0 : Math.floor(random() * 5_000);
  let calm = false;
  world.delay = (): number | null =>
    calm ? 1_000 : random() < loss ? null : 500 + Math.floor(random() * spread);
  const answered = new Map<string, number>();
  const clients = Array.from({ length: 3 }, () => ({ sequence: 0, isOpen: false }));
  let asked = 0;
  let amnesias = 0;
  let told = 0;
  for (let step = 0; step < 200; step += 1) {
    calm = step >= 100;
    clients.forEach((client, index) => {
      if (!client.isOpen && (step < 170 || random() < 0.1)) {
        if (step >= 180) return;
        client.sequence += 1;
        client.isOpen = true;
        asked += 1;
      }
      // Whoever sees all of the world knows whom to ask when it is over.
      const to = step >= 180 ? Math.max(0, world.leader()) : Math.floor(random() * n);
      if (client.isOpen) world.request(to, `c${index}`, client.sequence, `${index}.${client.sequence}`);
    });
    world.run(Math.floor(random() * 30_000));
    for (const answer of world.answers.slice(told)) {
      if (answer.outcome.kind !== 'chosen') continue;
      const key = `${answer.client}.${answer.sequence}`.slice(1);
      const known = answered.get(key);
      if (known !== undefined && known !== answer.outcome.slot) throw new Error(`${key} answered twice`);
      answered.set(key, answer.outcome.slot);
      const client = clients[Number(answer.client.slice(1))];
      if (client?.sequence === answer.sequence) client.isOpen = false;
    }
    told = world.answers.length;
    const down = world.devices.findIndex(({ up }) => !up);
    if (!calm && down < 0 && random() < 0.08) world.stop(Math.floor(random() * n), Math.floor(random() * 3));
    else if (down >= 0 && (calm || random() < 0.15)) {
      // Once in a life of the rig a store is lost, of a device that is not the only one to know what was chosen.
      const { witness } = world.device(down).config;
      const isSpare =
        witness === null ||
        world.devices.every(
          ({ state }) => state.governance.quorum !== 1 << down && state.witness?.change?.quorum !== 1 << down,
        );
      const forgets = amnesias === 0 && isSpare && random() < 0.2;
      if (forgets) amnesias += 1;
      world.start(down, forgets ? [] : world.device(down).records);
    }
    world.letters = world.letters.slice(-2_000);
  }
  return { world, answered, asked };
}

function judge({ world, answered, asked }: Outcome): void {
  expect(world.disagreements()).toEqual([]);
  const longest = world.devices.map(({ executed }) => executed).sort((a, b) => b.length - a.length)[0] ?? [];
  expect(new Set(longest).size).toBe(longest.length);
  for (const { config, executed } of world.devices)
    if (config.self !== config.witness) expect(executed).toEqual(longest.slice(0, executed.length));
  for (const [key, slot] of answered) {
    const entry = world.devices.map(({ chosen }) => chosen.get(slot)).find((one) => one !== undefined);
    expect(entry === undefined ? 'none' : describeEntry(entry)).toBe(key);
    expect(longest).toContain(key);
  }
  expect(answered.size).toBe(asked);
}

describe.each(Object.entries(KINDS))('%s', (_, { n, changes }) => {
  test('agree whatever happens, and go on when it is over', () => {
    for (let seed = 1; seed <= WORLDS; seed += 1) {
      try {
        judge(live(n, changes, seed));
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
