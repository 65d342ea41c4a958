/** Something that whoever typed the command can mend; the message names the place and the cure. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Exit code of usage and rig errors. */
export const EXIT_USAGE = 2;
