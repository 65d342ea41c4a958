/** The command log as a replica has it on disk, read after its process has ended. */
import { randomBytes } from 'node:crypto';
import { recoverPaxos } from '../../src/core/paxos/recover.js';
import type { Entry, Slot } from '../../src/core/paxos/types.js';
import { buildOrderConfig, ORDER_NONCE_BYTES, requireOrderLimits } from '../../src/process/order-config.js';
import { OrderRecords, recordCodec } from '../../src/process/order-records.js';
import type { Rig } from '../../src/rig/rig.js';
import { FileDisk } from '../../src/store/file-disk.js';
import { openStore } from '../../src/store/store-folder.js';

export interface StoredEntry {
  readonly slot: Slot;
  readonly entry: Entry;
  /** False for a command that an earlier slot has too. */
  readonly executes: boolean;
}

/** Every slot that the replica knows to be chosen, in order. */
export async function readStoredLog(
  rig: Rig,
  replica: string,
  folder: string,
): Promise<readonly StoredEntry[]> {
  const entropy = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
  const opened = await openStore(
    new FileDisk(folder),
    { kind: 'journal', rigId: rig.id, replicaId: replica },
    entropy,
  );
  if (opened.kind === 'amnesia') throw new Error(`${folder} holds no store`);
  const records = new OrderRecords(recordCodec(requireOrderLimits(rig)));
  const self = rig.replicas.findIndex(({ id }) => id === replica);
  const config = buildOrderConfig(rig, self, entropy.bytes(ORDER_NONCE_BYTES));
  const { effects } = recoverPaxos(config, records.load(opened.store.loaded, folder), 0);
  await opened.store.close();
  return effects.flatMap((effect) => (effect.kind === 'chosen' ? [effect] : []));
}
