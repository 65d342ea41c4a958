/**
 * `voteplane submit RIG COMMAND --ARGUMENT VALUE … --keys F`: gives a running rig a command and waits for its effect.
 * Exit 0: it is in force; 1: it was refused, or lapsed; 2: usage or rig error, and nothing was sent; 3: no answer in time,
 * it may still take effect; 4: it is chosen and will take effect, and has not within the time.
 */
import { Option, type Command } from 'commander';
import { DEFAULT_TIMEOUT_MS } from '../client/command-client.js';
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
    if (options.json === true) console.log(JSON.stringify(submitted, null, 2));
    else printOutcome(submitted);
    process.exitCode = chooseExit(submitted);
  } finally {
    await client.close();
  }
}

function chooseExit(submitted: Submitted): number {
  if (submitted.kind === 'unanswered') return EXIT_UNANSWERED;
  if (submitted.kind === 'chosen') return EXIT_CHOSEN;
  return submitted.kind === 'applied' && submitted.outcome.kind === 'done' ? 0 : EXIT_REFUSED;
}

function printOutcome(submitted: Submitted): void {
  const { asked, sequence, isRepeat } = submitted;
  if (isRepeat)
    console.error(`${asked} was asked for before without an answer; this is the same request ${sequence}`);
  switch (submitted.kind) {
    case 'refused':
      console.error(`${asked} was refused (${submitted.code}): ${submitted.text}`);
      return;
    case 'unanswered':
      console.error(
        `${asked}: too few answers in time; it may still take effect. Ask again to learn what became of request ${sequence}`,
      );
      for (const { replica, text } of submitted.said) console.error(`  ${replica}: ${text}`);
      return;
    case 'chosen':
      console.error(
        `${asked}: chosen at slot ${submitted.slot} and not in force in time; it cannot be lost and takes effect when the rig goes on. Look at voteplane log (request ${sequence})`,
      );
      for (const { replica, text } of submitted.said) console.error(`  ${replica}: ${text}`);
      return;
    case 'applied':
      break;
  }
  const { tick, outcome, slot } = submitted;
  const known = slot === null ? `(request ${sequence})` : `(slot ${slot}, request ${sequence})`;
  switch (outcome.kind) {
    case 'done':
      console.log(`${asked}: in force from tick ${tick} on ${known}`);
      return;
    case 'refused':
      console.error(`${asked} was refused by the rig at tick ${tick}: ${outcome.reason} ${known}`);
      return;
    case 'lapsed':
      console.error(
        `${asked} lapsed at tick ${tick}: the rig stood still and it had no effect; ask again ${known}`,
      );
  }
}
