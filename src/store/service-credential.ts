/**
 * Files that systemd hands to one service (LoadCredential=): below $CREDENTIALS_DIRECTORY, out of reach of other users whatever
 * their own mode says. Where the service's user may read one through an access list, the group bits show the list's mask,
 * and the mode is 0440 although no group can read it.
 */
import type { Stats } from 'node:fs';
import path from 'node:path';

const ROOT = 0;
/** Anything beyond reading by owner and, as the mask of an access list, group. */
const BEYOND_CREDENTIAL = 0o337;

/** Whether `file` is such a file: directly in the folder, root's own, and for reading only. */
export function isServiceCredential(
  file: string,
  status: Pick<Stats, 'uid' | 'mode'>,
  folder: string | undefined,
): boolean {
  return (
    folder !== undefined &&
    path.isAbsolute(folder) &&
    path.dirname(path.resolve(file)) === path.resolve(folder) &&
    status.uid === ROOT &&
    (status.mode & BEYOND_CREDENTIAL) === 0
  );
}
