/**
 * `commands:` of a rig file to parts: what operators may ask for, with which arguments, and who may. Form has been
 * checked by the schema; here is what takes more than one value to judge. It must never stop at the first mistake.
 */
import { suggest } from './mistake.js';
import type { MistakeCode } from './mistake.js';
import type { Path, YamlValue } from './read-yaml.js';
import type { ActuatorPart, ArgumentPart, CommandPart, ReplicaPart } from './rig.js';
import { MAX_ARGUMENTS, MAX_COMMANDS, partSchemas } from './schema.js';
import { isMapping, pickFields, type Fields } from './yaml-form.js';

/** Names that `voteplane submit` needs for itself, so that no argument can have them. */
export const SUBMIT_OPTIONS: readonly string[] = [
  'keys',
  'id',
  'passphrase-file',
  'addresses',
  'timeout',
  'json',
  'log-level',
  'help',
];

/** Where the reader of the whole file takes mistakes, defaults and amounts. */
export interface CommandSheet {
  report(code: MistakeCode, path: Path, what: string, cure: string, at?: 'key' | 'value'): void;
  useDefault<T>(path: Path, value: T, inWords: string): T;
  /** A number, or a quantity in exactly this unit; what is neither has been reported. */
  readAmount(path: Path, given: number | string | undefined, unit: string): number | undefined;
}

/** What built-in commands are about. */
export interface CommandedParts {
  readonly actuators: readonly Pick<ActuatorPart, 'id'>[];
  readonly replicas: readonly Pick<ReplicaPart, 'id'>[];
  readonly hasWitness: boolean;
}

type ArgumentFields = Fields<typeof partSchemas.argument.shape>;
type ArgumentType = ArgumentPart['type'];

/** What belongs to an argument of each type besides the type itself. */
const KEYS: Readonly<Record<ArgumentType, readonly ('unit' | 'range' | 'choices')[]>> = {
  quantity: ['unit', 'range'],
  integer: ['range'],
  boolean: [],
  choice: ['choices'],
};

/** Reads them all; parts with mistakes are left out. */
export function readCommands(
  value: YamlValue | undefined,
  operators: readonly string[],
  { actuators, replicas, hasWitness }: CommandedParts,
  sheet: CommandSheet,
): readonly CommandPart[] {
  if (!isMapping(value)) return [];
  const entries = Object.entries(value);
  if (entries.length > MAX_COMMANDS) {
    const what = `the rig has ${entries.length} commands`;
    sheet.report('VP-RIG-RANGE', ['commands'], what, `List at most ${MAX_COMMANDS}`, 'key');
  }
  return entries.map(([id, given]): CommandPart => {
    const at: Path = ['commands', id];
    const fields = pickFields(partSchemas.command.shape, given);
    const by = readGivers(at, fields.by, operators, sheet);
    const effect = fields['built-in'] ?? 'law';
    if (effect !== 'law') {
      const isOfReplicas = effect === 'retire' || effect === 'admit';
      const argument = isOfReplicas ? 'replica' : 'actuator';
      if (isMapping(given) && 'arguments' in given) {
        const what = `${effect} has one argument, the ${argument}, and it is built in`;
        sheet.report('VP-RIG-KEY', [...at, 'arguments'], what, 'Remove arguments', 'key');
      }
      if (isOfReplicas && !hasWitness) {
        const what = `${effect} changes the operational quorum, and the rig has none without a witness`;
        sheet.report('VP-RIG-COMMAND', [...at, 'built-in'], what, `Remove ${id}, or add witness:`);
      }
      const choices = (isOfReplicas ? replicas : actuators).map((part) => part.id);
      return { id, by, effect, arguments: [{ id: argument, type: 'choice', choices }] };
    }
    const list = isMapping(given) && isMapping(given['arguments']) ? given['arguments'] : {};
    return { id, by, effect, arguments: readArguments([...at, 'arguments'], list, sheet) };
  });
}

function readGivers(
  at: Path,
  given: readonly string[] | undefined,
  operators: readonly string[],
  sheet: CommandSheet,
): readonly string[] {
  if (operators.length === 0) {
    const what = `nobody may give ${at[1]}: the rig has no operators`;
    sheet.report(
      'VP-RIG-COMMAND',
      at,
      what,
      'Write operators: [operator], and generate the keys anew',
      'key',
    );
    return [];
  }
  if (given === undefined) return sheet.useDefault([...at, 'by'], operators, operators.join(', '));
  if (given.length === 0) {
    const what = `nobody may give ${at[1]}`;
    sheet.report('VP-RIG-COMMAND', [...at, 'by'], what, `Name some of ${operators.join(', ')}`);
  }
  given.forEach((id, index) => {
    if (operators.includes(id)) return;
    const cure = `Operators: ${operators.join(', ')}${suggest(id, operators)}`;
    sheet.report('VP-RIG-COMMAND', [...at, 'by', index], `${id} is no operator of the rig`, cure);
  });
  // In the rig's order, so that no order of writing makes another rig.
  return operators.filter((id) => given.includes(id));
}

function readArguments(
  at: Path,
  list: { readonly [key: string]: YamlValue },
  sheet: CommandSheet,
): readonly ArgumentPart[] {
  const entries = Object.entries(list);
  if (entries.length > MAX_ARGUMENTS) {
    const what = `the command ${at[1]} has ${entries.length} arguments`;
    sheet.report('VP-RIG-RANGE', at, what, `List at most ${MAX_ARGUMENTS}`, 'key');
  }
  return entries.flatMap(([id, given]) => readArgument([...at, id], id, given, sheet) ?? []);
}

function readArgument(at: Path, id: string, given: YamlValue, sheet: CommandSheet): ArgumentPart | null {
  if (!isMapping(given)) return null;
  if (SUBMIT_OPTIONS.includes(id)) {
    const what = `--${id} is an option of voteplane submit, so no argument can have that name`;
    sheet.report('VP-RIG-COMMAND', at, what, 'Choose another name', 'key');
  }
  const fields = pickFields(partSchemas.argument.shape, given);
  const type =
    'type' in given ? fields.type : sheet.useDefault([...at, 'type'], 'quantity' as const, 'quantity');
  if (type === undefined) return null;
  for (const key of ['unit', 'range', 'choices'] as const) {
    const belongs = KEYS[type].includes(key);
    if (belongs && !(key in given)) {
      const what = `the ${type} ${id} has no ${key}`;
      sheet.report('VP-RIG-REQUIRED', at, what, `Add ${key}: …`, 'key');
    } else if (!belongs && key in given) {
      const what = `a ${type} has no ${key}`;
      sheet.report('VP-RIG-KEY', [...at, key], what, `Remove ${key}, or give it another type`, 'key');
    }
  }
  switch (type) {
    case 'boolean':
      return { id, type };
    case 'choice':
      return readChoice(at, id, fields, sheet);
    case 'integer': {
      const ends = readEnds(at, fields, '', sheet);
      if (ends === null) return null;
      const broken = ends.findIndex((end) => !Number.isSafeInteger(end));
      if (broken < 0) return { id, type, min: ends[0], max: ends[1] };
      const what = `${ends[broken]} is no whole number`;
      sheet.report('VP-RIG-RANGE', [...at, 'range', broken], what, 'Write whole numbers, or another type');
      return null;
    }
    case 'quantity': {
      const { unit } = fields;
      if (unit === undefined) return null;
      const ends = readEnds(at, fields, unit, sheet);
      return ends === null ? null : { id, type, unit, min: ends[0], max: ends[1] };
    }
  }
}

function readChoice(at: Path, id: string, fields: ArgumentFields, sheet: CommandSheet): ArgumentPart | null {
  const { choices } = fields;
  if (choices === undefined) return null;
  choices.forEach((choice, index) => {
    if (choices.indexOf(choice) === index) return;
    sheet.report(
      'VP-RIG-COMMAND',
      [...at, 'choices', index],
      `${choice} stands twice`,
      'Keep one of the two',
    );
  });
  return { id, type: 'choice', choices };
}

function readEnds(
  at: Path,
  { range }: ArgumentFields,
  unit: string,
  sheet: CommandSheet,
): readonly [number, number] | null {
  const min = sheet.readAmount([...at, 'range', 0], range?.[0], unit);
  const max = sheet.readAmount([...at, 'range', 1], range?.[1], unit);
  if (min === undefined || max === undefined) return null;
  if (min < max) return [min, max];
  sheet.report('VP-RIG-RANGE', [...at, 'range'], `${min} is not below ${max}`, 'Write the lower end first');
  return null;
}
