/**
 * Notices that a process's key file was replaced and reads it, while the process runs: at a low rate by its status, and at
 * once on SIGHUP where no terminal could have sent that. A file that cannot be used changes nothing: the process goes on with the keys that it has, says once what
 * is wrong, and looks again; so a file caught half written is read when it is whole. It must never end the process.
 */
import { stat } from 'node:fs/promises';
import type { Log } from '../ports.js';
import type { PrincipalKeys } from '../wire/keys.js';

export interface KeyWatchParts {
  readonly file: string;
  /** Reads and checks it; rejects with words for people. */
  readonly load: () => Promise<PrincipalKeys>;
  readonly log: Log;
  /** Between looks, ms; for tests. */
  readonly intervalMs?: number;
}

export interface KeyWatch {
  /** Begins to look. `onKeys`: another file was read; also where it holds the same keys. */
  start(onKeys: (keys: PrincipalKeys) => void): void;
  /** Looks now; resolves when what it found has been handed on or told. */
  look(): Promise<void>;
  close(): void;
}

/** Between looks, ms: one status call each. */
const INTERVAL_MS = 1_000;

/** A watch of the file as it is now, to be made before it is read; whatever comes later is another. */
export async function openKeyWatch(parts: KeyWatchParts): Promise<KeyWatch> {
  const { file, load, log, intervalMs = INTERVAL_MS } = parts;
  let seen = await readMark(file);
  let onKeys: (keys: PrincipalKeys) => void = () => {};
  let timer: NodeJS.Timeout | null = null;
  let told = '';
  let isClosed = false;
  let looking: Promise<void> | null = null;

  const tell = (text: string): void => {
    if (text !== told) log.error(`the keys stay as they are: ${text}`);
    told = text;
  };
  const inspect = async (isAsked: boolean): Promise<void> => {
    const mark = await readMark(file);
    if (mark === null) {
      tell(`${file}: the key file is gone; put the newest there`);
      return;
    }
    if (mark === seen && !isAsked) return;
    try {
      const keys = await load();
      if (isClosed) return;
      // What is written meanwhile has another mark and is read at the next look.
      seen = mark;
      told = '';
      onKeys(keys);
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error));
    }
  };
  const look = (isAsked: boolean): Promise<void> => {
    looking ??= inspect(isAsked).finally(() => {
      looking = null;
    });
    return looking;
  };
  const onHangUp = (): void => void look(true);
  return {
    start: (handler) => {
      onKeys = handler;
      timer = setInterval(() => void look(false), intervalMs);
      timer.unref();
      // A terminal that is closed says so by the same signal, and ends what was started in it.
      if (!process.stdin.isTTY) process.on('SIGHUP', onHangUp);
    },
    look: () => look(true),
    close: () => {
      isClosed = true;
      if (timer !== null) clearInterval(timer);
      process.off('SIGHUP', onHangUp);
    },
  };
}

/** What changes with every replacement of the file; null where there is none. */
async function readMark(file: string): Promise<string | null> {
  try {
    const { ino, size, mtimeNs, ctimeNs, mode } = await stat(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs} ${mode}`;
  } catch {
    return null; // Told by whoever looks.
  }
}
