/**
 * Threads that run the jobs of a campaign, one job at a time each. Whatever a job does to its thread (throw, exit, take
 * all memory, never end) is that job's result and nobody else's; the thread is replaced.
 */
import { Worker } from 'node:worker_threads';
import { makeBrokenResult, type Job, type JobResult } from './job.js';
import type { WorkerAnswer, WorkerOrder, WorkerSetup } from './worker-protocol.js';

export interface PoolOptions {
  /** Module of the thread; it speaks `worker-protocol.ts`. */
  readonly entry: URL;
  readonly setup: WorkerSetup;
  readonly threads: number;
  /** A job whose simulated time has not moved for so long is hung. */
  readonly stallMs: number;
  /** A job that takes more memory loses its thread. */
  readonly memoryMiB: number;
}

/** A job with its result. */
export interface PoolResult {
  readonly result: JobResult;
  readonly wallMs: number;
}

/** Simulations make much that is soon forgotten: with little room for it the collector takes a fifth of the time. */
const YOUNG_MIB = 128;

/** The threads cannot do any job, and why. */
export class PoolError extends Error {
  override readonly name = 'PoolError';
}

interface Task {
  readonly order: WorkerOrder;
  readonly resolve: (result: PoolResult) => void;
  readonly reject: (error: Error) => void;
  readonly onBeat: (ticks: number) => void;
}

interface Slot {
  readonly worker: Worker;
  ready: boolean;
  task: Task | null;
  startedMs: number;
  timer: NodeJS.Timeout | null;
}

export class WorkerPool {
  private readonly slots = new Set<Slot>();
  private readonly waiting: Task[] = [];
  private failure: PoolError | null = null;
  private closed = false;

  constructor(private readonly options: PoolOptions) {
    for (let count = 0; count < options.threads; count += 1) this.startSlot();
  }

  /** Runs a job. Rejects with `PoolError` when the threads cannot start, or when the pool is closed before its end. */
  run(job: Job, detail = false, onBeat: (ticks: number) => void = () => {}): Promise<PoolResult> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null || this.closed) {
        reject(this.failure ?? new PoolError('the campaign is being stopped'));
        return;
      }
      this.waiting.push({ order: { job, detail }, resolve, reject, onBeat });
      this.dispatch();
    });
  }

  /** Ends all threads at once, whatever they are doing. */
  async close(): Promise<void> {
    this.closed = true;
    const slots = [...this.slots];
    this.slots.clear();
    for (const slot of slots) this.disarm(slot);
    this.rejectAll(new PoolError('the campaign is being stopped'), slots);
    await Promise.all(slots.map(({ worker }) => worker.terminate()));
  }

  private startSlot(): void {
    const { entry, setup, memoryMiB } = this.options;
    const resourceLimits = { maxOldGenerationSizeMb: memoryMiB, maxYoungGenerationSizeMb: YOUNG_MIB };
    const worker = new Worker(entry, { workerData: setup, resourceLimits });
    const slot: Slot = { worker, ready: false, task: null, startedMs: 0, timer: null };
    this.slots.add(slot);
    worker.on('message', (answer: WorkerAnswer) => this.take(slot, answer));
    worker.on('error', (error: unknown) => {
      this.lose(slot, 'died', `its thread ended: ${error instanceof Error ? error.message : String(error)}`);
    });
    worker.on('exit', (code) => this.lose(slot, 'died', `its thread ended by itself with code ${code}`));
  }

  private take(slot: Slot, answer: WorkerAnswer): void {
    if (!this.slots.has(slot)) return;
    switch (answer.kind) {
      case 'ready':
        slot.ready = true;
        this.dispatch();
        return;
      case 'refused':
        this.fail(new PoolError(answer.why));
        return;
      case 'beat':
        slot.task?.onBeat(answer.ticks);
        this.arm(slot);
        return;
      case 'done': {
        const { task } = slot;
        this.disarm(slot);
        slot.task = null;
        task?.resolve({ result: answer.result, wallMs: performance.now() - slot.startedMs });
        this.dispatch();
      }
    }
  }

  private dispatch(): void {
    for (const slot of this.slots) {
      if (!slot.ready || slot.task !== null) continue;
      const task = this.waiting.shift();
      if (task === undefined) return;
      slot.task = task;
      slot.startedMs = performance.now();
      this.arm(slot);
      slot.worker.postMessage(task.order);
    }
  }

  private arm(slot: Slot): void {
    this.disarm(slot);
    slot.timer = setTimeout(() => {
      this.lose(slot, 'hung', `its simulated time stood still for ${this.options.stallMs / 1_000} s`);
    }, this.options.stallMs);
  }

  private disarm(slot: Slot): void {
    if (slot.timer !== null) clearTimeout(slot.timer);
    slot.timer = null;
  }

  /** A thread is gone, or has to go; its job has what there is to say for a result. */
  private lose(slot: Slot, reason: 'hung' | 'died', finding: string): void {
    if (!this.slots.delete(slot)) return;
    this.disarm(slot);
    void slot.worker.terminate();
    if (!slot.ready) {
      this.fail(new PoolError(`a thread of the campaign could not start: ${finding}`));
      return;
    }
    this.startSlot();
    slot.task?.resolve({
      result: makeBrokenResult(reason, `The run has no result: ${finding}.`),
      wallMs: performance.now() - slot.startedMs,
    });
  }

  private fail(error: PoolError): void {
    this.failure = error;
    const slots = [...this.slots];
    this.slots.clear();
    this.rejectAll(error, slots);
    for (const slot of slots) {
      this.disarm(slot);
      void slot.worker.terminate();
    }
  }

  private rejectAll(error: PoolError, slots: readonly Slot[]): void {
    for (const { task } of slots) task?.reject(error);
    for (const task of this.waiting.splice(0)) task.reject(error);
  }
}
