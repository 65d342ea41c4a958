import { defineConfig } from 'vitest/config';

/** The unit tests of voter, majority and fusion alone: what a mutant of them is held against. */
export default defineConfig({
  test: {
    include: ['test/core/voting/**/*.test.ts'],
    testTimeout: 20_000,
  },
});
