import { defineConfig } from 'vitest/config';

/** What `run.mjs` runs: the soak is written with the tools of the tests, and is as long as it is. */
export default defineConfig({
  test: {
    include: ['test/soak/*.soak.ts'],
    reporters: ['minimal'],
    disableConsoleIntercept: true,
    testTimeout: 24 * 3_600_000,
    hookTimeout: 60_000,
  },
});
