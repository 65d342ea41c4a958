/**
 * Every kind of fault on every replica of the pitch rig, simulated, with every byte of the wire and without. No promise
 * may be broken in any of them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { CampaignResult } from '../../src/campaign/result.js';
import { listFaults } from '../../src/faults/catalogue.js';
import { isOfLog, needsBytes } from '../../src/faults/traits.js';
import { ENTRY, ROOT } from '../support/rig-runner.js';

const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-every-fault-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const REPLICAS = ['a', 'b', 'c', 'd'];
const LIMIT_MS = 1_200_000;

test.each([
  { wire: 'full', ticks: 1_000 },
  { wire: 'none', ticks: 10_000 },
] as const)(
  'wire $wire: each kind for $ticks ticks',
  ({ wire, ticks }) => {
    const file = path.join(ROOT, 'hardware', 'campaigns', `replicas-${wire}.yaml`);
    const json = path.join(folder, `${wire}.json`);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        ENTRY,
        'campaign',
        file,
        '--ticks',
        String(ticks),
        '--jobs',
        String(Math.min(4, cpus().length)),
        '--json',
        json,
      ],
      { cwd: folder, encoding: 'utf8' },
    );
    expect(status, `${stdout}\n${stderr}`).toBe(0);
    const { rows, counts } = JSON.parse(readFileSync(json, 'utf8')) as CampaignResult;
    expect(counts).toMatchObject({ failed: 0, broken: 0 });
    const flown = new Map<string, Set<string>>();
    for (const { job, result } of rows) {
      expect(result.figures?.ticks, job.id).toBe(ticks);
      flown.set(job.kind, (flown.get(job.kind) ?? new Set()).add(job.place));
    }
    // Every kind that this world can have has been struck with, at every replica where it strikes one.
    for (const { name, targets } of listFaults()) {
      if (isOfLog(name) || (wire === 'none' && needsBytes(name))) continue;
      const places = flown.get(name) ?? new Set();
      expect(places.size, name).toBeGreaterThan(0);
      if (targets.includes('replica') && !name.startsWith('broker-') && name !== 'replay')
        for (const id of REPLICAS) expect(places, name).toContain(id);
    }
  },
  LIMIT_MS,
);
