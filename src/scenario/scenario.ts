/**
 * A scenario as the software uses it: one rig, one seed, faults at their ticks, and what is expected of the flight.
 * Only `parse-scenario.ts` makes one, so every fault of it is one that the rig can be struck with. The same scenario
 * is flown by live processes and by the simulator.
 */
import type { PlannedFault } from '../demo/tour.js';
import type { Rig } from '../rig/rig.js';
import type { Submission } from '../rig/submission.js';
import type { RefusalCause } from '../wire/refusal.js';

export interface Scenario {
  /** As mistakes and verdicts call it. */
  readonly file: string;
  readonly title: string;
  /** What it teaches, in a sentence or two. */
  readonly why: string;
  /** Rig folder or rig file, from where the command was given. */
  readonly rigPath: string;
  readonly rig: Rig;
  readonly seed: number;
  /** Length of the flight, counted from the first arming of every actuator. */
  readonly ticks: number;
  /** In the order of the file; their ticks count from the start of the run. */
  readonly faults: readonly PlannedFault[];
  /** Commands of operators, in the order of the file. */
  readonly submissions: readonly Submission[];
  /** In the order of the file. */
  readonly expectations: readonly Expectation[];
}

/** One line under `expect`. */
export interface Expectation {
  readonly claim: Claim;
  /** As a person would write it. */
  readonly text: string;
  /** In the scenario file, from 1. */
  readonly line: number;
}

/** What can be expected; the set is closed. */
export type Claim =
  /** No tick inside the hypothesis in which two correct replicas differ. */
  | { readonly kind: 'agree' }
  /** Two correct replicas differ in some tick: for rigs whose point is to fail. */
  | { readonly kind: 'disagree' }
  /** They agree, no actuator falls to fail-safe or stands in it, and the plant survives. */
  | { readonly kind: 'masked' }
  /**
   * Every actuator falls to fail-safe, so many ticks after the faults left the hypothesis at most. Inside the
   * hypothesis nobody disagrees and no tick is uncovered.
   */
  | { readonly kind: 'fail-safe'; readonly withinTicks: number }
  /** Exactly these replicas are suspected by correct ones, but for some that were merely late without a fault. */
  | { readonly kind: 'suspects'; readonly ids: readonly string[] }
  /** At least these replicas are. */
  | { readonly kind: 'suspects-include'; readonly ids: readonly string[] }
  /** The plant follows its profile no worse than this, in the unit of what it tracks. */
  | { readonly kind: 'plant-error'; readonly max: number; readonly unit: string }
  | { readonly kind: 'plant'; readonly fate: PlantFate }
  /** Ticks without an output in time, at the actuator with most of them. */
  | { readonly kind: 'missed-ticks'; readonly max: number }
  /** Frames are refused for each of these causes. */
  | { readonly kind: 'rejected'; readonly causes: readonly RefusalCause[] }
  /** The read-back of exactly these actuators showed that they did not do what they were ordered. */
  | { readonly kind: 'alarms'; readonly ids: readonly string[] }
  /** So many commands of operators took effect, as enough replicas told alike, and so many were refused by the law. */
  | { readonly kind: 'commands'; readonly done: number; readonly refused: number }
  /** Whether the faults take the rig outside its hypothesis. */
  | { readonly kind: 'outside'; readonly outside: boolean };

export type ClaimKind = Claim['kind'];

export type PlantFate = 'survives' | 'lost';
