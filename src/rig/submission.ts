/**
 * A command of an operator at its tick, as scenario files write it: `submit COMMAND [argument=value …] [by OPERATOR] at
 * TICK`; without an operator the last of those who may. Values are written without spaces, quantities with their unit: `submit set-target pitch=2deg at 40`.
 */
import { findCommand, parseArguments, refuseGiver, type ArgumentValue } from './command-arguments.js';
import type { Rig } from './rig.js';

/** One of them, checked against its rig. */
export interface Submission {
  /** In the one form that all writings of it have. */
  readonly text: string;
  /** Id of the operator. */
  readonly operator: string;
  readonly command: string;
  readonly values: readonly ArgumentValue[];
  /** From the start of the run. */
  readonly tick: number;
}

export type ParsedSubmission =
  | { readonly ok: true; readonly submission: Submission }
  /** Clauses without a full stop. */
  | { readonly ok: false; readonly what: string; readonly cure: string };

const FORM = 'write submit COMMAND [argument=value …] [by OPERATOR] at TICK';
const MAX_LENGTH = 300;

/** Whether a line of a timeline is meant to be one. */
export function isSubmission(text: string): boolean {
  return /^\s*submit(\s|$)/.test(text);
}

/** Reads one. Never throws. */
export function parseSubmission(text: string, rig: Rig): ParsedSubmission {
  const refuse = (what: string, cure: string): ParsedSubmission => ({ ok: false, what, cure });
  if (text.length > MAX_LENGTH) return refuse(`it is longer than ${MAX_LENGTH} characters`, FORM);
  const [verb, id, ...words] = text.trim().split(/\s+/);
  if (verb !== 'submit' || id === undefined) return refuse('it names no command', FORM);
  const command = findCommand(rig, id);
  if ('ok' in command) return command;
  const given: Record<string, string> = {};
  let operator: string | undefined;
  let tick: number | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    const next = words[at + 1] ?? '';
    if (word === 'at') {
      if (!/^\d{1,9}$/.test(next)) return refuse(`${JSON.stringify(next)} is no tick`, FORM);
      tick = Number(next);
      at += 1;
    } else if (word === 'by') {
      operator = next;
      at += 1;
    } else {
      const match = /^([a-z][a-z0-9-]*)=(.+)$/.exec(word);
      if (match === null) return refuse(`${JSON.stringify(word)} is no argument=value`, FORM);
      const name = match[1] as string;
      if (Object.hasOwn(given, name)) return refuse(`${name} is given twice`, 'keep one of the two');
      given[name] = match[2] as string;
    }
  }
  if (tick === undefined) return refuse('it does not say when', FORM);
  // The first operator is the one who orders faults, where there are several.
  const giver = operator ?? command.by.at(-1) ?? '';
  const unauthorised = refuseGiver(command, giver);
  if (unauthorised !== null) return unauthorised;
  const read = parseArguments(command, given);
  if (!read.ok) return read;
  const shown = command.arguments.map((argument, at) => {
    const unit = argument.type === 'quantity' ? argument.unit : '';
    return ` ${argument.id}=${String(read.values[at])}${unit}`;
  });
  return {
    ok: true,
    submission: {
      text: `submit ${command.id}${shown.join('')} by ${giver} at ${tick}`,
      operator: giver,
      command: command.id,
      values: read.values,
      tick,
    },
  };
}
