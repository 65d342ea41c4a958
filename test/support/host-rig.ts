/**
 * A rig on several hosts, for tests: every replica, every actuator and the plant is the command that a user starts, in
 * a network namespace of its own. Inboxes stand in their owners' processes, at a Mosquitto on each owner's host, or at
 * one Mosquitto for all; links may lead through a proxy that delays and cuts them. The plant's firmware bridges are
 * reached over the network too, so that a host without its cable has no sensors either. `close` leaves nothing behind.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadRig } from '../../src/rig/load-rig.js';
import type { Rig } from '../../src/rig/rig.js';
import { HandProcess } from './hand-process.js';
import { LinkProxy, type LinkConditions } from './link-proxy.js';
import type { Mosquitto } from './mosquitto.js';
import { HostNetwork } from './namespaces.js';
import { startBrokerFor } from './rig-brokers.js';
import { copyRig, placeInboxes, removeRig } from './rig-copy.js';
import { ENTRY, PLANT, RigRunner, ROOT } from './rig-runner.js';

/** Where inboxes stand: in their owners' processes, at a Mosquitto for each owner, or at one for all. */
export type Inboxes = 'embedded' | 'mosquitto-each' | 'mosquitto-shared';

export interface HostRigOptions {
  /** Of hardware/rigs; pitch unless said otherwise. */
  readonly name?: string;
  /** Embedded unless said otherwise. */
  readonly inboxes?: Inboxes;
  /** Where given, the link of every sender to every embedded inbox leads through a proxy and behaves so at first. */
  readonly links?: Partial<LinkConditions>;
  /** Variables of a process; asked at every start. */
  readonly environmentOf?: (id: string) => Readonly<Record<string, string>>;
  /** As in `RigRunnerOptions`. */
  readonly keptTicks?: number;
}

/** Host of the one who injects faults. */
export const OPERATOR_HOST = 'operator';
/** Host of the broker that all share. */
export const BROKER_HOST = 'broker';
const PROXY_HOST = 'proxy';
const INBOX_PORT = 18_800;
const BROKER_PORT = 1883;
const FIRST_BRIDGE_PORT = 18_901;

type CleanUp = () => Promise<unknown> | void;

/** A rig on its hosts. */
export class HostRig {
  /** Starts, watches and ends the processes. */
  readonly runner: RigRunner;
  readonly network: HostNetwork;
  /** The links, by names such as `a>b`; null where they lead through no proxy. */
  readonly proxy: LinkProxy | null;
  /** The brokers by the owner of the inbox at each, and by `BROKER_HOST` where all share one; none where embedded. */
  readonly brokers: ReadonlyMap<string, Mosquitto>;
  readonly #rigPath: string;
  readonly #addressesFileOf: (id: string) => string;
  readonly #cleanUps: readonly CleanUp[];

  private constructor(parts: Parts, cleanUps: readonly CleanUp[]) {
    this.runner = parts.runner;
    this.network = parts.network;
    this.proxy = parts.proxy;
    this.brokers = parts.brokers;
    this.#rigPath = parts.rigPath;
    this.#addressesFileOf = parts.addressesFileOf;
    this.#cleanUps = cleanUps;
  }

  /** Makes the hosts, brokers, links and keys; starts none of the rig's processes. */
  static async open(options: HostRigOptions = {}): Promise<HostRig> {
    const cleanUps: CleanUp[] = [];
    try {
      return new HostRig(await prepare(options, cleanUps), cleanUps);
    } catch (error) {
      await cleanUp(cleanUps);
      throw error;
    }
  }

  /** Runs `voteplane fault` on the operator's host, with the operator's keys; throws unless it is obeyed. */
  async orderFault(text: string): Promise<void> {
    const [command = '', ...rest] = this.network.launcherOf(OPERATOR_HOST);
    const access = ['--keys', this.runner.folder.keyFileOf('operator')];
    const addresses = ['--addresses', this.#addressesFileOf(OPERATOR_HOST)];
    const args = [...rest, process.execPath, ENTRY, 'fault', this.#rigPath, text, ...access, ...addresses];
    const { code, stdout, stderr } = await new HandProcess(args, { command }).ended;
    if (code !== 0) throw new Error(`the order "${text}" was not obeyed:\n${stdout}${stderr}`);
  }

  /** Kills what lives, takes the hosts away and removes every file. */
  async close(): Promise<void> {
    await cleanUp(this.#cleanUps);
  }
}

interface Parts {
  readonly runner: RigRunner;
  readonly network: HostNetwork;
  readonly proxy: LinkProxy | null;
  readonly brokers: ReadonlyMap<string, Mosquitto>;
  readonly rigPath: string;
  readonly addressesFileOf: (id: string) => string;
}

/** Every step leaves in `cleanUps` what takes it back. */
async function prepare(options: HostRigOptions, cleanUps: CleanUp[]): Promise<Parts> {
  const { name = 'pitch', inboxes = 'embedded', links, environmentOf, keptTicks } = options;
  if (inboxes !== 'embedded' && links !== undefined)
    throw new RangeError('only embedded inboxes are reached over links of the proxy');
  const packaged = path.join(ROOT, 'hardware', 'rigs', name);
  const { rig } = await loadRig(packaged);
  const network = HostNetwork.open(listHosts(rig));
  cleanUps.push(() => network.close());

  const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-hosts-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  const addressesFileOf = (id: string): string => path.join(folder, `addresses-${id}.json`);

  const brokerHostOf = (id: string): string => (inboxes === 'mosquitto-shared' ? BROKER_HOST : id);
  const placeBroker = (id: string): string => `mqtt://${network.addressOf(brokerHostOf(id))}:${BROKER_PORT}`;
  const rigPath =
    inboxes === 'embedded' ? packaged : copyRig(name, { 'rig.yaml': placeInboxes(placeBroker) });
  if (rigPath !== packaged) cleanUps.push(() => removeRig(rigPath));

  const runner = await RigRunner.prepare({
    rigPath,
    placementOf: (id) => ({
      launcher: network.launcherOf(id),
      environment: environmentOf?.(id) ?? {},
      addressesFile: addressesFileOf(id),
    }),
    ...(keptTicks === undefined ? {} : { keptTicks }),
  });
  cleanUps.push(() => runner.close());

  const brokers = new Map<string, Mosquitto>();
  for (const [host, owners] of inboxes === 'embedded' ? [] : groupBy(listOwners(rig), brokerHostOf)) {
    const place = { host: network.addressOf(host), port: BROKER_PORT, launcher: network.launcherOf(host) };
    const broker = await startBrokerFor(runner, owners, place);
    cleanUps.push(() => broker.stop());
    brokers.set(host, broker);
  }

  const proxy =
    links === undefined
      ? null
      : LinkProxy.start({
          host: network.addressOf(PROXY_HOST),
          launcher: network.launcherOf(PROXY_HOST),
        });
  if (proxy !== null) cleanUps.push(() => proxy.close());
  for (const id of [PLANT, ...listOwners(rig), OPERATOR_HOST]) {
    const addresses: Record<string, string> = {};
    for (const [at, owner] of listOwners(rig).entries()) {
      addresses[`bridge:${owner}`] = `${network.addressOf(PLANT)}:${FIRST_BRIDGE_PORT + at}`;
      const inbox = { host: network.addressOf(owner), port: INBOX_PORT };
      const linked = proxy !== null && id !== owner && listOwners(rig).includes(id);
      const { host, port } = linked ? await proxy.open(`${id}>${owner}`, inbox, links) : inbox;
      if (inboxes === 'embedded') addresses[`inbox:${owner}`] = `${host}:${port}`;
    }
    writeFileSync(addressesFileOf(id), JSON.stringify(addresses));
  }
  return { runner, network, proxy, brokers, rigPath, addressesFileOf };
}

/** Those who own an inbox and a firmware bridge. */
function listOwners(rig: Rig): readonly string[] {
  return [...rig.replicas, ...rig.actuators].map(({ id }) => id);
}

function listHosts(rig: Rig): readonly string[] {
  return [PLANT, ...listOwners(rig), OPERATOR_HOST, BROKER_HOST, PROXY_HOST];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

async function cleanUp(steps: readonly CleanUp[]): Promise<void> {
  for (const step of [...steps].reverse()) await step();
}
