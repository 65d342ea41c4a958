/** The `voteplane` command. Loads only the subcommand that is asked for: a replica carries no demo. */
import { Command } from 'commander';
import { isJournal, markError } from '../log/journal.js';
import { keepSmall } from '../process/v8-flags.js';
import { readVersion } from './flight-options.js';
import { EXIT_USAGE, UsageError } from './usage-error.js';

type Register = (program: Command) => void;

/** Where each subcommand lives, in the order in which help lists them. */
const SUBCOMMANDS: ReadonlyMap<string, () => Promise<Register>> = new Map([
  ['demo', async () => (await import('./demo-command.js')).registerDemoCommand],
  ['simulate', async () => (await import('./simulate-command.js')).registerSimulateCommand],
  ['campaign', async () => (await import('./campaign-command.js')).registerCampaignCommand],
  ['report', async () => (await import('./report-command.js')).registerReportCommand],
  ['replay', async () => (await import('./replay-command.js')).registerReplayCommand],
  ['check', async () => (await import('./check-command.js')).registerCheckCommand],
  ['keys', async () => (await import('./keys-command.js')).registerKeysCommand],
  ['install', async () => (await import('./install-command.js')).registerInstallCommand],
  ['replica', async () => (await import('./replica-command.js')).registerReplicaCommand],
  ['actuator', async () => (await import('./actuator-command.js')).registerActuatorCommand],
  ['witness', loadWitnessCommand],
  ['plant', async () => (await import('./plant-command.js')).registerPlantCommand],
  ['submit', async () => (await import('./submit-command.js')).registerSubmitCommand],
  ['log', async () => (await import('./log-command.js')).registerLogCommand],
  ['fault', async () => (await import('./fault-command.js')).registerFaultCommand],
  ['faults', async () => (await import('./fault-command.js')).registerFaultsCommand],
  ['exhaust', async () => (await import('./exhaust-command.js')).registerExhaustCommand],
]);

/** The witness is an inexpensive device: it is kept small before anything of it is loaded. */
async function loadWitnessCommand(): Promise<Register> {
  if (process.argv[2] === 'witness') keepSmall();
  return (await import('./witness-command.js')).registerWitnessCommand;
}

/** Errors that say by themselves what is wrong and how to mend it. */
const EXPLAINED = new Set([
  'UsageError',
  'RigError',
  'ScenarioError',
  'KeyFileError',
  'StateFolderError',
  'StoreError',
  'OrderStoreError',
  'PlantError',
  'InboxError',
  'CampaignError',
  'PoolError',
  'RecordingError',
  'InstallError',
  'SequenceFileError',
  'CommandError',
]);

/** A reader that has seen enough, such as `head`, ends the command without a word. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

async function main(): Promise<void> {
  process.stdout.on('error', endWithReader);
  const program = new Command('voteplane')
    .description('Replicated control for small boards: agree on sensors, vote at the actuator, fail safe')
    .version(readVersion(), '--version', 'print the version')
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride((error) => {
      // Help and version were asked for; everything else is a usage error.
      process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE);
    });
  const asked = SUBCOMMANDS.get(process.argv[2] ?? '');
  const wanted = asked === undefined ? [...SUBCOMMANDS.values()] : [asked];
  for (const load of wanted) (await load())(program);
  for (const command of program.commands) command.copyInheritedSettings(program);
  await program.parseAsync();
}

main().catch((error: unknown) => {
  const isExplained =
    error instanceof UsageError ||
    (error instanceof Error && (EXPLAINED.has(error.name) || 'syscall' in error));
  if (!isExplained) throw error;
  const text = (error as Error).message;
  const isForJournal = isJournal(process.stderr.fd, process.env.JOURNAL_STREAM);
  process.stderr.write(`${isForJournal ? markError(text) : text}\n`);
  process.exit(EXIT_USAGE);
});
