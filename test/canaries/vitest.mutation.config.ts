import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** A mutant is done with at its first failing test: properties, which take long, come after all else. */
class PropertiesLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification): number => Number(moduleId.includes('-properties'));
    return (await super.sort(files)).sort((a, b) => isSlow(a) - isSlow(b));
  }
}

/** The unit tests of voter, majority and fusion alone: what a mutant of them is held against. */
export default defineConfig({
  test: {
    include: ['test/core/voting/**/*.test.ts'],
    sequence: { sequencer: PropertiesLast },
    testTimeout: 60_000,
  },
});
