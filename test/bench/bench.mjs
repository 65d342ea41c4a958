/**
 * `npm run bench`: everything that is promised in numbers, measured on this machine. Prints a table, and all runs as
 * JSON where asked to. The exit code says whether the benches could run, not whether the figures please.
 *
 *   npm run bench -- [--quick] [--json FILE] [--only exchange,rate,wire,share,simulation,skew,store,commands] [--pairs N] [--n 3,4,7] [--brokers embedded,mosquitto] [--warmup SECONDS]
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureCommands, reportCommands } from './commands-bench.mjs';
import { measureCase, reportCase } from './exchange-bench.mjs';
import { formatTable, makeRow, median } from './figures.mjs';
import { fly } from './flight.mjs';
import { describeMachine, listVersions } from './machine.mjs';
import { hasMosquitto } from './mqtt-bench.mjs';
import { findLargestRate, reportRate } from './rate-bench.mjs';
import { deriveShare, measureLaw, reportShare } from './share-bench.mjs';
import { measureSimulation, reportSimulation } from './simulation-bench.mjs';
import { hasHosts, measureSkew, reportSkew } from './skew-bench.mjs';
import { measureStore, reportStore } from './store-bench.mjs';
import { run as runWire } from './wire-bench.mjs';

const PITCH_50HZ = fileURLToPath(new URL('../../hardware/rigs/pitch-50hz', import.meta.url));
const PITCH_50HZ_PERIOD_US = 20_000;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string', default: 'exchange,rate,wire,share,simulation,skew,store,commands' },
    pairs: { type: 'string' },
    n: { type: 'string' },
    brokers: { type: 'string' },
    warmup: { type: 'string' },
  },
});
const { quick } = options;
const wanted = new Set(options.only.split(','));
const plan = {
  pairs: Number(options.pairs ?? (quick ? 1 : 5)),
  sizes: (options.n ?? (quick ? '4' : '3,4,7')).split(',').map(Number),
  brokers: (options.brokers ?? 'embedded,mosquitto').split(','),
  exchange: { measureMs: quick ? 2000 : 4000 },
  rate: quick
    ? { warmupMs: 1000, probeMs: 1000, holdMs: 3000 }
    : { warmupMs: 5000, probeMs: 3000, holdMs: 30_000 },
};

/** How long flights and exchanges have gone on when they are measured, ms: where there are limits, until code is compiled. */
function warmupMs(n, broker) {
  if (options.warmup !== undefined) return 1000 * Number(options.warmup);
  if (quick) return 2000;
  return n === 4 && broker === 'embedded' ? 30_000 : 3000;
}

const machine = describeMachine();
const versions = listVersions();
console.log(
  `${machine.cores} × ${machine.model}, ${machine.memoryMiB} MiB, ${machine.system}; Node ${versions.node}; load average ${machine.loadAverage.join(' ')}`,
);
if (!machine.isIdle)
  console.log('warning: the machine is not idle; times are longer for it, and only the ratios say something');

const rows = [];
const results = {};
const failures = [];

/** One bench; what it throws is told and costs the others nothing. */
async function attempt(name, bench) {
  if (!wanted.has(name.split(' ')[0])) return;
  console.log(`… ${name}`);
  try {
    await bench();
  } catch (error) {
    failures.push({ bench: name, reason: String(error?.stack ?? error) });
    console.log(`  could not run: ${error?.message ?? error}`);
  }
}

await attempt('wire', () => {
  const wire = runWire(quick ? { runs: 3, times: 500 } : {});
  results.wire = wire;
  const { sealToHmac, openToHmac } = wire.ratios;
  const us = (name) => `${wire.medianUs[name].toFixed(1)} µs`;
  const bench = `round message of ${wire.payloadBytes} bytes`;
  const of = (what, name, ratio) =>
    makeRow({ bench, what, value: ratio, shown: `${ratio.toFixed(2)} × (${us(name)})` });
  rows.push(
    makeRow({ bench, what: 'bare HMAC-SHA256', value: wire.medianUs.hmac, shown: us('hmac') }),
    of('encode + authenticate / HMAC', 'encode+authenticate', sealToHmac),
    of('verify + decode / HMAC', 'verify+decode', openToHmac),
  );
});

await attempt('store', async () => {
  results.store = await measureStore(quick ? { rounds: 3, times: 50 } : {});
  rows.push(...reportStore(results.store));
});

await attempt('commands', async () => {
  results.commands = await measureCommands(quick ? { rounds: 1, times: 30 } : { rounds: 2, times: 40 });
  rows.push(...reportCommands(results.commands));
});

results.exchange = [];
for (const n of plan.sizes) {
  for (const broker of plan.brokers) {
    await attempt(`exchange n=${n} ${broker}`, async () => {
      if (broker === 'mosquitto' && !hasMosquitto()) {
        console.log('  mosquitto is not installed: left out (Debian: apt-get install mosquitto)');
        return;
      }
      const result = await measureCase({
        n,
        broker,
        pairs: plan.pairs,
        ...plan.exchange,
        warmupMs: warmupMs(n, broker),
        onPair: (done) => {
          const { flight, raw, ratio } = done[done.length - 1];
          console.log(
            `  pair ${done.length} of ${plan.pairs}: ${flight.output.p50} µs against ${raw.exchange.p50} µs, ${ratio.toFixed(2)} ×`,
          );
        },
      });
      results.exchange.push(result);
      rows.push(...reportCase(result));
    });
  }
}

await attempt('share', async () => {
  const main = results.exchange.find(({ n, broker }) => n === 4 && broker === 'embedded');
  const flights = main?.pairs.map(({ flight }) => flight) ?? [await fly(PITCH_50HZ)];
  results.share = deriveShare({
    periodUs: PITCH_50HZ_PERIOD_US,
    cpuPercent: median(flights.map(({ replica }) => replica.cpuPercent)),
    lawUs: await measureLaw(PITCH_50HZ),
  });
  rows.push(...reportShare(results.share));
});

await attempt('simulation', async () => {
  results.simulation = await measureSimulation(
    quick
      ? { runs: 1, fullTicks: 6_000, noneTicks: 30_000, longTicks: 20_000 }
      : { runs: 5, fullTicks: 20_000, noneTicks: 160_000, longTicks: 1_000_000 },
  );
  rows.push(...reportSimulation(results.simulation));
});

await attempt('skew', () => {
  if (!hasHosts()) {
    console.log('  needs root and "ip", for hosts: left out (Debian: apt-get install iproute2)');
    return;
  }
  results.skew = measureSkew({ ticks: quick ? 200 : 1_200 });
  rows.push(...reportSkew(results.skew));
});

await attempt('rate', async () => {
  results.rate = await findLargestRate({
    ...plan.rate,
    onProbe: ({ hz, ms, late }) =>
      console.log(`  ${hz} Hz for ${ms / 1000} s: ${(100 * late).toFixed(2)} % late`),
  });
  rows.push(...reportRate(results.rate));
});

console.log(`\n${formatTable(rows)}\n`);
if (options.json !== undefined) {
  const report = { at: new Date().toISOString(), quick, plan, machine, versions, rows, results, failures };
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
}
for (const { bench, reason } of failures) console.error(`${bench} could not run: ${reason}`);
process.exitCode = failures.length > 0 ? 1 : 0;
