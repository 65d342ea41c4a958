/**
 * One run of a campaign and what came of it: plain data that passes between threads, into the journal and into reports.
 * The result of a job follows from the job and the version alone; nothing of the machine or of its clock is in it.
 */

/** Whether messages pass through the codecs and seals. */
export type WireMode = 'full' | 'none';

/**
 * What is expected of a run.
 * - `masked`: its faults lie inside the hypothesis, and so does every tick
 * - `fail-safe`: more replicas may be faulty than the rig tolerates; ticks outside the hypothesis may end in fail-safe
 * - `safe`: the hypothesis does not cover such a fault; replicas may disagree, and no output is unsafe all the same
 * - `unmoved`: so much is late or lost that nothing has to be agreed on, armed or struck in time; otherwise as `safe`
 */
export type Expectation = 'masked' | 'fail-safe' | 'safe' | 'unmoved';

/** One simulated run. */
export interface Job {
  /** `KIND@PLACE#SEED`: the same in every campaign with this cell, whatever else it holds. */
  readonly id: string;
  /** Place in the list of the whole campaign, from 0. */
  readonly at: number;
  /** Name of the fault, `no fault`, or `several`. */
  readonly kind: string;
  /** Where it strikes, as the report's columns call it. */
  readonly place: string;
  readonly seed: number;
  /** From the first arming of every actuator. */
  readonly ticks: number;
  readonly wire: WireMode;
  readonly expectation: Expectation;
  /** In the fault grammar, ticks of the run. */
  readonly faults: readonly string[];
  /** Conditions of the network, as the campaign file has them; null: a quiet one. */
  readonly network: NetworkConditions | null;
  /** Text of a rig file in place of the campaign's own, for a smaller rig; null: the campaign's. */
  readonly rigText: string | null;
}

/** How every directed link of the simulated network behaves. */
export interface NetworkConditions {
  /** Every frame takes so long, and so much more on average. */
  readonly delayUs: number;
  readonly jitterUs: number;
  /** Share of frames that are lost. */
  readonly loss: number;
}

/**
 * What came of a job.
 * - `held`: every promise was kept
 * - `fail-safe`: outside the hypothesis; actuators went to fail-safe, as promised
 * - `idle`: promises were kept, and the fault altered nothing, so that the run proves nothing about it
 * - `failed`: a promise was broken
 * - `broken`: there is no result, because the simulator threw, hung or took its thread down
 */
export type Outcome = 'held' | 'fail-safe' | 'idle' | 'failed' | 'broken';

/** Outcomes from the best to the worst. */
export const OUTCOMES = ['held', 'fail-safe', 'idle', 'failed', 'broken'] as const satisfies Outcome[];

/** Something that happened in a run, for its timeline. */
export interface TimelineEvent {
  /** Of the run. */
  readonly tick: number;
  /** First tick after it; null where it is one moment. */
  readonly until: number | null;
  readonly kind: 'fault' | 'trip' | 'disagreement' | 'violation' | 'note';
  readonly text: string;
}

/** The plant's error at a tick of the run; the unit is the plant's own. */
export interface PlantSample {
  readonly tick: number;
  readonly error: number;
}

/** Figures of a run that reports count and draw. Ticks count from the first arming. */
export interface RunFigures {
  readonly ticks: number;
  readonly replicaTicks: number;
  readonly completedTicks: number;
  readonly ticksOutside: number;
  readonly disagreements: number;
  readonly disagreementsOutside: number;
  readonly unsafeOutputs: number;
  readonly uncoveredTicks: number;
  readonly trips: number;
  readonly missedTicks: number;
  /** Messages, samples or outputs that the faults altered. */
  readonly affected: number;
  /** First message of a tick to the output, of simulated time. */
  readonly latencyP50Us: number | null;
  readonly latencyP99Us: number | null;
  readonly latencyMaxUs: number | null;
  readonly maxPlantError: number | null;
  readonly survived: boolean | null;
}

/** What a finished job leaves. */
export interface JobResult {
  readonly outcome: Outcome;
  /** Short names of what was broken, sorted, each once: two runs with the same names failed alike. */
  readonly reasons: readonly string[];
  /** Sentences for people; empty where all held. */
  readonly findings: readonly string[];
  /** Hexadecimal, over the whole trace; null for `broken`. */
  readonly traceDigest: string | null;
  /** Null for `broken`. */
  readonly figures: RunFigures | null;
  readonly events: readonly TimelineEvent[];
  /** Plant errors, evenly spaced over the run; empty where they were not asked for. */
  readonly plant: readonly PlantSample[];
}

/** Runs one job to its end. Throws only what is a bug. */
export type RunOne = (job: Job) => JobResult | Promise<JobResult>;

/** Whether an outcome stands against the software. */
export function isFailure(outcome: Outcome): boolean {
  return outcome === 'failed' || outcome === 'broken';
}

/** The result of a job whose run could not be finished. */
export function makeBrokenResult(reason: 'threw' | 'hung' | 'died', finding: string): JobResult {
  return {
    outcome: 'broken',
    reasons: [reason],
    findings: [finding],
    traceDigest: null,
    figures: null,
    events: [],
    plant: [],
  };
}
