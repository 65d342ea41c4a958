/**
 * What an installation writes: the files of the rig that a process reads, its keys, its unit, and the link that starts it at
 * boot. Pure: it reads nothing and writes nothing. No text of a key is ever part of a plan.
 */
import path from 'node:path';
import { nameUnit, renderUnit, type ServiceUnitParts } from './service-unit.js';

/** One thing to put in place. Paths are absolute as the board sees them. */
export type InstallStep =
  /** A copy of a file of the machine that installs. */
  | { readonly kind: 'copy'; readonly from: string; readonly to: string; readonly mode: number }
  | { readonly kind: 'text'; readonly to: string; readonly mode: number; readonly text: string }
  | { readonly kind: 'link'; readonly to: string; readonly target: string };

export interface InstallRequest extends Pick<
  ServiceUnitParts,
  'rigId' | 'kind' | 'id' | 'nodePath' | 'programPath' | 'nodeFlags' | 'bridge' | 'periodUs' | 'isVolatile'
> {
  /** The rig file and the files of its law: absolute paths on the machine that installs, the rig file first. */
  readonly rigFiles: readonly [string, ...string[]];
  readonly keyFile: string;
  readonly passphraseFile: string | null;
}

export interface InstallPlan {
  readonly unit: string;
  readonly unitFile: string;
  readonly linkFile: string;
  /** Folder of the rig's copy on the board. */
  readonly rigFolder: string;
  /** Path of the rig file's copy. */
  readonly rigFile: string;
  /** In the order in which they are put in place: the unit comes when all that it names is there. */
  readonly steps: readonly InstallStep[];
}

const RIG_FOLDER = '/etc/voteplane/rigs';
const KEY_FOLDER = '/etc/voteplane/keys';
const UNIT_FOLDER = '/etc/systemd/system';
const WANTS_FOLDER = `${UNIT_FOLDER}/multi-user.target.wants`;
const PUBLIC_MODE = 0o644;
const SECRET_MODE = 0o600;

/** Where the parts of an installation stand on the board. */
export function placeInstallation(
  rigId: string,
  id: string,
): Pick<InstallPlan, 'unit' | 'unitFile' | 'linkFile' | 'rigFolder'> & {
  readonly secrets: readonly string[];
} {
  const unit = nameUnit(rigId, id);
  return {
    unit,
    unitFile: `${UNIT_FOLDER}/${unit}`,
    linkFile: `${WANTS_FOLDER}/${unit}`,
    rigFolder: `${RIG_FOLDER}/${rigId}`,
    secrets: [`${KEY_FOLDER}/${rigId}/${id}.keys.json`, `${KEY_FOLDER}/${rigId}/${id}.passphrase`],
  };
}

/** Plans it. The rig's files keep their places relative to one another, so that imports and `law:` still lead there. */
export function planInstallation(request: InstallRequest): InstallPlan {
  const { rigId, id, rigFiles } = request;
  const places = placeInstallation(rigId, id);
  const [keyFile = '', passphraseFile = ''] = places.secrets;
  const root = findCommonFolder(rigFiles);
  const toBoard = (file: string): string =>
    path.posix.join(places.rigFolder, ...path.relative(root, file).split(path.sep));
  const rigFile = toBoard(rigFiles[0]);
  const copySecret = (from: string, to: string): InstallStep => ({
    kind: 'copy',
    from,
    to,
    mode: SECRET_MODE,
  });
  const unitText = renderUnit({
    ...request,
    rigFile,
    keyFile,
    passphraseFile: request.passphraseFile === null ? null : passphraseFile,
  });
  return {
    ...places,
    rigFile,
    steps: [
      ...rigFiles.map((from): InstallStep => ({ kind: 'copy', from, to: toBoard(from), mode: PUBLIC_MODE })),
      copySecret(request.keyFile, keyFile),
      ...(request.passphraseFile === null ? [] : [copySecret(request.passphraseFile, passphraseFile)]),
      { kind: 'text', to: places.unitFile, mode: PUBLIC_MODE, text: unitText },
      { kind: 'link', to: places.linkFile, target: `../${places.unit}` },
    ],
  };
}

function findCommonFolder(files: readonly string[]): string {
  let common = path.dirname(files[0] ?? '/');
  const holds = (file: string): boolean => {
    const relative = path.relative(common, file);
    return !relative.startsWith('..') && !path.isAbsolute(relative);
  };
  while (!files.every(holds)) common = path.dirname(common);
  return common;
}

/** The plan for people: every file that would be written, the unit in full, no secret. */
export function renderPlan(plan: InstallPlan): string {
  return plan.steps
    .map((step) => {
      switch (step.kind) {
        case 'copy':
          return `# ${step.to} (mode ${formatMode(step.mode)}): copy of ${step.from}\n`;
        case 'link':
          return `# ${step.to}: link to ${step.target}\n`;
        case 'text':
          return `# ${step.to} (mode ${formatMode(step.mode)}):\n${step.text}`;
      }
    })
    .join('\n');
}

function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
