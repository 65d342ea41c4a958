/**
 * `npm run bench:peers`: commands of this package against etcd, liferaft and what they are made of, all on this machine
 * and disk, in interleaved rounds of one run. Prints a table; the exit code says whether the benches could run.
 *
 *   npm run bench:peers -- [--quick] [--json FILE] [--only counts,memory,latency,flown,throughput,failover]
 *
 * Other work on the machine makes all figures larger and pairs scatter; `chrt -r 10 npm run bench:peers` keeps it away.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable, makeRow, median, quantiles, showMs } from '../figures.mjs';
import { describeMachine, listVersions } from '../machine.mjs';
import { measureCommands, reportCommands } from '../commands-bench.mjs';
import { CLIENTS, makeBenchRig } from './bench-rig.mjs';
import { measureFailover, startEtcd } from './etcd.mjs';
import { installEtcd, installLibraries } from './install.mjs';
import { runLoad, runSerially } from './load.mjs';
import { measureOrderFailover, startOrder } from './order-rig.mjs';
import { countMessages } from './paxos-memory.mjs';
import { startRelay } from './relay.mjs';
import { startWorker } from './workers.mjs';

const MEMORY_WORKER = fileURLToPath(new URL('./memory-worker.mjs', import.meta.url));
const PARTS = ['counts', 'memory', 'latency', 'flown', 'throughput', 'failover'];

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string', default: PARTS.join(',') },
  },
});
const { quick } = options;
const wanted = new Set(options.only.split(','));
const plan = quick
  ? { rounds: 2, times: 150, loadMs: 1_000, warmupMs: 2_000, kills: 2 }
  : { rounds: 7, times: 400, loadMs: 2_500, warmupMs: 6_000, kills: 10 };

const rows = [];
const results = {};
const failures = [];
const loads = [];

/** One bench; what it throws is told and costs the others nothing. */
async function attempt(name, bench) {
  if (!wanted.has(name)) return;
  console.log(`… ${name}, load average ${os.loadavg()[0].toFixed(1)}`);
  try {
    await bench();
  } catch (error) {
    failures.push({ bench: name, reason: String(error?.stack ?? error) });
    console.log(`  could not run: ${error?.message ?? error}`);
  }
  loads.push(os.loadavg()[0]);
}

const showRate = (perSecond) => `${Math.round(perSecond)}/s`;
const showTimes = (ratio) => `${ratio.toFixed(2)} ×`;
const showLatency = ({ p50, p99 }) => `${showMs(p50)}, p99 ${showMs(p99)}`;

await attempt('counts', async () => {
  results.counts = [];
  const ways = [
    { learning: 'leader-vote', proposesAhead: true },
    { learning: 'leader-vote', proposesAhead: false },
    { learning: 'one-learner', proposesAhead: false },
    { learning: 'votes-to-all', proposesAhead: false },
  ];
  for (const { learning, proposesAhead } of ways) {
    const { delays, kinds, commands } = await countMessages({ learning, proposesAhead });
    const { request = 0, propose = 0, vote = 0, answer = 0, entries = 0 } = kinds;
    const bench = `core, ${proposesAhead ? 'ahead of the vote' : learning}`;
    const untilAnswer = learning === 'one-learner' ? (request + propose + answer) / commands : null;
    const all = (request + propose + vote + answer + entries) / commands;
    const delay = median(delays);
    results.counts.push({ learning, proposesAhead, delay, all, untilAnswer, kinds, commands });
    rows.push(
      makeRow({
        bench,
        what: 'message delays, request to first answer',
        value: delay,
        shown: String(delay),
        limit: learning === 'votes-to-all' ? 4 : 3,
      }),
      makeRow({ bench, what: 'messages a command, beats aside', value: all, shown: all.toFixed(2) }),
    );
    if (untilAnswer === null) continue;
    rows.push(
      makeRow({
        bench,
        what: 'of them on the way to the answer',
        value: untilAnswer,
        shown: untilAnswer.toFixed(2),
        limit: 3,
      }),
    );
  }
});

await attempt('memory', async () => {
  installLibraries();
  const [raft, paxos] = await Promise.all(
    ['liferaft', 'core/paxos'].map((contestant) => startWorker(MEMORY_WORKER, { contestant })),
  );
  const load = (worker, clients, ms) =>
    new Promise((resolve) => {
      worker.listenOnce('loaded', ({ figures }) => resolve(figures));
      worker.send({ kind: 'load', clients, ms });
    });
  try {
    results.memory = [];
    for (const clients of [1, CLIENTS]) {
      const rounds = [];
      for (let round = -1; round < plan.rounds; round += 1) {
        const ms = plan.loadMs / 2;
        const theirs = await load(raft, clients, ms);
        const ours = await load(paxos, clients, ms);
        // The first round only warms up.
        if (round >= 0) rounds.push({ theirs, ours, ratio: ours.perSecond / theirs.perSecond });
      }
      results.memory.push({ clients, rounds });
      const bench = `a process each, in memory, ${clients} client${clients === 1 ? '' : 's'}`;
      const rateOf = (who) => median(rounds.map((round) => round[who].perSecond));
      const ratio = median(rounds.map((round) => round.ratio));
      rows.push(
        makeRow({ bench, what: 'liferaft', value: rateOf('theirs'), shown: showRate(rateOf('theirs')) }),
        makeRow({ bench, what: 'core/paxos', value: rateOf('ours'), shown: showRate(rateOf('ours')) }),
        makeRow({
          bench,
          what: 'core/paxos / liferaft',
          value: ratio,
          shown: showTimes(ratio),
          limit: 1,
          unit: ' ×',
          least: true,
        }),
      );
    }
  } finally {
    await raft.stop();
    await paxos.stop();
  }
});

await attempt('latency', async () => {
  const relayRig = await makeBenchRig();
  const orderRig = await makeBenchRig();
  const relay = await startRelay(relayRig);
  const order = await startOrder(orderRig);
  try {
    await runLoad({ clients: CLIENTS, ask: order.ask, ms: plan.warmupMs });
    await runLoad({ clients: 1, ask: () => relay.ask(), ms: plan.warmupMs });
    const rounds = [];
    const all = { limit: [], hops: [], ours: [] };
    for (let round = 0; round < plan.rounds; round += 1) {
      const limit = await runSerially({ ask: () => relay.ask(true), times: plan.times });
      const hops = await runSerially({ ask: () => relay.ask(false), times: plan.times });
      const ours = await runSerially({ ask: order.ask, times: plan.times });
      all.limit.push(...limit);
      all.hops.push(...hops);
      all.ours.push(...ours);
      rounds.push({ limitUs: median(limit), oursUs: median(ours), ratio: median(ours) / median(limit) });
    }
    const ratio = median(rounds.map((round) => round.ratio));
    const shown = {
      limit: quantiles(all.limit),
      hops: quantiles(all.hops),
      ours: quantiles(all.ours),
    };
    results.latency = { rounds, ratio, ...shown };
    const bench = 'one client, settled leader';
    rows.push(
      makeRow({
        bench,
        what: 'three hops, p50',
        value: shown.hops.p50,
        shown: showLatency(shown.hops),
      }),
      makeRow({
        bench,
        what: 'three hops + two flushes, p50',
        value: shown.limit.p50,
        shown: showLatency(shown.limit),
      }),
      makeRow({
        bench,
        what: 'request to first answer, p50',
        value: shown.ours.p50,
        shown: showLatency(shown.ours),
      }),
      makeRow({
        bench,
        what: 'answer / hops and flushes',
        value: ratio,
        shown: showTimes(ratio),
        limit: 1.4,
        unit: ' ×',
      }),
    );
  } finally {
    await order.stop();
    await relay.stop();
    await orderRig.remove();
    await relayRig.remove();
  }
});

await attempt('flown', async () => {
  results.flown = await measureCommands({ rounds: plan.rounds, times: 50 });
  rows.push(...reportCommands(results.flown));
});

await attempt('throughput', async () => {
  installEtcd();
  const libraries = installLibraries();
  const rig = await makeBenchRig();
  const etcd = await startEtcd(libraries);
  const order = await startOrder(rig);
  try {
    const leader = await etcd.findLeader();
    const ways = ['grpc', 'gateway'].map((transport) => {
      const puts = Array.from({ length: CLIENTS }, () => etcd.openPut(leader, transport));
      return { transport, ask: (client) => puts[client](`key-${client}`) };
    });
    await runLoad({ clients: CLIENTS, ask: order.ask, ms: plan.warmupMs });
    for (const { ask } of ways) await runLoad({ clients: CLIENTS, ask, ms: plan.warmupMs / 2 });
    const rounds = [];
    for (let round = 0; round < plan.rounds; round += 1) {
      const theirs = [];
      for (const { transport, ask } of ways)
        theirs.push({
          transport,
          serialUs: median(await runSerially({ ask, times: plan.times, pauseMs: 0 })),
          load: await runLoad({ clients: CLIENTS, ask, ms: plan.loadMs, warmupMs: 100 }),
        });
      const ours = {
        serialUs: median(await runSerially({ ask: order.ask, times: plan.times, pauseMs: 0 })),
        load: await runLoad({ clients: CLIENTS, ask: order.ask, ms: plan.loadMs, warmupMs: 100 }),
      };
      const theirRate = Math.max(...theirs.map(({ load }) => load.perSecond));
      const theirSerialUs = Math.min(...theirs.map(({ serialUs }) => serialUs));
      rounds.push({
        theirs,
        ours,
        rateRatio: ours.load.perSecond / theirRate,
        serialRatio: ours.serialUs / theirSerialUs,
      });
      console.log(
        `  round ${round + 1} of ${plan.rounds}: ${showRate(ours.load.perSecond)} against ${showRate(theirRate)}, serial ${showMs(ours.serialUs)} against ${showMs(theirSerialUs)}`,
      );
    }
    results.throughput = rounds;
    const etcdOf = (transport, read) =>
      median(rounds.map(({ theirs }) => read(theirs.find((one) => one.transport === transport))));
    const oursOf = (read) => median(rounds.map(({ ours }) => read(ours)));
    const rateRatio = median(rounds.map((round) => round.rateRatio));
    const serialRatio = median(rounds.map((round) => round.serialRatio));
    const many = `${CLIENTS} clients, flush on`;
    const one = 'one client without a pause, p50';
    for (const { transport } of ways) {
      const rate = etcdOf(transport, ({ load }) => load.perSecond);
      const serialUs = etcdOf(transport, (each) => each.serialUs);
      rows.push(
        makeRow({ bench: many, what: `etcd, ${transport}`, value: rate, shown: showRate(rate) }),
        makeRow({ bench: one, what: `etcd, ${transport}`, value: serialUs, shown: showMs(serialUs) }),
      );
    }
    const rate = oursOf(({ load }) => load.perSecond);
    const serialUs = oursOf((each) => each.serialUs);
    rows.push(
      makeRow({ bench: many, what: 'commands', value: rate, shown: showRate(rate) }),
      makeRow({
        bench: many,
        what: 'commands / the faster way to etcd',
        value: rateRatio,
        shown: showTimes(rateRatio),
        limit: 3,
        unit: ' ×',
        least: true,
      }),
      makeRow({ bench: one, what: 'commands', value: serialUs, shown: showMs(serialUs) }),
      makeRow({
        bench: one,
        what: 'commands / the faster way to etcd',
        value: serialRatio,
        shown: showTimes(serialRatio),
        limit: 1,
        unit: ' ×',
      }),
    );
  } finally {
    await order.stop();
    await etcd.stop();
    await rig.remove();
  }
});

await attempt('failover', async () => {
  installEtcd();
  const libraries = installLibraries();
  const rig = await makeBenchRig();
  const etcd = await startEtcd(libraries);
  const order = await startOrder(rig);
  try {
    const theirs = [];
    const ours = [];
    for (let kill = 0; kill < plan.kills; kill += 1) {
      theirs.push(1_000 * (await measureFailover(etcd)));
      ours.push(1_000 * (await measureOrderFailover(order)));
      console.log(
        `  kill ${kill + 1} of ${plan.kills}: ${showMs(ours.at(-1))} against ${showMs(theirs.at(-1))}`,
      );
    }
    results.failover = { theirs, ours };
    const bench = 'leader killed, time to the next answer';
    const show = ({ p50, max }) => `${showMs(p50)}, max ${showMs(max)}`;
    rows.push(
      makeRow({ bench, what: 'etcd, p50', value: median(theirs), shown: show(quantiles(theirs)) }),
      makeRow({
        bench,
        what: 'commands, longest',
        value: Math.max(...ours) / 1_000,
        shown: show(quantiles(ours)),
        limit: 500,
        unit: ' ms',
      }),
    );
  } finally {
    await order.stop();
    await etcd.stop();
    await rig.remove();
  }
});

const machine = describeMachine();
const versions = {
  ...listVersions(),
  etcd: wanted.has('throughput') || wanted.has('failover') ? installEtcd() : null,
};
console.log(
  `\n${machine.cores} × ${machine.model}, ${machine.system}; Node ${versions.node}, etcd ${versions.etcd ?? '–'}; load average ${loads.map((load) => load.toFixed(1)).join(' ')}`,
);
console.log(`\n${formatTable(rows)}\n`);
if (options.json !== undefined) {
  const report = {
    at: new Date().toISOString(),
    quick,
    plan,
    machine,
    versions,
    loads,
    rows,
    results,
    failures,
  };
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
}
for (const { bench, reason } of failures) console.error(`${bench} could not run: ${reason}`);
process.exit(failures.length > 0 ? 1 : 0);
