/**
 * `voteplane check RIG`: what follows from a rig, or everything that is wrong with it. Runs the control law on made-up
 * inputs. Exit 0: the rig can fly (warnings included); 2: it cannot. Opens no socket and writes no file.
 * `--measure` looks at the rig while it runs instead. Exit 0: its links allow its round and period (warnings included);
 * 1: they do not, or a replica does not answer.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { startNamedPlant } from '../../hardware/plants/plants.js';
import { parseFault } from '../faults/spec.js';
import { toHex } from '../core/bytes.js';
import { checkLaw } from '../rig/check-law.js';
import { deriveFacts, DURABLE_WRITE_US } from '../rig/derive.js';
import type { RigFacts } from '../rig/derive.js';
import { computeArithmeticDigest } from '../rig/digest.js';
import { describeArgument } from '../rig/command-arguments.js';
import { loadRig } from '../rig/load-rig.js';
import type { LoadedRig } from '../rig/load-rig.js';
import { formatMistake, RigError, sortMistakes } from '../rig/mistake.js';
import type { Mistake } from '../rig/mistake.js';
import { formatDuration } from '../rig/quantity.js';
import type { Rig } from '../rig/rig.js';
import type { Path } from '../rig/read-yaml.js';
import { renderMeasurement } from '../measure/render-measurement.js';
import { lawStateCodec } from '../wire/law-state-codec.js';
import { describeSilence, measureRig, parseMeasuringTime, type MeasureOptions } from './measure-rig.js';
import { parseTimeoutMs } from './operator-options.js';
import { UsageError } from './usage-error.js';

/** What `check` finds; `--json` prints it. */
export type CheckReport =
  | {
      readonly ok: true;
      readonly rig: string;
      readonly file: string;
      readonly hypothesis: string;
      readonly facts: RigFacts;
      /** The figures of the reliability model, and which of them are assumed. */
      readonly reliability: string;
      /** What operators may ask for: how it is given, and who may. */
      readonly commands: readonly {
        readonly id: string;
        readonly form: string;
        readonly by: readonly string[];
      }[];
      readonly law: { readonly files: readonly string[]; readonly stateBytes: number };
      /** Hexadecimal. */
      readonly digests: { readonly rig: string; readonly law: string; readonly arithmetic: string };
      readonly defaults: LoadedRig['defaults'];
      readonly warnings: readonly Mistake[];
      /** Rig files of the other flights, checked as well. */
      readonly flights: readonly string[];
    }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

interface CheckOptions extends MeasureOptions {
  readonly measure?: boolean;
  readonly json?: boolean;
}

/** Options that mean something to a measurement alone. */
const MEASURE_OPTIONS = ['keys', 'id', 'passphraseFile', 'addresses', 'for', 'timeout'] as const;

const EXIT_UNFIT = 1;

/** Adds the command to the program. */
export function registerCheckCommand(program: Command): void {
  program
    .command('check')
    .summary('say what follows from a rig, or all that is wrong with it')
    .description(
      'Checks a rig folder: its rig.yaml, what its fault hypothesis permits, its timing, its control law. Prints what ' +
        'follows from it, or every mistake with its code, place and cure. Exit 0: the rig can fly; 2: it cannot.\n\n' +
        'With --measure it asks the running rig instead: what delay, loss and skew its links have, which round and period ' +
        'they allow, and how far the configured ones are from that. Nothing in the rig changes. Exit 1: the round or the ' +
        'period is too short, or a replica does not answer.',
    )
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or rig file')
    .option('--measure', 'measure the links of the running rig; the options below are for it')
    .option('--keys <file>', 'key file of an operator, from "voteplane keys generate"')
    .option('--id <id>', 'which operator of the rig this is; without it the first')
    .option('--passphrase-file <file>', 'passphrase of the key file, where it is encrypted')
    .option('--addresses <file>', 'JSON file of addresses in place of those in the rig')
    .option('--for <time>', 'how long to measure, 1s to 600s (default: 5s)', parseMeasuringTime)
    .option('--timeout <seconds>', 'how long to wait for answers (default: 5)', parseTimeoutMs)
    .option('--json', 'print the findings as JSON')
    .action(runCheck);
}

async function runCheck(where: string, options: CheckOptions): Promise<void> {
  const stray = MEASURE_OPTIONS.find((name) => options[name] !== undefined);
  if (options.measure !== true && stray !== undefined) {
    const flag = stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${flag} is for measurements; add --measure, or leave it out`);
  }
  const report = await checkRig(where);
  if (options.measure === true && report.ok) {
    await measure(where, report, options);
    return;
  }
  process.stdout.write(
    options.json === true ? `${JSON.stringify(report, null, 2)}\n` : `${renderReport(report)}\n`,
  );
  if (!report.ok) process.exitCode = 2;
}

async function measure(
  where: string,
  report: Extract<CheckReport, { readonly ok: true }>,
  options: CheckOptions,
): Promise<void> {
  const { measurement, judgement } = await measureRig(where, options);
  if (!judgement.ok) process.exitCode = EXIT_UNFIT;
  if (options.json === true) {
    const { rig, file } = report;
    process.stdout.write(`${JSON.stringify({ rig, file, ...judgement, measurement }, null, 2)}\n`);
  } else if (measurement.replicas.length === 0) {
    process.stderr.write(`${describeSilence(where, measurement)}\n`);
  } else {
    process.stdout.write(`${report.rig}  ${report.file}\n\n${renderMeasurement(measurement, judgement)}\n`);
  }
}

/** Checks the rig at `where`, a folder or a file, and the flights it names. */
export async function checkRig(where: string): Promise<CheckReport> {
  const mistakes: Mistake[] = [];
  const main = await checkOne(where, mistakes);
  if (main === null) return { ok: false, mistakes: sortMistakes(mistakes) };
  const flights: string[] = [];
  for (const [index, flight] of main.loaded.rig.flights.entries()) {
    const flightPath = path.join(path.dirname(main.loaded.file), flight);
    const checked = await checkOne(flightPath, mistakes);
    if (checked === null) continue;
    flights.push(checked.loaded.file);
    if (checked.loaded.rig.flights.length > 0) {
      const what = `${flight} has flights of its own`;
      mistakes.push(
        place(main.loaded, ['flights', index], 'VP-RIG-CHOICE', what, 'Name all of them in the first rig'),
      );
    }
  }
  if (mistakes.length > 0) return { ok: false, mistakes: sortMistakes(mistakes) };
  const { loaded } = main;
  return {
    ok: true,
    rig: loaded.rig.id,
    file: loaded.file,
    hypothesis: describeHypothesis(loaded),
    facts: deriveFacts(loaded.rig),
    reliability: describeReliability(loaded.rig.reliability),
    commands: loaded.rig.commands.map(({ id, by, arguments: given }) => ({
      id,
      form: given.map((argument) => ` ${describeArgument(argument)}`).join(''),
      by,
    })),
    law: { files: loaded.law.files, stateBytes: main.stateBytes },
    digests: {
      rig: toHex(loaded.digests.rig),
      law: toHex(loaded.digests.law),
      arithmetic: toHex(computeArithmeticDigest()),
    },
    defaults: loaded.defaults,
    warnings: [...loaded.warnings, ...main.warnings],
    flights,
  };
}

interface CheckedRig {
  readonly loaded: LoadedRig;
  readonly warnings: readonly Mistake[];
  readonly stateBytes: number;
}

/** One rig; adds what is wrong to `mistakes` and returns null when it could not even be loaded. */
async function checkOne(where: string, mistakes: Mistake[]): Promise<CheckedRig | null> {
  let loaded: LoadedRig;
  try {
    loaded = await loadRig(where);
  } catch (error) {
    if (!(error instanceof RigError)) throw error;
    mistakes.push(...error.mistakes);
    return null;
  }
  checkPlant(loaded, mistakes);
  checkTour(loaded, mistakes);
  const verdict = checkLaw(loaded, lawStateCodec);
  mistakes.push(...verdict.mistakes);
  return { loaded, warnings: verdict.warnings, stateBytes: verdict.stateBytes };
}

function checkPlant(loaded: LoadedRig, mistakes: Mistake[]): void {
  const { plant } = loaded.rig;
  if (plant === null) return;
  try {
    startNamedPlant(plant.model, plant.parameters, 1);
  } catch (error) {
    const what = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
    mistakes.push(place(loaded, ['plant'], 'VP-RIG-PLANT', what, 'See hardware/plants'));
  }
}

function checkTour(loaded: LoadedRig, mistakes: Mistake[]): void {
  loaded.rig.tour.forEach(({ fault }, index) => {
    const parsed = parseFault(fault);
    if (parsed.ok) return;
    const cure = `${parsed.cure.charAt(0).toUpperCase()}${parsed.cure.slice(1)}`;
    mistakes.push(place(loaded, ['tour', index, 'fault'], 'VP-RIG-FAULT', parsed.what, cure));
  });
}

function place(loaded: LoadedRig, at: Path, code: Mistake['code'], what: string, cure: string): Mistake {
  const { line, column } = loaded.placeOf(at);
  return { code, file: loaded.file, line, column, what, cure };
}

function describeHypothesis(loaded: LoadedRig): string {
  const { hypothesis, witness } = loaded.rig;
  switch (hypothesis.kind) {
    case 'byzantine':
      return `byzantine: ${hypothesis.f}, ${hypothesis.authenticators === 'mac' ? 'MACs' : 'signatures'}`;
    case 'crash':
      return `crash: ${hypothesis.f}${witness === null ? '' : `, two replicas and the witness ${witness.id}`}`;
    case 'none':
      return 'none (study only)';
  }
}

/** What its promise to be there in time rests on. */
function describeWitness({ witness }: RigFacts): readonly (readonly [string, string])[] {
  if (witness === null) return [];
  const { id, quorumChangeUs } = witness;
  return [
    [
      'witness',
      `${id} changes the operational quorum within ${formatDuration(quorumChangeUs)} after a replica's last word, where a ` +
        `durable write takes at most ${formatDuration(DURABLE_WRITE_US)}`,
    ],
  ];
}

function describeReliability(figures: Rig['reliability']): string {
  const { replicaMtbfHours, repairHours, missionHours, assumed } = figures;
  const about = assumed.length === 0 ? '' : ` (assumed: ${assumed.join(', ')})`;
  return `a replica fails once in ${replicaMtbfHours} h, is back in ${repairHours} h; missions of ${missionHours} h${about}`;
}

/** The report for people. */
export function renderReport(report: CheckReport): string {
  if (!report.ok) {
    const { length } = report.mistakes;
    return [...report.mistakes.map(formatMistake), '', `${length} mistake${length === 1 ? '' : 's'}`].join(
      '\n',
    );
  }
  const { facts, commands } = report;
  const { perTick, packetCaps } = facts;
  const quorum =
    facts.witness === null
      ? `${facts.majority} of ${facts.replicas} equal commands move an actuator, ${facts.minPresent} entries make a tick`
      : 'the entries of the whole operational quorum make a tick, and one command of it moves an actuator';
  const caps = Object.entries(packetCaps).flatMap(([purpose, bytes]) =>
    bytes === 0 ? [] : [`${purpose} ${bytes}`],
  );
  const lines = [
    `${report.rig}  ${report.file}`,
    ...section('What follows', [
      ['hypothesis', report.hypothesis],
      ['algorithm', facts.algorithmInWords],
      ['rounds', `${facts.rounds} a tick`],
      ['quorums', quorum],
      [
        'messages',
        `${perTick.roundMessages} between replicas and ${perTick.commandMessages} commands a tick, ${perTick.logicalMessages} values under way`,
      ],
      ['bytes', `at most ${perTick.bytes} a tick, MQTT and TCP headers not counted`],
      ['packet caps', `${caps.join(', ')} bytes`],
      ['decided', `by ${formatDuration(facts.decidedByUs)} after the start of the tick`],
      ['command', `sent by ${formatDuration(facts.commandByUs)}${facts.foresees ? FORESIGHT : ''}`],
      ['worst latency', `${formatDuration(facts.worstLatencyUs)} from sample to output`],
      ['longest gap', `${formatDuration(facts.longestGapUs)} between two outputs`],
      ...describeWitness(facts),
      ['reliability', report.reliability],
      ['law', `${report.law.files.join(', ')}; state of ${report.law.stateBytes} bytes`],
      ['rig digest', report.digests.rig.slice(0, 16)],
      ['law digest', report.digests.law.slice(0, 16)],
      ['arithmetic', report.digests.arithmetic.slice(0, 16)],
    ]),
    ...section(
      'Commands of operators',
      commands.map(({ id, form, by }) => [`${id}${form}`, `by ${by.join(', ')}`]),
    ),
    ...bullets('Tolerates', facts.tolerates),
    ...bullets('Does not tolerate', facts.doesNotTolerate),
    ...bullets('Single points of failure', facts.singlePoints),
    ...section(
      'Defaults in force',
      report.defaults.map(({ path: where, value }) => [where, value]),
    ),
    ...bullets('Flies next', report.flights),
    ...bullets('Warnings', report.warnings.map(formatMistake)),
  ];
  return lines.join('\n');
}

const FORESIGHT = '; after round 1 already, if three replicas heard the same in time';

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([name]) => name.length));
  return ['', title, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)];
}

function bullets(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : ['', title, ...items.map((item) => `  - ${item}`)];
}
