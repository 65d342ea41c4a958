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

/**
 * A control law with the ids that it uses; `voteplane check` compares them with the rig file. `State` is plain data:
 * null, booleans, finite numbers (−0 counts as 0), strings, arrays and objects of these, at most 6 levels deep.
 */
export interface Law<Sensors extends LawSensors, Actuator extends string, State> {
  readonly sensors: Sensors;
  readonly actuators: readonly Actuator[];
  /** State before the first tick. */
  readonly initial: State;
  /** Pure. `tick` is an integer ≥ 0 that only ever grows, not always by one. */
  law(state: State, readings: LawReadings<Sensors>, tick: number): LawResult<Actuator, NoInfer<State>>;
}

/**
 * Returns the law that it is given, typed: sensor ids, actuator ids and the state's shape are checked by TypeScript.
 *
 * ```ts
 * import { defineLaw } from 'voteplane/law';
 * export default defineLaw({
 *   sensors: { pitch: 'number' },
 *   actuators: ['elevator'],
 *   initial: { lastTick: 0 },
 *   law(state, readings, tick) {
 *     const pitch = readings.pitch.value ?? 0;
 *     return { state: { lastTick: tick }, commands: { elevator: -0.5 * pitch } };
 *   },
 * });
 * ```
 */
export function defineLaw<const Sensors extends LawSensors, const Actuator extends string, State>(
  law: Law<Sensors, Actuator, State>,
): Law<Sensors, Actuator, State> {
  return law;
}
