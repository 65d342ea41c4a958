/**
 * The soak: the pitch rig on hosts of its own, whose clocks are hours apart and drift, is struck again and again by what
 * happens to boards: a process dies, or stands still for ten seconds, a broker restarts, a cable is out for five
 * seconds, the time of day jumps by an hour. One after the other, on each replica in turn, each struck when the rig is
 * whole again. What it came to is for the caller to judge.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FlightFigures } from '../../src/demo/figures.js';
import { HostRig, type Inboxes } from '../support/host-rig.js';
import type { RigRunner } from '../support/rig-runner.js';
import { findWallClock, WallClock } from '../support/wall-clock.js';
import { CLOCKS, SkewMeter } from './clocks.js';

export const STRIKES = ['kill -9', 'SIGSTOP 10 s', 'broker restart', 'cable out 5 s', 'clock ±1 h'] as const;
export type Strike = (typeof STRIKES)[number];

export interface SoakOptions {
  /** How often each strike is made. */
  readonly each: number;
  readonly inboxes: Exclude<Inboxes, 'mosquitto-shared'>;
  readonly onLine: (line: string) => void;
}

/** How one strike ended. */
export interface StrikeOutcome {
  readonly strike: Strike;
  readonly on: string;
  /** From the end of its cause to the third tick in a row that the replica commanded, ms. */
  readonly backMs: number;
  /** Ticks without a command of that replica, from the strike until it was back. */
  readonly awayTicks: number;
  /** Ticks of which it agreed on anything or that it commanded while its host had no cable: there must be none. */
  readonly aloneTicks: number;
}

export interface SoakResult {
  readonly inboxes: Inboxes;
  readonly outcomes: readonly StrikeOutcome[];
  readonly figures: FlightFigures;
  /** How far ticks of correct replicas began apart, µs, sorted. */
  readonly skewsUs: readonly number[];
  /** Resident size of each process while it was young and at the end, medians, MiB. */
  readonly memory: readonly { readonly id: string; readonly first: number; readonly last: number }[];
  /** How processes died that nobody had killed. */
  readonly unexpectedDeaths: readonly string[];
  readonly runner: RigRunner;
}

const HOUR_S = 3_600;
const STOP_MS = 10_000;
/** 5 s of 50 ms. */
const CABLE_TICKS = 100;
const BROKER_TICKS = 20;
/** Processes look at the time of day once a second: by then it has been seen, and lived with for a while. */
const CLOCK_TICKS = 40;
/** Between one strike and the next everything is as usual for so long. */
const QUIET_TICKS = 10;
/** What tests of a strike read: the ticks since it, of which there are fewer. */
const KEPT_TICKS = 2_000;
/** Stats of a process that has lived for so long, one a second, show what it needs. */
const YOUNG_STATS = 5;

/** Flies and strikes. Throws where a replica does not come back within a minute. */
export async function runSoak({ each, inboxes, onLine }: SoakOptions): Promise<SoakResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-soak-'));
  const strikes = STRIKES.filter((strike) => strike !== 'clock ±1 h' || findWallClock());
  const walls = new Map<string, WallClock>();
  const wallOf = (id: string): WallClock => {
    const known = walls.get(id) ?? new WallClock(path.join(folder, id));
    walls.set(id, known);
    return known;
  };
  const rig = await HostRig.open({
    inboxes,
    keptTicks: KEPT_TICKS,
    environmentOf: (id) => ({
      VOTEPLANE_TEST_CLOCK: CLOCKS[id] ?? '',
      ...(strikes.includes('clock ±1 h') && CLOCKS[id] !== undefined ? wallOf(id).environment : {}),
    }),
  });
  try {
    const { runner } = rig;
    const outcomes: StrikeOutcome[] = [];
    const killed = new Set<number>();
    await runner.start();
    await runner.fly(QUIET_TICKS * 2);
    const skews = new SkewMeter(runner);
    const ids = runner.rig.replicas.map(({ id }) => id);
    for (let round = 0; round < each; round += 1) {
      for (const [at, strike] of strikes.entries()) {
        const on = ids[(round + at) % ids.length] as string;
        const struckTick = runner.newestTick;
        await strikeOnce(rig, strike, on, killed, wallOf);
        const overTick = runner.newestTick;
        const since = performance.now();
        await runner.untilCommanding(on);
        const backMs = performance.now() - since;
        const commanded = runner.ticksOf(on).filter((record) => record.tick > struckTick && record.commanded);
        const awayTicks = runner.newestTick - struckTick - commanded.length;
        const aloneTicks = strike === 'cable out 5 s' ? countAlone(runner, on, struckTick, overTick) : 0;
        outcomes.push({ strike, on, backMs, awayTicks, aloneTicks });
        await runner.fly(QUIET_TICKS);
        skews.take();
      }
      onLine(`${inboxes}: ${round + 1} of ${each} of each; ${describeSoFar(runner.observer.figures())}`);
    }
    const memory = measureMemory(runner);
    const figures = await runner.land();
    const unexpectedDeaths = runner.deaths.filter((_, at) => !killed.has(at)).map(({ id }) => id);
    return { inboxes, outcomes, figures, skewsUs: skews.sorted(), memory, unexpectedDeaths, runner };
  } finally {
    await rig.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves when the cause of the trouble is over. */
async function strikeOnce(
  rig: HostRig,
  strike: Strike,
  on: string,
  killed: Set<number>,
  wallOf: (id: string) => WallClock,
): Promise<void> {
  const { runner, network, brokers } = rig;
  switch (strike) {
    case 'kill -9':
      killed.add(runner.deaths.length);
      await runner.kill(on);
      await runner.start(on);
      break;
    case 'SIGSTOP 10 s': {
      const pid = runner.pidOf(on);
      process.kill(pid, 'SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, STOP_MS));
      process.kill(pid, 'SIGCONT');
      break;
    }
    case 'broker restart': {
      const broker = brokers.get(on);
      if (broker === undefined) {
        const fault = `broker-kill on ${on} `;
        const before = endOf(runner, fault);
        await rig.orderFault(`${fault}at +5 for ${BROKER_TICKS}`);
        await runner.until('the broker to be back', () => ![null, before].includes(endOf(runner, fault)));
        break;
      }
      await broker.kill();
      await runner.fly(BROKER_TICKS);
      await broker.start();
      break;
    }
    case 'cable out 5 s':
      network.pullCable(on);
      await runner.fly(CABLE_TICKS);
      network.plugCable(on);
      break;
    case 'clock ±1 h':
      wallOf(on).set(HOUR_S);
      await runner.fly(CLOCK_TICKS);
      wallOf(on).set(-HOUR_S);
      await runner.fly(CLOCK_TICKS);
      wallOf(on).set(0);
      break;
  }
}

/** What was under way when the cable went may still come about; nothing else may until it is back. */
function countAlone(runner: RigRunner, id: string, outTick: number, backTick: number): number {
  return runner
    .ticksOf(id)
    .filter(
      ({ tick, vector, commanded }) =>
        tick > outTick + 3 && tick < backTick && (vector !== null || commanded),
    ).length;
}

/** When a fault that begins so last ended: the tick, or null where it has not. */
function endOf(runner: RigRunner, fault: string): number | null {
  return runner.observer.figures().faults.find(({ spec }) => spec.startsWith(fault))?.clearedAt ?? null;
}

function describeSoFar(figures: FlightFigures): string {
  const { ticks, disagreements, unsafeOutputs, uncoveredTicks } = figures;
  return `${ticks} ticks, ${disagreements} disagreements, ${unsafeOutputs} unsafe outputs, ${uncoveredTicks} uncovered ticks`;
}

/** Of processes that lived long enough to say something, all lives of each together. */
function measureMemory(runner: RigRunner): SoakResult['memory'] {
  return runner.ids.flatMap((id) => {
    const sizes = runner.statsOf(id).map(({ rssMiB }) => rssMiB);
    if (sizes.length < 4 * YOUNG_STATS) return [];
    const settled = sizes.slice(YOUNG_STATS);
    const share = Math.ceil(settled.length / 4);
    return [{ id, first: median(settled.slice(0, share)), last: median(settled.slice(-share)) }];
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}
