/** Loads a rig folder from disk: rig.yaml, the control law, their digests. The only reader of rig files. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { digestRig } from './digest.js';
import { loadLaw } from './load-law.js';
import type { ArgumentTypeName, CompiledLaw } from './load-law.js';
import { RigError, sortMistakes, suggest } from './mistake.js';
import type { Mistake } from './mistake.js';
import { parseRig } from './parse-rig.js';
import type { AppliedDefault, ParsedRig } from './parse-rig.js';
import { explainUnreadable, readText } from './read-text.js';
import type { ReadText } from './read-text.js';
import type { Path, Place } from './read-yaml.js';
import type { ArgumentPart, Rig } from './rig.js';

/** A rig folder, checked except for what only running the law shows (`check-law.ts`). */
export interface LoadedRig {
  readonly rig: Rig;
  /** The rig file, as mistakes call it. */
  readonly file: string;
  /** Absolute path of the folder that holds the rig file; paths in the rig are relative to it. */
  readonly folder: string;
  readonly law: CompiledLaw;
  /** SHA-256 each; compared at joining. */
  readonly digests: { readonly rig: Uint8Array; readonly law: Uint8Array };
  readonly defaults: readonly AppliedDefault[];
  readonly warnings: readonly Mistake[];
  /** Where the value at a path of the rig file stands. */
  readonly placeOf: (path: Path) => Place;
}

/** Name of the rig file in a rig folder. */
const RIG_FILE = 'rig.yaml';

/**
 * Loads the rig at `where`, a rig folder or a rig file. Throws a `RigError` that carries everything that is wrong with
 * the file and the law.
 */
export async function loadRig(where: string): Promise<LoadedRig> {
  const { parsed, file } = await readRigFile(where);
  const folder = path.dirname(path.resolve(file));
  const shownLaw = path.join(path.dirname(file), parsed.rig.law.path);
  const law = loadLaw(path.resolve(folder, parsed.rig.law.path), shownLaw);
  const mistakes = [...compareIds(parsed.rig, law), ...compareCommands(parsed.rig, law)];
  if (mistakes.length > 0) throw new RigError(sortMistakes(mistakes));
  return {
    rig: parsed.rig,
    file,
    folder,
    law,
    digests: { rig: digestRig(parsed.rig), law: law.digest },
    defaults: parsed.defaults,
    warnings: parsed.warnings,
    placeOf: parsed.placeOf,
  };
}

async function readRigFile(where: string): Promise<{ parsed: ParsedRig & { ok: true }; file: string }> {
  const file = await findRigFile(where);
  const read = await readText(file);
  if (!read.ok) throw refuseText(file, read);
  const parsed = parseRig(read.text, file);
  if (parsed.ok) return { parsed, file };
  const mistakes = [...parsed.mistakes];
  if (parsed.lawPath !== null) {
    try {
      loadLaw(
        path.resolve(path.dirname(file), parsed.lawPath),
        path.join(path.dirname(file), parsed.lawPath),
      );
    } catch (error) {
      if (!(error instanceof RigError)) throw error;
      mistakes.push(...error.mistakes);
    }
  }
  throw new RigError(mistakes);
}

async function findRigFile(where: string): Promise<string> {
  try {
    return (await stat(where)).isDirectory() ? path.join(where, RIG_FILE) : path.normalize(where);
  } catch (error) {
    throw refuseFile(
      where,
      explainUnreadable(error),
      `Name a rig folder, such as hardware/rigs/pitch, or its ${RIG_FILE}`,
    );
  }
}

function refuseText(file: string, read: ReadText & { ok: false }): RigError {
  if (read.trouble === 'unreadable') return refuseFile(file, read.what, 'Create it, or name another rig');
  return new RigError([
    { code: 'VP-RIG-YAML', file, line: 1, column: 1, what: read.what, cure: 'Save it as UTF-8' },
  ]);
}

function refuseFile(file: string, what: string, cure: string): RigError {
  return new RigError([{ code: 'VP-RIG-FILE', file, line: 1, column: 1, what, cure }]);
}

/** The law's sensors and actuators against those of the rig. */
function compareIds(rig: Rig, law: CompiledLaw): Mistake[] {
  const mistakes: Mistake[] = [];
  const report = (what: string, cure: string): void => {
    mistakes.push({ code: 'VP-RIG-LAW-IDS', file: law.file, line: 1, column: 1, what, cure });
  };
  const sensorIds = rig.sensors.map((sensor) => sensor.id);
  for (const [id, type] of Object.entries(law.sensors ?? {})) {
    const sensor = rig.sensors.find((one) => one.id === id);
    if (sensor === undefined) {
      report(
        `the law reads ${id}, which is no sensor of the rig${suggest(id, sensorIds)}`,
        `Sensors: ${sensorIds.join(', ')}`,
      );
    } else if (sensor.type !== type) {
      report(`the law reads ${id} as a ${type}; the rig says ${sensor.type}`, 'Make them agree');
    }
  }
  if (law.actuators === null) return mistakes;
  const actuatorIds = rig.actuators.map((actuator) => actuator.id);
  for (const id of law.actuators) {
    if (!actuatorIds.includes(id)) {
      const hint = suggest(id, actuatorIds);
      report(
        `the law commands ${id}, which is no actuator of the rig${hint}`,
        `Actuators: ${actuatorIds.join(', ')}`,
      );
    }
  }
  for (const id of actuatorIds) {
    if (!law.actuators.includes(id))
      report(`the law never commands the actuator ${id}`, `Add ${id} to its actuators`);
  }
  return mistakes;
}

/** The commands that the rig leaves to its law against those that the law takes. */
function compareCommands(rig: Rig, law: CompiledLaw): Mistake[] {
  const mistakes: Mistake[] = [];
  const report = (what: string, cure: string): void => {
    mistakes.push({ code: 'VP-RIG-LAW-COMMANDS', file: law.file, line: 1, column: 1, what, cure });
  };
  const declared = rig.commands.filter(({ effect }) => effect === 'law');
  const ids = declared.map(({ id }) => id);
  for (const id of Object.keys(law.commands)) {
    if (ids.includes(id)) continue;
    const cure =
      ids.length === 0
        ? 'Declare it under commands: in the rig file, or remove it'
        : `Commands: ${ids.join(', ')}`;
    report(`the law takes ${id}, which is no command that the rig leaves to it${suggest(id, ids)}`, cure);
  }
  for (const command of declared) {
    const taken = Object.hasOwn(law.commands, command.id) ? law.commands[command.id] : undefined;
    if (taken === undefined) {
      report(`the law does not say what ${command.id} does`, `Add ${command.id} to its commands`);
      continue;
    }
    const known = command.arguments.map(({ id }) => id);
    for (const id of Object.keys(taken)) {
      if (known.includes(id)) continue;
      const hint = suggest(id, known);
      report(
        `the law's ${command.id} takes ${id}, which is no argument of it in the rig${hint}`,
        known.length === 0 ? 'Remove it' : `Arguments: ${known.join(', ')}`,
      );
    }
    for (const argument of command.arguments) {
      const type = nameLawType(argument);
      const given = Object.hasOwn(taken, argument.id) ? taken[argument.id] : undefined;
      if (given === undefined)
        report(`the law's ${command.id} does not take ${argument.id}`, `Add ${argument.id}: '${type}'`);
      else if (given !== type)
        report(
          `the law's ${command.id} takes ${argument.id} as a ${given}; a ${argument.type} is a ${type}`,
          'Make them agree',
        );
    }
  }
  return mistakes;
}

function nameLawType({ type }: ArgumentPart): ArgumentTypeName {
  return type === 'boolean' ? 'boolean' : type === 'choice' ? 'string' : 'number';
}
