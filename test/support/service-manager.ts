/** Plays systemd for a process: a real Unix datagram socket, and every notice that arrives at it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { readMonotonicUs } from '../../src/process/system-clock.js';

/** Node has no such socket; Perl, which the product needs here too, has. */
const LISTENER = `
use Socket;
my $path = $ARGV[0];
$path =~ s/^\\@/\\0/;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, pack_sockaddr_un($path)) or die "bind: $!";
$| = 1;
print "listening\\n";
while (defined recv($socket, my $notice, 65536, 0)) { $notice =~ tr/\\n/\\t/; print "$notice\\n"; }
`;

export const hasPerl = spawnSync('perl', ['-MSocket', '-e', '1']).status === 0;

export interface Notice {
  readonly atUs: number;
  /** Assignments in order, such as `READY=1`. */
  readonly assignments: readonly string[];
}

interface Wait {
  readonly holds: () => boolean;
  readonly resolve: () => void;
}

const LIMIT_MS = 30_000;

export class ServiceManager {
  readonly notices: Notice[] = [];
  readonly #waits = new Set<Wait>();

  private constructor(
    readonly socketPath: string,
    private readonly listener: ChildProcess,
    private readonly folder: string,
  ) {}

  /** Binds a socket in a folder of its own, or in the abstract namespace. */
  static async listen(isAbstract = false): Promise<ServiceManager> {
    const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-notify-'));
    const socketPath = isAbstract ? `@${folder}` : path.join(folder, 'notify');
    const listener = spawn('perl', ['-e', LISTENER, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] });
    const manager = new ServiceManager(socketPath, listener, folder);
    await new Promise<void>((resolve, reject) => {
      listener.once('exit', () => reject(new Error('the listener ended')));
      createInterface(listener.stdout).on('line', (line) => {
        if (line === 'listening') resolve();
        else manager.#note(line);
      });
    });
    return manager;
  }

  /** How often a notice held this assignment. */
  count(assignment: string): number {
    return this.notices.filter(({ assignments }) => assignments.includes(assignment)).length;
  }

  /** The last status told; null before the first. */
  get status(): string | null {
    const all = this.notices.flatMap(({ assignments }) =>
      assignments.filter((one) => one.startsWith('STATUS=')),
    );
    return all.at(-1)?.slice('STATUS='.length) ?? null;
  }

  /** Resolves with the notice that makes it hold; throws after half a minute. */
  until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.#waits.delete(wait);
        reject(new Error(`waited in vain for ${what}; told:\n${JSON.stringify(this.notices, null, 1)}`));
      }, LIMIT_MS);
      const wait: Wait = {
        holds,
        resolve: () => {
          clearTimeout(limit);
          this.#waits.delete(wait);
          resolve();
        },
      };
      this.#waits.add(wait);
    });
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.listener.once('exit', resolve));
    this.listener.kill('SIGKILL');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  #note(line: string): void {
    this.notices.push({ atUs: readMonotonicUs(), assignments: line.split('\t') });
    for (const wait of [...this.#waits]) if (wait.holds()) wait.resolve();
  }
}
