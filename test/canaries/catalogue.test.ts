/** The canaries fit the source as it is now: each text that a bug takes the place of stands there exactly once. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const RUN = fileURLToPath(new URL('run.mjs', import.meta.url));

test('there are enough of them in every group, and none has drifted', () => {
  const list = spawnSync(process.execPath, [RUN, '--list'], { encoding: 'utf8', timeout: 30_000 });
  expect(list.stderr).toBe('');
  expect(list.status).toBe(0);
  const groups = [...list.stdout.matchAll(/^\S+ {2}\[(\w+)\]/gm)].map(([, group]) => group);
  const count = (group: string): number => groups.filter((one) => one === group).length;
  expect(count('agreement')).toBeGreaterThanOrEqual(8);
  expect(count('voting')).toBeGreaterThanOrEqual(6);
  expect(count('wire')).toBeGreaterThanOrEqual(6);
  expect(count('order')).toBeGreaterThanOrEqual(5);
  expect(count('joining')).toBeGreaterThanOrEqual(5);
  expect(count('store')).toBeGreaterThanOrEqual(8);
  expect(count('harmless')).toBe(3);
  expect(groups.length).toBeGreaterThanOrEqual(35);
});

test.each([
  ['--only', 'no-such', /there is no canary "no-such"; --list names them all/],
  ['--catalogue', 'no-such-folder', /no-such-folder: no catalogue there/],
])('%s %s is refused in words', (option, value, words) => {
  const run = spawnSync(process.execPath, [RUN, option, value], { encoding: 'utf8', timeout: 30_000 });
  expect(run.status).toBe(2);
  expect(run.stderr).toMatch(words);
});
