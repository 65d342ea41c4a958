/** Adds up what the processes of a rig say of themselves: size, work, stalls, refusals; over all lives of each. */
import type { Telemetry } from '../process/telemetry.js';
import type { ProcessFigures } from './figures.js';

type Stats = Extract<Telemetry, { kind: 'stats' }>;

interface Account {
  starts: number;
  deaths: number;
  rssMaxMiB: number | null;
  cpuSum: number;
  cpuCount: number;
  /** Of the life under way: such counts begin anew with each. */
  rejected: Readonly<Record<string, number>>;
}

/** Distinct causes are few; a process that invents more is cut. */
const MAX_CAUSES = 256;

/** All processes of one flight. */
export class ProcessWatch {
  private readonly accounts = new Map<string, Account>();
  private readonly earlierRejected = new Map<string, number>();

  noteStart(id: string): void {
    const account = this.accountOf(id);
    account.starts += 1;
    this.closeLife(account);
  }

  noteDeath(id: string): void {
    const account = this.accountOf(id);
    account.deaths += 1;
    this.closeLife(account);
  }

  /** `steady`: past the start, whose cost is of no interest. */
  noteStats(stats: Stats, steady: boolean): void {
    const account = this.accountOf(stats.id);
    account.rejected = stats.rejected;
    if (!steady) return;
    account.rssMaxMiB = Math.max(account.rssMaxMiB ?? 0, stats.rssMiB);
    account.cpuSum += stats.cpuPercent;
    account.cpuCount += 1;
  }

  figures(): Readonly<Record<string, ProcessFigures>> {
    return Object.fromEntries(
      [...this.accounts].map(([id, one]) => [
        id,
        {
          rssMiB: one.rssMaxMiB === null ? null : round(one.rssMaxMiB),
          cpuPercent: one.cpuCount === 0 ? null : round(one.cpuSum / one.cpuCount),
          starts: one.starts,
          deaths: one.deaths,
        },
      ]),
    );
  }

  /** By cause, over all processes and lives. */
  rejected(): Readonly<Record<string, number>> {
    const sums = new Map(this.earlierRejected);
    for (const { rejected } of this.accounts.values()) addCounts(sums, rejected);
    return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private closeLife(account: Account): void {
    addCounts(this.earlierRejected, account.rejected);
    account.rejected = {};
  }

  private accountOf(id: string): Account {
    const known = this.accounts.get(id);
    if (known !== undefined) return known;
    const account: Account = { starts: 0, deaths: 0, rssMaxMiB: null, cpuSum: 0, cpuCount: 0, rejected: {} };
    this.accounts.set(id, account);
    return account;
  }
}

function addCounts(sums: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [cause, count] of Object.entries(counts)) {
    if (sums.size < MAX_CAUSES || sums.has(cause)) sums.set(cause, (sums.get(cause) ?? 0) + count);
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
