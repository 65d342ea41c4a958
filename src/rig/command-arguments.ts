/**
 * What is given to a command: one value per argument, in the rig's order. Operators write texts, replicas check values;
 * both go by the same part of the rig file. Total: whatever is given, the outcome is the values or a reason with a cure.
 */
import { suggest } from './mistake.js';
import { parseQuantity } from './quantity.js';
import type { ArgumentPart, CommandPart, Rig } from './rig.js';

/** A number (quantities in the unit of the rig file), a boolean, or one of the choices. */
export type ArgumentValue = number | boolean | string;

export type GivenArguments =
  | { readonly ok: true; readonly values: readonly ArgumentValue[] }
  /** Clauses without a full stop; the cure is in the imperative. */
  | { readonly ok: false; readonly what: string; readonly cure: string };

/** Reads the texts that a person gave, by the names of the arguments. */
export function parseArguments(
  command: CommandPart,
  given: Readonly<Record<string, string>>,
): GivenArguments {
  const known = command.arguments.map(({ id }) => id);
  for (const id of Object.keys(given)) {
    if (known.includes(id)) continue;
    return refuse(
      `${command.id} has no argument ${id}`,
      known.length === 0 ? 'give none' : `its arguments: ${known.join(', ')}${suggest(id, known)}`,
    );
  }
  const values: ArgumentValue[] = [];
  for (const argument of command.arguments) {
    const text = Object.hasOwn(given, argument.id) ? given[argument.id] : undefined;
    if (text === undefined)
      return refuse(`${command.id} needs ${argument.id}`, `give ${describeArgument(argument)}`);
    const value = readText(argument, text.trim());
    if (typeof value === 'object') return value;
    const wrong = judgeValue(argument, value);
    if (wrong !== null) return wrong;
    values.push(value);
  }
  return { ok: true, values };
}

/** Checks values that came over the wire: as many as there are arguments, each of its type and in its range. */
export function checkArguments(command: CommandPart, values: readonly unknown[]): GivenArguments {
  if (values.length !== command.arguments.length) {
    const count = command.arguments.length;
    return refuse(
      `${command.id} has ${count} argument${count === 1 ? '' : 's'}, and ${values.length} were given`,
      'give them as the rig file declares them',
    );
  }
  const checked: ArgumentValue[] = [];
  for (const [at, argument] of command.arguments.entries()) {
    const value = values[at];
    const wrong = judgeValue(argument, value);
    if (wrong !== null) return wrong;
    checked.push(value as ArgumentValue);
  }
  return { ok: true, values: checked };
}

/** Whether `operator` may give the command; the reason and cure where not. */
export function refuseGiver(command: CommandPart, operator: string): (GivenArguments & { ok: false }) | null {
  return command.by.includes(operator)
    ? null
    : refuse(`${operator} may not give ${command.id}`, `let ${command.by.join(' or ')} give it`);
}

/** The command of that name, or why there is none. */
export function findCommand(rig: Rig, id: string): CommandPart | (GivenArguments & { ok: false }) {
  const command = rig.commands.find((one) => one.id === id);
  if (command !== undefined) return command;
  const known = rig.commands.map((one) => one.id);
  return refuse(
    `rig ${rig.id} has no command ${JSON.stringify(id.slice(0, 40))}`,
    known.length === 0
      ? 'declare it under commands: in its rig.yaml'
      : `its commands: ${known.join(', ')}${suggest(id, known)}`,
  );
}

/** `--pitch from -5 to 5 deg`: how an argument is given. */
export function describeArgument(argument: ArgumentPart): string {
  switch (argument.type) {
    case 'quantity':
      return `--${argument.id} from ${argument.min} to ${argument.max} ${argument.unit}`;
    case 'integer':
      return `--${argument.id} from ${argument.min} to ${argument.max}`;
    case 'boolean':
      return `--${argument.id} true or false`;
    case 'choice':
      return `--${argument.id} ${argument.choices.join(' or ')}`;
  }
}

/** Values as a person would write them: `pitch=5 deg`. */
export function formatArguments(command: CommandPart, values: readonly ArgumentValue[]): string {
  return command.arguments
    .map((argument, at) => {
      const unit = argument.type === 'quantity' ? ` ${argument.unit}` : '';
      return `${argument.id}=${String(values[at])}${unit}`;
    })
    .join(' ');
}

function readText(argument: ArgumentPart, text: string): ArgumentValue | (GivenArguments & { ok: false }) {
  switch (argument.type) {
    case 'quantity': {
      const quantity = parseQuantity(text);
      if (quantity === null)
        return refuse(
          `${argument.id} is ${show(text)}, no number with a unit`,
          `give ${describeArgument(argument)}`,
        );
      if (quantity.unit !== argument.unit)
        return refuse(`${argument.id} is given in ${quantity.unit}`, `give it in ${argument.unit}`);
      return quantity.value;
    }
    case 'integer':
      return /^[+-]?\d{1,16}$/.test(text)
        ? Number(text) + 0
        : refuse(`${argument.id} is ${show(text)}, no whole number`, `give ${describeArgument(argument)}`);
    case 'boolean':
      return text === 'true'
        ? true
        : text === 'false'
          ? false
          : refuse(`${argument.id} is ${show(text)}`, `give ${describeArgument(argument)}`);
    case 'choice':
      return text;
  }
}

function judgeValue(argument: ArgumentPart, value: unknown): (GivenArguments & { ok: false }) | null {
  const { id } = argument;
  const cure = `give ${describeArgument(argument)}`;
  switch (argument.type) {
    case 'quantity':
    case 'integer': {
      if (typeof value !== 'number' || !Number.isFinite(value)) return refuse(`${id} is no number`, cure);
      if (argument.type === 'integer' && !Number.isSafeInteger(value))
        return refuse(`${id} is ${value}, no whole number`, cure);
      if (value < argument.min || value > argument.max)
        return refuse(`${id} is ${value}, out of range`, cure);
      return null;
    }
    case 'boolean':
      return typeof value === 'boolean' ? null : refuse(`${id} is neither true nor false`, cure);
    case 'choice':
      if (typeof value !== 'string') return refuse(`${id} is no choice`, cure);
      return argument.choices.includes(value)
        ? null
        : refuse(`${id} is ${show(value)}`, `${cure}${suggest(value, argument.choices)}`);
  }
}

function refuse(what: string, cure: string): GivenArguments & { ok: false } {
  return { ok: false, what, cure };
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
