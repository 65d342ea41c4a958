/**
 * Puts an installation in place below a root folder, and takes it away again. Each file appears whole or not at all, with its
 * mode from its first byte on. It never replaces or removes a unit that it did not write.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm, rmdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { placeInstallation, type InstallPlan, type InstallStep } from './install-plan.js';
import { UNIT_MARK } from './service-unit.js';

/** An installation that cannot be put in place; the message names the file and the cure. */
export class InstallError extends Error {
  override readonly name = 'InstallError';
}

const FOLDER_MODE = 0o755;
const SECRET_FOLDER_MODE = 0o700;
const OTHERS = 0o077;

/** Where a path of the board is below `root`; `/` for the machine itself. */
export function atRoot(root: string, boardPath: string): string {
  return path.join(root, boardPath);
}

/** Refuses to put the unit over one that is not the same process's, written by an installation. Throws `InstallError`. */
export async function checkReplaceable(plan: InstallPlan, root: string): Promise<void> {
  const file = atRoot(root, plan.unitFile);
  const there = await readIfThere(file);
  const step = plan.steps.find((one) => one.to === plan.unitFile);
  if (there === null || step?.kind !== 'text') return;
  if (there.startsWith(UNIT_MARK) && readDescription(there) === readDescription(step.text)) return;
  throw new InstallError(
    `${file}: a unit of this name is there that voteplane did not write for this process; move it away first`,
  );
}

/** Carries the steps out in order, those that `chosen` picks. Throws what the file system throws. */
export async function applySteps(
  steps: readonly InstallStep[],
  root: string,
  chosen: (step: InstallStep) => boolean = () => true,
): Promise<void> {
  for (const step of steps) if (chosen(step)) await applyStep(step, root);
}

async function applyStep(step: InstallStep, root: string): Promise<void> {
  const to = atRoot(root, step.to);
  const isSecret = step.kind === 'copy' && (step.mode & OTHERS) === 0;
  await mkdir(path.dirname(to), { recursive: true, mode: isSecret ? SECRET_FOLDER_MODE : FOLDER_MODE });
  const temporary = path.join(path.dirname(to), `.${path.basename(to)}.new`);
  await rm(temporary, { force: true });
  switch (step.kind) {
    case 'link':
      await symlink(step.target, temporary);
      break;
    case 'text':
      await writeWhole(temporary, step.text, step.mode);
      break;
    case 'copy':
      await writeWhole(temporary, await readFile(step.from), step.mode);
      break;
  }
  await rename(temporary, to);
}

async function writeWhole(file: string, content: string | Uint8Array, mode: number): Promise<void> {
  const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    // The mode at creation is subject to the umask, which may be stricter than what a service can read.
    await handle.chmod(mode);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Takes away what an installation of this process wrote, its copy of the rig too when no other process of the rig is
 * installed. Gives the paths that are gone. Throws `InstallError` where nothing of it is there.
 */
export async function removeInstallation(
  rigId: string,
  id: string,
  root: string,
): Promise<readonly string[]> {
  const { unit, unitFile, linkFile, rigFolder, secrets } = placeInstallation(rigId, id);
  const there = await readIfThere(atRoot(root, unitFile));
  if (there === null) {
    throw new InstallError(`${atRoot(root, unitFile)}: no such unit; "${unit}" is not installed here`);
  }
  if (!there.startsWith(UNIT_MARK)) {
    throw new InstallError(`${atRoot(root, unitFile)}: voteplane did not write it; remove it by hand`);
  }
  const gone: string[] = [];
  const remove = async (boardPath: string): Promise<void> => {
    const file = atRoot(root, boardPath);
    if (!(await isThere(file))) return;
    await rm(file, { recursive: true });
    gone.push(file);
  };
  for (const boardPath of [linkFile, unitFile, ...secrets]) await remove(boardPath);
  if ((await listUnits(rigId, root)).length === 0) await remove(rigFolder);
  await removeEmptyUpTo(atRoot(root, path.posix.dirname(secrets[0] ?? '/')), atRoot(root, '/etc'));
  await removeEmptyUpTo(atRoot(root, path.posix.dirname(rigFolder)), atRoot(root, '/etc'));
  return gone;
}

/** Units of this rig that are still installed. */
async function listUnits(rigId: string, root: string): Promise<readonly string[]> {
  const folder = atRoot(root, path.posix.dirname(placeInstallation(rigId, 'any').unitFile));
  const texts = await Promise.all(
    (await readdir(folder))
      .filter((name) => name.startsWith(`voteplane-${rigId}-`) && name.endsWith('.service'))
      .map((name) => readIfThere(path.join(folder, name))),
  );
  return texts.filter(
    (text) => text !== null && readDescription(text)?.endsWith(` of rig ${rigId}`) === true,
  ) as string[];
}

function readDescription(unitText: string): string | null {
  return /^Description=(.*)$/m.exec(unitText)?.[1] ?? null;
}

/** Removes the folder if it is empty, then the one that holds it, as far as the one that stays. */
async function removeEmptyUpTo(folder: string, stays: string): Promise<void> {
  for (let next = folder; next !== stays; next = path.dirname(next)) {
    if (!(await isThere(next))) continue;
    if ((await readdir(next)).length > 0) return;
    await rmdir(next);
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function readIfThere(file: string): Promise<string | null> {
  return (await isThere(file)) ? readFile(file, 'utf8') : null;
}
