import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Live tests that ask little of the machine, and whose verdict does not depend on how soon it does that. */
const PATIENT = [
  'test/live/bench/**/*.test.ts',
  'test/live/board/**/*.test.ts',
  'test/live/bridge/**/*.test.ts',
  'test/live/log/**/*.test.ts',
  'test/live/mqtt/external-broker.test.ts',
  'test/live/mqtt/inbox-rules.test.ts',
  'test/live/mqtt/transport.test.ts',
  'test/live/store/**/*.test.ts',
];

/**
 * Four kinds of test: those that need no process, broker or clock of the machine run side by side; those under test/live
 * start real processes and brokers and run one file at a time, but for those that can wait, which run beside them, one at a time
 * too; those under test/idle only compute, for long, and run on what the live ones leave of the machine
 * (test/run-live.mjs).
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
          name: 'patient',
          include: PATIENT,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          exclude: PATIENT,
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
