/** One thread of the campaign: runs what it is sent. A run that throws is a violation of its own. */
import { parentPort } from 'node:worker_threads';
import { startCore } from '../../dist/src/simulation/paxos-core.js';
import { simulatePaxos } from '../../dist/src/simulation/simulate-paxos.js';

const NOTHING = { answered: 0, strikes: 0, crashes: 0, ballots: 0, lost: 0 };

parentPort.on('message', (job) => {
  try {
    const { answered, strikes, crashes, ballots, lost, violationCount, violations } = simulatePaxos({
      ...job,
      start: startCore,
    });
    parentPort.postMessage({ answered, strikes, crashes, ballots, lost, violationCount, violations });
  } catch (error) {
    const violation = { checker: 'core', rule: '§11 crash', slot: null, who: 'a device', what: error.stack };
    parentPort.postMessage({ ...NOTHING, violationCount: 1, violations: [violation] });
  }
});
