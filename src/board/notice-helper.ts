/**
 * Notices to the service manager as sd_notify(3) describes them: datagrams to the Unix socket in NOTIFY_SOCKET. Node has no
 * such socket, so one small process of Perl holds it for as long as this process lives. Perl and its Socket module are in
 * perl-base, which no Debian or Raspberry Pi OS is without.
 * A notice that cannot leave at once is lost: it must never keep the event loop waiting. The helper ends with the pipe to it,
 * whatever this process dies of, and is started again where it ends by itself.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Log } from '../ports.js';

/** One line in is one datagram out; a tab stands for the line end between assignments. Signals of the terminal pass it by. */
const SCRIPT = `
use strict;
use Socket;
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = 'IGNORE';
my $path = $ENV{NOTIFY_SOCKET};
$path =~ s/^\\@/\\0/;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "voteplane: no Unix socket: $!\\n";
my $manager = pack_sockaddr_un($path);
my $told = '';
while (my $line = <STDIN>) {
  chomp $line;
  $line =~ tr/\\t/\\n/;
  next if defined send($socket, $line, MSG_DONTWAIT, $manager);
  my $why = "$!";
  print STDERR "<4>voteplane: systemd takes no notice at $ENV{NOTIFY_SOCKET}: $why; is the service manager running?\\n"
    if $why ne $told;
  $told = $why;
}
`;

const COMMAND = 'perl';
/** Waiting for the helper beyond this means that it does not run. */
const BACKLOG_MAX_BYTES = 4_096;
const RESTART_FIRST_MS = 1_000;
const RESTART_LAST_MS = 60_000;
/** A helper that lived this long was well. */
const SETTLED_MS = 60_000;
const CLOSE_LIMIT_MS = 1_000;

export interface NoticeHelperOptions {
  /** As in NOTIFY_SOCKET: a path, or `@` and a name in Linux' abstract namespace. */
  readonly socketPath: string;
  readonly log: Log;
  /** A helper was started in place of one that ended; what it may not have passed on must be sent again. */
  readonly onRestarted: () => void;
}

/** The helper, from construction until `close`. */
export class NoticeHelper {
  private child: ChildProcess | null = null;
  private restartMs = RESTART_FIRST_MS;
  private restartTimer: NodeJS.Timeout | null = null;
  private isClosed = false;

  constructor(private readonly options: NoticeHelperOptions) {
    this.launch();
  }

  /** Process id of the helper that runs now, for whoever watches it. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Sends one notice, such as `['WATCHDOG=1']`, or drops it. */
  send(assignments: readonly string[]): void {
    const input = this.input();
    if (input === null || input.writableLength > BACKLOG_MAX_BYTES) return;
    input.write(`${assignments.map((text) => text.replace(/[\t\r\n]/g, ' ')).join('\t')}\n`);
  }

  /** Passes on what was sent, as far as that takes no longer than a second, and ends the helper. */
  close(): Promise<void> {
    this.isClosed = true;
    if (this.restartTimer !== null) clearTimeout(this.restartTimer);
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const limit = setTimeout(() => child.kill('SIGKILL'), CLOSE_LIMIT_MS);
      child.once('exit', () => {
        clearTimeout(limit);
        resolve();
      });
      child.ref();
      child.stdin?.end();
    });
  }

  private input(): Writable | null {
    const input = this.child?.stdin ?? null;
    return input?.writable === true ? input : null;
  }

  private launch(): void {
    const startedMs = performance.now();
    const child = spawn(COMMAND, ['-e', SCRIPT], {
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', NOTIFY_SOCKET: this.options.socketPath },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.child = child;
    // It must not keep alive a process that has nothing else to do.
    child.unref();
    // A pipe that breaks is told by the end of the helper.
    child.stdin?.on('error', () => {});
    let hasEnded = false;
    const end = (why: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      if (this.child === child) this.child = null;
      if (!this.isClosed) this.restart(why, performance.now() - startedMs);
    };
    child.once('error', (error) => end(`cannot run (${error.message})`));
    child.once('exit', (code, signal) => end(`ended (${signal ?? `exit code ${code ?? '?'}`})`));
  }

  private restart(why: string, livedMs: number): void {
    if (livedMs > SETTLED_MS) this.restartMs = RESTART_FIRST_MS;
    this.options.log.warn(
      `the helper that speaks to systemd ${why}; starting another in ${this.restartMs / 1_000} s. ` +
        'Without it the watchdog restarts this process: is perl-base installed, and MemoryMax= large enough?',
    );
    this.restartTimer = setTimeout(() => {
      this.launch();
      this.options.onRestarted();
    }, this.restartMs).unref();
    this.restartMs = Math.min(RESTART_LAST_MS, this.restartMs * 2);
  }
}
