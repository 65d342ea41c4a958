/**
 * The numbers of an operator's requests, in a small file beside his keys. Whoever holds the keys is the client, so the
 * numbers belong where the keys are: a replica keeps a few answers for each operator and nothing for processes that come
 * and go. A number is on disk before the request leaves, and stays marked as open until its answer is known; a process
 * that asks for the same thing after a crash gets the same number, and so the same effect.
 *
 * A file that is lost is begun anew from the time of day, far above all numbers that were given out before.
 */
import { open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Numbers cannot be given out: the file is not what it should be, or cannot be written. */
export class SequenceFileError extends Error {
  override readonly name = 'SequenceFileError';
}

/** A number for a request. */
export interface Numbered {
  readonly sequence: number;
  /** Whether the same thing was asked for under this number before, and no answer is known. */
  readonly isRepeat: boolean;
}

interface Content {
  readonly next: number;
  readonly open: readonly { readonly sequence: number; readonly what: string }[];
}

/** Open requests that are remembered; as many as replicas let an operator have. */
const MAX_OPEN = 4;
const LOCK_WAIT_MS = 20;
const LOCK_TRIES = 150;
/** A lock of a process that died. */
const LOCK_STALE_MS = 10_000;
const MAX_BYTES = 65_536;

/** The file of one operator's keys. */
export class SequenceFile {
  constructor(
    /** Such as `operator.keys.json.sequence`. */
    readonly file: string,
    /** Time of day, ms. */
    private readonly now: () => number = Date.now,
  ) {}

  /** A number for `what`, the same text for the same request. Throws SequenceFileError. */
  take(what: string): Promise<Numbered> {
    return this.change<Numbered>(({ next, open: pending }) => {
      const known = pending.find((one) => one.what === what);
      if (known !== undefined) return [null, { sequence: known.sequence, isRepeat: true }];
      const kept = [...pending, { sequence: next, what }].slice(-MAX_OPEN);
      return [
        { next: next + 1, open: kept },
        { sequence: next, isRepeat: false },
      ];
    });
  }

  /** The answer to a request is known. Throws SequenceFileError. */
  async settle(sequence: number): Promise<void> {
    await this.change(({ next, open: pending }) => [
      { next, open: pending.filter((one) => one.sequence !== sequence) },
      null,
    ]);
  }

  private async change<T>(alter: (content: Content) => readonly [Content | null, T]): Promise<T> {
    const unlock = await this.lock();
    try {
      const [content, result] = alter(await this.read());
      if (content !== null) await this.write(content);
      return result;
    } finally {
      await unlock();
    }
  }

  private async lock(): Promise<() => Promise<void>> {
    const lock = `${this.file}.lock`;
    for (let tries = 0; tries < LOCK_TRIES; tries += 1) {
      try {
        await (await open(lock, 'wx', 0o600)).close();
        return () => unlink(lock);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
          throw new SequenceFileError(
            `${lock} cannot be written (${(error as Error).message}); let the folder of the keys be writable`,
          );
      }
      if (await this.isStale(lock)) await this.remove(lock);
      else await sleep(LOCK_WAIT_MS);
    }
    throw new SequenceFileError(`${lock} is held by another process; wait for it, or remove the file`);
  }

  private async isStale(lock: string): Promise<boolean> {
    try {
      return this.now() - (await stat(lock)).mtimeMs > LOCK_STALE_MS;
    } catch (error) {
      // Released meanwhile.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  private async remove(lock: string): Promise<void> {
    try {
      await unlink(lock);
    } catch (error) {
      // Somebody else was faster.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  private async read(): Promise<Content> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { next: this.now(), open: [] };
      throw new SequenceFileError(
        `${this.file} cannot be read (${(error as Error).message}); mend its permissions`,
      );
    }
    const content = text.length > MAX_BYTES ? null : parseContent(text);
    if (content !== null) return content;
    throw new SequenceFileError(
      `${this.file} is no file of request numbers; remove it, and look at voteplane log for what has taken effect`,
    );
  }

  private async write(content: Content): Promise<void> {
    const temporary = `${this.file}.new`;
    try {
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(content)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.file);
    } catch (error) {
      throw new SequenceFileError(
        `${this.file} cannot be written (${(error as Error).message}); let the folder of the keys be writable`,
      );
    }
  }
}

function parseContent(text: string): Content | null {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return null; // told by the caller, with the cure
  }
  if (typeof raw !== 'object' || raw === null) return null;
  const { next, open: pending } = raw as { readonly next?: unknown; readonly open?: unknown };
  if (!isSequence(next) || !Array.isArray(pending) || pending.length > MAX_OPEN) return null;
  const read: { readonly sequence: number; readonly what: string }[] = [];
  for (const one of pending as readonly unknown[]) {
    if (typeof one !== 'object' || one === null) return null;
    const { sequence, what } = one as { readonly sequence?: unknown; readonly what?: unknown };
    if (!isSequence(sequence) || sequence >= next || typeof what !== 'string') return null;
    read.push({ sequence, what });
  }
  return { next, open: read };
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
