/** What a peer with valid credentials cannot do to the others: babble, freeze, pile up. */
import { Worker } from 'node:worker_threads';
import mqttPacket from 'mqtt-packet';
import { afterEach, expect, test } from 'vitest';
import {
  connectAs,
  connectMember,
  eventually,
  members,
  openInbox,
  RawClient,
  type TestInbox,
} from '../../support/mqtt-kit.js';

let open: TestInbox | null = null;
const clients: RawClient[] = [];
const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  for (const client of clients.splice(0)) client.end();
  await open?.inbox.close();
  open = null;
});

/** A talking peer in a thread; `counts`: connections, packets written. */
function talk(port: number, id: string, mode: 'steady' | 'babble', everyMs = 0): Int32Array {
  const shared = new SharedArrayBuffer(8);
  workers.push(
    new Worker(new URL('../../support/mqtt-talker.mjs', import.meta.url), {
      workerData: {
        port,
        mode,
        everyMs,
        shared,
        connect: mqttPacket.generate(connectAs(id)),
        publish: mqttPacket.generate({
          cmd: 'publish',
          topic: `voteplane/rig/a/${id}/round`,
          payload: Buffer.alloc(200, 120),
          qos: 0,
          retain: false,
          dup: false,
        }),
      },
    }),
  );
  return new Int32Array(shared);
}

test('a babbling peer is cut again and again; the frames of another keep flowing', async () => {
  const penaltyMs = 300;
  open = await openInbox({ packetsPerSecond: 200, packetBurst: 50, penaltyMs });
  const { port, inbox, arrivals } = open;
  const counts = talk(port, 'b', 'babble');
  await eventually('the first cut', () => inbox.counters().refused.rate > 0);
  const c = await connectMember(port, 'c');
  clients.push(c);
  const beganMs = performance.now();
  for (let i = 0; i < 100; i += 1) {
    c.publish('voteplane/rig/a/c/round', `c${String(i)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const tookMs = performance.now() - beganMs;
  await eventually('every frame of c', () => arrivals.filter(({ from }) => from === 'c').length === 100);
  expect(c.closed).toBe(false);
  const { refused } = inbox.counters();
  // In the time of c's hundred frames the babbler is let in at most once for each penalty.
  expect(refused.rate).toBeGreaterThanOrEqual(2);
  expect(refused.rate).toBeLessThanOrEqual(3 + Math.ceil((tookMs + 2000) / penaltyMs));
  expect(refused.penalty).toBeGreaterThan(0);
  // It is heard no more than its bucket allows, however much it says.
  const heard = arrivals.filter(({ from }) => from === 'b').length;
  expect(heard).toBeLessThanOrEqual(50 * refused.rate + 50);
  expect(Atomics.load(counts, 1)).toBeGreaterThan(heard);
  expect(
    open.refusals.filter(({ cause }) => cause === 'rate').every(({ principal }) => principal === 'b'),
  ).toBe(true);
});

test('after its penalty a peer that behaves is heard again', async () => {
  open = await openInbox({ packetsPerSecond: 100, packetBurst: 20, penaltyMs: 200 });
  const { port, arrivals } = open;
  const b = await connectMember(port, 'b');
  for (let i = 0; i < 30; i += 1) b.publish('voteplane/rig/a/b/round', 'x');
  await eventually('the cut', () => b.closed);
  const back = await eventually('an end of the penalty', () => {
    const last = clients.at(-1);
    if (last === undefined || last.closed) {
      const next = new RawClient(port);
      clients.push(next);
      void next.connect('b');
      return false;
    }
    return last.heard.some((packet) => packet.cmd === 'connack' && packet.returnCode === 0) && last;
  });
  const before = arrivals.length;
  back.publish('voteplane/rig/a/b/round', 'sorry');
  await eventually('the frame', () => arrivals.length > before);
  expect(arrivals.at(-1)?.text).toBe('sorry');
});

test('a frozen reader is cut, and costs another reader and the owner nothing', async () => {
  open = await openInbox(
    { readerBacklogBytes: 64 * 1024, drainTimeoutMs: 300 },
    { members: [...members, { id: 'eye2', kind: 'observer', purposes: [], password: 'pw-eye2' }] },
  );
  const { port, inbox, arrivals } = open;
  const frozen = await connectMember(port, 'eye');
  const healthy = await connectMember(port, 'eye2');
  const b = await connectMember(port, 'b');
  clients.push(frozen, healthy, b);
  await frozen.subscribe('voteplane/rig/eye/a/report');
  await healthy.subscribe('voteplane/rig/a/#');
  frozen.socket.pause();
  const report = Buffer.alloc(4000, 120);
  let sent = 0;
  await eventually('the cut of the frozen reader', () => {
    for (let i = 0; i < 50; i += 1) inbox.publish('eye', 'report', report);
    b.publish('voteplane/rig/a/b/round', `r${String(sent)}`);
    sent += 1;
    return inbox.counters().refused.frozen > 0;
  });
  await eventually('every frame at the healthy reader', () => healthy.messages().length === sent);
  expect(arrivals).toHaveLength(sent);
  expect(inbox.counters().refused['lagging-reader']).toBeGreaterThan(0);
  expect(healthy.closed).toBe(false);
});

test('a stall of the owner is not held against its peers', async () => {
  open = await openInbox({ packetsPerSecond: 400, packetBurst: 20 });
  const { port, inbox, arrivals } = open;
  const counts = talk(port, 'b', 'steady', 5);
  const silent = new RawClient(port);
  clients.push(silent);
  expect(await silent.connect('c', { keepalive: 1 })).toBe(0);
  await eventually('the first frames', () => arrivals.length > 10);
  const before = arrivals.length;
  // Everything in this process stands still, longer than c's keepalive allows c to be silent.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  await eventually('what piled up', () => arrivals.length > before + 200);
  expect(inbox.counters().refused).toMatchObject({ rate: 0, silent: 0 });
  expect(Atomics.load(counts, 0)).toBe(1);
  await eventually('c cut for its own silence', () => inbox.counters().refused.silent === 1, 4000);
});
