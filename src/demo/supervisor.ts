/**
 * Starts the processes of a rig, hands on what they tell, and ends them. It decides nothing about respawning; it must
 * never leave a process behind: all end with it, through their channel, even where it is killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Telemetry } from '../process/telemetry.js';

/** How one process of a rig is started: `[launcher] node [nodeFlags] entry args…`. */
export interface ProcessPlan {
  readonly id: string;
  readonly nodeFlags: readonly string[];
  readonly args: readonly string[];
  /** A command that becomes the process, such as `ip netns exec NAME`: it must keep its id and open files. */
  readonly launcher?: readonly string[];
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface ProcessExit {
  readonly id: string;
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines that it wrote to its standard error. */
  readonly lastWords: readonly string[];
}

export interface SupervisorParts {
  readonly plans: readonly ProcessPlan[];
  /** Path of the module that the processes run. */
  readonly entry: string;
  readonly onTelemetry: (message: Telemetry) => void;
  /** A process ended without having been asked to. */
  readonly onDeath: (exit: ProcessExit) => void;
}

/** A process ended, or said nothing, before it was ready. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

const READY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 5_000;
const KEPT_LINES = 20;
const KEPT_LINE_LENGTH = 400;

interface Child {
  readonly process: ChildProcess;
  readonly lastWords: string[];
  /** Resolves when the process has ended and everything that it told has been handed on. */
  readonly ended: Promise<ProcessExit>;
  alive: boolean;
  ready: boolean;
}

/** The processes of one flight. */
export class Supervisor {
  private readonly children = new Map<string, Child>();
  private stopping = false;
  private onReadyChange: () => void = () => {};

  constructor(private readonly parts: SupervisorParts) {}

  /** Starts all and resolves when each has said that it is ready. Rejects with `StartError`. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        const late = [...this.children].filter(([, child]) => !child.ready).map(([id]) => id);
        fail(
          `${late.join(', ')} did not get ready within ${READY_LIMIT_MS / 1_000} s; the machine may be overloaded`,
        );
      }, READY_LIMIT_MS);
      const settle = (): void => {
        clearTimeout(limit);
        this.onReadyChange = () => {};
      };
      const fail = (text: string): void => {
        settle();
        reject(new StartError(text));
      };
      this.onReadyChange = () => {
        for (const [id, child] of this.children) {
          if (!child.alive && !child.ready) {
            void child.ended.then((exit) => fail(`${id} ended before it was ready: ${describeExit(exit)}`));
            return;
          }
        }
        if ([...this.children.values()].every((child) => child.ready)) {
          settle();
          resolve();
        }
      };
      for (const plan of this.parts.plans) this.launch(plan);
    });
  }

  /** Starts a process again that has ended. Does nothing while it lives. */
  respawn(id: string): void {
    const plan = this.parts.plans.find((one) => one.id === id);
    if (plan === undefined || this.stopping || this.isAlive(id)) return;
    this.launch(plan);
  }

  isAlive(id: string): boolean {
    return this.children.get(id)?.alive ?? false;
  }

  /** Kills one at once, as SIGKILL does; it is told as any death. Does nothing where it does not live. */
  kill(id: string): void {
    const child = this.children.get(id);
    if (child?.alive === true) child.process.kill('SIGKILL');
  }

  /** Process id, for whoever wants to watch it; null where it is dead. */
  pidOf(id: string): number | null {
    const child = this.children.get(id);
    return child?.alive === true ? (child.process.pid ?? null) : null;
  }

  /** Sends an order over a process's channel; one that is dead hears nothing. */
  tell(id: string, message: object): void {
    const child = this.children.get(id);
    // A channel that closes just now reports to the callback; the death is reported by itself.
    if (child?.alive === true && child.process.connected) child.process.send(message, () => {});
  }

  /** Ends all: asks, waits, and kills what is left. Resolves with those that did not end well. */
  async stop(): Promise<readonly ProcessExit[]> {
    this.stopping = true;
    const living = [...this.children.values()].filter((child) => child.alive);
    for (const child of living) child.process.kill('SIGTERM');
    const limit = setTimeout(() => this.killAll(), STOP_LIMIT_MS);
    const exits = await Promise.all(living.map((child) => child.ended));
    clearTimeout(limit);
    return exits.filter((exit) => exit.code !== 0);
  }

  /** Kills what lives, at once. */
  killAll(): void {
    this.stopping = true;
    for (const child of this.children.values()) if (child.alive) child.process.kill('SIGKILL');
  }

  private launch(plan: ProcessPlan): void {
    const { entry, onTelemetry, onDeath } = this.parts;
    const { launcher = [], nodeFlags, args, environment = {} } = plan;
    const [command = process.execPath, ...rest] = [
      ...launcher,
      process.execPath,
      ...nodeFlags,
      entry,
      ...args,
    ];
    const launched = spawn(command, rest, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...environment },
      // A group of its own: what is typed at the terminal is for the demo, which then ends the others in order.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    const lastWords: string[] = [];
    const child: Child = {
      process: launched,
      lastWords,
      ended: new Promise((resolve) => {
        // 'close' comes after the last line and, with the channel, after the last message.
        let exit: ProcessExit | null = null;
        let open = 2;
        const finish = (): void => {
          open -= 1;
          if (open === 0 && exit !== null) resolve(exit);
        };
        launched.once('close', (code, signal) => {
          exit ??= { id: plan.id, code, signal, lastWords };
          finish();
        });
        launched.once('disconnect', finish);
        launched.once('error', (error) => {
          lastWords.push(error.message);
          if (launched.pid === undefined) resolve({ id: plan.id, code: null, signal: null, lastWords });
        });
      }),
      alive: true,
      ready: false,
    };
    this.children.set(plan.id, child);
    launched.on('message', (message) => {
      const telemetry = message as Telemetry;
      if (telemetry.kind === 'ready') {
        child.ready = true;
        this.onReadyChange();
      }
      onTelemetry(telemetry);
    });
    collectLines(launched, lastWords);
    void child.ended.then((exit) => {
      child.alive = false;
      this.onReadyChange();
      if (!this.stopping) onDeath(exit);
    });
  }
}

/** Keeps the last lines of a process's standard error, bounded. */
function collectLines(child: ChildProcess, lines: string[]): void {
  let rest = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (text: string) => {
    const parts = `${rest}${text}`.split('\n');
    rest = (parts.pop() ?? '').slice(-KEPT_LINE_LENGTH);
    for (const line of parts) lines.push(line.slice(0, KEPT_LINE_LENGTH));
    lines.splice(0, Math.max(0, lines.length - KEPT_LINES));
  });
}

/** An exit in words, with what the process said last. */
export function describeExit(exit: ProcessExit): string {
  const how =
    exit.signal !== null
      ? `killed by ${exit.signal}`
      : exit.code !== null
        ? `exit code ${exit.code}`
        : 'it could not be started';
  const words = exit.lastWords.filter((line) => line.trim() !== '');
  return words.length === 0 ? how : `${how}\n  ${words.join('\n  ')}`;
}
