/**
 * Runs a control law on made-up inputs, twice in rooms of its own and once more from recorded states, and compares
 * bytes. Finds what throws, does not end, uses time or chance, hides state outside the state, or returns what no
 * actuator takes. It cannot prove a law pure; it shows most of those that are not.
 */
import { sameBytes } from '../core/bytes.js';
import type { FusedReading } from '../core/types.js';
import { composeLaw } from './compose-law.js';
import type { ArgumentValue } from './command-arguments.js';
import type { CommandOutcome, ComposedLaw, LawOutcome, StateCodec } from './compose-law.js';
import type { CompiledLaw } from './load-law.js';
import { RigError } from './mistake.js';
import type { Mistake } from './mistake.js';
import type { ArgumentPart, Rig } from './rig.js';

/** Steps of one run. */
const STEPS = 240;
/** Every so manieth step is taken again from its recorded state, in a room where the law has lived on meanwhile. */
const AGAIN_EVERY = 7;

export interface LawVerdict {
  readonly mistakes: readonly Mistake[];
  readonly warnings: readonly Mistake[];
  /** Largest state that a run left, bytes. */
  readonly stateBytes: number;
}

interface Input {
  readonly readings: readonly FusedReading[];
  readonly tick: number;
}

/** Checks a law. Never throws. */
export function checkLaw(
  loaded: { readonly rig: Rig; readonly law: CompiledLaw },
  codec: StateCodec,
): LawVerdict {
  const { rig, law } = loaded;
  const warnings: Mistake[] = [];
  let stateBytes = 0;
  const verdict = (...mistakes: Mistake[]): LawVerdict => ({ mistakes, warnings, stateBytes });
  const impure = (what: string): LawVerdict => {
    const cure = 'Keep everything it remembers in the state; variables of the module are not replicated';
    return verdict({ code: 'VP-RIG-LAW-IMPURE', file: law.file, line: 1, column: 1, what, cure });
  };
  let first: ComposedLaw;
  let second: ComposedLaw;
  try {
    first = composeLaw(loaded, codec, { limited: true });
    second = composeLaw(loaded, codec, { limited: true });
  } catch (error) {
    if (error instanceof RigError) return verdict(...error.mistakes);
    throw error;
  }
  if (!sameBytes(first.initialState, second.initialState))
    return impure('the law starts with two different states');

  const inputs = makeInputs(rig);
  const states: Uint8Array[] = [];
  const outcomes: LawOutcome[] = [];
  const outside = new Map<string, number>();
  const given = makeCommands(rig);
  const commanded: { readonly from: Uint8Array; readonly outcome: CommandOutcome }[] = [];
  let state = first.initialState;
  for (const { readings, tick } of inputs) {
    const command = given[commanded.length];
    if (command !== undefined) {
      const outcome = first.command(state, command.id, command.values, tick);
      if (!outcome.ok && outcome.mistake !== null) return verdict(outcome.mistake);
      commanded.push({ from: state, outcome });
      if (outcome.ok) state = outcome.state;
    }
    states.push(state);
    const outcome = first.step(state, readings, tick);
    if (!outcome.ok) return verdict(outcome.mistake);
    outcomes.push(outcome);
    state = outcome.state;
    stateBytes = Math.max(stateBytes, state.length);
    rig.actuators.forEach(({ id, minCount, maxCount }, index) => {
      const count = outcome.counts[index] ?? null;
      if (count !== null && (count < minCount || count > maxCount))
        outside.set(id, (outside.get(id) ?? 0) + 1);
    });
  }
  state = second.initialState;
  for (const [index, { readings, tick }] of inputs.entries()) {
    const command = given[index];
    if (command !== undefined) {
      const outcome = second.command(state, command.id, command.values, tick);
      if (!sameCommandOutcome(outcome, commanded[index]?.outcome))
        return impure(`two runs of the law differ at the command ${command.id}`);
      if (outcome.ok) state = outcome.state;
    }
    const outcome = second.step(state, readings, tick);
    if (!sameOutcome(outcome, outcomes[index]))
      return impure(`two runs of the law differ at step ${index + 1}`);
    if (outcome.ok) state = outcome.state;
  }
  for (let index = 0; index < inputs.length; index += AGAIN_EVERY) {
    const { readings, tick } = inputs[index] as Input;
    const outcome = first.step(states[index] as Uint8Array, readings, tick);
    if (!sameOutcome(outcome, outcomes[index])) {
      return impure(`the law gives another result when step ${index + 1} is taken again from the same state`);
    }
  }
  for (const [index, { from, outcome }] of commanded.entries()) {
    const { id, values } = given[index] as GivenCommand;
    if (!sameCommandOutcome(first.command(from, id, values, (inputs[index] as Input).tick), outcome))
      return impure(`the command ${id} gives another result when it is given again in the same state`);
  }
  for (const [id, times] of outside) {
    const what = `${times} of ${inputs.length} made-up steps command ${id} outside its envelope, which the voter refuses`;
    const cure = 'Limit the command to the envelope inside the law';
    warnings.push({ code: 'VP-RIG-LAW-ENVELOPE', file: law.file, line: 1, column: 1, what, cure });
  }
  return verdict();
}

function sameOutcome(a: LawOutcome, b: LawOutcome | undefined): boolean {
  if (b === undefined || !a.ok || !b.ok) return false;
  return sameBytes(a.state, b.state) && a.counts.every((count, index) => count === b.counts[index]);
}

function sameCommandOutcome(a: CommandOutcome, b: CommandOutcome | undefined): boolean {
  if (b === undefined || a.ok !== b.ok) return false;
  return a.ok && b.ok ? sameBytes(a.state, b.state) : !a.ok && !b.ok && a.reason === b.reason;
}

interface GivenCommand {
  readonly id: string;
  readonly values: readonly ArgumentValue[];
}

/** Every command of the law with both ends and something between of each argument, one per step. */
function makeCommands(rig: Rig): GivenCommand[] {
  const commands = rig.commands.filter(({ effect }) => effect === 'law');
  return [0, 1, 0.5].flatMap((share) =>
    commands.map(({ id, arguments: given }) => ({
      id,
      values: given.map((argument) => chooseValue(argument, share)),
    })),
  );
}

function chooseValue(argument: ArgumentPart, share: number): ArgumentValue {
  switch (argument.type) {
    case 'boolean':
      return share > 0;
    case 'choice': {
      const { choices } = argument;
      return choices[Math.round(share * (choices.length - 1))] as string;
    }
    case 'integer':
      return Math.round(argument.min + share * (argument.max - argument.min));
    case 'quantity':
      return argument.min + share * (argument.max - argument.min);
  }
}

/** The same for every run on every machine: start-up without readings, walks, ends of ranges, losses, gaps in ticks. */
function makeInputs(rig: Rig): Input[] {
  const draw = createGenerator(0x2545f491);
  const values: (number | boolean | null)[] = rig.sensors.map(() => null);
  const inputs: Input[] = [];
  let tick = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const readings = rig.sensors.map((sensor, index): FusedReading => {
      const kind = draw();
      if (step < 2 || kind < 0.08) return { value: values[index] ?? null, quality: 'lost' };
      let value: number | boolean;
      if (sensor.type === 'boolean') value = draw() < 0.5;
      else if (kind < 0.12) value = sensor.min;
      else if (kind < 0.16) value = sensor.max;
      else {
        const { min, max } = sensor;
        const before = values[index];
        const from = typeof before === 'number' ? before : (min + max) / 2;
        value = Math.min(max, Math.max(min, from + (draw() - 0.5) * 0.1 * (max - min)));
      }
      values[index] = value;
      return { value, quality: kind < 0.3 ? 'degraded' : 'good' };
    });
    inputs.push({ readings, tick });
    tick += draw() < 0.1 ? 1 + Math.floor(draw() * 6) : 1;
  }
  return inputs;
}

/** Numbers in [0, 1) from a fixed seed (xorshift32, Marsaglia 2003). */
function createGenerator(seed: number): () => number {
  let x = seed | 0;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 4_294_967_296;
  };
}
