/** The soak that `run.mjs` asks for. */
import { expect, test } from 'vitest';
import { findMosquitto } from '../support/mosquitto.js';
import { findNamespaces } from '../support/namespaces.js';
import { reportSoak } from './report.js';
import { runSoak, type SoakOptions } from './soak.js';

type Setup = SoakOptions['inboxes'];

const asked = JSON.parse(process.env['VOTEPLANE_SOAK'] ?? '{}') as {
  readonly each?: number;
  readonly inboxes?: Setup | 'both';
};

test('soak', async () => {
  expect(findNamespaces(), 'the soak needs hosts: see above').toBe(true);
  const { each = 2, inboxes = 'both' } = asked;
  const setups: readonly Setup[] =
    inboxes === 'both' ? (findMosquitto() ? ['embedded', 'mosquitto-each'] : ['embedded']) : [inboxes];
  const lines: string[] = [];
  const broken: string[] = [];
  for (const [at, setup] of setups.entries()) {
    const share = Math.floor((each + at) / setups.length);
    if (share === 0) continue;
    const verdict = reportSoak(await runSoak({ each: share, inboxes: setup, onLine: print }));
    lines.push('', ...verdict.lines);
    broken.push(...verdict.broken);
  }
  for (const line of lines) print(line);
  expect(broken).toEqual([]);
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
