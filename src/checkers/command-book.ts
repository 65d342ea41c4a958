/**
 * Which commands reached one voter, by tick and replica: what a majority is counted from (protocol.md §5). A replica
 * that sends several different commands for a tick stands for each of them once; which of them the voter counted is
 * its own business, as long as a majority of replicas stands behind what it does.
 */
import type { ActuatorCommand, ReplicaIndex, Tick } from '../core/types.js';
import { equalEntries, sizeOf } from './bytes.js';

const WINDOW_TICKS = 32;
/** Different commands of one replica for one tick that are told apart. */
const MAX_VERSIONS = 6;

interface Page {
  tick: Tick;
  readonly commands: ActuatorCommand[][];
  /** Replicas that sent more versions than are kept: they count as having sent any. */
  flooded: number;
}

/** Bounded by window, replicas and versions. */
export class CommandBook {
  private readonly pages: Page[];
  private readonly n: number;

  constructor(n: number) {
    this.n = n;
    this.pages = Array.from({ length: WINDOW_TICKS }, () => ({
      tick: -1,
      commands: Array.from({ length: n }, () => []),
      flooded: 0,
    }));
  }

  /** `present`: the tick under way, give or take a few; commands far from it are nobody's honest ones. */
  note(from: ReplicaIndex, command: ActuatorCommand, present: Tick): void {
    const { tick } = command;
    if (!Number.isSafeInteger(tick) || tick < 0 || Math.abs(tick - present) >= WINDOW_TICKS / 2) return;
    const page = this.pages[tick % WINDOW_TICKS] as Page;
    if (page.tick !== tick) {
      page.tick = tick;
      page.flooded = 0;
      for (const list of page.commands) while (list.length > 0) list.pop();
    }
    const list = page.commands[from];
    if (list === undefined) return;
    for (const known of list) if (equalCommands(known, command)) return;
    if (list.length >= MAX_VERSIONS) page.flooded |= 1 << from;
    else list.push(command);
  }

  /** Forgets all of it: no command of an earlier boot counts for this one. */
  clear(): void {
    for (const page of this.pages) page.tick = -1;
  }

  /** How many replicas ordered `count` for the tick. */
  countOutput(tick: Tick, count: number): number {
    return sizeOf(this.listOutput(tick, count));
  }

  /** Which replicas did, as a set. */
  listOutput(tick: Tick, count: number): number {
    const page = this.pageOf(tick);
    if (page === null) return 0;
    let behind = page.flooded;
    for (let from = 0; from < this.n; from += 1) {
      for (const { order } of page.commands[from] as ActuatorCommand[])
        if (order.kind === 'output' && order.count === count) behind |= 1 << from;
    }
    return behind;
  }

  /** How many replicas ordered some output for the tick. */
  countOutputs(tick: Tick): number {
    const page = this.pageOf(tick);
    if (page === null) return 0;
    let behind = page.flooded;
    for (let from = 0; from < this.n; from += 1) {
      for (const { order } of page.commands[from] as ActuatorCommand[])
        if (order.kind === 'output') behind |= 1 << from;
    }
    return sizeOf(behind);
  }

  /** How many replicas named this boot, this number of trips and this first tick. */
  countArming(tick: Tick, bootNonce: Uint8Array, trips: number): number {
    const page = this.pageOf(tick);
    if (page === null) return 0;
    let behind = page.flooded;
    for (let from = 0; from < this.n; from += 1) {
      for (const { arm } of page.commands[from] as ActuatorCommand[]) {
        if (arm === null || arm.firstTick !== tick || arm.trips !== trips) continue;
        if (equalEntries(arm.bootNonce, bootNonce)) behind |= 1 << from;
      }
    }
    return sizeOf(behind);
  }

  /** The most replicas that ordered a trip for one and the same tick after `afterTick`. */
  countTrips(afterTick: Tick): number {
    let most = 0;
    for (const page of this.pages) {
      if (page.tick <= afterTick || page.tick < 0) continue;
      let behind = page.flooded;
      for (let from = 0; from < this.n; from += 1) {
        for (const { order } of page.commands[from] as ActuatorCommand[])
          if (order.kind === 'trip') behind |= 1 << from;
      }
      most = Math.max(most, sizeOf(behind));
    }
    return most;
  }

  private pageOf(tick: Tick): Page | null {
    const page = this.pages[tick % WINDOW_TICKS];
    return page !== undefined && page.tick === tick ? page : null;
  }
}

function equalCommands(a: ActuatorCommand, b: ActuatorCommand): boolean {
  if (a === b) return true;
  if (a.order.kind !== b.order.kind) return false;
  if (a.order.kind === 'output' && b.order.kind === 'output' && a.order.count !== b.order.count) return false;
  if (a.arm === null || b.arm === null) return a.arm === b.arm;
  return (
    a.arm.firstTick === b.arm.firstTick &&
    a.arm.trips === b.arm.trips &&
    equalEntries(a.arm.bootNonce, b.arm.bootNonce)
  );
}
