/**
 * One process of the limit (relay.mjs): hands on what arrives, after a flush where it is asked for one. Its inbox and links are those
 * of a replica, its frames prove nothing, and its flush is a bare write of one block through to the disk of the stores.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { openTransport } from '../../../dist/src/cli/open-transport.js';
import { loadRig } from '../../../dist/src/rig/load-rig.js';

const BLOCK_BYTES = 4096;
const FILE_BYTES = 2 ** 21;
/** As stores do. */
const WRITE_THROUGH = process.platform === 'linux' ? constants.O_DSYNC : 0;

const silent = { debug() {}, info() {}, warn() {}, error: (text) => process.stderr.write(`${text}\n`) };

// The bench is gone.
process.once('disconnect', () => process.exit(0));

process.once('message', async ({ rigPath, keys, addresses, file, nextId, operators }) => {
  const { rig } = await loadRig(rigPath);
  const flags = constants.O_RDWR | constants.O_CREAT | WRITE_THROUGH;
  const disk = await open(file, flags);
  await disk.write(Buffer.alloc(FILE_BYTES), 0, FILE_BYTES, 0);
  await disk.sync();
  const block = Buffer.alloc(BLOCK_BYTES, 7);
  let position = 0;
  const flush = async () => {
    const at = position;
    position = (position + BLOCK_BYTES) % FILE_BYTES;
    await disk.write(block, 0, BLOCK_BYTES, at);
    if (WRITE_THROUGH === 0) await disk.datasync();
  };
  const { transport } = await openTransport({ rig, keys, addresses, log: silent });
  transport.onFrame(async (_from, purpose, frame) => {
    // Byte 0: whether a flush is wanted; byte 1: the operator that asked.
    if (frame[0] === 1) await flush();
    if (purpose === 'request') transport.send(nextId, 'state', frame);
    else transport.send(operators[frame[1]], 'reply', frame);
  });
  process.on('message', async ({ kind }) => {
    if (kind !== 'stop') return;
    await transport.close();
    process.exit(0);
  });
  process.send({ kind: 'ready' });
});
