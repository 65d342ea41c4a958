/** What a campaign and its threads say to each other. All of it passes through structured clone. */
import type { Job, JobResult } from './job.js';

/** What a thread is started with. */
export interface WorkerSetup {
  readonly rigPath: string;
}

/** A job for a thread that has none. */
export interface WorkerOrder {
  readonly job: Job;
  /** Whether the result is to hold events and plant samples. */
  readonly detail: boolean;
}

export type WorkerAnswer =
  /** It has loaded the rig and waits for a job. */
  | { readonly kind: 'ready' }
  /** It cannot do any job. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Simulated time moves; ticks of the run so far. */
  | { readonly kind: 'beat'; readonly ticks: number }
  | { readonly kind: 'done'; readonly result: JobResult };
