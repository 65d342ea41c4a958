/** A thread of a campaign: loads the rig once, then runs job after job, each to its end. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadRig } from '../rig/load-rig.js';
import { JobBench } from './run-job.js';
import type { WorkerAnswer, WorkerOrder, WorkerSetup } from './worker-protocol.js';

const port = parentPort;
if (port === null) throw new Error('this module is a thread of a campaign and no command');
const answer = (message: WorkerAnswer): void => port.postMessage(message);
const { rigPath } = workerData as WorkerSetup;

loadRig(rigPath).then(
  (loaded) => {
    const bench = new JobBench(loaded);
    port.on('message', ({ job, detail }: WorkerOrder) => {
      const result = bench.run(job, detail, (ticks) => answer({ kind: 'beat', ticks }));
      answer({ kind: 'done', result });
    });
    answer({ kind: 'ready' });
  },
  (error: unknown) => {
    answer({ kind: 'refused', why: error instanceof Error ? error.message : String(error) });
  },
);
