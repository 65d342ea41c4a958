/**
 * A log for machines: one JSON object a line, written by pino. Under journald each line begins with its priority, `<3>` to
 * `<7>`, which journald takes off and files the line under (sd-daemon(3)), so that `journalctl -p warning` works.
 * It never waits for its reader: what does not fit into the buffer is counted and lost, because a disk that is slow to take
 * the journal must not stop a replica.
 */
import { pino } from 'pino';
import type { Log } from '../ports.js';

/** Syslog priorities by pino's numbers for levels. */
const PRIORITIES: Readonly<Record<number, number>> = { 20: 7, 30: 6, 40: 4, 50: 3 };
const INFO_PRIORITY = 6;

/** Text that may wait for its reader. */
const BUFFER_MAX_BYTES = 65_536;

export interface JsonLogOptions {
  /** File descriptor to write to. */
  readonly descriptor: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Puts journald's priority in front of each line. */
  readonly forJournal: boolean;
  /** Monotonic, for every line as `atUs`: the time of day of a board without a battery clock jumps. */
  readonly nowUs: () => number;
}

/** Opens it. What is buffered is written before the process exits, unless a signal kills it. */
export function createJsonLog({ descriptor, level, forJournal, nowUs }: JsonLogOptions): Log {
  const sink = pino.destination({ dest: descriptor, sync: false, maxLength: BUFFER_MAX_BYTES });
  let lost = 0;
  sink.on('drop', () => {
    lost += 1;
  });
  // Nobody is left to be told that the reader of the log is gone.
  sink.on('error', () => {});
  const destination = {
    // Asks pino for `lastLevel`.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write: (line: string): void => {
      sink.write(forJournal ? `<${PRIORITIES[destination.lastLevel] ?? INFO_PRIORITY}>${line}` : line);
    },
  };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => ({ atUs: nowUs() }),
    },
    destination,
  );
  sink.on('drain', () => {
    if (lost === 0) return;
    const lines = lost;
    lost = 0;
    logger.warn({ lost: lines }, `${lines} lines of this log are lost: whoever reads it was too slow`);
  });
  return {
    debug: (text, fields) => logger.debug(fields ?? {}, text),
    info: (text, fields) => logger.info(fields ?? {}, text),
    warn: (text, fields) => logger.warn(fields ?? {}, text),
    error: (text, fields) => logger.error(fields ?? {}, text),
  };
}
