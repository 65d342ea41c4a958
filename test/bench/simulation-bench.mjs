/**
 * How fast the simulator is on one core, n = 4: replica-ticks a second of processor time with the full wire, against
 * what sealing and opening the same messages alone permits in the same run; and with messages passed unencoded. And
 * whether a long run holds more and more. Rates are those of a run whose code is compiled, and of a young one. Processes alternate; each figure is the median over the runs.
 *
 * The limit on the full wire is told as a share of what authenticators permit, and is meant for those of @noble/hashes: 5 000 to 10 000 a
 * second. Node's, which rigs have, take a fifth of the time; both ends of that share with them stand beside it.
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

/** { runs: [{ limit, full, none, noble: { limit, full } }], memory, and medians }. */
export async function measureSimulation({ runs, fullTicks, noneTicks, longTicks }) {
  const done = [];
  for (let run = 0; run < runs; run += 1) {
    const noble = { limit: ask('limit-noble', fullTicks), full: ask('full-noble', fullTicks) };
    const limit = ask('limit', fullTicks);
    const full = ask('full', fullTicks);
    const none = ask('none', noneTicks);
    done.push({ limit, full, none, noble });
    const rates = ({ full: on, limit: of }) => `${Math.round(on.perSecond)} of ${Math.round(of.perSecond)}`;
    console.log(
      `  run ${run + 1} of ${runs}: full wire of what authenticators alone permit ${rates(noble)} (@noble/hashes), ${rates({ full, limit })} (Node), unencoded ${Math.round(none.perSecond)} replica-ticks/s; young ${Math.round(full.youngPerSecond)} and ${Math.round(none.youngPerSecond)}`,
    );
  }
  const of = (read) => median(done.map(read));
  const measureShare = (read) => ({
    ratio: of((run) => read(run).full.perSecond / read(run).limit.perSecond),
    perSecond: of((run) => read(run).full.perSecond),
    limitPerSecond: of((run) => read(run).limit.perSecond),
  });
  return {
    runs: done,
    memory: ask('memory', longTicks),
    noble: measureShare((run) => run.noble),
    node: measureShare((run) => run),
    nonePerSecond: of(({ none }) => none.perSecond),
    youngFullPerSecond: of(({ full }) => full.youngPerSecond),
    youngNonePerSecond: of(({ none }) => none.youngPerSecond),
  };
}

/** Rows of the report. */
export function reportSimulation({
  memory,
  noble,
  node,
  nonePerSecond,
  youngFullPerSecond,
  youngNonePerSecond,
}) {
  const bench = 'simulator, n=4, one core';
  const perSecond = (value) => `${Math.round(value)} /s`;
  const showShare = (share) =>
    `${share.ratio.toFixed(2)} × (${perSecond(share.perSecond)} of ${perSecond(share.limitPerSecond)})`;
  return [
    makeRow({
      bench,
      what: 'replica-ticks, full wire / authenticators alone, of @noble/hashes',
      value: noble.ratio,
      shown: showShare(noble),
      limit: 0.5,
      unit: ' ×',
      least: true,
    }),
    makeRow({
      bench,
      what: "the same with Node's, as rigs have them",
      value: node.ratio,
      shown: `${showShare(node)}; young ${perSecond(youngFullPerSecond)}`,
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
