/** A process started as from a shell: no channel to the one who starts it, its output as text. For tests. */
import { spawn, type ChildProcess } from 'node:child_process';

export interface HandExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LIMIT_MS = 60_000;

/** One process and what it has printed so far. */
export class HandProcess {
  stdout = '';
  stderr = '';
  readonly ended: Promise<HandExit>;
  readonly #child: ChildProcess;
  readonly #name: string;
  #onText: () => void = () => {};

  /** `node args…`, or any command with `command`; `env` is added to this process's own. */
  constructor(
    args: readonly string[],
    options: { readonly command?: string; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ) {
    const { command = process.execPath, cwd, env } = options;
    this.#name = [command, ...args].join(' ');
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#onText();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#onText();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#onText();
      });
    });
  }

  /** Process id; throws where it could not be started. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.#name} was not started`);
    return pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when its output matches; throws when it ends before, or after a minute. */
  async untilPrints(pattern: RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(limit);
        this.#onText = () => {};
        if (error === undefined) resolve();
        else reject(error);
      };
      const fail = (why: string): void =>
        settle(new Error(`${this.#name}\n${why} before it printed ${pattern}\n${this.stdout}${this.stderr}`));
      const limit = setTimeout(() => fail('took too long'), LIMIT_MS);
      const look = (): void => {
        if (pattern.test(`${this.stdout}\n${this.stderr}`)) settle();
        else if (this.#child.exitCode !== null || this.#child.signalCode !== null) fail('ended');
      };
      this.#onText = look;
      look();
    });
  }
}

/** Runs `node args…` to its end. */
export function runToEnd(args: readonly string[], cwd?: string): Promise<HandExit> {
  return new HandProcess(args, cwd === undefined ? {} : { cwd }).ended;
}
