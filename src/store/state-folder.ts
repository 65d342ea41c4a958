/**
 * The folder of one replica for what must outlive its process. Two processes with one identity would equivocate
 * without meaning to, so a folder is claimed by one process at a time; what a dead process left is taken over, and so is
 * what was left before the machine started anew: the same process id is then another process.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The folder is another's. */
export class StateFolderError extends Error {
  override readonly name = 'StateFolderError';
}

const LOCK_FILE = 'process.lock';

interface Lock {
  readonly owner: string;
  readonly pid: number;
  /** Of the run of the machine in which the process id means anything; null where the machine does not say. */
  readonly boot?: string | null;
}

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/**
 * Claims `folder` for `owner` (such as "replica a of rig pitch"), creating it where it is missing. Returns what gives it
 * back. Throws StateFolderError when a living process holds it or it belongs to somebody else, and the error of the
 * file system when it cannot be written.
 */
export function claimStateFolder(folder: string, owner: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, LOCK_FILE);
  const text = `${JSON.stringify({ owner, pid: process.pid, boot: readBootId() } satisfies Lock)}\n`;
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    refuseHeld(file, folder, owner);
    writeFileSync(file, text, { mode: 0o600 });
  }
  return () => rmSync(file, { force: true });
}

/** Takes from a folder all that its owner keeps there; it stays claimed. For faults alone: nothing brings it back. */
export function emptyStateFolder(folder: string): void {
  for (const name of readdirSync(folder)) if (name !== LOCK_FILE) rmSync(path.join(folder, name));
}

function refuseHeld(file: string, folder: string, owner: string): void {
  const lock = readLock(file);
  if (lock === null) return; // torn by a crash in mid-write: nobody can be holding it
  if (lock.owner !== owner) {
    throw new StateFolderError(
      `${folder}: it belongs to ${lock.owner}, not to ${owner}; give every replica a --state folder of its own`,
    );
  }
  const isOfThisBoot = (lock.boot ?? null) === null || lock.boot === readBootId();
  if (isOfThisBoot && lock.pid !== process.pid && isAlive(lock.pid)) {
    throw new StateFolderError(
      `${folder}: process ${lock.pid} already runs as ${owner}; stop it first, or give this one another --id and folder`,
    );
  }
}

function readLock(file: string): Lock | null {
  try {
    const lock = JSON.parse(readFileSync(file, 'utf8')) as Partial<Lock>;
    return typeof lock.owner === 'string' && Number.isInteger(lock.pid) ? (lock as Lock) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Linux draws one each time it starts. */
function readBootId(): string | null {
  return existsSync(BOOT_ID_FILE) ? readFileSync(BOOT_ID_FILE, 'utf8').trim() : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
