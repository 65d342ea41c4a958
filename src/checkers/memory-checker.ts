/**
 * Bounded memory (protocol.md §11): a replica stays below its limit, and does not grow without end. Growth is told
 * from noise by floors: the least value of a stretch of samples, which garbage does not raise. A floor that rises
 * stretch after stretch is a leak.
 */
import type { ReplicaIndex, Tick } from '../core/types.js';
import type { CheckedRig } from './observations.js';
import type { ViolationLog } from './violation-log.js';

const NAME = 'memory';
const STRETCH_SAMPLES = 64;
/** So many rises in a row are no chance. */
const RISES = 16;
/** What counts as a rise, as a share of the floor. */
const RISE_SHARE = 0.005;

interface Account {
  floor: number;
  samples: number;
  lastFloor: number;
  rises: number;
}

/** One number a replica and sample. */
export class MemoryChecker {
  private readonly accounts: Account[];

  constructor(
    private readonly rig: CheckedRig,
    private readonly log: ViolationLog,
  ) {
    this.accounts = rig.replicas.map(() => ({ floor: Infinity, samples: 0, lastFloor: Infinity, rises: 0 }));
  }

  note(replica: ReplicaIndex, bytes: number, tick: Tick): void {
    const account = this.accounts[replica];
    if (account === undefined) return;
    const { memoryMaxBytes } = this.rig;
    if (memoryMaxBytes !== undefined && bytes > memoryMaxBytes)
      this.add('§11 limit', replica, tick, () => `It holds ${bytes} bytes, more than ${memoryMaxBytes}.`);
    account.floor = Math.min(account.floor, bytes);
    account.samples += 1;
    if (account.samples < STRETCH_SAMPLES) return;
    account.rises = account.floor > account.lastFloor * (1 + RISE_SHARE) ? account.rises + 1 : 0;
    if (account.rises >= RISES) {
      this.add(
        '§11 growth',
        replica,
        tick,
        () => `It never fell below ${account.floor} bytes, and that has risen ${RISES} times in a row.`,
      );
      account.rises = 0;
    }
    account.lastFloor = account.floor;
    account.floor = Infinity;
    account.samples = 0;
  }

  private add(rule: string, replica: ReplicaIndex, tick: Tick, what: () => string): void {
    this.log.add(NAME, rule, tick, this.rig.replicas[replica] ?? `replica ${replica}`, what);
  }
}
