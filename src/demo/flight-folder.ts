/**
 * What one flight needs on disk: fresh keys, a state folder for each replica and the witness, and the addresses that it flies on. The
 * folder is readable by its owner only and is gone when the flight is over.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Entropy } from '../ports.js';
import { listInboxOwners, type Rig } from '../rig/rig.js';
import { nameKeyFile, writeKeyFile } from '../store/key-file.js';
import { generateKeys, type PrincipalKeys } from '../wire/keys.js';
import { leasePorts, type PortLease } from './port-lease.js';

export interface FlightFolder {
  readonly path: string;
  readonly addressesFile: string;
  /** `inbox:<id>` and `bridge:<id>` to `host:port`. */
  readonly addresses: Readonly<Record<string, string>>;
  keyFileOf(principal: string): string;
  keysOf(principal: string): PrincipalKeys;
  stateFolderOf(id: string): string;
  /** Removes everything and gives the ports back. */
  remove(): Promise<void>;
}

const ENTROPY: Entropy = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/** Prepares a flight of a rig. */
export async function prepareFlightFolder(rig: Rig): Promise<FlightFolder> {
  const names = listAddressNames(rig);
  const lease: PortLease = await leasePorts(names.length, Math.random);
  const folder = await mkdtemp(path.join(tmpdir(), 'voteplane-demo-'));
  const addresses = Object.fromEntries(names.map((name, at) => [name, `127.0.0.1:${lease.ports[at]}`]));
  const addressesFile = path.join(folder, 'addresses.json');
  const keyFileOf = (principal: string): string => path.join(folder, nameKeyFile(principal));
  const allKeys = new Map(generateKeys(rig, ENTROPY).map((keys) => [keys.principal, keys]));
  const remove = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await lease.release();
  };
  try {
    await writeFile(addressesFile, `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 });
    for (const [principal, keys] of allKeys)
      await writeKeyFile(keyFileOf(principal), keys, { entropy: ENTROPY });
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    path: folder,
    addressesFile,
    addresses,
    keyFileOf,
    keysOf: (principal) => {
      const keys = allKeys.get(principal);
      if (keys === undefined) throw new RangeError(`rig ${rig.id} has no principal "${principal}"`);
      return keys;
    },
    stateFolderOf: (id) => path.join(folder, `state-${id}`),
    remove,
  };
}

/** Everything of a rig that listens on a port of this host when it flies. */
function listAddressNames(rig: Rig): string[] {
  const parts = [...rig.replicas, ...rig.actuators];
  return [
    ...listInboxOwners(rig)
      .filter(({ inbox }) => inbox.kind === 'embedded')
      .map(({ id }) => `inbox:${id}`),
    ...parts.map(({ id }) => `bridge:${id}`),
  ];
}
