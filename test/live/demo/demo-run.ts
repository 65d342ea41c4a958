/** Runs `voteplane demo` as a user does, for tests: its output, its report, and the processes that it starts. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FlightFigures } from '../../../src/demo/figures.js';
import { countTolerated } from '../../../src/demo/verdict.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** How long a demo may take where its test says nothing else. */
const LIMIT_MS = 90_000;
const POLL_MS = 50;

export interface ReportedFlight extends FlightFigures {
  readonly rig: string;
  readonly exitCode: number;
  readonly flown: boolean;
  readonly findings: readonly string[];
}

export interface Report extends ReportedFlight {
  readonly error: string | null;
  readonly versions: Readonly<Record<string, string | number>>;
  readonly flights: readonly ReportedFlight[];
}

export interface DemoExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly text: string;
  readonly report: Report;
}

/** One demo under way. */
export class DemoRun {
  readonly ended: Promise<DemoExit>;
  private text = '';
  private readonly child: ChildProcess;
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'voteplane-test-'));
  private look: () => void = () => {};

  constructor(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    limitMs: number = LIMIT_MS,
  ) {
    const json = path.join(this.folder, 'report.json');
    this.child = spawn(
      process.execPath,
      [path.join(ROOT, 'bin', 'voteplane.js'), 'demo', ...args, '--headless', '--json', json],
      {
        cwd: ROOT,
        // Whatever the demo makes for itself is found here.
        env: { ...process.env, TMPDIR: this.folder, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.text += text;
        this.look();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.child.kill('SIGKILL');
        reject(new Error(`the demo did not end within ${limitMs / 1000} s:\n${this.text}`));
      }, limitMs);
      this.child.once('close', (code, signal) => {
        clearTimeout(limit);
        const written = readFileSync(json, 'utf8');
        const report = (written === '' ? {} : JSON.parse(written)) as Report;
        resolve({ code, signal, text: this.text, report });
        this.look();
      });
    });
  }

  /** Resolves once the output matches. */
  async until(pattern: RegExp): Promise<void> {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    await new Promise<void>((resolve, reject) => {
      this.look = () => {
        if (pattern.test(this.text)) resolve();
        else if (over) reject(new Error(`the demo ended without ${String(pattern)}:\n${this.text}`));
      };
      this.look();
      void this.ended.then(() => this.look());
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Process ids of everything that the demo has started and that lives, by what it is: `replica a`, `plant`. */
  children(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split(
      '\n',
    )) {
      const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      const command = / (replica|actuator|plant) \S+(?: --id (\S+))?/.exec(args ?? '');
      if (Number(parent) !== this.child.pid || command === null) continue;
      found.set([command[1], command[2]].filter((part) => part !== undefined).join(' '), Number(pid));
    }
    return found;
  }

  /** What the demo has left on disk. */
  leftovers(): readonly string[] {
    return readdirSync(this.folder).filter((name) => name !== 'report.json');
  }

  /** Ends the demo if it still runs and removes what is left. */
  async dispose(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await this.ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Resolves once none of the processes lives; rejects after 20 s. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + 20_000;
  const living = (): number[] => pids.filter(isAlive);
  while (living().length > 0) {
    if (Date.now() > deadline) throw new Error(`processes ${living().join(', ')} are still there`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether a machine that is short of processors, and nothing else, may have spoilt this flight. */
export function isSpoiltByMachine(figures: FlightFigures): boolean {
  const byMachine = figures.ticksOutsideHypothesis - figures.ticksOutsideByFaults;
  return byMachine > 0 || figures.unreported > countTolerated(figures.ticks);
}

/** Flies until something shows or the machine lets it fly, three times at most. */
export async function untilUnspoilt(
  shows: (figures: FlightFigures) => boolean,
  fly: () => DemoRun,
): Promise<DemoExit> {
  let exit = await fly().ended;
  for (let tries = 1; tries < 3 && !shows(exit.report) && isSpoiltByMachine(exit.report); tries += 1)
    exit = await fly().ended;
  return exit;
}
