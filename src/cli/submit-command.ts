/**
 * `voteplane submit RIG COMMAND --ARGUMENT VALUE … --keys F`: gives a running rig a command and waits for its effect.
 * Exit 0: it is in force; 1: it was refused, or lapsed; 2: usage or rig error, and nothing was sent; 3: no answer in time,
 * it may still take effect; 4: it is chosen and will take effect, and has not within the time.
 */
import { Option, type Command } from 'commander';
import { DEFAULT_TIMEOUT_MS, type SaidBy } from '../client/command-client.js';
import type { Submitted } from '../client/open-client.js';
import { SUBMIT_OPTIONS } from '../rig/read-commands.js';
import { openNamedClient } from './open-named-client.js';
import { parseTimeoutMs, type OperatorOptions } from './operator-options.js';
import { LOG_LEVELS } from './stderr-log.js';
import { UsageError } from './usage-error.js';

const EXIT_REFUSED = 1;
const EXIT_UNANSWERED = 3;
const EXIT_CHOSEN = 4;

/** Adds `voteplane submit`. */
export function registerSubmitCommand(program: Command): void {
  program
    .command('submit')
    .description('give a running rig one of the commands that its rig file declares')
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .argument('<command>', 'such as set-target; "voteplane check" lists them')
    .argument('[arguments...]', '--NAME VALUE for each argument of the command')
    .allowUnknownOption()
    .requiredOption('--keys <file>', 'key file of an operator, from "voteplane keys generate"')
    .option('--id <id>', 'which operator of the rig this is; without it the first')
    .option('--passphrase-file <file>', 'passphrase of the key file, where it is encrypted')
    .option('--addresses <file>', 'JSON file of addresses in place of those in the rig')
    .option(
      '--timeout <time>',
      'how long to wait for answers, such as 5s',
      parseTimeoutMs,
      DEFAULT_TIMEOUT_MS,
    )
    .option('--json', 'print what became of it as JSON')
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('error'))
    .action((rig: string, command: string, words: readonly string[], options: OperatorOptions) =>
      runSubmit(rig, command, readGiven(words), options),
    );
}

/** `--pitch 5deg --mode=hold` by name. Throws UsageError. */
export function readGiven(words: readonly string[]): Readonly<Record<string, string>> {
  const given: Record<string, string> = {};
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    const match = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word);
    const name = match?.[1];
    if (name === undefined)
      throw new UsageError(`${JSON.stringify(word)} is no argument of a command; write --ARGUMENT VALUE`);
    if (SUBMIT_OPTIONS.includes(name)) throw new UsageError(`--${name} lacks a value, or has one too many`);
    if (Object.hasOwn(given, name)) throw new UsageError(`--${name} is given twice; keep one of the two`);
    const value = match?.[2] ?? words[at + 1];
    if (value === undefined) throw new UsageError(`--${name} has no value; write --${name} VALUE`);
    if (match?.[2] === undefined) at += 1;
    given[name] = value;
  }
  return given;
}

async function runSubmit(
  rig: string,
  command: string,
  given: Readonly<Record<string, string>>,
  options: OperatorOptions,
): Promise<void> {
  const client = await openNamedClient(rig, options);
  try {
    const submitted = await client.submit(command, given, {
      timeoutMs: options.timeout,
      onProgress: (progress) => {
        if (progress.kind === 'waits') console.error(progress.text);
      },
    });
    const { exitCode, out, err } = describeSubmitted(submitted);
    if (options.json === true) console.log(JSON.stringify(submitted, null, 2));
    else {
      for (const line of err) console.error(line);
      for (const line of out) console.log(line);
    }
    process.exitCode = exitCode;
  } finally {
    await client.close();
  }
}

/** What is printed of a request's end, and the exit code. */
export interface SubmitReport {
  readonly exitCode: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** The end of a request in words. */
export function describeSubmitted(submitted: Submitted): SubmitReport {
  const { asked, sequence, isRepeat } = submitted;
  const before = isRepeat
    ? [`${asked} was asked for before without an answer; this is the same request ${sequence}`]
    : [];
  const fail = (exitCode: number, ...lines: readonly string[]): SubmitReport => ({
    exitCode,
    out: [],
    err: [...before, ...lines],
  });
  switch (submitted.kind) {
    case 'refused':
      return fail(EXIT_REFUSED, `${asked} was refused (${submitted.code}): ${submitted.text}`);
    case 'unanswered':
      return fail(
        EXIT_UNANSWERED,
        `${asked}: too few answers in time; it may still take effect. Ask again to learn what became of request ${sequence}`,
        ...listSaid(submitted.said),
      );
    case 'chosen':
      return fail(
        EXIT_CHOSEN,
        `${asked}: chosen at slot ${submitted.slot} and not in force in time; it cannot be lost and takes effect when the rig goes on. Look at voteplane log, or ask again to learn what became of request ${sequence}`,
        ...listSaid(submitted.said),
      );
    case 'applied':
      break;
  }
  const { tick, outcome, slot } = submitted;
  const known = slot === null ? `(request ${sequence})` : `(slot ${slot}, request ${sequence})`;
  switch (outcome.kind) {
    case 'done':
      return {
        exitCode: 0,
        out: [`${asked}: in force from tick ${tick} on ${known}`],
        err: before,
      };
    case 'refused':
      return fail(
        EXIT_REFUSED,
        `${asked} was refused by the rig at tick ${tick}: ${outcome.reason} ${known}`,
      );
    case 'lapsed':
      return fail(
        EXIT_REFUSED,
        `${asked} lapsed at tick ${tick}: the rig stood still and it had no effect; ask again ${known}`,
      );
  }
}

function listSaid(said: readonly SaidBy[]): readonly string[] {
  return said.map(({ replica, text }) => `  ${replica}: ${text}`);
}
