/** Smaller rigs for a failure. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { deriveSmallerRigs, relocateRig } from '../../src/campaign/smaller-rig.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { parseRig } from '../../src/rig/parse-rig.js';
import { ROOT } from '../support/rig-runner.js';
import { SOUND_RIG } from '../rig/rig-folder.js';

const RIGS = path.join(ROOT, 'hardware', 'rigs');
const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-smaller-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const textOf = (name: string): string => readFileSync(path.join(RIGS, name, 'rig.yaml'), 'utf8');

function describeRigs(texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    const parsed = parseRig(text, 'rig.yaml');
    if (!parsed.ok) throw new Error(text);
    const { hypothesis, replicas, sensors } = parsed.rig;
    const f = hypothesis.kind === 'none' ? 0 : hypothesis.f;
    return `${replicas.map(({ id }) => id).join('')} f=${f} ${sensors.map(({ id, channel }) => `${id}:${channel}`).join(' ')}`;
  });
}

describe('fewer replicas', () => {
  test('seven become four to six, with as many faulty ones as that permits', () => {
    const smaller = deriveSmallerRigs(textOf('seven'), { ids: new Set(), sensors: null });
    expect(describeRigs(smaller)).toEqual([
      'abcd f=1 pitch:0 rate:1',
      'abcde f=1 pitch:0 rate:1',
      'abcdef f=1 pitch:0 rate:1',
    ]);
  });

  test('whom a fault names stays', () => {
    const smaller = deriveSmallerRigs(textOf('seven'), { ids: new Set(['g', 'e']), sensors: null });
    expect(describeRigs(smaller)[0]).toBe('abeg f=1 pitch:0 rate:1');
  });

  test('four with one liar are as few as can be', () => {
    expect(deriveSmallerRigs(textOf('pitch'), { ids: new Set(), sensors: null })).toEqual([]);
  });
});

test('sensors that the law does not read go, and the others keep their channels', () => {
  const text = SOUND_RIG.replace(
    '  pitch: {',
    '  spare: { unit: deg, range: [0, 1], spread: 1 }\n  pitch: {',
  );
  const smaller = deriveSmallerRigs(text, { ids: new Set(), sensors: ['pitch', 'gear'] });
  expect(describeRigs(smaller)).toEqual(['abcd f=1 pitch:1 gear:2']);
  expect(deriveSmallerRigs(text, { ids: new Set(['spare']), sensors: ['pitch', 'gear'] })).toEqual([]);
  expect(deriveSmallerRigs(text, { ids: new Set(), sensors: null })).toEqual([]);
});

test('a smaller rig that is written elsewhere finds its law and its profile', async () => {
  const [smallest = ''] = deriveSmallerRigs(textOf('seven'), { ids: new Set(), sensors: null });
  const from = path.join(RIGS, 'seven');
  const to = path.join(folder, 'x', 'y');
  mkdirSync(to, { recursive: true });
  writeFileSync(path.join(to, 'rig.yaml'), relocateRig(smallest, from, to));
  const [here, there] = [await loadRig(to), await loadRig(from)];
  expect(here.rig.replicas).toHaveLength(4);
  expect(here.digests.law).toEqual(there.digests.law);
  const profile = String(here.rig.plant?.parameters['profile']);
  expect(path.resolve(here.folder, profile)).toBe(path.join(RIGS, 'pitch', 'profile.ts'));
});
