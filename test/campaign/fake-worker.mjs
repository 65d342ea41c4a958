/** A thread that does to itself what its job's kind says, and answers all others. */
import { parentPort, workerData } from 'node:worker_threads';

if (workerData.rigPath === 'refuse') parentPort.postMessage({ kind: 'refused', why: 'no such rig' });
else if (workerData.rigPath === 'throw') throw new Error('cannot even start');
else parentPort.postMessage({ kind: 'ready' });

parentPort.on('message', ({ job, detail }) => {
  if (job.kind === 'exit') process.exit(7);
  if (job.kind === 'throw') throw new Error('a bug in the simulator');
  if (job.kind === 'hang') for (;;);
  if (job.kind === 'memory') for (const all = []; ;) all.push(new Array(1e5).fill({}).map(() => ({})));
  if (job.kind === 'slow')
    for (let beat = 1; beat <= 6; beat += 1) {
      parentPort.postMessage({ kind: 'beat', ticks: beat });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
    }
  const result = {
    outcome: 'held',
    reasons: [],
    findings: [],
    traceDigest: job.id,
    figures: null,
    events: [],
    plant: [],
  };
  parentPort.postMessage({ kind: 'done', result: { ...result, findings: detail ? ['in detail'] : [] } });
});
