/**
 * Which fault was at work on which replica in which tick, from what the replicas told when they did it. A demo's
 * verdict needs both: who was faulty when, and whether each fault altered anything at all.
 */
import { readReturn } from '../faults/host-faults.js';
import { parseFault } from '../faults/spec.js';
import { isLie } from '../faults/traits.js';
import type { FaultFigures } from './figures.js';

/** Ticks after the end of a fault for which its replica still counts as faulty: what was under way has to drain. */
export const FAULT_MARGIN_TICKS = 2;

const MAX_FAULTS = 4_096;

interface Window {
  readonly spec: string;
  /** −1 where it strikes no replica but an actuator. */
  readonly replica: number;
  readonly from: number;
  to: number;
}

interface Tally {
  readonly spec: string;
  readonly on: Set<string>;
  appliedAt: number | null;
  /** By process: null while it lasts. */
  readonly clearedAt: Map<string, number | null>;
  readonly affected: Map<string, number>;
  failed: string | null;
}

/** What a process told of a fault. */
export interface FaultNote {
  readonly id: string;
  readonly spec: string;
  readonly event: 'applied' | 'cleared' | 'failed';
  /** From the start of the run, for people. */
  readonly runTick: number;
  /** On the rig's grid, to compare with accounts. */
  readonly tick: number;
  readonly affected: number;
  readonly reason?: string | undefined;
}

/** Name of the fault in a specification: its first word. */
export function readFaultName(spec: string): string {
  return spec.trim().split(/\s+/, 1)[0] ?? '';
}

/** A fault that killed its process. */
export interface Killer {
  readonly spec: string;
  /** When the process is to be started again; null: not at all. */
  readonly forTicks: number | null;
}

/**
 * What the death of a process makes of the faults that were at work on it: which of them killed it and when it comes
 * back, and which ended with it. `periodUs` is the rig's.
 */
export function explainDeath(
  open: readonly string[],
  periodUs: number,
): { readonly killer: Killer | null; readonly ended: readonly string[] } {
  let killer: Killer | null = null;
  const ended: string[] = [];
  for (const spec of open) {
    const parsed = parseFault(spec);
    const forTicks =
      parsed.ok && parsed.spec.kind === 'inject' ? readReturn(parsed.spec, periodUs) : undefined;
    if (forTicks === undefined) ended.push(spec);
    else killer = { spec, forTicks };
  }
  return { killer, ended };
}

/** The faults of one flight. */
export class FaultLedger {
  private windows: Window[] = [];
  private readonly tallies = new Map<string, Tally>();

  constructor(private readonly replicaIds: readonly string[]) {}

  /** A fault that is going to be ordered: it stands in the figures even if nobody ever does it. */
  expect(spec: string): void {
    this.tallyOf(spec);
  }

  note(note: FaultNote): void {
    const tally = this.tallyOf(note.spec);
    if (tally === null) return;
    if (note.event === 'failed') {
      tally.failed = note.reason ?? 'no reason given';
      return;
    }
    tally.on.add(note.id);
    tally.affected.set(note.id, Math.max(tally.affected.get(note.id) ?? 0, note.affected));
    const replica = this.replicaIds.indexOf(note.id);
    if (note.event === 'applied') {
      tally.appliedAt = Math.min(tally.appliedAt ?? note.runTick, note.runTick);
      tally.clearedAt.set(note.id, null);
      // It is told of again when its count has grown.
      const known = this.windows.some(
        (one) => one.replica === replica && one.spec === note.spec && one.to === Infinity,
      );
      if (!known && this.windows.length < MAX_FAULTS)
        this.windows.push({ spec: note.spec, replica, from: note.tick, to: Infinity });
      return;
    }
    tally.clearedAt.set(note.id, note.runTick);
    for (const window of this.windows) {
      if (window.replica === replica && window.spec === note.spec && window.to === Infinity)
        window.to = note.tick + FAULT_MARGIN_TICKS;
    }
  }

  /** Whether a fault was at work on the replica in the tick, the margin after its end included. */
  covers(replica: number, tick: number): boolean {
    for (const one of this.windows)
      if (one.replica === replica && one.from <= tick && tick <= one.to) return true;
    return false;
  }

  /** Whether a fault of those that make a replica lie was at work on it. */
  lies(replica: number, tick: number): boolean {
    for (const one of this.windows)
      if (one.replica === replica && one.from <= tick && tick <= one.to && isLie(readFaultName(one.spec)))
        return true;
    return false;
  }

  /** Specifications at work on any replica, or on the given one. */
  activeAt(tick: number, replica: number | null = null): readonly string[] {
    const active = this.windows.filter(
      (one) =>
        (replica === null || one.replica === replica) &&
        one.from <= tick &&
        tick <= one.to - FAULT_MARGIN_TICKS,
    );
    return [...new Set(active.map((one) => one.spec))];
  }

  /** What has been applied to a process and has not ended. */
  openOn(id: string): readonly string[] {
    return [...this.tallies.values()].filter((one) => one.clearedAt.get(id) === null).map((one) => one.spec);
  }

  /** Forgets what ended before `tick`. */
  prune(tick: number): void {
    if (this.windows.some((one) => one.to < tick))
      this.windows = this.windows.filter((one) => one.to >= tick);
  }

  figures(): readonly FaultFigures[] {
    return [...this.tallies.values()].map((one) => {
      const cleared = [...one.clearedAt.values()];
      const over = cleared.length > 0 && cleared.every((at) => at !== null);
      return {
        spec: one.spec,
        on: [...one.on],
        appliedAt: one.appliedAt,
        clearedAt: over ? Math.max(...(cleared as number[])) : null,
        affected: [...one.affected.values()].reduce((sum, count) => sum + count, 0),
        failed: one.failed,
      };
    });
  }

  private tallyOf(spec: string): Tally | null {
    const known = this.tallies.get(spec);
    if (known !== undefined) return known;
    if (this.tallies.size >= MAX_FAULTS) return null;
    const tally: Tally = {
      spec,
      on: new Set(),
      appliedAt: null,
      clearedAt: new Map(),
      affected: new Map(),
      failed: null,
    };
    this.tallies.set(spec, tally);
    return tally;
  }
}
