/** What a demo measures of a flight, as it stands in its JSON. Counts unless the name ends in a unit. */
import type { PlantDescription } from '../rig/plant-description.js';
import type { Percentiles } from './histogram.js';

/** Why a replica does not count as correct in a tick. */
export type FaultyCause = 'fault' | 'down' | 'joining' | 'late' | 'behind';

/** A fault as it really struck, summed over the replicas that did it. */
export interface FaultFigures {
  /** As it was ordered, in the fault grammar. */
  readonly spec: string;
  /** Processes that did it. */
  readonly on: readonly string[];
  /** Ticks from the start of the run; null where it has not happened. */
  readonly appliedAt: number | null;
  readonly clearedAt: number | null;
  /** Messages, samples or outputs that it altered. */
  readonly affected: number;
  /** Why it could not be done; null when it was. */
  readonly failed: string | null;
}

/** One fall of an actuator to fail-safe. */
export interface TripFigures {
  readonly actuator: string;
  /** Tick of the run in which it fell. */
  readonly tick: number;
  readonly cause: string;
}

export interface SuspectFigures {
  readonly id: string;
  /** Ticks in which at least one correct replica suspected it. */
  readonly ticks: number;
  /**
   * Those of them that nobody's slowness explains: for as long as evidence lasts a replica that suspected it had been
   * correct itself, and it had not been late without a fault.
   */
  readonly firmTicks: number;
  /** Who did, over the flight. */
  readonly by: readonly string[];
}

export interface ProcessFigures {
  /** Largest resident size seen. */
  readonly rssMiB: number | null;
  /** Mean, of one core. */
  readonly cpuPercent: number | null;
  /** Times that it was started. */
  readonly starts: number;
  /** Times that it died without having been asked to end. */
  readonly deaths: number;
}

export interface PlantErrorFigures {
  /** What people call the quantity. */
  readonly of: string;
  readonly value: number;
  readonly unit: string;
}

export interface PlantFigures {
  readonly survived: boolean;
  /** Of a plant whose pitch is tracked; null for any other. */
  readonly maxAbsPitchErrorDeg: number | null;
  /** Largest deviation of what is tracked from its reference; null where nothing is compared. */
  readonly maxAbsError: PlantErrorFigures | null;
  readonly description: PlantDescription;
  /** The last instruments, by name. */
  readonly last: Readonly<Record<string, number | boolean | string | null>>;
}

/** Commands of operators, as enough replicas told alike. */
export interface CommandFigures {
  readonly done: number;
  /** By the control law. */
  readonly refused: number;
  readonly lapsed: number;
}

/** One flight's figures. All ticks are counted from the first arming of every actuator to the end of the flight. */
export interface FlightFigures {
  /** Ticks of the flight. */
  readonly ticks: number;
  /** Ticks with an output at every actuator. */
  readonly completedTicks: number;
  /** Ticks inside the hypothesis in which two correct replicas had different vectors, states or commands. */
  readonly disagreements: number;
  readonly disagreementsOutside: number;
  /** Ticks of the run in which two correct replicas disagreed inside the hypothesis; the first twenty. */
  readonly disagreementTicks: readonly number[];
  /** Ticks in which more than f replicas were faulty or late. */
  readonly ticksOutsideHypothesis: number;
  /** Those of them that the injected faults account for. */
  readonly ticksOutsideByFaults: number;
  /** First tick of the run that the injected faults put outside; null where none did. */
  readonly outsideByFaultsFrom: number | null;
  /** For each tick outside, what was wrong with its replicas, such as `late+fault`. */
  readonly outsideCauses: Readonly<Record<string, number>>;
  /** Ticks of which a correct replica said nothing. */
  readonly unreported: number;
  readonly unsafeOutputs: number;
  /** Outputs whose computing replicas all died before they could tell. */
  readonly unverifiedOutputs: number;
  /** Ticks inside the hypothesis that found a voter in fail-safe. */
  readonly uncoveredTicks: number;
  /** Ticks in fail-safe that followed from ticks outside the hypothesis or from a voter's own death. */
  readonly uncoveredOutside: number;
  readonly failSafeTrips: number;
  /** The first twenty of each actuator, in the order of time. */
  readonly trips: readonly TripFigures[];
  /** Ticks without an output in time, by actuator. */
  readonly missedTicks: Readonly<Record<string, number>>;
  /** How often a device was seen not to do what it was ordered, by actuator. */
  readonly actuatorAlarms: Readonly<Record<string, number>>;
  readonly lateMessages: number;
  /** Frames and items that were not accepted, by cause. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly faults: readonly FaultFigures[];
  readonly commands: CommandFigures;
  /** First message of round 1, of any replica, to the output at an actuator. */
  readonly latencyUs: Percentiles;
  /** A replica's own first message to its vector. */
  readonly agreementUs: Percentiles;
  readonly plant: PlantFigures | null;
  readonly suspects: readonly SuspectFigures[];
  readonly processes: Readonly<Record<string, ProcessFigures>>;
  /** Longest time that a process which nobody had paused stood still. */
  readonly machineStallMs: number;
}
