/** Campaign files: what they say, and what is wrong with them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSeedRange, parseSeedRange } from '../../src/campaign/campaign.js';
import { planCampaign } from '../../src/campaign/plan-campaign.js';
import { isCampaignText, readCampaign } from '../../src/campaign/read-campaign.js';
import { loadRig } from '../../src/rig/load-rig.js';
import { ROOT } from '../support/rig-runner.js';
import { makeCampaign } from './fake-campaign.js';

const FOLDER = path.join(ROOT, 'hardware', 'campaigns');
const SHIPPED = readdirSync(FOLDER).filter(
  (name) => name.endsWith('.yaml') && !name.startsWith('kubernetes'),
);

test.each(SHIPPED)('%s can be read and planned', async (name) => {
  const text = readFileSync(path.join(FOLDER, name), 'utf8');
  expect(isCampaignText(text)).toBe(true);
  const read = readCampaign(text, name);
  if (!read.ok) throw new Error(read.mistakes.join('\n'));
  const { rig } = await loadRig(path.join(FOLDER, read.file.rig));
  const { include, exclude, several, network } = read.file;
  const { jobs } = planCampaign(makeCampaign({ include, exclude, several, network }), rig);
  expect(jobs.length).toBeGreaterThan(0);
});

test('the release gives every kind a million ticks', () => {
  const read = readCampaign(readFileSync(path.join(FOLDER, 'release.yaml'), 'utf8'), 'release.yaml');
  expect(read.ok && read.file.ticksPerKind).toBeGreaterThanOrEqual(1e6);
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['campaign:release']).toContain('hardware/campaigns/release.yaml');
});

test('the example of the README holds every key and is sound', () => {
  const readme = readFileSync(path.join(FOLDER, 'README.md'), 'utf8');
  const read = readCampaign(/```yaml\n([^]*?)```/.exec(readme)?.[1] ?? '', 'README.md');
  expect(read).toEqual({
    ok: true,
    file: {
      name: 'example',
      rig: '../rigs/pitch',
      ticks: 1000,
      seeds: { first: 1, last: 20 },
      ticksPerKind: 1000000,
      wire: 'full',
      include: ['crash', 'lie'],
      exclude: [],
      places: 'all',
      several: 3,
      network: { delayUs: 250, jitterUs: 120, loss: 0 },
    },
  });
});

describe('mistakes name file, line and cure', () => {
  test.each([
    [
      'campaign: x\nrig: y\ntick: 5',
      'c.yaml:3:1 "tick" is no key of a campaign. Write what is meant; did you mean "ticks"?',
    ],
    ['campaign: x\nrig: y\nfaults: { include: [lies] }', "c.yaml:3:21 there is no fault 'lies'"],
    ['campaign: x\nrig: y\nseeds: 5..1', 'c.yaml:3:8 5..1 are no seeds'],
    ['campaign: x\nrig: y\nticks: 5', 'c.yaml:3:8 ticks cannot be'],
    ['campaign: x', 'c.yaml:1:1 rig cannot be'],
    ['campaign: x\nrig: y\nnetwork: { delay: 5 }', 'c.yaml:3:19 network.delay cannot be'],
    ['campaign: x\nrig: y\nnetwork: { lag: 5 ms }', 'c.yaml:3:12 "lag" is no key'],
    ['campaign: [', 'c.yaml:1:'],
  ])('%j', (text, mistake) => {
    const read = readCampaign(text, 'c.yaml');
    expect(read.ok ? [] : read.mistakes[0]).toContain(mistake);
  });

  test('any text is read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        readCampaign(text, 'c.yaml');
        readCampaign(`campaign: x\nrig: y\n${text}`, 'c.yaml');
      }),
    );
  });
});

test('seeds are read as they are written', () => {
  expect(parseSeedRange('7')).toEqual({ first: 7, last: 7 });
  expect(parseSeedRange('1..20')).toEqual({ first: 1, last: 20 });
  for (const text of ['', '1..', '2..1', '-1', '1...2', '5000000000', 'a..b'])
    expect(parseSeedRange(text)).toBeNull();
  fc.assert(
    fc.property(fc.nat(), fc.nat(1000), (first, more) => {
      const range = { first, last: first + more };
      expect(parseSeedRange(formatSeedRange(range))).toEqual(range);
    }),
  );
});
