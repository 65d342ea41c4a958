/**
 * A rig as the software uses it: what rig.yaml says after defaults, unit conversion and every check have been
 * applied. Only `parse-rig.ts` makes one, so a `Rig` is always consistent.
 */
import type { Hypothesis } from '../core/types.js';

export interface Rig {
  readonly id: string;
  readonly hypothesis: Hypothesis;
  /** P, microseconds. */
  readonly periodUs: number;
  /** R, microseconds. */
  readonly roundUs: number;
  /** What deciding, the law and sealing may take after the last round, microseconds: (f+1)·R + this ≤ P. */
  readonly processingUs: number;
  /** Authenticator length of links: HMAC 256/256 or 256/64. */
  readonly mac: 'hmac-256' | 'hmac-256-64';
  /** Links whose payload is encrypted (COSE_Encrypt0) instead of only authenticated. */
  readonly confidential: boolean;
  readonly replicas: readonly ReplicaPart[];
  /** The device that votes for the operational quorum where two replicas are not three; null in all other rigs. */
  readonly witness: WitnessPart | null;
  readonly sensors: readonly SensorPart[];
  readonly actuators: readonly ActuatorPart[];
  /** Ids that may give commands (fault injection included, where enabled). */
  readonly operators: readonly string[];
  /** Ids that may subscribe to every inbox. */
  readonly observers: readonly string[];
  /** What operators may ask for, in the file's order. */
  readonly commands: readonly CommandPart[];
  /** Whether replicas obey `voteplane fault`. */
  readonly faultInjection: boolean;
  /** How a demo judges the flight; `disagree` is for study rigs whose point is to fail. */
  readonly expect: 'masked' | 'disagree';
  readonly law: { readonly path: string; readonly stateMaxBytes: number };
  readonly plant: PlantPart | null;
  /** What a demo does to this rig, in order; empty: the demo's own tour. */
  readonly tour: readonly TourStop[];
  /** Other rigs that a demo flies after this one, with this one's tour: paths relative to this rig's folder. */
  readonly flights: readonly string[];
  /** How often replicas fail and how soon they are mended, for the reliability model of a report. */
  readonly reliability: ReliabilityPart;
}

/** What a reliability model is told of one replica, hours. Nothing at run time depends on it. */
export interface ReliabilityPart {
  /** Mean time to failure of one replica, its sensors, broker and links included. */
  readonly replicaMtbfHours: number;
  /** Mean time until a failed replica is back as a running member. */
  readonly repairHours: number;
  readonly missionHours: number;
  /** Keys that the rig file leaves out: their values are assumptions of the software. */
  readonly assumed: readonly (keyof typeof RELIABILITY_DEFAULTS)[];
}

/** What is assumed of a rig that does not say, as its file would write it. */
export const RELIABILITY_DEFAULTS = {
  'replica-mtbf': '1000 h',
  repair: '1 h',
  mission: '1 h',
} as const;

/** One fault of a tour, and what to tell the person who watches. */
export interface TourStop {
  /** In the fault grammar: `NAME on TARGET [key=value …] at TICK [for TICKS]`. */
  readonly fault: string;
  readonly say: string;
}

/** Where an inbox is: a broker inside the owner's process, or an external one. */
export type InboxPart =
  | { readonly kind: 'embedded'; readonly host: string; readonly port: number }
  | { readonly kind: 'external'; readonly url: string };

export interface ReplicaPart {
  readonly id: string;
  readonly inbox: InboxPart;
  /** The firmware bridge that holds its channels. */
  readonly bridge: BridgePart;
}

/** It has no sensors, no control law and no way to an actuator. */
export interface WitnessPart {
  readonly id: string;
  readonly inbox: InboxPart;
}

/** Everybody who owns an inbox: replicas, actuators and the witness. */
export function listInboxOwners(
  rig: Pick<Rig, 'replicas' | 'actuators' | 'witness'>,
): readonly { readonly id: string; readonly inbox: InboxPart }[] {
  return [...rig.replicas, ...rig.actuators, ...(rig.witness === null ? [] : [rig.witness])];
}

/** How to reach a firmware bridge. */
export type BridgePart =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'serial'; readonly path: string; readonly baud: number };

export interface SensorPart {
  readonly id: string;
  readonly type: 'number' | 'boolean';
  readonly unit: string;
  /** Closed range in `unit`; readings outside it are absent. Booleans: 0 and 1. */
  readonly min: number;
  readonly max: number;
  /** Unless n−f channels lie within it of one another the sensor is lost. In `unit`. */
  readonly spread: number;
  readonly required: boolean;
  readonly fusion: 'mid-value' | 'midpoint' | 'mean' | { readonly atLeast: number };
  /** A reading older than this is absent. */
  readonly maxAgeUs: number;
  /** How long a required sensor may be lost before the actuators trip. */
  readonly holdUs: number;
  /** Number of the channel on the bridge. */
  readonly channel: number;
}

export interface ActuatorPart {
  readonly id: string;
  readonly unit: string;
  /** Size of one count, in `unit`. A command is a signed 32-bit count. */
  readonly resolution: number;
  /** Envelope, in counts, closed. */
  readonly minCount: number;
  readonly maxCount: number;
  /** Output in fail-safe, in counts. */
  readonly failSafeCount: number;
  readonly vote: 'exact' | 'mid-value';
  readonly holdUs: number;
  readonly rearm: 'auto' | 'operator';
  readonly inbox: InboxPart;
  readonly bridge: BridgePart;
  readonly channel: number;
}

/** One command that operators may give. */
export interface CommandPart {
  readonly id: string;
  /** Operators that may give it, at least one. */
  readonly by: readonly string[];
  /**
   * `law`: what the control law makes of it. `arm`, `disarm`: of an actuator, which is the one argument. `retire`, `admit`: of
   * a replica likewise, which is in the operational quorum of a rig with a witness no more, or again.
   */
  readonly effect: 'law' | 'arm' | 'disarm' | 'retire' | 'admit';
  /** All have to be given, in this order on the wire. */
  readonly arguments: readonly ArgumentPart[];
}

/** One argument of a command. Ranges are closed, those of quantities in `unit`. */
export type ArgumentPart =
  | {
      readonly id: string;
      readonly type: 'quantity';
      readonly unit: string;
      readonly min: number;
      readonly max: number;
    }
  | { readonly id: string; readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly id: string; readonly type: 'boolean' }
  | { readonly id: string; readonly type: 'choice'; readonly choices: readonly string[] };

export interface PlantPart {
  /** Name of an emulated plant in hardware/plants. */
  readonly model: string;
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
}
