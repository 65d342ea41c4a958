/**
 * `voteplane install RIG --replica a --keys F`: makes one replica, voter or witness of a rig a service of this board, or of the image
 * of one below `--root`. Nothing is written before the rig, the keys and the places of everything have been checked.
 */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { resolveBridge } from '../../firmware-bridge/host/bridge-ports.js';
import {
  applySteps,
  atRoot,
  checkReplaceable,
  InstallError,
  removeInstallation,
} from '../board/apply-plan.js';
import { placeInstallation, planInstallation, renderPlan, type InstallPlan } from '../board/install-plan.js';
import type { ServiceKind } from '../board/service-unit.js';
import { toHex } from '../core/bytes.js';
import { PORTABLE_V8_FLAGS } from '../process/v8-flags.js';
import { loadRig, type LoadedRig } from '../rig/load-rig.js';
import type { BridgePart, Rig } from '../rig/rig.js';
import { checkRig, renderReport } from './check-command.js';
import { loadKeys } from './load-keys.js';
import { UsageError } from './usage-error.js';

interface InstallOptions {
  readonly replica?: string;
  readonly actuator?: string;
  readonly witness?: string;
  readonly keys?: string;
  readonly passphraseFile?: string;
  readonly root: string;
  readonly node: string;
  readonly program: string;
  readonly volatile?: boolean;
  readonly dryRun?: boolean;
  readonly uninstall?: boolean;
}

interface Chosen {
  readonly kind: ServiceKind;
  readonly id: string;
}

const KINDS: readonly ServiceKind[] = ['replica', 'actuator', 'witness'];

/** The command as it is installed, next to this module. */
const OWN_PROGRAM = fileURLToPath(new URL('../../../bin/voteplane.js', import.meta.url));

/** Adds the command. */
export function registerInstallCommand(program: Command): void {
  program
    .command('install')
    .summary('make a replica, actuator or witness a service of this board')
    .description(
      'Writes a systemd unit with watchdog, limits and sandbox for one part of a rig, its key file for the ' +
        'service alone, and a copy of the rig, to /etc. Run it as root on the board, or with --root on the image of one. ' +
        'hardware/boards has the whole way, step by step.',
    )
    .argument('<rig>', 'rig folder, such as hardware/rigs/pitch, or its rig.yaml')
    .option('--replica <id>', 'which replica of the rig runs here')
    .option('--actuator <id>', 'or which actuator, that is its voter')
    .option('--witness <id>', 'or that the witness runs here')
    .option('--keys <file>', 'its key file, from "voteplane keys generate"')
    .option('--passphrase-file <file>', 'passphrase of the key file, where it is encrypted')
    .option('--root <dir>', "write below this folder, such as an image's root, in place of /", '/')
    .option('--node <file>', 'Node on the board', process.execPath)
    .option('--program <file>', 'bin/voteplane.js on the board', OWN_PROGRAM)
    .option('--volatile', 'keep its state in memory, for a root that is read-only')
    .option('--dry-run', 'print what would be written, and write nothing')
    .option('--uninstall', 'take away what an installation wrote')
    .action(runInstall);
}

async function runInstall(rigPath: string, options: InstallOptions): Promise<void> {
  const chosen = choose(options);
  const root = path.resolve(options.root);
  if (options.uninstall === true) {
    await uninstall(rigPath, chosen, root);
    return;
  }
  // All that is wrong with the rig, before anything else is looked at.
  const report = await checkRig(rigPath);
  if (!report.ok) {
    process.stderr.write(`${renderReport(report)}\n`);
    process.exitCode = 2;
    return;
  }
  const loaded = await loadRig(rigPath);
  const plan = await makePlan(loaded, chosen, options);
  if (options.dryRun === true) {
    process.stdout.write(renderPlan(plan));
    return;
  }
  checkPlace(options, root);
  await checkReplaceable(plan, root);
  await write(plan, loaded, root);
  process.stdout.write(renderNextSteps(plan, root));
}

function choose(options: InstallOptions): Chosen {
  const [chosen, other] = KINDS.flatMap((kind): readonly Chosen[] => {
    const id = options[kind];
    return id === undefined ? [] : [{ kind, id }];
  });
  if (chosen !== undefined && other === undefined) return chosen;
  throw new UsageError(
    'say which part of the rig runs here: --replica a, --actuator elevator or --witness w; one at a time',
  );
}

/** The parts of a rig of one kind. */
function listParts(
  rig: Rig,
  kind: ServiceKind,
): readonly { readonly id: string; readonly bridge: BridgePart | null }[] {
  switch (kind) {
    case 'replica':
      return rig.replicas;
    case 'actuator':
      return rig.actuators;
    case 'witness':
      return rig.witness === null ? [] : [{ ...rig.witness, bridge: null }];
  }
}

async function makePlan(
  loaded: LoadedRig,
  { kind, id }: Chosen,
  options: InstallOptions,
): Promise<InstallPlan> {
  const { rig, folder } = loaded;
  const parts = listParts(rig, kind);
  const part = parts.find((one) => one.id === id);
  if (part === undefined) {
    const names = parts.map((one) => one.id).join(', ') || 'none';
    throw new UsageError(`rig ${rig.id} has no ${kind} "${id}"; it has ${names}`);
  }
  try {
    if (part.bridge !== null) resolveBridge(id, part.bridge, {});
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { keys } = options;
  if (keys === undefined && options.dryRun !== true) {
    throw new UsageError(
      `--keys: name the key file of ${id}; "voteplane keys generate ${loaded.file} --out keys" makes one for everybody`,
    );
  }
  if (keys !== undefined) await loadKeys(rig, id, kind, keys, options.passphraseFile);
  const lawFolder = path.dirname(path.resolve(folder, rig.law.path));
  return planInstallation({
    rigId: rig.id,
    kind,
    id,
    nodePath: path.resolve(options.node),
    programPath: path.resolve(options.program),
    nodeFlags: PORTABLE_V8_FLAGS,
    bridge: part.bridge,
    periodUs: rig.periodUs,
    isVolatile: options.volatile ?? false,
    rigFiles: [path.resolve(loaded.file), ...loaded.law.files.map((name) => path.resolve(lawFolder, name))],
    keyFile: path.resolve(keys ?? `keys/${id}.keys.json`),
    passphraseFile: options.passphraseFile === undefined ? null : path.resolve(options.passphraseFile),
  });
}

/** Folders that the unit hides from the service. */
const HIDDEN = ['/home', '/root', '/run/user', '/tmp', '/var/tmp'];

/** Refuses a machine, a user or a place with which the unit could not work. */
function checkPlace({ node, program }: InstallOptions, root: string): void {
  const isBoard = root === '/';
  if (isBoard && !existsSync('/run/systemd/system')) {
    throw new UsageError(
      'systemd does not run here; write into the image of a board with --root DIR, or print the unit with --dry-run and ' +
        'start the command in it by other means',
    );
  }
  if (isBoard && process.geteuid?.() !== 0) {
    throw new UsageError('only root may write to /etc; run it again with sudo');
  }
  if (!isBoard && !existsSync(root))
    throw new UsageError(`--root: ${root}: there is no such folder; name an image's root`);
  for (const [option, file] of [
    ['--node', path.resolve(node)],
    ['--program', path.resolve(program)],
    ['--perl', '/usr/bin/perl'],
  ] as const) {
    if (!existsSync(atRoot(root, file))) throw new UsageError(refuseMissing(option, atRoot(root, file)));
    const hidden = HIDDEN.find((folder) => isInside(isBoard ? realpathSync(file) : file, folder));
    if (hidden !== undefined) {
      throw new UsageError(
        `${option}: ${file} is below ${hidden}, which the service cannot see; install for the whole board: ` +
          'sudo npm install --global voteplane, and Node from a package',
      );
    }
  }
}

function refuseMissing(option: string, file: string): string {
  switch (option) {
    case '--perl':
      return `${file} is not there, and through it the service speaks to systemd; install perl-base`;
    case '--node':
      return `--node: ${file} is not there; install Node 20.19 or newer, or say where it is`;
    default:
      return `${option}: ${file} is not there; install voteplane there, or say where it is`;
  }
}

function isInside(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}

/** The rig first; the rest when its copy has proved to be the same rig. */
async function write(plan: InstallPlan, loaded: LoadedRig, root: string): Promise<void> {
  const isRig = (to: string): boolean => isInside(to, plan.rigFolder);
  await applySteps(plan.steps, root, ({ to }) => isRig(to));
  const copy = await loadRig(atRoot(root, plan.rigFile));
  for (const part of ['rig', 'law'] as const) {
    if (toHex(copy.digests[part]) !== toHex(loaded.digests[part])) {
      throw new InstallError(
        `${plan.rigFile}: the copy is another ${part}; did somebody write to ${loaded.folder}? Try again`,
      );
    }
  }
  await applySteps(plan.steps, root, ({ to }) => !isRig(to));
}

function renderNextSteps(plan: InstallPlan, root: string): string {
  const written = plan.steps.map(({ to }) => `  ${atRoot(root, to)}\n`).join('');
  if (root !== '/') return `written:\n${written}The service ${plan.unit} starts when the board boots.\n`;
  return (
    `written:\n${written}` +
    `It starts when the board boots. Start it now, see how it does, follow its log:\n` +
    `  systemctl daemon-reload && systemctl restart ${plan.unit}\n` +
    `  systemctl status ${plan.unit}\n` +
    `  journalctl -f -o cat -u ${plan.unit}\n`
  );
}

/** The rig may be gone by then: its id is enough. */
async function uninstall(rigPath: string, { id }: Chosen, root: string): Promise<void> {
  const rigId = existsSync(rigPath) ? (await loadRig(rigPath)).rig.id : rigPath;
  const { unit } = placeInstallation(rigId, id);
  if (root === '/' && process.geteuid?.() !== 0)
    throw new UsageError('only root may do that; run it again with sudo');
  const gone = await removeInstallation(rigId, id, root);
  const stop =
    root === '/'
      ? `Stop what still runs: systemctl stop ${unit}; systemctl daemon-reload\n` +
        `Its state is left: /var/lib/private/voteplane/${rigId}-${id}\n`
      : '';
  process.stdout.write(`gone:\n${gone.map((file) => `  ${file}\n`).join('')}${stop}`);
}
