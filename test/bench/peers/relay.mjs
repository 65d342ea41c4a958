/**
 * The limit of a command with a settled leader: three MQTT hops and two flushes, one after the other, over the inboxes and
 * on the disk that commands use. A frame goes from a client to one process, which flushes, on to a second one, which flushes,
 * and back to the client. Nothing is encoded, proven, ordered or kept.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openTransport } from '../../../dist/src/cli/open-transport.js';
import { nowUs, sleep, within } from './load.mjs';
import { startWorker } from './workers.mjs';

const WORKER = fileURLToPath(new URL('./relay-worker.mjs', import.meta.url));
/** About as long as a request with its authenticator. */
const FRAME_BYTES = 160;

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** `ask(flushes)` resolves when the frame has come back. */
export async function startRelay({ rig, rigPath, flight, operators }) {
  const [first, second] = rig.replicas.map(({ id }) => id);
  const workers = await Promise.all(
    [first, second].map((id) =>
      startWorker(WORKER, {
        rigPath,
        keys: flight.keysOf(id),
        addresses: flight.addresses,
        file: path.join(flight.path, `relay-${id}`),
        nextId: second,
        operators,
      }),
    ),
  );
  const { transport } = await openTransport({
    rig,
    keys: flight.keysOf(operators[0]),
    addresses: flight.addresses,
    log: silent,
    only: [first, second],
  });
  let onBack = () => {};
  transport.onFrame(() => onBack());
  const deadline = nowUs() + 10e6;
  while (!transport.isUp(first) || !transport.isUp(second)) {
    if (nowUs() > deadline) throw new Error('the inboxes of the relay cannot be reached');
    await sleep(10);
  }
  // The way between the two opens by itself.
  await sleep(500);
  return {
    ask: (flushes = true) =>
      within(
        2_000,
        'a frame through the relay',
        new Promise((resolve) => {
          onBack = resolve;
          const frame = new Uint8Array(FRAME_BYTES);
          frame[0] = flushes ? 1 : 0;
          frame[1] = 0;
          transport.send(first, 'request', frame);
        }),
      ),
    async stop() {
      await transport.close();
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}
