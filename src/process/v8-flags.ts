/**
 * The V8 flags under which a replica or voter runs on a small board: a young generation of 1 MiB and one thread for the
 * collector. Short collections more often suit a program that makes little garbage and has deadlines.
 */
import { setFlagsFromString } from 'node:v8';

/** Flags that every Node from 20 on takes: what is written into a unit file must outlive an upgrade of Node. */
export const PORTABLE_V8_FLAGS: readonly string[] = [
  '--max-semi-space-size=1',
  '--max-old-space-size=64',
  '--single-threaded-gc',
  '--v8-pool-size=1',
];

/**
 * A tick runs every function a few times only: with its own budget the V8 of Node 20 takes half a minute until the hot
 * ones are compiled, with this one some seconds. V8 12 and later compile after a number of calls and refuse the flag.
 */
const EARLY_COMPILATION = Number.parseInt(process.versions.v8, 10) < 12 ? ['--interrupt-budget=8000'] : [];

export const SMALL_BOARD_V8_FLAGS: readonly string[] = [...PORTABLE_V8_FLAGS, ...EARLY_COMPILATION];

/** Sets from inside what of the flags depends on the version of Node, for a process that was started without. */
export function compileEarly(): void {
  for (const flag of EARLY_COMPILATION) setFlagsFromString(flag);
}

/** No code but what is interpreted, and a young generation that does not grow. */
const SMALL = ['--semi-space-growth-factor=1', '--no-opt', '--no-sparkplug'];

/**
 * Keeps a process small that has little to do, however it was started: 65 MiB instead of 84 for a witness. It counts for what
 * is loaded afterwards.
 */
export function keepSmall(): void {
  for (const flag of SMALL) setFlagsFromString(flag);
}

/** What `--single-threaded-gc` stands for, as flags that may still be set when V8 has begun. */
const COLLECT_ALONE = [
  '--no-parallel-scavenge',
  '--no-concurrent-array-buffer-sweeping',
  '--no-concurrent-marking',
  '--no-concurrent-sweeping',
];

/**
 * For processes that simulate: the collector works in the thread that waits for it. It has little to do there, and its
 * helpers take the cores from other simulations.
 */
export function collectAlone(): void {
  for (const flag of COLLECT_ALONE) setFlagsFromString(flag);
}
