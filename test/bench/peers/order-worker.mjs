/**
 * One replica of the bench, without control rounds: orders requests over real inboxes, sessions and authenticators, and
 * keeps its records in a store on the disk, or in memory where it is told to flush nothing. What it says to clients is
 * [sequence, slot].
 */
import { randomBytes } from 'node:crypto';
import { openTransport } from '../../../dist/src/cli/open-transport.js';
import { computeArithmeticDigest } from '../../../dist/src/rig/digest.js';
import { loadRig } from '../../../dist/src/rig/load-rig.js';
import { buildOrderConfig, requireOrderLimits } from '../../../dist/src/process/order-config.js';
import { OrderDrive } from '../../../dist/src/process/order-drive.js';
import { recordCodec } from '../../../dist/src/process/order-records.js';
import { SecureEndpoint } from '../../../dist/src/process/secure-endpoint.js';
import { createSystemClock } from '../../../dist/src/process/system-clock.js';
import { compileEarly } from '../../../dist/src/process/v8-flags.js';
import { FileDisk } from '../../../dist/src/store/file-disk.js';
import { openLogStore } from '../../../dist/src/store/log-store.js';
import { provisionStore } from '../../../dist/src/store/store-folder.js';
import { decodeCbor, encodeCbor } from '../../../dist/src/wire/cbor.js';
import { deriveLimits } from '../../../dist/src/wire/limits.js';
import { OrderCodec } from '../../../dist/src/wire/order-codec.js';
import { encodePaxosRecord } from '../../../dist/src/wire/paxos-codec.js';
import { createSecureLinks } from '../../../dist/src/wire/secure-links.js';

const silent = { debug() {}, info() {}, warn() {}, error: (text) => process.stderr.write(`${text}\n`) };
const entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };
const STATE = new Uint8Array(64);

compileEarly();

// The bench is gone.
process.once('disconnect', () => process.exit(0));

process.once('message', async ({ rigPath, id, keys, addresses, folder, flushes, learning }) => {
  const { rig, digests } = await loadRig(rigPath);
  const clock = createSystemClock();
  const { transport } = await openTransport({ rig, keys, addresses, log: silent });
  const limits = deriveLimits(rig);
  const links = createSecureLinks(
    rig,
    keys,
    { rig: digests.rig, law: digests.law, arithmetic: computeArithmeticDigest() },
    entropy,
    limits,
  );
  const codec = new OrderCodec(limits.order, limits.payloadBytes.order);
  const ids = rig.replicas.map((replica) => replica.id);
  const self = ids.indexOf(id);
  const store = flushes ? await openDiskStore(folder, rig.id, id) : openMemoryStore();
  const sent = {};
  let isLeading = false;
  const endpoint = new SecureEndpoint({
    links,
    transport,
    clock,
    log: silent,
    onPayload: (from, purpose, payload, arrivedUs) => {
      if (purpose === 'order') {
        const decoded = codec.decode(from, payload);
        if (decoded.messages) drive.receive(ids.indexOf(from), decoded.messages, arrivedUs);
      } else if (purpose === 'request') {
        const [sequence, value] = decodeCbor(payload, limits.payloadBytes.request).value;
        drive.request({ client: from, sequence, value });
      }
    },
  });
  const drive = new OrderDrive({
    config: { ...buildOrderConfig(rig, self, entropy.bytes(16)), learning },
    clock,
    store,
    records: recordCodec(requireOrderLimits(rig)),
    send: (to, messages) => {
      for (const { kind } of messages) sent[kind] = (sent[kind] ?? 0) + 1;
      sent.frames = (sent.frames ?? 0) + 1;
      for (const payload of codec.encode(messages)) endpoint.send(ids[to], 'order', payload);
    },
    onChosen: () => {},
    onInstall: () => {},
    canRead: () => true,
    takeSnapshot: () => STATE,
    onAnswer: (client, sequence, outcome) => {
      if (outcome.kind !== 'chosen') return;
      sent.answer = (sent.answer ?? 0) + 1;
      endpoint.send(client, 'reply', encodeCbor([sequence, outcome.slot]));
    },
    onStatus: (status) => {
      if ((status.role === 'leads') !== isLeading) process.send({ kind: 'leads', leads: !isLeading });
      isLeading = status.role === 'leads';
    },
    onStoreRefusal: (refusal) => {
      throw refusal;
    },
  });
  endpoint.start();
  drive.start();
  process.on('message', async ({ kind }) => {
    if (kind === 'figures') process.send({ kind, sent, store: store.figures() });
    if (kind !== 'stop') return;
    await drive.stop();
    endpoint.stop();
    await transport.close();
    await store.close();
    process.exit(0);
  });
  process.send({ kind: 'ready' });
});

/** The store of an earlier life, or of a new rig: it remembers everything there is to remember. */
async function openDiskStore(folder, rigId, replicaId) {
  const owner = { kind: 'journal', rigId, replicaId };
  const disk = new FileDisk(folder);
  if ((await disk.list()).length === 0) {
    const stamp = encodePaxosRecord({ kind: 'stamp', incarnation: 1, since: 0 });
    await provisionStore(disk, owner, { entropy, records: [{ key: 'stamp', bytes: stamp }] });
  }
  const { store } = await openLogStore(disk, owner, entropy);
  return store;
}

function openMemoryStore() {
  const stamp = encodePaxosRecord({ kind: 'stamp', incarnation: 1, since: 0 });
  let writes = 0;
  return {
    place: 'memory',
    loaded: new Map([['stamp', stamp]]),
    write(_changes, onDurable) {
      writes += 1;
      queueMicrotask(() => onDurable(null));
    },
    figures: () => ({ writes, flushes: 0, diskBytes: 0, records: 0, liveBytes: 0, maxLiveBytes: 0 }),
    close: () => Promise.resolve(),
  };
}
