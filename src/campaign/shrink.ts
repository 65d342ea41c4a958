/**
 * Makes a failing job small: fewest faults (ddmin of Zeller and Hildebrandt 2002), the smallest rig, the earliest and
 * shortest faults, the fewest parameters, the shortest run, as long as it fails in the same way. Every step is tried by running it, so
 * nothing is assumed about why it fails. The order of steps and the budget are fixed, so that the same failure shrinks
 * to the same job on every machine.
 */
import { formatFault, parseFault, type Injection } from '../faults/spec.js';
import { isFailure, type Job, type JobResult, type RunOne } from './job.js';

/** A job that was made small. */
export interface Shrunk {
  readonly job: Job;
  readonly result: JobResult;
  /** Runs that it took. */
  readonly runs: number;
  /** Whether nothing smaller was found before the budget was used up. */
  readonly minimal: boolean;
}

export interface ShrinkOptions {
  readonly run: RunOne;
  /** Runs at most. */
  readonly budget: number;
  /** Smaller rigs to try, the smallest first, as texts of rig files. */
  readonly smallerRigs: (job: Job) => readonly string[];
}

/** Budget of a failure in a campaign, runs. */
export const SHRINK_BUDGET = 200;

/** The budget is used up. */
class OutOfBudget extends Error {}

/** Shrinks a job that failed with `result`. */
export async function shrinkJob(job: Job, result: JobResult, options: ShrinkOptions): Promise<Shrunk> {
  const shrinker = new Shrinker(job, result, options);
  return shrinker.shrink();
}

/** Whether two failures are of one kind: the first is told by its gravest reason. */
export function failsAlike(original: JobResult, other: JobResult): boolean {
  const [main] = original.reasons;
  return isFailure(other.outcome) && (main === undefined || other.reasons.includes(main));
}

class Shrinker {
  private readonly known = new Map<string, JobResult>();
  private runs = 0;

  constructor(
    private job: Job,
    private result: JobResult,
    private readonly options: ShrinkOptions,
  ) {}

  async shrink(): Promise<Shrunk> {
    let minimal = true;
    try {
      for (let before = ''; before !== this.key();) {
        before = this.key();
        await this.dropFaults();
        await this.shrinkRig();
        await this.shortenRun();
        await this.advanceFaults();
        await this.shortenFaults();
        await this.dropParameters();
        await this.shortenRun();
      }
    } catch (error) {
      if (!(error instanceof OutOfBudget)) throw error;
      minimal = false;
    }
    return { job: this.job, result: this.result, runs: this.runs, minimal };
  }

  private key(job: Job = this.job): string {
    return JSON.stringify([job.faults, job.ticks, job.rigText]);
  }

  /** Takes a smaller job if it fails alike. */
  private async take(change: Partial<Pick<Job, 'faults' | 'ticks' | 'rigText'>>): Promise<boolean> {
    const candidate = { ...this.job, ...change };
    const key = this.key(candidate);
    if (key === this.key()) return false;
    let result = this.known.get(key);
    if (result === undefined) {
      if (this.runs >= this.options.budget) throw new OutOfBudget();
      this.runs += 1;
      result = await this.options.run(candidate);
      this.known.set(key, result);
    }
    if (!failsAlike(this.result, result)) return false;
    this.job = candidate;
    this.result = { ...result, reasons: keepMainFirst(this.result, result) };
    return true;
  }

  /** ddmin: chunks and what remains without them, ever smaller ones. */
  private async dropFaults(): Promise<void> {
    if (await this.take({ faults: [] })) return;
    let parts = 2;
    while (this.job.faults.length > 1) {
      const { faults } = this.job;
      const size = Math.ceil(faults.length / parts);
      let found = false;
      for (let start = 0; start < faults.length && !found; start += size) {
        const chunk = faults.slice(start, start + size);
        const rest = faults.filter((_, at) => at < start || at >= start + size);
        if (chunk.length < faults.length && (await this.take({ faults: chunk }))) {
          parts = 2;
          found = true;
        } else if (rest.length > 0 && (await this.take({ faults: rest }))) {
          parts = Math.max(2, parts - 1);
          found = true;
        }
      }
      if (found) continue;
      if (size === 1) return;
      parts = Math.min(faults.length, parts * 2);
    }
  }

  private async shrinkRig(): Promise<void> {
    for (const rigText of this.options.smallerRigs(this.job)) if (await this.take({ rigText })) return;
  }

  private async shortenRun(): Promise<void> {
    await this.descend(1, this.job.ticks, (ticks) => this.take({ ticks }));
  }

  /** All faults together, then each by itself, as early as can be; the run ends as much earlier. */
  private async advanceFaults(): Promise<void> {
    const { faults, ticks } = this.job;
    const starts = faults.map((text) => read(text)?.at.tick ?? 0);
    if (starts.length === 0) return;
    const earliest = Math.min(...starts);
    await this.descend(0, earliest, (start) => {
      const by = earliest - start;
      return this.take({
        faults: faults.map((text) => edit(text, (spec) => moveTo(spec, spec.at.tick - by))),
        ticks: Math.max(1, ticks - by),
      });
    });
    for (let at = 0; at < this.job.faults.length; at += 1) {
      await this.descend(0, read(this.job.faults[at])?.at.tick ?? 0, (start) =>
        this.editFault(at, (spec) => moveTo(spec, start)),
      );
    }
  }

  private async shortenFaults(): Promise<void> {
    for (let at = 0; at < this.job.faults.length; at += 1) {
      const forTicks = read(this.job.faults[at])?.forTicks ?? this.job.ticks;
      await this.descend(1, forTicks, (shorter) =>
        this.editFault(at, (spec) => ({ ...spec, forTicks: shorter })),
      );
    }
  }

  private async dropParameters(): Promise<void> {
    for (let at = 0; at < this.job.faults.length; at += 1) {
      for (const { key } of read(this.job.faults[at])?.parameters ?? []) {
        await this.editFault(at, (spec) => ({
          ...spec,
          parameters: spec.parameters.filter((one) => one.key !== key),
        }));
      }
    }
  }

  private editFault(at: number, change: (spec: Injection) => Injection): Promise<boolean> {
    return this.take({
      faults: this.job.faults.map((text, index) => (index === at ? edit(text, change) : text)),
    });
  }

  /** Looks for the smallest value that still fails: the least first, then by halves between what fails and what does not. */
  private async descend(
    least: number,
    current: number,
    take: (value: number) => Promise<boolean>,
  ): Promise<void> {
    if (current <= least || (await take(least))) return;
    let [low, high] = [least, current];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await take(middle)) high = middle;
      else low = middle;
    }
  }
}

function keepMainFirst(original: JobResult, other: JobResult): readonly string[] {
  const main = original.reasons.slice(0, 1);
  return [...main, ...other.reasons.filter((reason) => reason !== main[0])];
}

function read(text: string | undefined): Injection | null {
  const parsed = parseFault(text ?? '');
  return parsed.ok && parsed.spec.kind === 'inject' ? parsed.spec : null;
}

function edit(text: string, change: (spec: Injection) => Injection): string {
  const spec = read(text);
  return spec === null ? text : formatFault(change(spec));
}

function moveTo(spec: Injection, tick: number): Injection {
  return { ...spec, at: { relative: false, tick: Math.max(0, tick) } };
}
