/**
 * An emulated plant as a process: tells whoever started it how the plant does, and learns from it where the run began.
 * The emulated hardware itself is handed in by the command line, which puts processes together. It must never
 * influence what the plant does.
 */
import type { Cancel, Clock, Log } from '../ports.js';
import type { PlantDescription } from '../rig/plant-description.js';
import type { ParentChannel } from './parent-channel.js';
import { isRunStart } from './run-start.js';
import type { Telemetry } from './telemetry.js';

/** Emulated hardware, as far as this process needs it. */
export interface PlantSource {
  account(): {
    readonly description: PlantDescription;
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
}

export interface PlantProcessParts {
  readonly source: PlantSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly channel: ParentChannel;
}

const REPORT_US = 100_000;
const REPORT_SLACK_US = 5_000;

/** A plant at work, from `start` until `stop`. */
export class PlantProcess {
  private cancelReport: Cancel | null = null;

  constructor(private readonly parts: PlantProcessParts) {}

  /** Says that it is ready and reports from now on, ten times a second. */
  start(): void {
    this.parts.channel.send({ kind: 'ready', id: 'plant' });
    this.repeat();
  }

  /** Reports out of turn, as when the plant is lost. */
  report(): void {
    this.parts.channel.send(makeReport(this.parts.source, this.parts.clock.nowUs()));
  }

  /** Takes what the parent sent; anything but an order is named in the log and ignored. */
  receive(message: unknown): void {
    if (isRunStart(message)) this.parts.source.setRunStart(message.startTick);
    else
      this.parts.log.warn(
        'plant: its parent sent something else than {kind: run-start, startTick}; it is ignored, mend the parent',
      );
  }

  /** Reports a last time. */
  stop(): void {
    this.cancelReport?.();
    this.cancelReport = null;
    this.report();
  }

  private repeat(): void {
    this.report();
    const { clock } = this.parts;
    this.cancelReport = clock.schedule(clock.nowUs() + REPORT_US, () => this.repeat(), REPORT_SLACK_US);
  }
}

/** The account as telemetry; quantities that a view shows are in `values`, times in ms of flight. */
function makeReport(source: PlantSource, atUs: number): Telemetry {
  const account = source.account();
  return {
    kind: 'plant',
    atUs,
    survived: account.survived,
    maxAbsError: account.maxAbsError,
    description: account.description,
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
