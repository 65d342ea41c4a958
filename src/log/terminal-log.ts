/** A log for people at a terminal: one line each, level first, fields behind. */
import type { Log } from '../ports.js';

/** A log that hands readable lines, each with its line end, to `write`. */
export function createTerminalLog(write: (line: string) => void): Log {
  const put = (level: keyof Log, text: string, fields?: Record<string, unknown>): void => {
    const behind = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
    write(`${level.padEnd(5)} ${text}${behind}\n`);
  };
  return {
    debug: (text, fields) => put('debug', text, fields),
    info: (text, fields) => put('info', text, fields),
    warn: (text, fields) => put('warn', text, fields),
    error: (text, fields) => put('error', text, fields),
  };
}
