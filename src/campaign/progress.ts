/**
 * How far a campaign is: a bar that is painted anew on a terminal, a plain line every few seconds elsewhere, with rate and
 * time left. Only what this process has run counts for the rate, not what a journal held.
 */
import { isFailure, type Job } from './job.js';
import type { Row } from './result.js';

/** Where progress is shown. */
export interface ProgressOutput {
  /** Columns of a terminal; null: plain lines. */
  readonly columns: number | null;
  write(text: string): void;
  nowMs(): number;
}

const PAINT_MS = 100;
const LINE_MS = 5_000;
const BAR_CELLS = 12;
const CLEAR = '\r\x1b[K';

export class Progress {
  private readonly startMs: number;
  private lastMs = -Infinity;
  private done = 0;
  private failures = 0;
  /** In replica-ticks. */
  private readonly whole: number;
  private finished = 0;
  private fresh = 0;
  private readonly running = new Map<string, number>();

  constructor(
    private readonly jobs: readonly Job[],
    private readonly replicas: number,
    private readonly output: ProgressOutput,
  ) {
    this.startMs = output.nowMs();
    this.whole = jobs.reduce((sum, { ticks }) => sum + ticks * replicas, 0);
  }

  onRow({ job, result }: Row, fresh: boolean): void {
    const work = job.ticks * this.replicas;
    this.running.delete(job.id);
    this.done += 1;
    this.finished += work;
    if (fresh) this.fresh += work;
    if (isFailure(result.outcome)) this.failures += 1;
    this.show(this.done === this.jobs.length);
  }

  onBeat(job: Job, ticks: number): void {
    this.running.set(job.id, Math.min(ticks, job.ticks) * this.replicas);
    this.show(false);
  }

  /** A line for people that stays. */
  say(line: string): void {
    this.output.write(`${this.output.columns === null ? '' : CLEAR}${line}\n`);
    this.lastMs = -Infinity;
  }

  /** Takes the bar away. */
  close(): void {
    if (this.output.columns !== null) this.output.write(CLEAR);
  }

  private show(last: boolean): void {
    const nowMs = this.output.nowMs();
    const { columns } = this.output;
    if (!last && nowMs - this.lastMs < (columns === null ? LINE_MS : PAINT_MS)) return;
    if (!last && columns === null && this.lastMs === -Infinity) {
      this.lastMs = nowMs;
      return;
    }
    this.lastMs = nowMs;
    const line = this.describe(nowMs);
    if (columns === null) this.output.write(`${line}\n`);
    else this.output.write(`${CLEAR}${line.slice(0, Math.max(20, columns - 1))}`);
  }

  private describe(nowMs: number): string {
    const underway = [...this.running.values()].reduce((sum, work) => sum + work, 0);
    const share = this.whole === 0 ? 1 : (this.finished + underway) / this.whole;
    const seconds = (nowMs - this.startMs) / 1_000;
    const rate = seconds > 0 ? (this.fresh + underway) / seconds : 0;
    const left = rate > 0 ? (this.whole - this.finished - underway) / rate : null;
    const full = Math.round(share * BAR_CELLS);
    const bar = this.output.columns === null ? '' : `▕${'█'.repeat(full)}${'·'.repeat(BAR_CELLS - full)}▏ `;
    return (
      `${bar}${this.done} of ${this.jobs.length} runs  ${Math.floor(share * 100)} %  ` +
      `${formatCount(rate)} replica-ticks/s  ${left === null ? '' : `${formatSeconds(left)} left  `}` +
      `${this.failures} failed`
    );
  }
}

/** `41 200`: three digits that count. */
export function formatCount(value: number): string {
  if (value < 1) return '0';
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 2);
  return String(Math.round(value / step) * step).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** `1:23`, or `2 h 05 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 3_600) return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
  return `${Math.floor(whole / 3_600)} h ${String(Math.floor((whole % 3_600) / 60)).padStart(2, '0')} min`;
}
