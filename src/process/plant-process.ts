/**
 * An emulated plant as a process: tells whoever started it how the plant does, learns from it where the run began,
 * and ends with it. The emulated hardware itself is handed in by the command line, which puts processes together.
 * It must never influence what the plant does.
 */
import type { Cancel, Clock, Log } from '../ports.js';
import { openParentChannel } from './parent-channel.js';
import type { Telemetry } from './telemetry.js';

/** Emulated hardware, as far as this process needs it. */
export interface PlantSource {
  account(): {
    readonly flying: boolean;
    readonly flownUs: number;
    readonly survived: boolean;
    readonly lostAtUs: number | null;
    readonly lostWhy: string | null;
    readonly reference: number | null;
    readonly maxAbsError: number | null;
    readonly slippedUs: number;
    readonly instruments: Readonly<Record<string, number | string | null>>;
  };
  /** The first tick of the run, counted on the rig's grid. */
  setRunStart(startTick: number): void;
  countRefused(): number;
  close(): Promise<void>;
}

/** What the parent may tell a plant, over the channel between the two processes (JSON). */
export interface RunStartOrder {
  readonly kind: 'run-start';
  /** First tick of the run on the rig's grid, as replicas report it: the reference profile counts from there. */
  readonly startTick: number;
}

export interface PlantProcessParts {
  readonly source: PlantSource;
  readonly clock: Clock;
  readonly log: Log;
}

/** A plant process under way. */
export interface PlantProcess {
  /** Reports at once, as when the plant is lost. */
  report(): void;
  /** Resolves when it has ended: SIGTERM, SIGINT, the parent's death, or `stop`. */
  readonly ended: Promise<void>;
  stop(): void;
}

const REPORT_US = 100_000;
const REPORT_SLACK_US = 5_000;

/** Starts to report; the source is closed when it ends. */
export function runPlantProcess(parts: PlantProcessParts): PlantProcess {
  const { source, clock, log } = parts;
  let cancelReport: Cancel | null = null;
  let stopping = false;
  let resolveEnded: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    resolveEnded = resolve;
  });
  const channel = openParentChannel(
    'plant',
    () => ({ 'bridge-frames': source.countRefused() }),
    () => stop(),
  );
  const report = (): void => channel.send(makeReport(source, clock.nowUs()));
  const repeat = (): void => {
    report();
    cancelReport = clock.schedule(clock.nowUs() + REPORT_US, repeat, REPORT_SLACK_US);
  };
  const onMessage = (message: unknown): void => {
    if (isRunStart(message)) source.setRunStart(message.startTick);
    else log.warn('plant: the parent sent something else than {kind: run-start, startTick}; it is ignored');
  };
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    cancelReport?.();
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    process.off('message', onMessage);
    report();
    channel.close();
    source
      .close()
      .catch((error: unknown) => log.error(`plant: closing its bridges failed: ${String(error)}`))
      .finally(resolveEnded);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (process.send !== undefined) process.on('message', onMessage);
  channel.send({ kind: 'ready', id: 'plant' });
  repeat();
  return { report, ended, stop };
}

/** The account as telemetry; quantities that a view shows are in `values`, times in ms. */
function makeReport(source: PlantSource, atUs: number): Telemetry {
  const account = source.account();
  return {
    kind: 'plant',
    atUs,
    survived: account.survived,
    maxAbsErrorDeg: account.maxAbsError,
    values: {
      ...account.instruments,
      reference: account.reference,
      flying: account.flying,
      flownMs: Math.round(account.flownUs / 1000),
      lostAtMs: account.lostAtUs === null ? null : Math.round(account.lostAtUs / 1000),
      lostWhy: account.lostWhy,
      slippedMs: Math.round(account.slippedUs / 1000),
    },
  };
}

function isRunStart(message: unknown): message is RunStartOrder {
  if (typeof message !== 'object' || message === null) return false;
  const { kind, startTick } = message as Partial<RunStartOrder>;
  return kind === 'run-start' && Number.isSafeInteger(startTick) && (startTick as number) >= 0;
}
