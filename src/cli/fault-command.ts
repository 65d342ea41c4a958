/**
 * `voteplane fault RIG SPEC --keys F`: strikes a running rig with a fault, or ends one.
 * `voteplane faults [NAME]`: the catalogue.
 * Exit 0: everybody who has to obey has accepted; 1: one refused or did not answer; 2: usage or rig error.
 */
import { Option, type Command } from 'commander';
import { DEFAULT_TIMEOUT_MS, type OrderOutcome } from '../faults/control-client.js';
import { describeFault, findFault, listFaults } from '../faults/catalogue.js';
import { describeType } from '../faults/parameters.js';
import { resolveFaultTargets } from '../faults/plan-fault.js';
import type { FaultRow } from '../faults/row.js';
import { isOfLog } from '../faults/traits.js';
import { parseFault } from '../faults/spec.js';
import { loadRig } from '../rig/load-rig.js';
import { readAddresses } from './addresses.js';
import { chooseOperator, parseTimeoutMs, type OperatorOptions } from './operator-options.js';
import { loadKeys } from './load-keys.js';
import { openControl } from './open-control.js';
import { createStderrLog, LOG_LEVELS } from './stderr-log.js';
import { UsageError } from './usage-error.js';

const EXIT_REFUSED = 1;

/** Adds `voteplane fault`. */
export function registerFaultCommand(program: Command): void {
  program
    .command('fault')
    .description('strike a running rig with a fault, or end one')
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .argument(
      '<fault>',
      "'NAME on TARGET [key=value …] at TICK [for TICKS]' (at +50 counts from now), or 'clear NAME on TARGET'",
    )
    .requiredOption('--keys <file>', 'key file of an operator, from "voteplane keys generate"')
    .option('--id <id>', 'which operator of the rig this is; without it the first')
    .option('--passphrase-file <file>', 'passphrase of the key file, where it is encrypted')
    .option('--addresses <file>', 'JSON file of addresses in place of those in the rig')
    .option('--timeout <seconds>', 'how long to wait for answers', parseTimeoutMs, DEFAULT_TIMEOUT_MS)
    .option('--json', 'print the answers as JSON')
    .addOption(new Option('--log-level <level>', 'what to print').choices(LOG_LEVELS).default('error'))
    .action(runFault);
}

/** Adds `voteplane faults`. */
export function registerFaultsCommand(program: Command): void {
  program
    .command('faults')
    .description('list the faults that can be injected, with parameters, defaults and what is expected')
    .argument('[name]', 'one fault alone')
    .option('--json', 'print them as JSON')
    .action(listCatalogue);
}

async function runFault(rigPath: string, text: string, options: OperatorOptions): Promise<void> {
  const { rig, digests } = await loadRig(rigPath);
  // What is plainly wrong is said before anything is connected.
  const parsed = parseFault(text);
  if (!parsed.ok) throw new UsageError(formatSpecMistake(text, parsed));
  const targets = resolveFaultTargets(parsed.spec, rig);
  if (!targets.ok) throw new UsageError(`${rigPath}: ${targets.what}; ${targets.cure}`);
  const { witness } = rig;
  if (witness !== null && targets.obeying.includes(witness.id))
    throw new UsageError(
      `${rigPath}: the witness '${witness.id}' takes no orders; end its process yourself, or let a flight do it: voteplane demo ${rigPath} --fault "${text}"`,
    );
  const keys = await loadKeys(
    rig,
    chooseOperator(rig, options.id),
    'operator',
    options.keys,
    options.passphraseFile,
  );
  const log = createStderrLog(options.logLevel);
  const control = await openControl({
    rig,
    keys,
    addresses: readAddresses(options.addresses),
    log,
    only: targets.obeying,
    rigDigest: digests.rig,
  });
  const outcome = await control.client.order(text, options.timeout);
  await control.close();
  printOutcome(outcome, options.json === true);
  if (!outcome.ok) process.exitCode = EXIT_REFUSED;
}

/** The mistake under the text, with a mark at its place. */
export function formatSpecMistake(
  text: string,
  mistake: { readonly what: string; readonly cure: string; readonly column: number },
): string {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  const mark = mistake.column <= 201 ? `\n  ${' '.repeat(mistake.column - 1)}^` : '';
  return `fault, column ${mistake.column}: ${mistake.what}; ${mistake.cure}\n  ${shown.replaceAll(/\s/g, ' ')}${mark}`;
}

function printOutcome(outcome: OrderOutcome, isJson: boolean): void {
  if (isJson) {
    console.log(JSON.stringify(outcome, null, 2));
    return;
  }
  if (!('answers' in outcome)) {
    console.error(`refused: ${outcome.what}; ${outcome.cure}`);
    return;
  }
  for (const { from, ok, text } of outcome.answers) {
    if (ok) console.log(text);
    else console.error(`${from} refused: ${text}`);
  }
}

function listCatalogue(name: string | undefined, options: { readonly json?: boolean }): void {
  if (name !== undefined && findFault(name) === null) {
    throw new UsageError(`there is no fault '${name}'; 'voteplane faults' lists them`);
  }
  const rows = listFaults().filter((row) => name === undefined || row.name === name);
  if (options.json === true) {
    console.log(JSON.stringify(rows.map(describeRow), null, 2));
    return;
  }
  if (name === undefined) {
    console.log('NAME on TARGET [key=value …] at TICK [for TICKS]        clear NAME on TARGET');
    console.log(
      'TARGET: replica (c), channel (c.pitch), link (a>c), broker (broker:c), actuator (elevator), world; at +50: from now\n',
    );
  }
  for (const row of rows) console.log(`${describeFault(row.name) ?? row.name}\n`);
}

/** A row of the catalogue as JSON; null stands for a default that follows from the rig. */
function describeRow(row: FaultRow): unknown {
  const { name, meaning, targets, injectedAt, expected, parameters, implementation } = row;
  return {
    name,
    meaning,
    targets,
    injectedAt,
    expected,
    worlds: implementation.worlds,
    needs: isOfLog(name) ? 'a command log' : null,
    parameters: parameters.map(({ key, type, default: standard, meaning: purpose }) => ({
      key,
      default: standard,
      meaning: purpose,
      takes: describeType(type),
    })),
  };
}
