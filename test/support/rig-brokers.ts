/** Mosquitto brokers for the inboxes of a rig, with passwords from its keys and the access list of hardware/rigs/README.md. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Rig } from '../../src/rig/rig.js';
import { listPeers, listPrincipals, readBrokerPassword } from '../../src/wire/keys.js';
import { startMosquitto, type Mosquitto, type MosquittoPlace } from './mosquitto.js';
import { ROOT, type RigRunner } from './rig-runner.js';

/** Everybody writes under the own name only and reads what is meant for them: the two lines of the README. */
export const BROKER_ACL: readonly string[] = readFileSync(
  path.join(ROOT, 'hardware', 'rigs', 'README.md'),
  'utf8',
)
  .split('\n')
  .filter((line) => /^pattern (read|write) /.test(line));

/** Starts a broker that holds the inboxes of these replicas and actuators. */
export function startBrokerFor(
  runner: RigRunner,
  inboxes: readonly string[],
  place: MosquittoPlace,
): Promise<Mosquitto> {
  const passwords = listPasswords(runner.rig, runner, inboxes);
  return startMosquitto({ passwords, acl: BROKER_ACL }, place);
}

/** Password of everybody who enters the broker that holds these inboxes. */
function listPasswords(rig: Rig, runner: RigRunner, inboxes: readonly string[]): Map<string, string> {
  const passwords = new Map<string, string>();
  for (const { id } of listPrincipals(rig)) {
    const peers = listPeers(rig, id).map((peer) => peer.id);
    const inbox = inboxes.includes(id) ? id : inboxes.find((owner) => peers.includes(owner));
    if (inbox !== undefined) passwords.set(id, readBrokerPassword(runner.folder.keysOf(id), id, inbox));
  }
  return passwords;
}
