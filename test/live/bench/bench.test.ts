/** The bench runs to its end and reports what it is there to report; how fast the machine is, is no matter of a test. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const BENCH = fileURLToPath(new URL('../../bench/bench.mjs', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'voteplane-bench-test-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  readonly failures: readonly unknown[];
  readonly machine: { readonly cores: number; readonly loadAverage: readonly number[] };
  readonly versions: { readonly node: string };
  readonly rows: readonly { readonly what: string; readonly value: number; readonly mark: string }[];
  readonly results: {
    readonly exchange: readonly {
      readonly n: number;
      readonly ratio: number;
      readonly pairs: readonly {
        readonly ratio: number;
        readonly flight: { readonly ticks: number; readonly output: { readonly p50: number } };
        readonly raw: { readonly exchange: { readonly p50: number } };
      }[];
    }[];
    readonly simulation: {
      readonly noble: { readonly ratio: number };
      readonly node: { readonly ratio: number; readonly perSecond: number };
      readonly nonePerSecond: number;
      readonly runs: readonly {
        readonly full: { readonly perSecond: number };
        readonly limit: { readonly perSecond: number };
      }[];
    };
    readonly store: { readonly serialBytes: number; readonly groupBytes: number };
    readonly share: { readonly executiveShare: number; readonly lawUs: number };
  };
}

test('bench --quick: a table with the promised rows, and all of it as JSON', () => {
  const file = path.join(folder, 'bench.json');
  const args = [
    '--quick',
    '--only',
    'wire,exchange,share,simulation,store',
    '--brokers',
    'embedded',
    '--json',
    file,
  ];
  const run = spawnSync(process.execPath, [BENCH, ...args], { encoding: 'utf8', timeout: 400_000 });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  expect(report.failures).toEqual([]);
  expect(report.machine.cores).toBeGreaterThan(0);
  expect(report.versions.node).toBe(process.versions.node);

  const [main] = report.results.exchange;
  const [pair] = main?.pairs ?? [];
  expect(main).toMatchObject({ n: 4, ratio: pair?.ratio });
  expect(pair?.flight.ticks).toBeGreaterThan(50);
  expect(pair?.ratio).toBeCloseTo((pair?.flight.output.p50 ?? 0) / (pair?.raw.exchange.p50 ?? 0), 2);
  expect(report.results.share.executiveShare).toBeGreaterThan(0);
  expect(report.results.share.lawUs).toBeGreaterThan(0);

  const limited = report.rows.filter(({ mark }) => mark !== '').map(({ what }) => what);
  expect(limited).toEqual([
    'sample → output / raw exchange',
    'sample → output / the same over aedes and MQTT.js as they come',
    'agreement p50, p99',
    'ticks with an output',
    'a replica: processor, of one core',
    'a replica: memory, largest',
    'replica-ticks, full wire / authenticators alone, of @noble/hashes',
    'replica-ticks, messages unencoded',
    'heap held after 20000 ticks / after a tenth of them',
  ]);
  const { simulation } = report.results;
  const [run1] = simulation.runs;
  expect(simulation.node.ratio).toBeCloseTo((run1?.full.perSecond ?? 0) / (run1?.limit.perSecond ?? 0), 5);
  expect(simulation.noble.ratio).toBeGreaterThan(simulation.node.ratio);
  expect(simulation.nonePerSecond).toBeGreaterThan(simulation.node.perSecond);
  const { store } = report.results;
  expect(store.serialBytes).toBeGreaterThanOrEqual(4096);
  // Sixteen writers share what one has to itself.
  expect(store.groupBytes).toBeLessThan(store.serialBytes / 2);
  for (const { what, value } of report.rows) {
    expect(Number.isFinite(value), what).toBe(true);
    expect(run.stdout).toContain(what);
  }
}, 420_000);
