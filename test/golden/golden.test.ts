/**
 * The golden traces against the code. `VOTEPLANE_UPDATE_GOLDEN=1` writes them anew instead; what has changed is then
 * for whoever commits them to read.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describeDifference } from './compare.js';
import { TRACES } from './traces.js';

const FOLDER = new URL('./', import.meta.url);
const UPDATE = process.env['VOTEPLANE_UPDATE_GOLDEN'] === '1';
const NAMES = Object.keys(TRACES);

function listFiles(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.txt'))
    .sort();
}

describe('golden traces', () => {
  test.each(NAMES)('%s', async (name) => {
    const file = new URL(`${name}.txt`, FOLDER);
    const page = (await (TRACES[name] as (typeof TRACES)[string])()).toString();
    if (UPDATE) writeFileSync(file, page);
    const difference = describeDifference(readFileSync(file, 'utf8'), page);
    if (difference !== null)
      expect.fail(
        `test/golden/${name}.txt is not what the code does now; ${difference}\n\n` +
          'If the new behaviour is right: npm run golden:update, and read the change before you commit it.',
      );
  });

  test('every file has a trace, and every trace a file', () => {
    expect(listFiles()).toEqual(NAMES.map((name) => `${name}.txt`).sort());
  });

  test('the index names every trace once, and nothing else', () => {
    const index = readFileSync(new URL('README.md', FOLDER), 'utf8');
    const named = [...index.matchAll(/\]\(([a-z0-9-]+\.txt)\)/g)].map((match) => match[1]);
    expect(named.sort()).toEqual(listFiles());
  });
});

describe('a difference', () => {
  test('is shown with its line and what surrounds it', () => {
    const text = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', ''].join('\n');
    expect(describeDifference(text, text)).toBeNull();
    expect(describeDifference(text, text.replace('e', 'E\nEE'))?.split('\n')).toEqual([
      'first difference in line 5',
      '    b',
      '    c',
      '    d',
      '  − e',
      '  + E',
      '  + EE',
      '    f',
      '    g',
      '    h',
    ]);
  });

  test('of texts of which one begins with the other is what the longer has more', () => {
    expect(describeDifference('a\nb\nb', 'a\nb')).toContain('  − b');
    expect(describeDifference('a', 'a\nb')).toContain('  + b');
  });
});
