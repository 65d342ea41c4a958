/**
 * What a row of the catalogue is made of, and the parameters and words that many rows share. Which rows there are is in
 * `catalogue.ts`.
 */
import type { Rig } from '../rig/rig.js';
import { DEFAULT_GONE_MS } from './host-faults.js';
import type { ParameterRule, Parameters } from './parameters.js';
import type { FaultTarget } from './spec.js';
import type { Facility, FaultContext, FaultWrapper } from './wrapper.js';

export type TargetKind = 'replica' | 'witness' | 'channel' | 'link' | 'broker' | 'actuator' | 'world';

/** A fault about to be accepted, ids resolved and parameters read. */
export interface FaultCandidate {
  readonly rig: Rig;
  readonly target: FaultTarget;
  readonly targetKind: TargetKind;
  /** Places of the struck sensors in the rig's list. */
  readonly sensors: readonly number[];
  readonly parameters: Parameters;
  readonly forTicks: number | null;
}

/** What speaks against a fault on this rig, and the cure. */
export interface Objection {
  readonly what: string;
  readonly cure: string;
}

export interface FaultRow {
  readonly name: string;
  readonly parameters: readonly ParameterRule[];
  readonly targets: readonly TargetKind[];
  /** The place in the rig. */
  readonly injectedAt: string;
  /** What it does. */
  readonly meaning: string;
  /** What a rig does about it inside its hypothesis. */
  readonly expected: string;
  readonly implementation: FaultImplementation;
}

/** Where a fault can be injected: into the processes of a rig that runs, or into a simulated one. */
export type World = 'live' | 'simulator';

export const WORLDS: readonly World[] = ['live', 'simulator'];

export interface FaultImplementation {
  readonly worlds: readonly World[];
  /** What the struck process has to offer beyond the ports of every replica; null: nothing. */
  readonly needs: Facility | null;
  /** Which end of a link does it. */
  readonly side: 'sender' | 'receiver';
  readonly build: (context: FaultContext, targetKind: TargetKind) => FaultWrapper;
  /** What the parameters' own limits cannot say; null where nothing speaks against it. */
  readonly object: (candidate: FaultCandidate) => Objection | null;
}

export type Build = (context: FaultContext, targetKind: TargetKind) => FaultWrapper;
export type Objector = (candidate: FaultCandidate) => Objection | null;

export interface BuiltOptions {
  readonly object?: Objector;
  readonly side?: 'sender' | 'receiver';
  readonly needs?: Facility;
  readonly worlds?: readonly World[];
}

/** A fault that can be injected. */
export function built(build: Build, options: BuiltOptions = {}): FaultImplementation {
  const { object = () => null, side = 'sender', needs = null, worlds = WORLDS } = options;
  return { worlds, needs, side, build, object };
}

/** The rule of a parameter that is a number. `standard` null: it follows from the rig. */
export function number(
  key: string,
  unit: string,
  limits: { readonly min: number; readonly max: number; readonly whole?: boolean },
  standard: number | null,
  meaning: string,
): ParameterRule {
  const { min, max, whole = false } = limits;
  return {
    key,
    type: { kind: 'number', unit, min, max, whole },
    default: standard === null ? null : String(standard),
    meaning,
  };
}

export const MAX_MS = 60_000;
export const ANY = { min: -1e12, max: 1e12 };

export const P = number('p', '', { min: 0, max: 1 }, 1, 'probability for each');
export const MS = (standard: number, meaning: string): ParameterRule =>
  number('ms', 'milliseconds', { min: 1, max: MAX_MS }, standard, meaning);
export const GONE_MS = number(
  'ms',
  'milliseconds',
  { min: 1, max: 10 * MAX_MS },
  null,
  `how long; without it as long as for says, without both ${DEFAULT_GONE_MS}`,
);
export const BURST = number(
  'burst',
  'frames',
  { min: 1, max: 10_000, whole: true },
  1,
  'frames lost in a row each time',
);
export const PEERS: ParameterRule = {
  key: 'peers',
  type: { kind: 'ids', of: 'receivers' },
  default: null,
  meaning: 'whose frames; without it all',
};
export const TO: ParameterRule = {
  key: 'to',
  type: { kind: 'ids', of: 'receivers' },
  default: null,
  meaning: 'to whom; without it everybody',
};
export const AS: ParameterRule = {
  key: 'as',
  type: { kind: 'ids', of: 'replicas' },
  default: null,
  meaning: "whose name is taken; without it the next replica's",
};
export const VALUE: ParameterRule = {
  key: 'value',
  type: { kind: 'value' },
  default: null,
  meaning: 'what is said instead, nan and overflow included',
};
export const OFFSET = number(
  'offset',
  'in the unit of the sensor or actuator',
  ANY,
  null,
  'how far from the truth; without it and without value a fifth of the range',
);
export const OF: ParameterRule = {
  key: 'of',
  type: { kind: 'choice', choices: ['both', 'samples', 'commands'] },
  default: 'both',
  meaning: 'what a lying replica lies about',
};

export const MASKED = 'masked: the correct replicas agree, the actuators stay right, no deadline is missed';
export const OUTVOTED = 'outvoted and named in the diagnosis';
export const FLAGGED = 'the fused reading stays between correct ones and is flagged';
