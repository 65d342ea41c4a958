/**
 * What an emulated plant is: a pure model (state in, state out) with channels to read and outputs to move, and one
 * run of it. Time enters as a step, randomness as a seed; the emulated hardware drives it in real time, a simulator
 * in virtual time. A plant must never learn anything about replicas but the outputs of its actuators.
 */
import type { PlantDescription } from '../../src/rig/plant-description.js';
import { drawNormal, hashNumbers } from './random.js';

/** A quantity that a plant's sensors measure; its place in the list is the `channel` of a rig's sensor. */
export interface PlantChannel {
  readonly name: string;
  readonly kind: 'number' | 'boolean';
  /** Text of a unit of the firmware-bridge protocol. */
  readonly unit: string;
  /** One count of the emulated sensor is numerator / denominator in `unit`. */
  readonly numerator: number;
  readonly denominator: number;
  /** Least and largest count. */
  readonly minCount: number;
  readonly maxCount: number;
}

/** Something that an actuator moves: output i by the i-th actuator of the rig. */
export interface PlantOutput {
  readonly name: string;
  readonly unit: string;
}

/** Values from a rig's `plant.parameters`. */
export type PlantParameters = Readonly<Record<string, number | string | boolean>>;

/** A parameter that the model does not know or cannot use; the message names the cure. */
export class PlantError extends Error {
  override readonly name = 'PlantError';
}

export interface PlantModel<State> {
  /** Name in rig.yaml. */
  readonly name: string;
  readonly description: PlantDescription;
  readonly channels: readonly PlantChannel[];
  readonly outputs: readonly PlantOutput[];
  /** State at the start. Throws PlantError. */
  create(parameters: PlantParameters, seed: number): State;
  /** The state `dtUs` later (≥ 0) with the outputs' commands held; pure. */
  step(state: State, outputs: readonly number[], dtUs: number): State;
  /**
   * What one replica's sensor says, in the channel's unit, or null for no reading. `noise(i)` draws the i-th number
   * of mean 0 and variance 1 of this sample.
   */
  sense(state: State, channel: number, replica: number, noise: (i: number) => number): number | null;
  /** Where an output's actuator really is, in its unit. */
  measure(state: State, output: number): number;
  judge(state: State): PlantOutcome;
  /** Instruments by name, for people. */
  show(state: State): Readonly<Record<string, number | string | null>>;
  /** Present value of the quantity that the description has tracked, or null where there is none. */
  track(state: State): number | null;
}

export interface PlantOutcome {
  readonly survived: boolean;
  /** µs of plant time; null while it survives. */
  readonly lostAtUs: number | null;
  readonly lostWhy: string | null;
}

/** One run of a plant. */
export interface Plant {
  readonly name: string;
  readonly description: PlantDescription;
  readonly channels: readonly PlantChannel[];
  readonly outputs: readonly PlantOutput[];
  /** Lets `dtUs` pass; `outputs[i]` is the command of output i in its unit, null where none has come yet. */
  step(outputs: readonly (number | null)[], dtUs: number): void;
  /** The next sample of one replica's channel as a count, or null. */
  sense(channel: number, replica: number): number | null;
  measure(output: number): number;
  judge(): PlantOutcome;
  show(): Readonly<Record<string, number | string | null>>;
  track(): number | null;
}

/** Starts a run. Same parameters, seed and calls: same samples. Throws PlantError. */
export function startPlant<State>(
  model: PlantModel<State>,
  parameters: PlantParameters,
  seed: number,
): Plant {
  let state = model.create(parameters, seed);
  const initial = model.outputs.map((_, output) => model.measure(state, output));
  /** What is in force, for models to read and not to keep. */
  const commands = [...initial];
  const drawn = new Map<number, number>();
  return {
    name: model.name,
    description: model.description,
    channels: model.channels,
    outputs: model.outputs,
    step(outputs, dtUs) {
      for (let output = 0; output < initial.length; output += 1)
        commands[output] = outputs[output] ?? (initial[output] as number);
      state = model.step(state, commands, dtUs);
    },
    sense(channel, replica) {
      const described = model.channels[channel];
      if (described === undefined) return null;
      const lane = replica * 256 + channel;
      const sample = drawn.get(lane) ?? 0;
      drawn.set(lane, sample + 1);
      const value = model.sense(state, channel, replica, (i) =>
        drawNormal(hashNumbers(seed, replica, channel, sample, i)),
      );
      if (value === null || !Number.isFinite(value)) return null;
      const count = Math.round((value * described.denominator) / described.numerator) + 0;
      return count < described.minCount || count > described.maxCount ? null : count;
    },
    measure: (output) => model.measure(state, output),
    judge: () => model.judge(state),
    show: () => model.show(state),
    track: () => model.track(state),
  };
}

/** Takes the numbers that a model knows out of its parameters. Throws PlantError on anything else. */
export function readNumbers<Name extends string>(
  model: string,
  parameters: PlantParameters,
  known: Readonly<Record<Name, { readonly fallback: number; readonly min: number; readonly max: number }>>,
  foreign: readonly string[] = [],
): Readonly<Record<Name, number>> {
  const names = Object.keys(known) as Name[];
  for (const name of Object.keys(parameters)) {
    if (!(names as string[]).includes(name) && !foreign.includes(name)) {
      throw new PlantError(
        `plant ${model}: there is no parameter "${name}"; it knows ${[...names, ...foreign].join(', ')}`,
      );
    }
  }
  const values = {} as Record<Name, number>;
  for (const name of names) {
    const { fallback, min, max } = known[name];
    const value = parameters[name] ?? fallback;
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw new PlantError(
        `plant ${model}: parameter ${name} is ${String(value)}; give a number from ${min} to ${max}`,
      );
    }
    values[name] = value;
  }
  return values;
}
