/**
 * How fast the simulator is on one core, n = 4: replica-ticks a second of processor time with the full wire, against
 * what sealing and opening the same messages alone permits in the same run; and with messages passed unencoded. And
 * whether a long run holds more and more. Both rates are those of a run whose code is compiled, and of a young one. Processes alternate; each figure is the median over the runs.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { makeRow, median } from './figures.mjs';

const WORKER = fileURLToPath(new URL('./simulation-worker.mjs', import.meta.url));
/** A young generation of this size costs a simulation the least; campaigns give it to their threads too. */
const FLAGS = ['--expose-gc', '--max-semi-space-size=64'];

function ask(what, ticks) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...FLAGS, WORKER, what, String(ticks)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`simulation-worker ${what} ended with code ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

/** { runs: [{ limit, full, none }], memory, ratio, fullPerSecond, nonePerSecond }. */
export async function measureSimulation({ runs, fullTicks, noneTicks, longTicks }) {
  const done = [];
  for (let run = 0; run < runs; run += 1) {
    const limit = ask('limit', fullTicks);
    const full = ask('full', fullTicks);
    const none = ask('none', noneTicks);
    done.push({ limit, full, none });
    console.log(
      `  run ${run + 1} of ${runs}: ${Math.round(full.perSecond)} on the full wire, authenticators alone ${Math.round(limit.perSecond)}, unencoded ${Math.round(none.perSecond)} replica-ticks/s; young ${Math.round(full.youngPerSecond)} and ${Math.round(none.youngPerSecond)}`,
    );
  }
  return {
    runs: done,
    memory: ask('memory', longTicks),
    ratio: median(done.map(({ limit, full }) => full.perSecond / limit.perSecond)),
    fullPerSecond: median(done.map(({ full }) => full.perSecond)),
    limitPerSecond: median(done.map(({ limit }) => limit.perSecond)),
    nonePerSecond: median(done.map(({ none }) => none.perSecond)),
    youngFullPerSecond: median(done.map(({ full }) => full.youngPerSecond)),
    youngNonePerSecond: median(done.map(({ none }) => none.youngPerSecond)),
  };
}

/** Rows of the report. */
export function reportSimulation({
  memory,
  ratio,
  fullPerSecond,
  limitPerSecond,
  nonePerSecond,
  youngFullPerSecond,
  youngNonePerSecond,
}) {
  const bench = 'simulator, n=4, one core';
  const perSecond = (value) => `${Math.round(value)} /s`;
  return [
    makeRow({
      bench,
      what: 'replica-ticks, full wire / authenticators alone',
      value: ratio,
      shown: `${ratio.toFixed(2)} × (${perSecond(fullPerSecond)} of ${perSecond(limitPerSecond)}; young ${perSecond(youngFullPerSecond)})`,
      limit: 0.5,
      unit: ' ×',
      least: true,
    }),
    makeRow({
      bench,
      what: 'replica-ticks, messages unencoded',
      value: nonePerSecond,
      shown: `${perSecond(nonePerSecond)} (young ${perSecond(youngNonePerSecond)})`,
      limit: 40_000,
      stretch: 100_000,
      unit: ' /s',
      least: true,
    }),
    makeRow({
      bench,
      what: `heap held after ${memory.ticks} ticks / after a tenth of them`,
      value: memory.lateMiB / memory.earlyMiB,
      shown: `${(memory.lateMiB / memory.earlyMiB).toFixed(2)} × (${memory.lateMiB.toFixed(1)} MiB)`,
      limit: 1.1,
      unit: ' ×',
    }),
  ];
}
