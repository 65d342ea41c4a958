/**
 * A systemd of its own for a test, as process 1 of its own namespaces: units run in it as on a board, with their users,
 * credentials, sandbox and watchdog. Only limits on memory and processors are missing, because it has no controllers.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ROOT } from './rig-runner.js';

const SCRIPT = fileURLToPath(new URL('systemd-box.sh', import.meta.url));
const HIERARCHIES = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];
/** The checkout as the box sees it. */
export const BOX_PROGRAM = '/opt/voteplane/bin/voteplane.js';
const LIMIT_MS = 60_000;
const POLL_MS = 50;

/** What keeps a box from being made here; null: nothing. */
export function explainNoBox(): string | null {
  if (process.geteuid?.() !== 0) return 'only root may make namespaces and mounts';
  if (!existsSync('/lib/systemd/systemd')) return 'systemd is not installed';
  if (!HIERARCHIES.every((folder) => existsSync(folder)))
    return 'control groups are not in the hybrid layout';
  if (spawnSync('unshare', ['--mount', '--pid', '--fork', '--cgroup', 'true']).status !== 0)
    return 'namespaces cannot be made';
  return /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8')) ? null : 'the kernel has no overlayfs';
}

/** What systemd says of a unit, as `systemctl show` names it. */
export type UnitState = Readonly<Record<string, string>>;

const SHOWN = ['ActiveState', 'SubState', 'Result', 'NRestarts', 'StatusText', 'MainPID', 'ExecMainStatus'];

export class SystemdBox {
  private constructor(
    /** Shared with the box, where it is /run/shared. */
    readonly shared: string,
    private readonly folder: string,
    private readonly groups: readonly string[],
    private readonly outer: ChildProcess,
    private readonly pid: number,
  ) {}

  /** Boots a box; `prepare` is a shell script that fills its root, given as $1, before. */
  static async boot(prepare: string): Promise<SystemdBox> {
    const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-box-'));
    for (const name of ['files', 'shared']) mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, 'prepare.sh'), `set -e\n${prepare}\n`);
    const groups = HIERARCHIES.map((hierarchy) => path.join(hierarchy, path.basename(folder)));
    for (const group of groups) mkdirSync(group);
    const enter = groups.map((group) => `echo $$ > ${group}/cgroup.procs`).join('; ');
    const inner = ['--mount', '--pid', '--fork', '--cgroup', '--uts', '--ipc', '--kill-child', 'sh', SCRIPT];
    const words = ['unshare', ...inner, folder, ROOT, path.join(folder, 'prepare.sh')];
    const outer = spawn('sh', ['-c', `${enter}; exec "$@"`, 'sh', ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    outer.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const box = (pid: number): SystemdBox =>
      new SystemdBox(path.join(folder, 'shared'), folder, groups, outer, pid);
    try {
      const pid = await poll('a systemd as process 1 of the box', () => {
        if (outer.exitCode !== null) throw new Error(`the box ended: ${said}`);
        const [child] = listChildren(outer.pid ?? 0);
        return child !== undefined && readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'systemd'
          ? child
          : null;
      });
      const booted = box(pid);
      await poll('the box to boot', () =>
        booted.run('systemctl', 'show', '-p', 'Version').status === 0 ? true : null,
      );
      return booted;
    } catch (error) {
      await box(0).close();
      throw error;
    }
  }

  /** Runs a command in the box. */
  run(...words: readonly string[]): {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  } {
    return spawnSync('nsenter', ['--target', String(this.pid), '--all', '--root', '--wd=/', ...words], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
  }

  /** The state of a unit. */
  show(unit: string): UnitState {
    const { stdout } = this.run('systemctl', 'show', unit, ...SHOWN.map((name) => `--property=${name}`));
    const pairs = stdout.split('\n').filter((line) => line.includes('='));
    return Object.fromEntries(pairs.map((line) => line.split(/=(.*)/s, 2) as [string, string]));
  }

  /** Waits until systemd says so of a unit, which tells nobody by itself; throws after a minute. */
  until(what: string, unit: string, holds: (state: UnitState) => boolean): Promise<UnitState> {
    return poll(
      what,
      () => {
        const state = this.show(unit);
        return holds(state) ? state : null;
      },
      () => JSON.stringify(this.show(unit)),
    );
  }

  /** Ends everything in the box and leaves nothing of it. */
  async close(): Promise<void> {
    if (this.outer.exitCode === null && this.outer.signalCode === null) {
      const ended = new Promise((resolve) => this.outer.once('exit', resolve));
      this.outer.kill('SIGKILL');
      await ended;
    }
    for (const group of this.groups) await removeGroup(group);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function listChildren(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
}

async function poll<T>(what: string, look: () => T | null, describe: () => string = () => ''): Promise<T> {
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const found = look();
    if (found !== null) return found;
    if (performance.now() > limit) throw new Error(`waited in vain for ${what}; ${describe()}`);
    await setTimeout(POLL_MS);
  }
}

async function removeGroup(group: string): Promise<void> {
  await poll(`${group} to be empty`, () =>
    readFileSync(`${group}/cgroup.procs`, 'utf8') === '' ? true : null,
  );
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) await removeGroup(path.join(group, entry.name));
  rmdirSync(group);
}

/** Node where a service finds it. */
export const BOX_NODE = execFileSync('readlink', ['-f', process.execPath], { encoding: 'utf8' }).trim();
