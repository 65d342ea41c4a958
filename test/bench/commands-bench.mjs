/**
 * What a command takes in a rig in flight, from an operator's client to its first answer (it is chosen and durable) and
 * until it has taken effect; against three MQTT hops and two flushes by processes that do nothing else. Both are asked at
 * moments that have nothing to do with ticks, in turn, with pauses: what was idle is as slow to begin for both.
 *
 * As a module: `measureCommands({ rounds, times })` and `reportCommands`. As a program, after `npx tsc -b`:
 *   node test/bench/commands-bench.mjs [rounds]
 */
import { fileURLToPath } from 'node:url';
import { formatTable, makeRow, median, quantiles, showMs } from './figures.mjs';
import { makeBenchRig } from './peers/bench-rig.mjs';
import { flyValve } from './peers/flown-rig.mjs';
import { nowUs, sleep } from './peers/load.mjs';
import { startRelay } from './peers/relay.mjs';

/** Ticks of the rig are as far apart. */
const PAUSE_MAX_MS = 50;

/** { first, applied, limit, hops: quantiles in µs; ratio: median over the rounds of first to limit, rounds }. */
export async function measureCommands({ rounds = 3, times = 60 } = {}) {
  const rig = await makeBenchRig();
  const relay = await startRelay(rig);
  const flown = await flyValve();
  try {
    const all = { first: [], applied: [], limit: [], hops: [] };
    const measured = [];
    for (let round = -1; round < rounds; round += 1) {
      const here = { first: [], applied: [], limit: [], hops: [] };
      for (let i = 0; i < times; i += 1) {
        await sleep(Math.random() * PAUSE_MAX_MS);
        const { firstUs, appliedUs } = await flown.ask();
        here.first.push(firstUs);
        here.applied.push(appliedUs);
        await sleep(Math.random() * PAUSE_MAX_MS);
        here.limit.push(await timeUs(() => relay.ask(true)));
        await sleep(Math.random() * PAUSE_MAX_MS);
        here.hops.push(await timeUs(() => relay.ask(false)));
      }
      // The first round only warms up.
      if (round < 0) continue;
      for (const [what, us] of Object.entries(here)) all[what].push(...us);
      const [firstUs, limitUs] = [median(here.first), median(here.limit)];
      measured.push({ firstUs, limitUs, ratio: firstUs / limitUs });
    }
    return {
      ...Object.fromEntries(Object.entries(all).map(([what, us]) => [what, quantiles(us)])),
      ratio: median(measured.map(({ ratio }) => ratio)),
      rounds: measured,
    };
  } finally {
    await flown.stop();
    await relay.stop();
    await rig.remove();
  }
}

async function timeUs(ask) {
  const fromUs = nowUs();
  await ask();
  return nowUs() - fromUs;
}

/** Rows for the report. */
export function reportCommands({ first, applied, limit, hops, ratio }) {
  const bench = 'command to the rig valve in flight';
  const row = (what, us) =>
    makeRow({ bench, what, value: us.p50, shown: `${showMs(us.p50)}, p99 ${showMs(us.p99)}` });
  return [
    row('three hops, p50', hops),
    row('three hops + two flushes, p50', limit),
    row('first answer, p50', first),
    makeRow({
      bench,
      what: 'first answer / hops and flushes',
      value: ratio,
      shown: `${ratio.toFixed(2)} ×`,
      limit: 1.4,
      unit: ' ×',
    }),
    row('in force, p50', applied),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const figures = await measureCommands({ rounds: Number(process.argv[2] ?? 3) });
  console.log(formatTable(reportCommands(figures)));
  process.exit(0);
}
