/**
 * A job in the simulator. Synchronous and deterministic: the result follows from the job, the rig and the version. For a
 * timeline it listens to the voters, the faults and the plant on the way, which changes nothing of what happens.
 */
import { planFaults } from '../demo/tour.js';
import { digestRig } from '../rig/digest.js';
import type { LoadedRig } from '../rig/load-rig.js';
import { parseRig } from '../rig/parse-rig.js';
import { simulate } from '../simulation/simulate.js';
import { QUIET_LINK } from '../simulation/network.js';
import { makeBrokenResult, type Job, type JobResult, type PlantSample, type TimelineEvent } from './job.js';
import { judgeRun } from './judge-run.js';

/** What runs jobs of one rig. */
export class JobBench {
  private readonly smaller = new Map<string, LoadedRig>();

  constructor(private readonly loaded: LoadedRig) {}

  /** Runs a job; a simulator that throws is the job's result. `detail`: with events and plant samples. */
  run(job: Job, detail: boolean, onProgress: (ticks: number) => void): JobResult {
    try {
      return this.simulate(job, detail, onProgress);
    } catch (error) {
      const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return makeBrokenResult('threw', `The simulator threw: ${told.split('\n').slice(0, 4).join(' ')}`);
    }
  }

  private simulate(job: Job, detail: boolean, onProgress: (ticks: number) => void): JobResult {
    const plan = planFaults(job.faults.map((fault) => ({ fault, say: '' })));
    if (!plan.ok) throw new RangeError(plan.mistakes.map(({ what, cure }) => `${what}; ${cure}`).join('. '));
    const recorder = detail ? new Recorder() : null;
    const outcome = simulate({
      loaded: this.rigOf(job),
      ticks: job.ticks,
      seed: job.seed,
      wire: job.wire,
      faults: plan.faults,
      network: { default: { ...QUIET_LINK, ...job.network } },
      onProgress,
      ...(recorder === null ? {} : recorder.hooks),
    });
    if (outcome.failure !== null) {
      const result = judgeRun(job.expectation, { ...outcome, events: [], plant: [] });
      return { ...result, findings: [`${outcome.failure}.`, ...result.findings] };
    }
    const told = recorder?.finish(outcome) ?? { events: [], plant: [] };
    return judgeRun(job.expectation, { ...outcome, ...told });
  }

  private rigOf(job: Job): LoadedRig {
    const { rigText } = job;
    if (rigText === null) return this.loaded;
    const known = this.smaller.get(rigText);
    if (known !== undefined) return known;
    const parsed = parseRig(rigText, this.loaded.file);
    if (!parsed.ok) throw new RangeError('the smaller rig is none');
    const { rig, defaults, warnings, placeOf } = parsed;
    const digests = { ...this.loaded.digests, rig: digestRig(rig) };
    const smaller = { ...this.loaded, rig, digests, defaults, warnings, placeOf };
    this.smaller.set(rigText, smaller);
    return smaller;
  }
}

type Hooks = Required<Pick<Parameters<typeof simulate>[0], 'onTrace' | 'onTelemetry'>>;

const MAX_EVENTS = 200;
const MAX_SAMPLES = 600;

/** Notes what a timeline shows. Bounded: of a long run it keeps every so many samples. */
class Recorder {
  private readonly events: TimelineEvent[] = [];
  private samples: PlantSample[] = [];
  private stride = 1;
  private seen = 0;
  private runTick = 0;
  private startTick: number | null = null;
  /** Since when a voter has been in fail-safe. */
  private readonly fallen = new Map<string, { readonly tick: number; readonly cause: string }>();

  readonly hooks: Hooks = {
    onTrace: (line) => {
      if (line.kind === 'tick') this.noteTick(line.record.tick, line.record.startTick);
      else if (line.kind === 'voter') {
        if (line.record.kind === 'fail-safe' && line.record.cause !== 'start')
          this.fallen.set(line.id, { tick: this.runTick, cause: line.record.cause });
        else if (line.record.kind === 'armed') this.endFall(line.id);
      }
    },
    onTelemetry: (message) => {
      if (message.kind !== 'plant') return;
      const { tracked } = message.description;
      const value = tracked === null ? null : message.values[tracked.instrument];
      const { reference } = message.values;
      if (typeof value !== 'number' || typeof reference !== 'number' || this.startTick === null) return;
      this.seen += 1;
      if (this.seen % this.stride !== 0) return;
      this.samples.push({ tick: this.runTick, error: round(value - reference) });
      if (this.samples.length < MAX_SAMPLES) return;
      this.samples = this.samples.filter((_, at) => at % 2 === 1);
      this.stride *= 2;
    },
  };

  finish({ figures, violations }: ReturnType<typeof simulate>): {
    readonly events: readonly TimelineEvent[];
    readonly plant: readonly PlantSample[];
  } {
    for (const id of [...this.fallen.keys()]) this.endFall(id);
    for (const { spec, appliedAt, clearedAt } of figures.faults) {
      if (appliedAt !== null)
        this.events.push({ tick: appliedAt, until: clearedAt ?? this.runTick, kind: 'fault', text: spec });
    }
    for (const tick of figures.disagreementTicks)
      this.events.push({ tick, until: null, kind: 'disagreement', text: 'correct replicas disagree' });
    for (const { tick, who, what } of violations) {
      const runTick = Math.max(0, tick - (this.startTick ?? 0));
      this.events.push({ tick: runTick, until: null, kind: 'violation', text: `${who}: ${what}` });
    }
    return { events: this.events.slice(0, MAX_EVENTS), plant: this.samples };
  }

  private noteTick(tick: number, startTick: number | null): void {
    if (startTick === null) return;
    this.startTick ??= startTick;
    this.runTick = Math.max(this.runTick, tick - this.startTick);
  }

  private endFall(id: string): void {
    const fall = this.fallen.get(id);
    if (fall === undefined) return;
    this.fallen.delete(id);
    const text = `${id} in fail-safe (${fall.cause}) until tick ${this.runTick}`;
    this.events.push({ tick: fall.tick, until: Math.max(fall.tick + 1, this.runTick), kind: 'trip', text });
  }
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
