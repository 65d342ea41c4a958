/**
 * Hosts for a test: network namespaces of this machine, each with one cable (a veth pair) to one switch (a bridge in a
 * namespace of its own), so that nothing of it touches the machine's own network and two tests at once may use the same
 * addresses. Whatever a test does, its namespaces go with its process, or else with the next test that makes some.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** Opens the name of every namespace made here; id and start of the process that made it follow, then chance. */
const PREFIX = 'voteplane';
const NAMES = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)-[0-9a-f]+-`);
/** Where `ip netns` keeps its names. */
const NETNS_FOLDER = '/run/netns';
const SWITCH = 'switch';
const BRIDGE = 'br0';
const CABLE = 'eth0';
/** A range for private use; the hosts are .1, .2, … in it. */
const NETWORK = '10.97.53';
const MAX_HOSTS = 250;

/** False where the machine gives no namespaces, with the reason printed; throws where the environment requires them. */
export function findNamespaces(): boolean {
  const reason = tryNamespaces();
  if (reason === null) return true;
  if (process.env['VOTEPLANE_REQUIRE_NAMESPACES'] === '1') {
    throw new Error(`VOTEPLANE_REQUIRE_NAMESPACES=1, but ${reason}`);
  }
  console.log(`skipped: the tests with several hosts; ${reason}`);
  return false;
}

/** Makes two hosts and takes them away again: null, or why that is impossible. */
function tryNamespaces(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (spawnSync('ip', ['-V'], { stdio: 'ignore' }).error !== undefined) {
    return 'there is no "ip" (Debian: apt-get install iproute2)';
  }
  try {
    HostNetwork.open(['x', 'y']).close();
    return null;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return `${said}; run as root, in a container with --cap-add NET_ADMIN --cap-add SYS_ADMIN`;
  }
}

/** Hosts on one switch. */
export class HostNetwork {
  readonly #hosts: readonly string[];
  readonly #prefix: string;
  readonly #onExit = (): void => this.close();

  private constructor(hosts: readonly string[]) {
    this.#hosts = hosts;
    this.#prefix = `${PREFIX}-${process.pid}-${readStart(process.pid) ?? 0}-${randomBytes(4).toString('hex')}-`;
  }

  /** Makes the hosts and their cables; throws, and leaves nothing, where the machine does not let it. */
  static open(hosts: readonly string[]): HostNetwork {
    if (hosts.length > MAX_HOSTS)
      throw new RangeError(`a switch has ${MAX_HOSTS} sockets, not ${hosts.length}`);
    sweepNamespaces();
    const network = new HostNetwork(hosts);
    process.once('exit', network.#onExit);
    try {
      network.#make();
    } catch (error) {
      network.close();
      throw error;
    }
    return network;
  }

  /** The address of a host, the same as long as it lives. */
  addressOf(host: string): string {
    return `${NETWORK}.${this.#indexOf(host) + 1}`;
  }

  /** The command that makes the command after it run on a host, with its process id and open files. */
  launcherOf(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#nameOf(host)];
  }

  /** Pulls the cable of a host out of the switch: it has no carrier any more, and nobody hears of it. */
  pullCable(host: string): void {
    this.#setSocket(host, 'down');
  }

  /** Puts the cable back. */
  plugCable(host: string): void {
    this.#setSocket(host, 'up');
  }

  /** Takes everything away. What runs on a host keeps running, cut off, until its own end. */
  close(): void {
    process.off('exit', this.#onExit);
    const there = listNamespaces();
    for (const name of [SWITCH, ...this.#hosts].map((host) => this.#prefix + host)) {
      if (there.includes(name)) ip('netns', 'del', name);
    }
  }

  #make(): void {
    const hub = this.#prefix + SWITCH;
    ip('netns', 'add', hub);
    ip('-n', hub, 'link', 'add', BRIDGE, 'type', 'bridge');
    ip('-n', hub, 'link', 'set', BRIDGE, 'up');
    for (const host of this.#hosts) {
      const name = this.#nameOf(host);
      const socket = this.#socketOf(host);
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'add', CABLE, 'type', 'veth', 'peer', 'name', socket, 'netns', hub);
      ip('-n', name, 'addr', 'add', `${this.addressOf(host)}/24`, 'dev', CABLE);
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'link', 'set', CABLE, 'up');
      ip('-n', hub, 'link', 'set', socket, 'master', BRIDGE);
      ip('-n', hub, 'link', 'set', socket, 'up');
    }
  }

  #setSocket(host: string, state: 'up' | 'down'): void {
    ip('-n', this.#prefix + SWITCH, 'link', 'set', this.#socketOf(host), state);
  }

  #socketOf(host: string): string {
    return `socket${this.#indexOf(host)}`;
  }

  #nameOf(host: string): string {
    this.#indexOf(host);
    return this.#prefix + host;
  }

  #indexOf(host: string): number {
    const index = this.#hosts.indexOf(host);
    if (index < 0) throw new RangeError(`there is no host "${host}"; there are ${this.#hosts.join(', ')}`);
    return index;
  }
}

/** Takes away the namespaces of processes that are dead. */
export function sweepNamespaces(): void {
  for (const name of listNamespaces()) {
    const [, pid, start] = NAMES.exec(name) ?? [];
    if (pid === undefined || readStart(Number(pid)) === start) continue;
    // Another test may sweep at the same time.
    if (listNamespaces().includes(name)) spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  }
}

/** The namespaces with a name on this machine. */
export function listNamespaces(): readonly string[] {
  try {
    return readdirSync(NETNS_FOLDER);
  } catch (error) {
    // No namespace has ever been made.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** When a process started, in the kernel's own count, as ids are used again; undefined where there is none. */
function readStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command's name, may hold anything but ends with the last parenthesis.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Throws with what `ip` says. */
function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
}
