/**
 * A process that writes to a store without end, until somebody kills it. Write i puts the record "count" and one of fifty others, so that
 * how far it came says all that must be there.
 *
 *   node store-writer.mjs FOLDER WRITES IN-FLIGHT
 *
 * Says "ready COUNT" and, after each write that is durable, "durable I", by a system call of its own that has happened when it
 * returns; "refused CODE" and no more when the store takes nothing.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { FileDisk } from '../../dist/src/store/file-disk.js';
import { openStore } from '../../dist/src/store/store-folder.js';

const RECORDS = 50;

const OWNER = { kind: 'journal', rigId: 'test-rig', replicaId: 'a' };
const entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };

const textOf = (i) => `${i}:${'x'.repeat((i * 37) % 600)}`;

/** What write i, from 1, changes. */
function changesOf(i) {
  return [
    { key: 'count', bytes: new Uint8Array(Buffer.from(String(i))) },
    { key: `v/${i % RECORDS}`, bytes: new Uint8Array(Buffer.from(textOf(i))) },
  ];
}

const say = (text) => writeSync(1, `${text}\n`);

async function main(folder, writes, inFlight) {
  const opened = await openStore(new FileDisk(folder), OWNER, entropy);
  if (opened.kind !== 'opened') throw new Error('there is no stamp');
  const { store } = opened;
  let next = Number(Buffer.from(store.loaded.get('count') ?? '0').toString()) + 1;
  const last = next + Number(writes) - 1;
  say(`ready ${next - 1}`);
  const writeOn = async () => {
    while (next <= last) {
      const i = next;
      next += 1;
      const refusal = await new Promise((resolve) => store.write(changesOf(i), resolve));
      if (refusal !== null) {
        say(`refused ${refusal.code}`);
        process.exit(0);
      }
      say(`durable ${i}`);
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, writeOn));
  await store.close();
}

const [, , folder, writes, inFlight] = process.argv;
await main(folder, writes, inFlight);
