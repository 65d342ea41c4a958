/**
 * The log of a command, on standard error; standard output is for results. Readable lines on a terminal and for the
 * process that started this one through a channel, which shows them to people; JSON lines for everybody else.
 */
import { isJournal } from '../log/journal.js';
import { createJsonLog } from '../log/json-log.js';
import { limitRate } from '../log/rate-limited-log.js';
import { createTerminalLog } from '../log/terminal-log.js';
import type { Log } from '../ports.js';
import { readMonotonicUs } from '../process/system-clock.js';

/** From the most to the least talkative. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;
const IGNORE = (): void => {};

/** A log that prints what is at least as grave as `least`, and not too much of one kind. */
export function createStderrLog(least: LogLevel): Log {
  if (least === 'silent') return { debug: IGNORE, info: IGNORE, warn: IGNORE, error: IGNORE };
  const isForPeople = process.stderr.isTTY || process.send !== undefined;
  const written = isForPeople
    ? createTerminalLog((line) => process.stderr.write(line))
    : createJsonLog({
        descriptor: STDERR,
        level: least,
        forJournal: isJournal(STDERR, process.env.JOURNAL_STREAM),
        nowUs: readMonotonicUs,
      });
  const limited = limitRate(written, (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  });
  const from = LOG_LEVELS.indexOf(least);
  const choose = (level: keyof Log): Log[keyof Log] =>
    LOG_LEVELS.indexOf(level) < from ? IGNORE : limited[level];
  return { debug: choose('debug'), info: choose('info'), warn: choose('warn'), error: choose('error') };
}
