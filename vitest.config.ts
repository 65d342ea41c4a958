import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Three kinds of test: those that need no process, broker or clock of the machine run side by side; those under test/live
 * start real processes and brokers and run one file at a time; those under test/idle only compute, for long, and run on
 * what the live ones leave of the machine (test/run-live.mjs).
 */
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/live/**', 'test/idle/**'],
          testTimeout: 60_000,
          // One less than there are, as by default, would leave half of a machine with two idle.
          maxWorkers: availableParallelism(),
          // Nothing of these outlives a test, so that files may share a process: loading anew is a fifth of their time.
          isolate: false,
        },
      },
      {
        test: {
          name: 'idle',
          include: ['test/idle/**/*.test.ts'],
          fileParallelism: false,
          // Nobody knows what the live ones leave.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          fileParallelism: false,
          // Of tests that say they may run side by side.
          maxConcurrency: 2,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
