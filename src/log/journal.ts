/** Whether what this process writes goes to journald, which takes a priority in front of each line (sd-daemon(3)). */
import { fstatSync } from 'node:fs';

/** `named` is the device and inode of the stream to the journal, as systemd says it in JOURNAL_STREAM. */
export function isJournal(descriptor: number, named: string | undefined): boolean {
  if (named === undefined) return false;
  const { dev, ino } = fstatSync(descriptor);
  return named === `${dev}:${ino}`;
}

/** The text with the priority of an error before each of its lines. */
export function markError(text: string): string {
  return text.replace(/^/gm, '<3>');
}
