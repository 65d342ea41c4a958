/** What commands that fly have in common: lengths, seeds, and the file for the figures. */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { UsageError } from './usage-error.js';

const MAX_TICKS = 100_000_000;

/** A length in ticks. Throws InvalidArgumentError. */
export function parseTicks(text: string): number {
  const ticks = Number(text);
  if (!Number.isInteger(ticks) || ticks < 1 || ticks > MAX_TICKS) {
    throw new InvalidArgumentError(`Give a whole number from 1 to ${MAX_TICKS}.`);
  }
  return ticks;
}

/** A seed of 32 bits. Throws InvalidArgumentError. */
export function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new InvalidArgumentError('Give a whole number from 0 to 4294967295.');
  }
  return seed;
}

/**
 * Opens the file of `option` before anything is flown: one that cannot be written is told at once. Rejects with
 * UsageError.
 */
export async function openReport(
  file: string,
  option = '--json',
): Promise<{ write(text: string): Promise<void> }> {
  const handle = await open(file, 'w').catch((error: unknown) => {
    throw new UsageError(`${option} ${file}: ${error instanceof Error ? error.message : String(error)}`);
  });
  return {
    write: async (text) => {
      await handle.writeFile(text);
      await handle.close();
    },
  };
}

/** This package's version. */
export function readVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
