/**
 * How far apart ticks begin on replicas whose clocks are hours apart and drift by up to 200 ppm, each on a host of its own.
 * The rig and its hosts are those of the soak. What is measured is the moment at which each round clock shows that a tick
 * starts, as the machine's own clock has it; how late the process then wakes up is not in it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeRow, quantiles, showMs } from './figures.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LIMIT_US = 1_000;

/** Whether this machine makes hosts: that takes root and `ip`. */
export function hasHosts() {
  return process.getuid?.() === 0 && spawnSync('ip', ['-V'], { stdio: 'ignore' }).error === undefined;
}

/** { ticks, p50, p99, max }, µs. */
export function measureSkew({ ticks }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-skew-'));
  try {
    const json = path.join(folder, 'skew.json');
    const args = ['run', '--config', 'test/soak/vitest.soak.config.ts', 'test/soak/skew.soak.ts'];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', ...args],
      {
        cwd: ROOT,
        encoding: 'utf8',
        env: { ...process.env, VOTEPLANE_SKEW: JSON.stringify({ ticks, json }) },
      },
    );
    if (status !== 0) throw new Error(`the flight over several hosts failed:\n${stdout}${stderr}`);
    const flight = JSON.parse(readFileSync(json, 'utf8'));
    return { ticks: flight.ticks, ...quantiles(flight.skewsUs) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function reportSkew({ ticks, p50, p99, max }) {
  return [
    makeRow({
      bench: 'round clocks, 6 hosts, ±200 ppm',
      what: 'skew p99',
      value: p99,
      shown: `${showMs(p99)} (p50 ${showMs(p50)}, max ${showMs(max)}, ${ticks} ticks)`,
      limit: LIMIT_US,
      unit: ' µs',
    }),
  ];
}
