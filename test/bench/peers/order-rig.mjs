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
import { OperatorLines } from '../../../dist/src/process/operator-lines.js';
import { createSystemClock } from '../../../dist/src/process/system-clock.js';
import { decodeCbor, encodeCbor } from '../../../dist/src/wire/cbor.js';
import { deriveLimits } from '../../../dist/src/wire/limits.js';
import { nowUs, sleep, VALUE_BYTES } from './load.mjs';
import { startWorker } from './workers.mjs';

const WORKER = fileURLToPath(new URL('./order-worker.mjs', import.meta.url));
/** Without an answer for so long a client asks all replicas. */
const ASK_ALL_MS = 50;
const VALUE = new Uint8Array(VALUE_BYTES);

const silent = { debug() {}, info() {}, warn() {}, error: (text) => process.stderr.write(`${text}\n`) };
const entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/** `ask(client)` resolves when the first replica has answered `chosen`. */
export async function startOrder(
  { rig, digests, rigPath, flight, operators },
  { flushes = true, learning = 'leader-vote' } = {},
) {
  const ids = rig.replicas.map(({ id }) => id);
  let leader = null;
  const runs = randomBytes(4).toString('hex');
  const workers = new Map();
  const launch = async (id) => {
    const folder = path.join(flight.path, `order-${runs}-${id}`);
    mkdirSync(folder, { recursive: true });
    const worker = await startWorker(WORKER, {
      rigPath,
      id,
      keys: flight.keysOf(id),
      addresses: flight.addresses,
      folder,
      flushes,
      learning,
    });
    worker.listen(({ kind, leads }) => {
      if (kind !== 'leads') return;
      if (leads) leader = id;
      else if (leader === id) leader = null;
    });
    workers.set(id, worker);
  };
  await Promise.all(ids.map(launch));
  for (let waitedMs = 0; leader === null; waitedMs += 10) {
    if (waitedMs > 20_000) throw new Error('no replica leads');
    await sleep(10);
  }
  const clients = await Promise.all(
    operators.map((operator) =>
      openOperator({ rig, digests, flight, operator, ids, readLeader: () => leader }),
    ),
  );
  await sleep(300);
  return {
    ask: (client) => clients[client % clients.length].ask(),
    readLeader: () => leader,
    kill: (id) => {
      if (leader === id) leader = null;
      return workers.get(id).kill();
    },
    restart: launch,
    /** What the replicas sent, and what their stores did, summed. */
    async readFigures() {
      const all = await Promise.all(
        [...workers.values()].map(
          (worker) =>
            new Promise((resolve) => {
              worker.listenOnce('figures', resolve);
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
  const { payloadBytes } = deriveLimits(rig);
  const { transport } = await openTransport({
    rig,
    keys,
    addresses: flight.addresses,
    log: silent,
    only: ids,
  });
  const open = new Map();
  let sequence = 0;
  const lines = new OperatorLines({
    rig,
    keys,
    rigDigest: digests.rig,
    transport,
    clock: createSystemClock(),
    entropy,
    log: silent,
    onPayload: (_from, purpose, payload) => {
      if (purpose !== 'reply') return;
      const [answered] = decodeCbor(payload, payloadBytes.reply).value;
      open.get(answered)?.();
    },
    onIncompatible: (from, detail) => {
      throw new Error(`${from}: ${detail}`);
    },
  });
  const client = {
    ask: (isNew = false) =>
      new Promise((resolve) => {
        sequence += 1;
        const asked = sequence;
        const payload = encodeCbor([asked, VALUE]);
        const cancels = [];
        const askAll = () => {
          for (const id of ids) cancels.push(lines.send(id, 'request', payload));
          timer = setTimeout(askAll, ASK_ALL_MS);
        };
        let timer;
        open.set(asked, () => {
          open.delete(asked);
          clearTimeout(timer);
          for (const cancel of cancels) cancel();
          resolve();
        });
        const leader = readLeader();
        if (isNew || leader === null) askAll();
        else {
          cancels.push(lines.send(leader, 'request', payload));
          timer = setTimeout(askAll, ASK_ALL_MS);
        }
      }),
    async close() {
      for (const end of open.values()) end();
      lines.close();
      await transport.close();
    },
  };
  // With its first command it opens its sessions with all replicas.
  await client.ask(true);
  return client;
}

/** Kills the leader and asks at once; milliseconds until the next answer. The killed replica is back afterwards. */
export async function measureOrderFailover(order) {
  await order.ask(0);
  const leader = order.readLeader();
  const killedUs = nowUs();
  await order.kill(leader);
  await order.ask(0);
  const ms = (nowUs() - killedUs) / 1_000;
  await order.restart(leader);
  await sleep(1_500);
  return ms;
}
