/**
 * `voteplane log RIG --keys F`: the last commands of operators that have taken effect or are chosen, as enough replicas tell it alike.
 * Exit 0: told; 2: usage or rig error; 3: too few answers.
 */
import { Option, type Command } from 'commander';
import { DEFAULT_TIMEOUT_MS, type LogEntry } from '../client/command-client.js';
import { formatArguments } from '../rig/command-arguments.js';
import type { Rig } from '../rig/rig.js';
import { openNamedClient } from './open-named-client.js';
import { parseTimeoutMs, type OperatorOptions } from './operator-options.js';
import { LOG_LEVELS } from './stderr-log.js';

const EXIT_UNANSWERED = 3;

/** Adds `voteplane log`. */
export function registerLogCommand(program: Command): void {
  program
    .command('log')
    .description('show the last commands of operators that have taken effect')
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
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
    .option('--json', 'print them as JSON')
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('error'))
    .action(runLog);
}

async function runLog(rig: string, options: OperatorOptions): Promise<void> {
  const client = await openNamedClient(rig, options);
  try {
    const log = await client.readLog({ timeoutMs: options.timeout });
    if (log.kind === 'unanswered') process.exitCode = EXIT_UNANSWERED;
    if (options.json === true) console.log(JSON.stringify(log, null, 2));
    else if (log.kind === 'unanswered') {
      console.error('too few answers in time:');
      for (const { replica, text } of log.said) console.error(`  ${replica}: ${text}`);
    } else if (log.entries.length === 0) console.log(describeNone(client.rig));
    else for (const entry of log.entries) console.log(formatEntry(client.rig, entry));
  } finally {
    await client.close();
  }
}

/** One line: slot where there is a log, tick, operator, what was asked, what came of it. */
export function formatEntry(rig: Rig, { slot, client, sequence, tick, outcome, asked }: LogEntry): string {
  const command = rig.commands.find((one) => one.id === asked?.command);
  const what =
    asked === null || command === undefined
      ? 'a command whose content no replica has any more'
      : `${command.id} ${formatArguments(command, asked.values)}`.trim();
  const place = slot === null ? '' : `slot ${slot}  `;
  return `${place}tick ${tick ?? '-'}  ${client}  ${what}  ${describeResult(outcome)}  (request ${sequence})`;
}

function describeNone({ hypothesis }: Rig): string {
  return hypothesis.kind === 'crash'
    ? 'no command has been chosen'
    : 'no command has taken effect in this run';
}

function describeResult(outcome: LogEntry['outcome']): string {
  if (outcome === null) return 'chosen, not in force yet';
  return outcome.kind === 'refused' ? `refused: ${outcome.reason}` : outcome.kind;
}
