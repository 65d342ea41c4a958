/** The canaries' own detector: it finds seeded bugs, leaves what is harmless alone, and says so where it does not. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const RUN = fileURLToPath(new URL('../canaries/run.mjs', import.meta.url));
/** Some twenty seconds of work; a machine with more to do takes its time. */
const LIMIT_MS = 400_000;
const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-canaries-test-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: readonly string[]) {
  return spawnSync(process.execPath, [RUN, ...args], { encoding: 'utf8', timeout: LIMIT_MS });
}

/** A catalogue with one group of one canary. */
function writeCatalogue(name: string, group: string, find: string, replace: string): string {
  const catalogue = path.join(folder, name);
  mkdirSync(catalogue);
  const canary = {
    id: name,
    title: 'half is enough',
    file: 'src/core/voting/majority.ts',
    find,
    replace,
    why: 'of a test',
    detect: { tests: ['test/core/voting/majority.test.ts'] },
  };
  // JSON is YAML.
  writeFileSync(path.join(catalogue, `${group}.yaml`), JSON.stringify([canary]));
  return catalogue;
}

const MAJORITY = 'return Math.floor(electorate / 2) + 1;';

test(
  'a sample, one bug of each group: all caught, and the refactoring left alone',
  () => {
    const { stdout, stderr, status } = run('--sample');
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([
      '1/1 harmless refactorings left alone',
      '10/10 caught',
    ]);
    for (const group of ['agreement', 'joining', 'order', 'voting', 'wire'])
      expect(stdout).toMatch(new RegExp(`  ${group} .* s  (simulator|test): `));
    expect(status).toBe(0);
  },
  LIMIT_MS,
);

test('a bug that nothing catches is named, and fails', () => {
  const equal = 'return 1 + Math.floor(electorate / 2);';
  const { stdout, status } = run('--catalogue', writeCatalogue('unseen', 'voting', MAJORITY, equal));
  expect(stdout).toContain('not caught: unseen. of a test');
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('0/1 caught');
  expect(status).toBe(1);
});

test('a refactoring that is none is named, and fails', () => {
  const half = 'return Math.ceil(electorate / 2);';
  const { stdout, status } = run('--catalogue', writeCatalogue('blamed', 'harmless', MAJORITY, half));
  expect(stdout).toMatch(/harmless, and yet: blamed, test: majority\.test\.ts: of 2 it takes 2/);
  expect(stdout).toContain('0/1 harmless refactorings left alone');
  expect(status).toBe(1);
});

test.each([
  ['gone', 'return electorate;', '0 times'],
  ['ambiguous', 'electorate', '8 times'],
])('a text that is %s in the source is told before anything is run', (name, find, times) => {
  const { stderr, status } = run('--catalogue', writeCatalogue(name, 'voting', find, 'x'));
  expect(stderr).toContain(
    `canary ${name}: src/core/voting/majority.ts holds its text ${times} instead of once`,
  );
  expect(status).toBe(2);
});
