/**
 * Three replicas of this package that order commands, each in a process of its own (order-worker.mjs), and clients in this
 * one: operators with sessions of their own to all replicas. A request goes to the replica that leads as far as its client
 * knows, and to all when there is no answer soon; whichever replica's answer comes first counts.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openTransport } from '../../../dist/src/cli/open-transport.js';
import { SecureEndpoint } from '../../../dist/src/process/secure-endpoint.js';
import { createSystemClock } from '../../../dist/src/process/system-clock.js';
import { decodeCbor, encodeCbor } from '../../../dist/src/wire/cbor.js';
import { deriveLimits } from '../../../dist/src/wire/limits.js';
import { createSecureLinks } from '../../../dist/src/wire/secure-links.js';
import { nowUs, sleep, VALUE_BYTES } from './load.mjs';
import { startWorker } from './workers.mjs';

const WORKER = fileURLToPath(new URL('./order-worker.mjs', import.meta.url));
/** Without an answer for so long a client asks all replicas. */
const ASK_ALL_MS = 50;
const VALUE = new Uint8Array(VALUE_BYTES);

const silent = { debug() {}, info() {}, warn() {}, error: (text) => process.stderr.write(`${text}\n`) };
const entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/** `ask(client)` resolves when the first replica has answered `chosen`. */
export async function startOrder({ rig, digests, rigPath, flight, operators }, { flushes = true } = {}) {
  const ids = rig.replicas.map(({ id }) => id);
  let leader = null;
  const runs = randomBytes(4).toString('hex');
  const workers = new Map();
  const launch = async (id) => {
    const folder = path.join(flight.path, `order-${runs}-${id}`);
    mkdirSync(folder);
    const worker = await startWorker(WORKER, {
      rigPath,
      id,
      keys: flight.keysOf(id),
      addresses: flight.addresses,
      folder,
      flushes,
    });
    worker.listen(({ kind, leads }) => {
      if (kind !== 'leads') return;
      if (leads) leader = id;
      else if (leader === id) leader = null;
    });
    workers.set(id, worker);
  };
  await Promise.all(ids.map(launch));
  const clients = await Promise.all(
    operators.map((operator) =>
      openOperator({ rig, digests, flight, operator, ids, readLeader: () => leader }),
    ),
  );
  for (let waitedMs = 0; leader === null; waitedMs += 10) {
    if (waitedMs > 20_000) throw new Error('no replica leads');
    await sleep(10);
  }
  await sleep(300);
  return {
    ask: (client) => clients[client % clients.length].ask(),
    readLeader: () => leader,
    kill: (id) => {
      if (leader === id) leader = null;
      return workers.get(id).kill();
    },
    /** What the replicas sent, and what their stores did, summed. */
    async readFigures() {
      const all = await Promise.all(
        [...workers.values()].map(
          (worker) =>
            new Promise((resolve) => {
              worker.listen((message) => message.kind === 'figures' && resolve(message));
              worker.send({ kind: 'figures' });
            }),
        ),
      );
      const sum = {};
      for (const { sent, store } of all)
        for (const [what, count] of [...Object.entries(sent), ...Object.entries(store)])
          sum[what] = (sum[what] ?? 0) + count;
      return sum;
    },
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      await Promise.all([...workers.values()].map((worker) => worker.stop()));
    },
  };
}

async function openOperator({ rig, digests, flight, operator, ids, readLeader }) {
  const keys = flight.keysOf(operator);
  const limits = deriveLimits(rig);
  const { transport } = await openTransport({
    rig,
    keys,
    addresses: flight.addresses,
    log: silent,
    only: ids,
  });
  const links = createSecureLinks(
    rig,
    keys,
    { rig: digests.rig, law: null, arithmetic: null },
    entropy,
    limits,
  );
  const open = new Map();
  let sequence = 0;
  const endpoint = new SecureEndpoint({
    links,
    transport,
    clock: createSystemClock(),
    log: silent,
    onPayload: (_from, purpose, payload) => {
      if (purpose !== 'reply') return;
      const [answered] = decodeCbor(payload, limits.payloadBytes.reply).value;
      const one = open.get(answered);
      if (one === undefined) return;
      open.delete(answered);
      clearTimeout(one.timer);
      one.resolve();
    },
  });
  endpoint.start();
  for (let waitedMs = 0; ids.some((id) => !links.isEstablished(id)); waitedMs += 10) {
    if (waitedMs > 10_000) throw new Error(`${operator} has no session with all replicas`);
    await sleep(10);
  }
  return {
    ask: () =>
      new Promise((resolve) => {
        sequence += 1;
        const payload = encodeCbor([sequence, VALUE]);
        const one = { resolve, timer: undefined };
        const askAll = () => {
          for (const id of ids) endpoint.send(id, 'request', payload);
          one.timer = setTimeout(askAll, ASK_ALL_MS);
        };
        open.set(sequence, one);
        const leader = readLeader();
        if (leader === null) askAll();
        else {
          endpoint.send(leader, 'request', payload);
          one.timer = setTimeout(askAll, ASK_ALL_MS);
        }
      }),
    async close() {
      for (const { timer } of open.values()) clearTimeout(timer);
      endpoint.stop();
      await transport.close();
    },
  };
}

/** Kills the leader and asks at once; milliseconds until the next answer. */
export async function measureOrderFailover(order) {
  await order.ask(0);
  const leader = order.readLeader();
  const killedUs = nowUs();
  await order.kill(leader);
  await order.ask(0);
  return (nowUs() - killedUs) / 1_000;
}
