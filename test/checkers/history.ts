/**
 * A hand-made history of a rig: by default one in which everything goes well. A test alters what it wants to see
 * caught, at the tick where it wants it. Nothing of the code that the checkers check takes part.
 */
import { createCheckers, type Checkers } from '../../src/checkers/create-checkers.js';
import type { CheckedRig, Order } from '../../src/checkers/observations.js';
import type { ActuatorCommand, Arming } from '../../src/core/types.js';

export const PERIOD_US = 10_000;

export const RIG: CheckedRig = {
  replicas: ['a', 'b', 'c', 'd'],
  actuators: [
    {
      id: 'elevator',
      minCount: -100,
      maxCount: 100,
      failSafeCount: 0,
      holdUs: 40_000,
      vote: 'exact',
      rearm: 'auto',
    },
  ],
  hypothesis: 'byzantine',
  f: 1,
  periodUs: PERIOD_US,
  returnTicks: 12,
  settleTicks: 2,
  armTicks: 5,
};

/** What one tick is made of; null where nothing happens. */
export interface TickStory {
  readonly tick: number;
  proposed: (Uint8Array | null)[];
  vectors: ((Uint8Array | null)[] | null)[];
  digests: (Uint8Array | null)[];
  orders: ((Order | undefined)[] | null)[];
  /** What reaches the voter. */
  commands: { from: number; command: ActuatorCommand }[];
  /** What the voter does, after the commands. */
  voter: ((checkers: Checkers, atUs: number) => void)[];
  /** Anything else, first. */
  first: ((checkers: Checkers, atUs: number) => void)[];
}

export const BOOT = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);

/** Bytes that stand for a number. */
export function bytesOf(...numbers: number[]): Uint8Array {
  return new Uint8Array(
    numbers.flatMap((number) => [number & 255, (number >> 8) & 255, (number >> 16) & 255]),
  );
}

/** What everybody orders at a tick. */
export function countAt(tick: number): number {
  return (tick * 7) % 90;
}

/** A command that puts out `count`. */
export function outputOf(tick: number, count: number, arm: Arming | null = null): ActuatorCommand {
  return { tick, order: { kind: 'output', count }, arm };
}

/** The tick as it goes in a healthy rig whose voter is armed at tick `armAt`. */
export function healthyTick(rig: CheckedRig, tick: number, armAt: number): TickStory {
  const n = rig.replicas.length;
  const ids = rig.replicas.map((_, id) => id);
  const count = countAt(tick);
  const arm = tick === armAt ? { bootNonce: BOOT, trips: 0, firstTick: tick } : null;
  return {
    tick,
    proposed: ids.map((id) => bytesOf(tick, id)),
    vectors: ids.map(() => ids.map((id) => bytesOf(tick, id))),
    digests: ids.map(() => bytesOf(tick, 99)),
    orders: ids.map(() => [count]),
    commands: tick < armAt ? [] : ids.map((from) => ({ from, command: outputOf(tick, count, arm) })),
    voter: [
      ...(tick === armAt ? [(checkers: Checkers, atUs: number) => checkers.onArmed(0, tick, atUs)] : []),
      ...(tick >= armAt && n > 0
        ? [(checkers: Checkers, atUs: number) => checkers.onOutput(0, tick, count, atUs)]
        : []),
    ],
    first: [],
  };
}

export interface HistoryOptions {
  readonly rig?: Partial<CheckedRig>;
  readonly ticks?: number;
  /** Tick at which the voter is armed. */
  readonly armAt?: number;
  /** First tick of the grid. */
  readonly from?: number;
  readonly alter?: (story: TickStory) => void;
}

const LAG = 3;

/** Tells the checkers a history and returns them. */
export function tell(options: HistoryOptions = {}): Checkers {
  const rig: CheckedRig = { ...RIG, ...options.rig };
  const { ticks = 60, armAt = 3, from = 0, alter } = options;
  const checkers = createCheckers(rig);
  checkers.onVoterStarted(0, BOOT, from * PERIOD_US);
  checkers.onFailSafe(0, 'start', rig.actuators[0]?.failSafeCount ?? 0, from * PERIOD_US);
  for (let tick = from; tick < from + ticks; tick += 1) {
    const story = healthyTick(rig, tick, from + armAt);
    alter?.(story);
    tellTick(checkers, story);
    const judged = tick - LAG;
    if (judged >= from) checkers.onTickOver(judged, (tick + 1) * PERIOD_US);
  }
  return checkers;
}

function tellTick(checkers: Checkers, story: TickStory): void {
  const { tick } = story;
  const atUs = tick * PERIOD_US + 5_000;
  for (const act of story.first) act(checkers, atUs);
  story.proposed.forEach((value, id) => value !== null && checkers.onProposed(id, tick, value));
  story.vectors.forEach((vector, id) => vector !== null && checkers.onVector(id, tick, vector));
  story.digests.forEach((digest, id) => {
    if (digest !== null) checkers.onStepped(id, tick, digest, story.orders[id] ?? []);
  });
  for (const { from, command } of story.commands) checkers.onCommand(0, from, command);
  for (const act of story.voter) act(checkers, atUs);
}

/** Makes replica `id` silent in the tick: it says, agrees and steps nothing, and the others hold absent for it. */
export function silence(story: TickStory, id: number): void {
  story.proposed[id] = null;
  story.vectors[id] = null;
  story.digests[id] = null;
  story.orders[id] = null;
  story.commands = story.commands.filter(({ from }) => from !== id);
  for (const vector of story.vectors) if (vector !== null) vector[id] = null;
}

/** Leaves the voter without commands and output in the tick. */
export function starve(story: TickStory): void {
  story.commands = [];
  story.voter = [];
}

/** The voter trips because `hold` is over: due in the fourth tick without an output. */
export function expire(story: TickStory): void {
  story.voter.push((checkers, atUs) => checkers.onFailSafe(0, 'hold-expired', 0, atUs + 1_000));
}
