/**
 * Who was suspected by whom over one flight, and which suspicions stand on more than slowness. A correct replica that
 * its machine delays is rightly suspected, and a replica that was itself the slow one suspects others for it as long
 * as its evidence lasts; neither is a lie found out.
 */
import { WINDOW_TICKS } from '../core/membership/health.js';
import type { TickRecord } from '../process/telemetry.js';
import type { FaultyCause, SuspectFigures } from './figures.js';

interface Account {
  ticks: number;
  firmTicks: number;
  readonly by: Set<number>;
  /** Newest tick in which it was not correct, for whatever cause. */
  lastFaulty: number;
  /** Newest tick in which it was slow and no fault was at work on it. */
  lastSlow: number;
}

export class SuspicionWatch {
  private readonly accounts: readonly Account[];
  private begun = false;

  constructor(private readonly ids: readonly string[]) {
    this.accounts = ids.map(() => ({ ticks: 0, firmTicks: 0, by: new Set(), lastFaulty: 0, lastSlow: 0 }));
  }

  /** Takes in one tick, in their order: what each replica told, and why it does not count as correct. */
  note(tick: number, records: readonly (TickRecord | null)[], causes: readonly (FaultyCause | null)[]): void {
    // What happened while the rig found together is not known here, and may still stand as evidence.
    if (!this.begun) for (const one of this.accounts) one.lastFaulty = one.lastSlow = tick - 1;
    this.begun = true;
    let isAnySuspected = false;
    for (let at = 0; at < this.accounts.length; at += 1) {
      const one = this.accounts[at] as Account;
      const cause = causes[at] ?? null;
      if (cause !== null) one.lastFaulty = tick;
      if (cause !== null && cause !== 'fault') one.lastSlow = tick;
      if ((records[at]?.suspects.length ?? 0) > 0) isAnySuspected = true;
    }
    if (!isAnySuspected) return;
    const horizon = tick - WINDOW_TICKS;
    this.accounts.forEach((suspect, at) => {
      let isSuspected = false;
      let isFirm = false;
      records.forEach((record, by) => {
        if (record === null || (causes[by] ?? null) !== null || !record.suspects.includes(at)) return;
        isSuspected = true;
        suspect.by.add(by);
        const witness = this.accounts[by];
        if (witness !== undefined && witness.lastFaulty < horizon && suspect.lastSlow < horizon)
          isFirm = true;
      });
      if (isSuspected) suspect.ticks += 1;
      if (isFirm) suspect.firmTicks += 1;
    });
  }

  /** Those who were suspected at all, in the order of the rig. */
  figures(): readonly SuspectFigures[] {
    return this.accounts.flatMap(({ ticks, firmTicks, by }, at) => {
      if (ticks === 0) return [];
      const names = [...by].sort((a, b) => a - b).map((one) => this.ids[one] as string);
      return [{ id: this.ids[at] as string, ticks, firmTicks, by: names }];
    });
  }
}
