/** Options that all commands of an operator share. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../rig/quantity.js';
import type { Rig } from '../rig/rig.js';
import type { LogLevel } from './stderr-log.js';
import { UsageError } from './usage-error.js';

/** What they come to. `timeout`: ms. */
export interface OperatorOptions {
  readonly keys: string;
  readonly id?: string;
  readonly passphraseFile?: string;
  readonly addresses?: string;
  readonly timeout: number;
  readonly json?: boolean;
  readonly logLevel: LogLevel;
}

/** The operator that is meant: the first of the rig where none is named. Throws UsageError where there is none. */
export function chooseOperator(rig: Rig, id: string | undefined): string {
  const operator = id ?? rig.operators[0];
  if (operator === undefined) {
    throw new UsageError(
      `rig ${rig.id} has no operator; write 'operators: [operator]' in its rig.yaml and generate its keys anew`,
    );
  }
  return operator;
}

/** Seconds, or a time with its unit such as `5s` or `500ms`, as milliseconds. Throws InvalidArgumentError. */
export function parseTimeoutMs(text: string): number {
  const duration = parseDuration(text);
  const seconds = duration.ok ? duration.us / 1e6 : Number(text);
  if ((!duration.ok && !/^\d+(\.\d+)?$/.test(text)) || !(seconds > 0 && seconds <= 3600)) {
    throw new InvalidArgumentError('Give seconds, more than 0 and at most 3600.');
  }
  return Math.max(1, Math.round(seconds * 1_000));
}
