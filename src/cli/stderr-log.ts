/** A log for people on standard error: one line each, level first, fields behind. Standard output is for results. */
import type { Log } from '../ports.js';

/** From the most to the least talkative. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log that prints what is at least as grave as `least`. */
export function createStderrLog(least: LogLevel): Log {
  const from = LOG_LEVELS.indexOf(least);
  const write = (level: LogLevel, text: string, fields?: Record<string, unknown>): void => {
    if (LOG_LEVELS.indexOf(level) < from) return;
    const behind = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
    process.stderr.write(`${level.padEnd(5)} ${text}${behind}\n`);
  };
  return {
    debug: (text, fields) => write('debug', text, fields),
    info: (text, fields) => write('info', text, fields),
    warn: (text, fields) => write('warn', text, fields),
    error: (text, fields) => write('error', text, fields),
  };
}
