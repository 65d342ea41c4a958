/** The simulated network: delays, losses and order on each directed link, and inboxes that go with their owners. */
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../src/faults/random.js';
import type { Transport } from '../../src/ports.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { RANK } from '../../src/simulation/event-queue.js';
import { Host, World } from '../../src/simulation/host.js';
import { Network, QUIET_LINK, type LinkModel } from '../../src/simulation/network.js';

const { rig } = await loadRig(path.resolve('hardware/rigs/pitch'));

interface Arrival {
  readonly from: string;
  readonly number: number;
  readonly atUs: number;
}

let world: World;
const arrivals = new Map<string, Arrival[]>();
const links: string[] = [];

beforeEach(() => {
  world = new World();
  arrivals.clear();
  links.length = 0;
});

function makeNetwork(model: Partial<LinkModel> = {}, only: Record<string, LinkModel> = {}): Network {
  const network = { default: { ...QUIET_LINK, ...model }, links: only };
  return new Network(world, rig, network, new Random('test'), { onSent: () => {}, onTrouble: () => {} });
}

function join(network: Network, id: string): { readonly host: Host; readonly transport: Transport } {
  const host = new Host(world);
  host.boot();
  const transport = network.attach(id, host);
  const seen: Arrival[] = [];
  arrivals.set(id, seen);
  transport.onFrame((from, _, frame, atUs) =>
    seen.push({ from, number: new DataView(frame.buffer, frame.byteOffset).getUint32(0), atUs }),
  );
  transport.onLink((to, up) => links.push(`${id}>${to} ${up ? 'up' : 'down'}`));
  return { host, transport };
}

function frameOf(number: number): Uint8Array {
  const frame = new Uint8Array(64);
  new DataView(frame.buffer).setUint32(0, number);
  return frame;
}

const run = (us: number): void => {
  const untilUs = world.nowUs + us;
  world.at(untilUs, RANK.timer, () => {});
  while (world.nowUs < untilUs && world.advance());
};

/** Sends `count` frames, one a millisecond, once the links stand. */
function send(from: { transport: Transport }, to: string, count: number): void {
  for (let number = 0; number < count; number += 1)
    world.at(world.nowUs + number * 2_000, RANK.timer, () =>
      from.transport.send(to, 'round', frameOf(number)),
    );
}

describe('a simulated link', () => {
  it('keeps the order of frames and delays each by at least what its model says', () => {
    const network = makeNetwork({ delayUs: 500, jitterUs: 5_000 });
    const a = join(network, 'a');
    join(network, 'b');
    run(1_000_000);
    const startUs = world.nowUs;
    send(a, 'b', 300);
    run(1_000_000);
    const seen = arrivals.get('b') as Arrival[];
    expect(seen.map(({ number }) => number)).toEqual(Array.from({ length: 300 }, (_, at) => at));
    seen.forEach(({ number, atUs }) => expect(atUs - startUs - number * 2_000).toBeGreaterThanOrEqual(500));
  });

  it('loses, repeats and reorders by chance, each only where its model says so', () => {
    const network = makeNetwork(
      {},
      {
        'a>b': { ...QUIET_LINK, loss: 0.3 },
        'a>c': { ...QUIET_LINK, duplicate: 0.3 },
        'a>d': { ...QUIET_LINK, jitterUs: 8_000, reorder: 0.5 },
      },
    );
    const a = join(network, 'a');
    for (const id of ['b', 'c', 'd', 'elevator']) join(network, id);
    run(1_000_000);
    for (const to of ['b', 'c', 'd', 'elevator']) send(a, to, 400);
    run(2_000_000);
    const numbers = (id: string): number[] => (arrivals.get(id) as Arrival[]).map(({ number }) => number);
    const all = Array.from({ length: 400 }, (_, at) => at);
    expect(numbers('b').length).toBeGreaterThan(220);
    expect(numbers('b').length).toBeLessThan(340);
    expect(network.dropped.lost).toBe(400 - numbers('b').length);
    expect(numbers('c').length).toBeGreaterThan(460);
    expect([...new Set(numbers('c'))]).toEqual(all);
    expect(numbers('d')).not.toEqual(all);
    expect([...numbers('d')].sort((x, y) => x - y)).toEqual(all);
    expect(numbers('elevator')).toEqual(all);
  });

  it('ends with either process, loses what is under way, and comes up again with the next', () => {
    const network = makeNetwork({ delayUs: 50_000, jitterUs: 0 });
    const a = join(network, 'a');
    const b = join(network, 'b');
    run(1_000_000);
    a.transport.send('b', 'round', frameOf(1));
    run(1_000);
    b.host.kill();
    network.detach('b');
    run(1_000);
    a.transport.send('b', 'round', frameOf(2));
    expect(links).toContain('a>b down');
    links.length = 0;
    join(network, 'b');
    run(1_000_000);
    expect(links).toContain('a>b up');
    expect(links).toContain('b>a up');
    a.transport.send('b', 'round', frameOf(3));
    // The process that died says nothing any more, whatever still runs of it.
    b.transport.send('a', 'round', frameOf(4));
    run(1_000_000);
    expect((arrivals.get('b') as Arrival[]).map(({ number }) => number)).toEqual([3]);
    expect(arrivals.get('a')).toEqual([]);
  });

  it('is down while the inbox of its receiver is closed, and the owner still reaches the others', () => {
    const network = makeNetwork();
    const a = join(network, 'a');
    const b = join(network, 'b');
    run(1_000_000);
    network.closeInbox('b', 500_000);
    a.transport.send('b', 'round', frameOf(1));
    b.transport.send('a', 'round', frameOf(2));
    run(400_000);
    a.transport.send('b', 'round', frameOf(3));
    run(1_000_000);
    a.transport.send('b', 'round', frameOf(5));
    run(10_000);
    expect((arrivals.get('b') as Arrival[]).map(({ number }) => number)).toEqual([5]);
    expect((arrivals.get('a') as Arrival[]).map(({ number }) => number)).toEqual([2]);
  });

  it('cuts a sender that exceeds its rate and lets it back after a while', () => {
    const network = makeNetwork();
    const a = join(network, 'a');
    join(network, 'b');
    run(1_000_000);
    for (let number = 0; number < 5_000; number += 1) a.transport.send('b', 'round', frameOf(number));
    run(100_000);
    const passed = (arrivals.get('b') as Arrival[]).length;
    expect(passed).toBeGreaterThan(50);
    expect(passed).toBeLessThan(1_000);
    expect(links.filter((link) => link === 'a>b down')).toHaveLength(1);
    run(2_000_000);
    a.transport.send('b', 'round', frameOf(9_999));
    run(10_000);
    expect((arrivals.get('b') as Arrival[]).at(-1)?.number).toBe(9_999);
  });
});
