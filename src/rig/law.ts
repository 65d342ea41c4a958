/**
 * The helper that types a control law, published as `voteplane/law`. A law is a pure function of its state, the fused
 * readings and the tick: the same three give the same result on every replica. Time comes from the tick alone; ticks
 * may have gaps, so a law that needs a time step keeps the last tick in its state.
 */

/** One fused sensor. `value` is in the sensor's unit: the last good one while `lost`, null before there was one. */
export interface LawReading<T extends number | boolean = number | boolean> {
  readonly value: T | null;
  readonly quality: 'good' | 'degraded' | 'lost';
}

/** Which sensors a law reads, by id in the rig file. */
export type LawSensors = Readonly<Record<string, 'number' | 'boolean'>>;

type SensorValue<T> = T extends 'boolean' ? boolean : number;

/** What a law is given to read: one fused reading per sensor that it declares. */
export type LawReadings<Sensors extends LawSensors> = {
  readonly [Id in keyof Sensors]: LawReading<SensorValue<Sensors[Id]>>;
};

/** What a law returns. An actuator that is missing or null gets no command in this tick and holds. */
export interface LawResult<Actuator extends string, State> {
  readonly state: State;
  /** In the actuator's unit; rounded to its resolution afterwards. */
  readonly commands: { readonly [Id in Actuator]?: number | null };
}

/** Which arguments a command is given, by id in the rig file: quantities and integers are numbers, choices strings. */
export type LawArguments = Readonly<Record<string, 'number' | 'boolean' | 'string'>>;

type ArgumentValue<T> = T extends 'boolean' ? boolean : T extends 'string' ? string : number;

/** The values that an operator gave; they are in the ranges of the rig file. */
export type GivenArguments<Arguments extends LawArguments> = {
  readonly [Id in keyof Arguments]: ArgumentValue<Arguments[Id]>;
};

/** What a command makes of the state; `refused` leaves it as it is and tells the operator why. */
export type CommandResult<State> = { readonly state: State } | { readonly refused: string };

/** What the law does when an operator gives one of the rig's commands. */
export interface LawCommand<Arguments extends LawArguments, State> {
  readonly arguments: Arguments;
  /**
   * Pure. Runs before `law` in the tick in which the command takes effect. It must decide by its arguments and by what
   * commands have set in the state, never by what `law` took from readings: when a whole rig has lost its power, all
   * commands since its first start are applied again, in their order, to the initial state, and what they set is to
   * outlive the cut.
   */
  apply(state: State, given: GivenArguments<Arguments>, tick: number): CommandResult<State>;
}

/**
 * A control law with the ids that it uses; `voteplane check` compares them with the rig file. `State` is plain data:
 * null, booleans, finite numbers (−0 counts as 0), strings, arrays and objects of these, at most 6 levels deep.
 */
export interface Law<
  Sensors extends LawSensors,
  Actuator extends string,
  State,
  Commands extends Readonly<Record<string, LawArguments>> = Readonly<Record<never, never>>,
> {
  readonly sensors: Sensors;
  readonly actuators: readonly Actuator[];
  /** State before the first tick. */
  readonly initial: State;
  /** Pure. `tick` is an integer ≥ 0 that only ever grows, not always by one. */
  law(state: State, readings: LawReadings<Sensors>, tick: number): LawResult<Actuator, NoInfer<State>>;
  /** One for each command of the rig file that is not built in, by its id. */
  readonly commands?: { readonly [Id in keyof Commands]: LawCommand<Commands[Id], NoInfer<State>> };
}

/**
 * Returns the law that it is given, typed: sensor ids, actuator ids and the state's shape are checked by TypeScript,
 * and so are the arguments of commands.
 *
 * ```ts
 * import { defineLaw } from 'voteplane/law';
 * export default defineLaw({
 *   sensors: { pitch: 'number' },
 *   actuators: ['elevator'],
 *   initial: { target: 0 },
 *   law(state, readings, tick) {
 *     const pitch = readings.pitch.value ?? 0;
 *     return { state, commands: { elevator: 0.5 * (state.target - pitch) } };
 *   },
 *   commands: {
 *     'set-target': {
 *       arguments: { pitch: 'number' },
 *       apply: (state, given) => ({ state: { ...state, target: given.pitch } }),
 *     },
 *   },
 * });
 * ```
 */
export function defineLaw<
  const Sensors extends LawSensors,
  const Actuator extends string,
  State,
  const Commands extends Readonly<Record<string, LawArguments>> = Readonly<Record<never, never>>,
>(law: Law<Sensors, Actuator, State, Commands>): Law<Sensors, Actuator, State, Commands> {
  return law;
}
