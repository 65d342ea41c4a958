/** What a replica remembers of the command log, in its state folder. */
import { randomBytes } from 'node:crypto';
import type { Log, LogStore, Principal } from '../ports.js';
import type { Rig } from '../rig/rig.js';
import { FileDisk } from '../store/file-disk.js';
import { openLogStore } from '../store/log-store.js';

/** Opens it in `folder`, which this process has claimed; an empty folder stays empty. Rejects with StoreError. */
export async function openOrderStore(rig: Rig, id: Principal, folder: string, log: Log): Promise<LogStore> {
  const { store, left } = await openLogStore(
    new FileDisk(folder),
    { kind: 'journal', rigId: rig.id, replicaId: id },
    { bytes: (length) => new Uint8Array(randomBytes(length)) },
  );
  if (left.length > 0)
    log.warn(
      `${folder}: ${left.join(', ')} ${left.length === 1 ? 'is' : 'are'} of a store that has lost its stamp or was never finished, and not gone on from; it gets another name when a new one is made`,
    );
  return store;
}
